// Walks of the open routes of a shard, list by list and page by page.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/reference/catalogue.h"
#include "common/store/store.h"
#include "motcua/routing/v1/route.pb.h"
#include "services/routing/calls/route_reader.h"

namespace motcua::routing {

// Whose sizes are asked for at once: a thousand commands, with four boxes each.
inline constexpr size_t kListsAtOnce = 250;

// The lists in a shard of agencies that have ended by that day and were succeeded; of all agencies. By
// agency.
Lists ListsOfSucceeded(const std::string& shard, const reference::Catalogue& catalogue, absl::CivilDay day);
Lists ListsOfAll(const std::string& shard, const reference::Catalogue& catalogue);

// Part of the lists.
Lists Some(const Lists& lists, size_t first);

// The indexes of these boxes that have anything.
std::vector<std::string> Filled(const Lists& lists, const std::vector<BoxSizes>& sizes,
                                const std::vector<v1::Box>& boxes);

// A page of a list.
class RoutePage {
 public:
  RoutePage() {}

  std::vector<v1::Route> routes;
  // Records that cannot be read: their dossiers.
  std::vector<std::string> unreadable;
  // Empty on the last page.
  std::string next;
};

// What comes after `token` in a list of the shard, with the routes as they are stored: a hundred at most, two
// trips.
async::Task<absl::StatusOr<RoutePage>> ReadRoutes(store::Store& store, std::string shard, std::string index,
                                                  std::string token, absl::Time deadline);

}  // namespace motcua::routing
