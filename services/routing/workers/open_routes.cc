#include "services/routing/workers/open_routes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/store/definition.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/domain/route/route_model.h"

namespace motcua::routing {

namespace {

constexpr uint32_t kPage = 100;

Lists ListsIn(const std::string& shard, const std::vector<const reference::v1::Agency*>& agencies) {
  Lists lists;
  lists.reserve(agencies.size());
  for (const reference::v1::Agency* agency : agencies) lists.emplace_back(shard, agency->id());
  return lists;
}

}  // namespace

Lists ListsOfSucceeded(const std::string& shard, const reference::Catalogue& catalogue, absl::CivilDay day) {
  return ListsIn(shard, catalogue.SucceededBy(day));
}

Lists ListsOfAll(const std::string& shard, const reference::Catalogue& catalogue) {
  return ListsIn(shard, catalogue.agencies());
}

Lists Some(const Lists& lists, size_t first) {
  const size_t end = std::min(lists.size(), first + kListsAtOnce);
  return Lists(lists.begin() + static_cast<ptrdiff_t>(first), lists.begin() + static_cast<ptrdiff_t>(end));
}

std::vector<std::string> Filled(const Lists& lists, const std::vector<BoxSizes>& sizes,
                                const std::vector<v1::Box>& boxes) {
  std::vector<std::string> indexes;
  for (size_t i = 0; i < lists.size(); ++i) {
    for (size_t box = 0; box < kBoxes.size(); ++box) {
      const bool wanted = std::find(boxes.begin(), boxes.end(), kBoxes[box]) != boxes.end();
      if (wanted && sizes[i][box] > 0) indexes.push_back(InboxIndex(kBoxes[box], lists[i].agency));
    }
  }
  return indexes;
}

async::Task<absl::StatusOr<RoutePage>> ReadRoutes(store::Store& store, std::string shard, std::string index,
                                                  std::string token, absl::Time deadline) {
  absl::StatusOr<store::IndexPage> listed = co_await store.ReadIndex(
      shard, std::move(index), store::Order::kAscending, kPage, std::move(token), deadline);
  if (!listed.ok()) co_return listed.status();
  const store::Keyspace keyspace = store.Keys(shard);
  std::vector<std::string> keys;
  for (const std::string& dossier : listed->members)
    keys.push_back(keyspace.Record(RouteModel::kKind, dossier));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  RoutePage page;
  page.next = std::move(listed->next_page_token);
  for (size_t i = 0; i < values->size(); ++i) {
    const std::optional<std::string>& value = (*values)[i];
    if (!value.has_value()) continue;
    uint64_t version = 0;
    internal::routing::RouteRecord record;
    if (store::ReadStored<RouteModel>(*value, record, version).ok()) {
      page.routes.push_back(std::move(*record.mutable_route()));
    } else {
      page.unreadable.push_back(listed->members[i]);
    }
  }
  co_return page;
}

}  // namespace motcua::routing
