// Routing's calls, without gRPC: each loads what it needs, lets the domain decide, commits, answers.
#pragma once

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
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "services/routing/calls/route_reader.h"
#include "services/routing/domain/route/route_change.h"
#include "services/routing/domain/route/route_model.h"

namespace motcua::routing {

// Decides on a route by the reference data in force.
using Judge = absl::AnyInvocable<absl::StatusOr<RouteDecision>(const internal::routing::RouteRecord* record,
                                                               const store::Context& context,
                                                               const reference::Catalogue& catalogue)>;

// The errors of each call are those of the contract (routing.proto). Requests have passed the field rules,
// callers the policy table; `who` and `caller` name the same one.
//
// Confined to the loop of its store. All references outlive it and its tasks.
class Routing {
 public:
  template <class Response>
  using Answered = async::Task<absl::StatusOr<Response>>;

  Routing(store::Store& store, service::Catalogues& catalogues)
      : store_(store), catalogues_(catalogues), reader_(store) {}

  Answered<v1::OfferHandOverResponse> OfferHandOver(const auth::Principal& who, store::Caller caller,
                                                    const v1::OfferHandOverRequest& request);
  Answered<v1::AcceptHandOverResponse> AcceptHandOver(const auth::Principal& who, store::Caller caller,
                                                      const v1::AcceptHandOverRequest& request);
  Answered<v1::RefuseHandOverResponse> RefuseHandOver(const auth::Principal& who, store::Caller caller,
                                                      const v1::RefuseHandOverRequest& request);
  Answered<v1::RecallHandOverResponse> RecallHandOver(const auth::Principal& who, store::Caller caller,
                                                      const v1::RecallHandOverRequest& request);
  Answered<v1::AssignResponse> Assign(const auth::Principal& who, store::Caller caller,
                                      const v1::AssignRequest& request);
  Answered<v1::CompleteWorkResponse> CompleteWork(const auth::Principal& who, store::Caller caller,
                                                  const v1::CompleteWorkRequest& request);
  Answered<v1::ConsultResponse> Consult(const auth::Principal& who, store::Caller caller,
                                        const v1::ConsultRequest& request);
  Answered<v1::AnswerConsultationResponse> AnswerConsultation(const auth::Principal& who,
                                                              store::Caller caller,
                                                              const v1::AnswerConsultationRequest& request);
  Answered<v1::RequestSupplementResponse> RequestSupplement(const auth::Principal& who, store::Caller caller,
                                                            const v1::RequestSupplementRequest& request);
  Answered<v1::ReceiveSupplementResponse> ReceiveSupplement(const auth::Principal& who, store::Caller caller,
                                                            const v1::ReceiveSupplementRequest& request);
  Answered<v1::FinishResponse> Finish(const auth::Principal& who, store::Caller caller,
                                      const v1::FinishRequest& request);

  Answered<v1::GetRouteResponse> GetRoute(const auth::Principal& who, store::Caller caller,
                                          const v1::GetRouteRequest& request);
  Answered<v1::ListInboxResponse> ListInbox(const auth::Principal& who, store::Caller caller,
                                            const v1::ListInboxRequest& request);
  Answered<v1::GetCustodyResponse> GetCustody(const auth::Principal& who, store::Caller caller,
                                              const v1::GetCustodyRequest& request);
  Answered<v1::GetHistoryResponse> GetHistory(const auth::Principal& who, store::Caller caller,
                                              const v1::GetHistoryRequest& request);
  Answered<v1::GetStatisticsResponse> GetStatistics(const auth::Principal& who, store::Caller caller,
                                                    const v1::GetStatisticsRequest& request);

 private:
  using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

  // The reference data that a change of the dossier is judged by. NOT_FOUND (DOSSIER_NOT_FOUND) where there
  // is none: a jurisdiction without reference data has no dossiers.
  async::Task<absl::StatusOr<CataloguePtr>> CatalogueOf(std::string dossier, absl::Time deadline);
  // The same for display: null where there is none.
  async::Task<absl::StatusOr<CataloguePtr>> CatalogueForDisplay(std::string shard, absl::Time deadline);

  template <class Response, class Request>
  Answered<Response> Change(const auth::Principal& who, store::Caller caller, const Request& request,
                            Judge judge);
  Answered<v1::ConsultResponse> Ask(store::Caller caller, const v1::ConsultRequest& request,
                                    CataloguePtr catalogue);

  store::Store& store_;
  service::Catalogues& catalogues_;
  const RouteReader reader_;
};

}  // namespace motcua::routing
