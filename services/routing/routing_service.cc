#include "services/routing/routing_service.h"

#include "common/service/serve.h"

namespace motcua::routing {

void AddRoutingService(rpc::Host& host, Routing& routing, Successions& successions) {
  service::Serve(host, routing, &Routing::OfferHandOver);
  service::Serve(host, routing, &Routing::AcceptHandOver);
  service::Serve(host, routing, &Routing::RefuseHandOver);
  service::Serve(host, routing, &Routing::RecallHandOver);
  service::Serve(host, routing, &Routing::Assign);
  service::Serve(host, routing, &Routing::CompleteWork);
  service::Serve(host, routing, &Routing::Consult);
  service::Serve(host, routing, &Routing::AnswerConsultation);
  service::Serve(host, routing, &Routing::RequestSupplement);
  service::Serve(host, routing, &Routing::ReceiveSupplement);
  service::Serve(host, routing, &Routing::Finish);
  service::Serve(host, routing, &Routing::GetRoute);
  service::Serve(host, routing, &Routing::ListInbox);
  service::Serve(host, routing, &Routing::GetCustody);
  service::Serve(host, routing, &Routing::GetHistory);
  service::Serve(host, routing, &Routing::GetStatistics);
  service::Serve(host, successions, &Successions::PreviewSuccession);
  service::Serve(host, successions, &Successions::StartSuccession);
  service::Serve(host, successions, &Successions::GetSuccession);
}

}  // namespace motcua::routing
