// What readers ask of routes: one, an inbox, a ledger, a history, the figures.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/service/agency_lists.h"
#include "common/store/store.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::routing {

// Lists of agencies, each in a shard.
using Lists = std::vector<service::AgencyLists>;

// All boxes of an inbox.
inline constexpr std::array<v1::Box, 4> kBoxes = {v1::BOX_HELD, v1::BOX_OFFERED, v1::BOX_CONSULTED,
                                                  v1::BOX_WAITING};
using BoxSizes = std::array<uint64_t, kBoxes.size()>;

// Reads what is committed, never a part of a change. Confined to the loop of the store, which outlives it.
// Errors: NOT_FOUND (DOSSIER_NOT_FOUND), DATA_LOSS (CORRUPT_RECORD), the store's.
class RouteReader {
 public:
  static constexpr uint32_t kDefaultPage = 50;

  explicit RouteReader(store::Store& store) : store_(store) {}

  // With its version.
  async::Task<absl::StatusOr<v1::Route>> Load(std::string dossier, absl::Time deadline) const;

  // The box as it is in all these lists together: see service::ListsOf. Two round trips, whatever the box
  // holds, and one more where there are several lists. Default page: 50, at most 200. Errors:
  // INVALID_ARGUMENT (BAD_PAGE_TOKEN).
  async::Task<absl::StatusOr<v1::ListInboxResponse>> Inbox(v1::ListInboxRequest request, Lists lists,
                                                           absl::Time deadline, size_t* bytes) const;

  // Sizes of the four boxes of each of these lists, in the order of kBoxes: so many trips as there are
  // shards.
  async::Task<absl::StatusOr<std::vector<BoxSizes>>> Sizes(Lists lists, absl::Time deadline) const;

  async::Task<absl::StatusOr<common::v1::History>> History(std::string dossier, absl::Time deadline) const;

  async::Task<absl::StatusOr<v1::GetStatisticsResponse>> Statistics(std::string shard,
                                                                    absl::Time deadline) const;

 private:
  async::Task<absl::StatusOr<internal::routing::RouteRecord>> LoadRecord(std::string dossier,
                                                                         absl::Time deadline) const;
  // Records in the order of the dossiers, those of a shard in one trip; nullopt = absent.
  using Stored = std::vector<std::optional<std::string>>;
  async::Task<absl::StatusOr<Stored>> StoredRecords(const std::vector<std::string>* dossiers,
                                                    absl::Time deadline) const;

  store::Store& store_;
};

}  // namespace motcua::routing
