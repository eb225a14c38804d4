#include "services/routing/routing_service.h"

#include <memory>
#include <utility>

#include "common/rpc/unary.h"
#include "common/service/caller.h"

namespace motcua::routing {

using Reactor = grpc::ServerUnaryReactor;

template <class Request, class Response>
Reactor* RoutingService::Serve(Context* context, const Request* request, Response* response,
                               Handler<Request, Response> handler) {
  return host_.Unary(context, request, response, [this, handler](std::shared_ptr<rpc::Call> call, const Request& asked) {
    return (routing_.*handler)(call->principal(), service::CallerOf(*call), asked);
  });
}

Reactor* RoutingService::OfferHandOver(Context* context, const v1::OfferHandOverRequest* request,
                                       v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::OfferHandOver);
}

Reactor* RoutingService::AcceptHandOver(Context* context, const v1::AcceptHandOverRequest* request,
                                        v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::AcceptHandOver);
}

Reactor* RoutingService::RefuseHandOver(Context* context, const v1::RefuseHandOverRequest* request,
                                        v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::RefuseHandOver);
}

Reactor* RoutingService::RecallHandOver(Context* context, const v1::RecallHandOverRequest* request,
                                        v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::RecallHandOver);
}

Reactor* RoutingService::Assign(Context* context, const v1::AssignRequest* request,
                                v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::Assign);
}

Reactor* RoutingService::CompleteWork(Context* context, const v1::CompleteWorkRequest* request,
                                      v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::CompleteWork);
}

Reactor* RoutingService::Consult(Context* context, const v1::ConsultRequest* request,
                                 v1::ConsultResponse* response) {
  return Serve(context, request, response, &Routing::Consult);
}

Reactor* RoutingService::AnswerConsultation(Context* context, const v1::AnswerConsultationRequest* request,
                                            v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::AnswerConsultation);
}

Reactor* RoutingService::RequestSupplement(Context* context, const v1::RequestSupplementRequest* request,
                                           v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::RequestSupplement);
}

Reactor* RoutingService::ReceiveSupplement(Context* context, const v1::ReceiveSupplementRequest* request,
                                           v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::ReceiveSupplement);
}

Reactor* RoutingService::Finish(Context* context, const v1::FinishRequest* request,
                                v1::MutationResponse* response) {
  return Serve(context, request, response, &Routing::Finish);
}

Reactor* RoutingService::GetRoute(Context* context, const v1::GetRouteRequest* request, v1::Route* response) {
  return Serve(context, request, response, &Routing::GetRoute);
}

Reactor* RoutingService::ListInbox(Context* context, const v1::ListInboxRequest* request,
                                   v1::ListInboxResponse* response) {
  return Serve(context, request, response, &Routing::ListInbox);
}

Reactor* RoutingService::GetCustody(Context* context, const v1::GetCustodyRequest* request,
                                    v1::GetCustodyResponse* response) {
  return Serve(context, request, response, &Routing::GetCustody);
}

Reactor* RoutingService::GetHistory(Context* context, const v1::GetHistoryRequest* request,
                                    common::v1::History* response) {
  return Serve(context, request, response, &Routing::GetHistory);
}

Reactor* RoutingService::GetStatistics(Context* context, const v1::GetStatisticsRequest* request,
                                       v1::Statistics* response) {
  return Serve(context, request, response, &Routing::GetStatistics);
}

}  // namespace motcua::routing
