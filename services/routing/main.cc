// motcua-routing: who holds each dossier, who must act next, whether its route is finished.
#include "common/service/main.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/routing/calls/routing.h"
#include "services/routing/calls/successions.h"
#include "services/routing/domain/route/retell.h"
#include "services/routing/domain/route/route_model.h"
#include "services/routing/policy.h"
#include "services/routing/projections/intake_projection.h"
#include "services/routing/routing_service.h"

namespace motcua::routing {
namespace {

constexpr char kSuccession[] = "succession";

std::vector<rpc::ExtraFlag> Flags() {
  std::vector<rpc::ExtraFlag> flags;
  flags.emplace_back(
      kSuccession,
      "When dossiers of agencies that have ended are moved to their successors: manual, when an "
      "administrator says so (motcua succession); auto, as soon as a day or reference data make them end.",
      "manual", /*secret=*/false, [](const std::string& value) {
        return value == "manual" || value == "auto" ? "" : "must be manual or auto";
      });
  return flags;
}

class RoutingProcess final : public service::Service {
 public:
  explicit RoutingProcess(service::Environment& environment)
      : backend_(environment.backend),
        successions_(
            backend_.loop(), backend_.store(), backend_.catalogues(),
            [this] { return backend_.publisher().shards(); },
            environment.options.extra.at(kSuccession) == "auto" ? Successions::Start::kAutomatic
                                                                : Successions::Start::kManual),
        projection_(backend_.catalogues(), [this] { successions_.ReferenceChanged(); }),
        routing_(backend_.store(), backend_.catalogues()) {
    AddRoutingService(environment.host, routing_, successions_);
    successions_.SetLeases(backend_.leases());
    backend_.Consume("intake", projection_);
    backend_.Retell(retelling_);
    backend_.OnStatus([this](admin::v1::GetStatusResponse& status) { successions_.AddStatus(status); });
    service::FollowedCounter moved(backend_.metrics().MakeCounter(
        "motcua_succession_moved_total", "Dossiers that runs have moved from agencies that have ended."));
    environment.sampler.Add([this, moved]() mutable {
      moved.Follow(successions_.moved());
      return SampleSuccessions();
    });
  }

  async::Task<void> Run(async::CancelToken cancel) override { return successions_.Run(std::move(cancel)); }

 private:
  async::Task<void> SampleSuccessions() {
    for (const std::string& shard : backend_.publisher().shards()) {
      telemetry::Gauge*& left = left_[shard];
      if (left == nullptr) {
        left = &backend_.metrics().MakeGauge(
            "motcua_succession_left",
            "Entries in the inboxes of agencies that have ended and were succeeded, as "
            "last counted; 0 at replicas that do not tend the shard.",
            {{"shard", shard}});
      }
      left->Set(static_cast<double>(successions_.left(shard)));
    }
    co_return;
  }

  service::Backend& backend_;
  std::map<std::string, telemetry::Gauge*> left_;
  Successions successions_;
  IntakeProjection projection_;
  feed::RetellingOf<RouteModel> retelling_{&Retell};
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
  description.too_early = "DOSSIER_NOT_FOUND";
  return motcua::service::Main(
      argc, argv, description,
      "Keeps the route of every accepted dossier: custody, hand-overs, work, consultations.",
      motcua::routing::AllowRouting, motcua::routing::Flags(), motcua::routing::MakeRouting);
}
