// Calls that change routes.
#include "services/routing/calls/routing.h"

#include <utility>

#include "common/status/errors.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/domain/consultation/consultation.h"
#include "services/routing/domain/custody/hand_over.h"
#include "services/routing/domain/succession/succession.h"
#include "services/routing/domain/supplement/supplement.h"
#include "services/routing/domain/work/work.h"
#include "services/routing/policy.h"

namespace motcua::routing {

using async::Task;
using auth::Principal;
using store::Caller;
using store::Context;

namespace {

template <class Response>
void FillResponse(const internal::routing::RouteRecord& record, Response& response) {
  response.set_status(record.route().status());
  response.set_holder(record.route().holder());
}

// Every command is judged on the route as the agencies in charge have it.
store::Decide<RouteModel> Judged(service::CataloguePtr catalogue, Judge judge) {
  return [catalogue = std::move(catalogue), judge = std::move(judge)](
             const internal::routing::RouteRecord* record, const Context& context) mutable {
    return AfterSuccession(record, context, *catalogue,
                           [&](const internal::routing::RouteRecord* as_in_charge) {
                             return judge(as_in_charge, context, *catalogue);
                           });
  };
}

}  // namespace

Task<absl::StatusOr<Routing::CataloguePtr>> Routing::CatalogueOf(std::string dossier, absl::Time deadline) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(store::ShardOf(dossier), deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") co_return CheckOpen(nullptr);
  co_return catalogue;
}

template <class Response, class Request>
Task<absl::StatusOr<Response>> Routing::Change(const Principal& who, Caller caller, const Request& request,
                                               Judge judge) {
  const std::string shard = store::ShardOf(request.dossier());
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueOf(request.dossier(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Decide<RouteModel> decide = Judged(*std::move(catalogue), std::move(judge));
  store::Answer<RouteModel, Response> answer = FillResponse<Response>;
  Answered<Response> changed = store::Mutate<RouteModel, Request, Response>(
      store_, std::move(caller), request, shard, request.dossier(), std::move(decide), std::move(answer));
  co_return co_await std::move(changed);
}

Task<absl::StatusOr<v1::OfferHandOverResponse>> Routing::OfferHandOver(
    const Principal& who, Caller caller, const v1::OfferHandOverRequest& request) {
  return Change<v1::OfferHandOverResponse>(
      who, std::move(caller), request,
      [&request](const auto* record, const auto& context, const auto& catalogue) {
        return DecideOffer(record, request, context, catalogue);
      });
}

Task<absl::StatusOr<v1::AcceptHandOverResponse>> Routing::AcceptHandOver(
    const Principal& who, Caller caller, const v1::AcceptHandOverRequest& request) {
  return Change<v1::AcceptHandOverResponse>(who, std::move(caller), request,
                                            [&request](const auto* record, const auto& context, const auto&) {
                                              return DecideAccept(record, request, context);
                                            });
}

Task<absl::StatusOr<v1::RefuseHandOverResponse>> Routing::RefuseHandOver(
    const Principal& who, Caller caller, const v1::RefuseHandOverRequest& request) {
  return Change<v1::RefuseHandOverResponse>(who, std::move(caller), request,
                                            [&request](const auto* record, const auto& context, const auto&) {
                                              return DecideRefuse(record, request, context);
                                            });
}

Task<absl::StatusOr<v1::RecallHandOverResponse>> Routing::RecallHandOver(
    const Principal& who, Caller caller, const v1::RecallHandOverRequest& request) {
  return Change<v1::RecallHandOverResponse>(who, std::move(caller), request,
                                            [&request](const auto* record, const auto& context, const auto&) {
                                              return DecideRecall(record, request, context);
                                            });
}

Task<absl::StatusOr<v1::AssignResponse>> Routing::Assign(const Principal& who, Caller caller,
                                                         const v1::AssignRequest& request) {
  return Change<v1::AssignResponse>(
      who, std::move(caller), request,
      [&request](const auto* record, const auto& context, const auto& catalogue) {
        return DecideAssign(record, request, context, catalogue);
      });
}

Task<absl::StatusOr<v1::CompleteWorkResponse>> Routing::CompleteWork(const Principal& who, Caller caller,
                                                                     const v1::CompleteWorkRequest& request) {
  return Change<v1::CompleteWorkResponse>(who, std::move(caller), request,
                                          [&request](const auto* record, const auto& context, const auto&) {
                                            return DecideCompleteWork(record, request, context);
                                          });
}

Task<absl::StatusOr<v1::ConsultResponse>> Routing::Consult(const Principal& who, Caller caller,
                                                           const v1::ConsultRequest& request) {
  absl::Status allowed =
      co_await catalogues_.Allow(who, store::ShardOf(request.dossier()), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<CataloguePtr> catalogue = co_await CatalogueOf(request.dossier(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  co_return co_await Ask(std::move(caller), request, *std::move(catalogue));
}

Task<absl::StatusOr<v1::ConsultResponse>> Routing::Ask(Caller caller, const v1::ConsultRequest& request,
                                                       CataloguePtr catalogue) {
  const std::string dossier = request.dossier();
  const int asked = request.agencies_size();
  return store::Mutate<RouteModel, v1::ConsultRequest, v1::ConsultResponse>(
      store_, std::move(caller), request, store::ShardOf(dossier), dossier,
      Judged(catalogue,
             [&request](const auto* record, const auto& context, const auto& catalogue) {
               return DecideConsult(record, request, context, catalogue);
             }),
      [asked](const internal::routing::RouteRecord& record, v1::ConsultResponse& response) {
        const int first = record.route().consultations_size() - asked;
        for (int i = 0; i < asked; ++i) {
          response.add_consultations(record.route().consultations(first + i).number());
        }
      });
}

Task<absl::StatusOr<v1::AnswerConsultationResponse>> Routing::AnswerConsultation(
    const Principal& who, Caller caller, const v1::AnswerConsultationRequest& request) {
  return Change<v1::AnswerConsultationResponse>(
      who, std::move(caller), request, [&request](const auto* record, const auto& context, const auto&) {
        return DecideAnswer(record, request, context);
      });
}

Task<absl::StatusOr<v1::RequestSupplementResponse>> Routing::RequestSupplement(
    const Principal& who, Caller caller, const v1::RequestSupplementRequest& request) {
  return Change<v1::RequestSupplementResponse>(
      who, std::move(caller), request, [&request](const auto* record, const auto& context, const auto&) {
        return DecideRequestSupplement(record, request, context);
      });
}

Task<absl::StatusOr<v1::ReceiveSupplementResponse>> Routing::ReceiveSupplement(
    const Principal& who, Caller caller, const v1::ReceiveSupplementRequest& request) {
  return Change<v1::ReceiveSupplementResponse>(
      who, std::move(caller), request,
      [&request, at_desk = who.HasRole("intake")](const auto* record, const auto& context,
                                                  const auto& catalogue) {
        return DecideReceiveSupplement(record, request, context, at_desk, catalogue);
      });
}

Task<absl::StatusOr<v1::FinishResponse>> Routing::Finish(const Principal& who, Caller caller,
                                                         const v1::FinishRequest& request) {
  return Change<v1::FinishResponse>(who, std::move(caller), request,
                                    [&request](const auto* record, const auto& context, const auto&) {
                                      return DecideFinish(record, request, context);
                                    });
}

}  // namespace motcua::routing
