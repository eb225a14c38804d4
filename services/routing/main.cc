// motcua-routing: who holds each dossier, who must act next, whether its route is finished.
#include <memory>

#include "common/service/main.h"
#include "services/routing/intake_projection.h"
#include "services/routing/policy.h"
#include "services/routing/routing.h"
#include "services/routing/routing_service.h"

namespace motcua::routing {
namespace {

class RoutingProcess final : public service::Service {
 public:
  explicit RoutingProcess(service::Environment& environment)
      : projection_(environment.backend.catalogues()),
        routing_(environment.backend.store(), environment.backend.catalogues()) {
    AddRoutingService(environment.host, routing_);
    environment.backend.Consume("intake", projection_);
  }

  // Everything that routing does by itself, it does on an event.
  async::Task<void> Run(async::CancelToken) override { co_return; }

 private:
  IntakeProjection projection_;
  Routing routing_;
};

absl::StatusOr<std::unique_ptr<service::Service>> MakeRouting(service::Environment& environment) {
  return std::unique_ptr<service::Service>(std::make_unique<RoutingProcess>(environment));
}

}  // namespace
}  // namespace motcua::routing

int main(int argc, char** argv) {
  motcua::service::Description description(
      "routing", "ro", {"intake"}, /*derives_events=*/true,
      motcua::store::Definition(1, {&motcua::store::KindOf<motcua::routing::RouteModel>()}));
  return motcua::service::Main(argc, argv, description,
                               "Keeps the route of every accepted dossier: custody, hand-overs, work, consultations.",
                               motcua::routing::AllowRouting, {}, motcua::routing::MakeRouting);
}
