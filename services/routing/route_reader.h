// What readers ask of routes: one, an inbox, a ledger, a history, the figures.
#ifndef MOTCUA_SERVICES_ROUTING_ROUTE_READER_H_
#define MOTCUA_SERVICES_ROUTING_ROUTE_READER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/store/store.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::routing {

// Reads what is committed, never a part of a change. Confined to the loop of the store, which outlives it.
// Errors: NOT_FOUND (DOSSIER_NOT_FOUND), DATA_LOSS (CORRUPT_RECORD), the store's.
class RouteReader {
 public:
  explicit RouteReader(store::Store& store) : store_(store) {}

  // With its version.
  async::Task<absl::StatusOr<v1::Route>> Load(std::string dossier, absl::Time deadline) const;

  // Two round trips, whatever the box holds. Default page: 50, at most 200.
  // Errors: INVALID_ARGUMENT (BAD_PAGE_TOKEN).
  async::Task<absl::StatusOr<v1::ListInboxResponse>> Inbox(v1::ListInboxRequest request, absl::Time deadline) const;

  async::Task<absl::StatusOr<common::v1::History>> History(std::string dossier, absl::Time deadline) const;

  async::Task<absl::StatusOr<v1::Statistics>> Statistics(std::string shard, absl::Time deadline) const;

 private:
  async::Task<absl::StatusOr<v1::RouteRecord>> LoadRecord(std::string dossier, absl::Time deadline) const;

  store::Store& store_;
};

}  // namespace motcua::routing

#endif  // MOTCUA_SERVICES_ROUTING_ROUTE_READER_H_
