// Routing's calls, without gRPC: each loads what it needs, lets the domain decide, commits, answers.
#ifndef MOTCUA_SERVICES_ROUTING_ROUTING_H_
#define MOTCUA_SERVICES_ROUTING_ROUTING_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/async/task.h"
#include "common/auth/principal.h"
#include "common/reference/catalogue.h"
#include "common/service/catalogues.h"
#include "common/store/mutate.h"
#include "common/store/store.h"
#include "motcua/routing/v1/routing.pb.h"
#include "services/routing/domain/route_change.h"
#include "services/routing/domain/route_model.h"
#include "services/routing/route_reader.h"

namespace motcua::routing {

// Decides on a route by the reference data in force.
using Judge = absl::AnyInvocable<absl::StatusOr<RouteDecision>(
    const v1::RouteRecord* record, const store::Context& context, const reference::Catalogue& catalogue)>;

// The errors of each call are those of the contract (routing.proto). Requests have passed the field rules, callers the
// policy table; `who` and `caller` name the same one.
//
// Confined to the loop of its store. All references outlive it and its tasks.
class Routing {
 public:
  template <class Response>
  using Answered = async::Task<absl::StatusOr<Response>>;
  using Changed = Answered<v1::MutationResponse>;

  Routing(store::Store& store, service::Catalogues& catalogues)
      : store_(store), catalogues_(catalogues), reader_(store) {}

  Changed OfferHandOver(const auth::Principal& who, store::Caller caller,
                        const v1::OfferHandOverRequest& request);
  Changed AcceptHandOver(const auth::Principal& who, store::Caller caller,
                         const v1::AcceptHandOverRequest& request);
  Changed RefuseHandOver(const auth::Principal& who, store::Caller caller,
                         const v1::RefuseHandOverRequest& request);
  Changed RecallHandOver(const auth::Principal& who, store::Caller caller,
                         const v1::RecallHandOverRequest& request);
  Changed Assign(const auth::Principal& who, store::Caller caller, const v1::AssignRequest& request);
  Changed CompleteWork(const auth::Principal& who, store::Caller caller,
                       const v1::CompleteWorkRequest& request);
  Answered<v1::ConsultResponse> Consult(const auth::Principal& who, store::Caller caller,
                                        const v1::ConsultRequest& request);
  Changed AnswerConsultation(const auth::Principal& who, store::Caller caller,
                             const v1::AnswerConsultationRequest& request);
  Changed RequestSupplement(const auth::Principal& who, store::Caller caller,
                            const v1::RequestSupplementRequest& request);
  Changed ReceiveSupplement(const auth::Principal& who, store::Caller caller,
                            const v1::ReceiveSupplementRequest& request);
  Changed Finish(const auth::Principal& who, store::Caller caller, const v1::FinishRequest& request);

  Answered<v1::Route> GetRoute(const auth::Principal& who, store::Caller caller,
                               const v1::GetRouteRequest& request);
  Answered<v1::ListInboxResponse> ListInbox(const auth::Principal& who, store::Caller caller,
                                            const v1::ListInboxRequest& request);
  Answered<v1::GetCustodyResponse> GetCustody(const auth::Principal& who, store::Caller caller,
                                              const v1::GetCustodyRequest& request);
  Answered<common::v1::History> GetHistory(const auth::Principal& who, store::Caller caller,
                                           const v1::GetHistoryRequest& request);
  Answered<v1::Statistics> GetStatistics(const auth::Principal& who, store::Caller caller,
                                         const v1::GetStatisticsRequest& request);

 private:
  using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

  // The reference data that a change of the dossier is judged by. NOT_FOUND (DOSSIER_NOT_FOUND) where there is none:
  // a jurisdiction without reference data has no dossiers.
  async::Task<absl::StatusOr<CataloguePtr>> CatalogueOf(std::string dossier, absl::Time deadline);
  // The same for display: null where there is none.
  async::Task<absl::StatusOr<CataloguePtr>> CatalogueForDisplay(std::string shard, absl::Time deadline);

  template <class Request>
  Changed Change(const auth::Principal& who, store::Caller caller, const Request& request, Judge judge);
  Answered<v1::ConsultResponse> Ask(store::Caller caller, const v1::ConsultRequest& request,
                                    CataloguePtr catalogue);

  store::Store& store_;
  service::Catalogues& catalogues_;
  const RouteReader reader_;
};

}  // namespace motcua::routing

#endif  // MOTCUA_SERVICES_ROUTING_ROUTING_H_
