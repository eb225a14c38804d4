// The gRPC face of Routing.
#ifndef MOTCUA_SERVICES_ROUTING_ROUTING_SERVICE_H_
#define MOTCUA_SERVICES_ROUTING_ROUTING_SERVICE_H_

#include "common/rpc/host.h"
#include "motcua/routing/v1/routing.grpc.pb.h"
#include "services/routing/routing.h"

namespace motcua::routing {

// Thread-safe, as gRPC calls it from any thread. Host and routing outlive it.
class RoutingService final : public v1::RoutingService::CallbackService {
 public:
  RoutingService(rpc::Host& host, Routing& routing) : host_(host), routing_(routing) {}

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* OfferHandOver(Context* context, const v1::OfferHandOverRequest* request,
                         v1::MutationResponse* response) override;
  Reactor* AcceptHandOver(Context* context, const v1::AcceptHandOverRequest* request,
                          v1::MutationResponse* response) override;
  Reactor* RefuseHandOver(Context* context, const v1::RefuseHandOverRequest* request,
                          v1::MutationResponse* response) override;
  Reactor* RecallHandOver(Context* context, const v1::RecallHandOverRequest* request,
                          v1::MutationResponse* response) override;
  Reactor* Assign(Context* context, const v1::AssignRequest* request, v1::MutationResponse* response) override;
  Reactor* CompleteWork(Context* context, const v1::CompleteWorkRequest* request,
                        v1::MutationResponse* response) override;
  Reactor* Consult(Context* context, const v1::ConsultRequest* request, v1::ConsultResponse* response) override;
  Reactor* AnswerConsultation(Context* context, const v1::AnswerConsultationRequest* request,
                              v1::MutationResponse* response) override;
  Reactor* RequestSupplement(Context* context, const v1::RequestSupplementRequest* request,
                             v1::MutationResponse* response) override;
  Reactor* ReceiveSupplement(Context* context, const v1::ReceiveSupplementRequest* request,
                             v1::MutationResponse* response) override;
  Reactor* Finish(Context* context, const v1::FinishRequest* request, v1::MutationResponse* response) override;
  Reactor* GetRoute(Context* context, const v1::GetRouteRequest* request, v1::Route* response) override;
  Reactor* ListInbox(Context* context, const v1::ListInboxRequest* request, v1::ListInboxResponse* response) override;
  Reactor* GetCustody(Context* context, const v1::GetCustodyRequest* request,
                      v1::GetCustodyResponse* response) override;
  Reactor* GetHistory(Context* context, const v1::GetHistoryRequest* request, common::v1::History* response) override;
  Reactor* GetStatistics(Context* context, const v1::GetStatisticsRequest* request, v1::Statistics* response) override;

 private:
  template <class Request, class Response>
  using Handler = Routing::Answered<Response> (Routing::*)(auth::Principal, store::Caller, Request);

  template <class Request, class Response>
  Reactor* Serve(Context* context, const Request* request, Response* response, Handler<Request, Response> handler);

  rpc::Host& host_;
  Routing& routing_;
};

}  // namespace motcua::routing

#endif  // MOTCUA_SERVICES_ROUTING_ROUTING_SERVICE_H_
