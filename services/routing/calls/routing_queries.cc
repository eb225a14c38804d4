// Calls that only read routes.
#include <utility>

#include "common/service/page.h"
#include "common/status/errors.h"
#include "services/routing/calls/routing.h"
#include "services/routing/domain/custody/custody.h"
#include "services/routing/domain/route/leg_names.h"
#include "services/routing/policy.h"

namespace motcua::routing {

using async::Task;
using auth::Principal;
using store::Caller;

Task<absl::StatusOr<Routing::CataloguePtr>> Routing::CatalogueForDisplay(std::string shard,
                                                                         absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(std::move(shard), deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") co_return CataloguePtr();
  co_return catalogue;
}

Task<absl::StatusOr<v1::GetRouteResponse>> Routing::GetRoute(const Principal& who, Caller caller,
                                                             const v1::GetRouteRequest& request) {
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<v1::Route> route = co_await reader_.Load(request.dossier(), caller.deadline);
  if (!route.ok()) co_return route.status();
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueForDisplay(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  if (*catalogue != nullptr) AddLegNames(**catalogue, *route);
  v1::GetRouteResponse response;
  *response.mutable_route() = *std::move(route);
  co_return response;
}

Task<absl::StatusOr<v1::ListInboxResponse>> Routing::ListInbox(const Principal& who, Caller caller,
                                                               const v1::ListInboxRequest& request) {
  const std::string shard = store::ShardOf(request.agency());
  absl::Status allowed = CheckInbox(who, request.agency(), catalogues_.authority());
  if (errors::Reason(allowed) == "NOT_YOUR_JURISDICTION") {
    allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
    if (allowed.ok()) allowed = CheckInbox(who, request.agency(), catalogues_.authority());
  }
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueForDisplay(shard, caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  Lists lists;
  if (*catalogue != nullptr) {
    lists = service::ListsOf(**catalogue, request.agency(), (*catalogue)->DayOf(store_.clock().Now()));
  } else {
    lists.emplace_back(shard, request.agency());
  }
  const auto ask = [this, &lists, deadline = caller.deadline](const v1::ListInboxRequest& page,
                                                              size_t* bytes) {
    return reader_.Inbox(page, lists, deadline, bytes);
  };
  Answered<v1::ListInboxResponse> page =
      service::PageWithin<v1::ListInboxResponse>(request, RouteReader::kDefaultPage, ask);
  absl::StatusOr<v1::ListInboxResponse> inbox = co_await std::move(page);
  if (!inbox.ok()) co_return inbox.status();
  if (*catalogue != nullptr) {
    for (v1::Route& route : *inbox->mutable_routes()) AddLegNames(**catalogue, route);
  }
  co_return inbox;
}

Task<absl::StatusOr<v1::GetCustodyResponse>> Routing::GetCustody(const Principal& who, Caller caller,
                                                                 const v1::GetCustodyRequest& request) {
  absl::Status allowed =
      co_await catalogues_.Allow(who, store::ShardOf(request.dossier()), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<v1::Route> route = co_await reader_.Load(request.dossier(), caller.deadline);
  if (!route.ok()) co_return route.status();
  co_return LedgerOf(*route);
}

Task<absl::StatusOr<v1::GetHistoryResponse>> Routing::GetHistory(const Principal& who, Caller caller,
                                                                 const v1::GetHistoryRequest& request) {
  absl::Status allowed =
      co_await catalogues_.Allow(who, store::ShardOf(request.dossier()), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<common::v1::History> history = co_await reader_.History(request.dossier(), caller.deadline);
  if (!history.ok()) co_return history.status();
  v1::GetHistoryResponse response;
  *response.mutable_history() = *std::move(history);
  co_return response;
}

Task<absl::StatusOr<v1::GetStatisticsResponse>> Routing::GetStatistics(
    const Principal& who, Caller caller, const v1::GetStatisticsRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  co_return co_await reader_.Statistics(request.shard(), caller.deadline);
}

}  // namespace motcua::routing
