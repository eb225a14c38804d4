// Deadline-monitor (giám sát thời hạn): when is it due, is it near or over, who lost the time, who must be
// told.
#include "common/service/main.h"

#include <map>
#include <string>

#include "services/deadline_monitor/calls/monitor.h"
#include "services/deadline_monitor/deadline_service.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/retell.h"
#include "services/deadline_monitor/policy.h"
#include "services/deadline_monitor/projections/clock_projection.h"
#include "services/deadline_monitor/workers/sweeper.h"

namespace motcua::deadline {
namespace {

// 2: what agencies count for is a group of its own.
store::Definition TheDefinition() {
  const std::string agencies(counter::kOfAgencies);
  return store::Definition(2, {&store::KindOf<ClockModel>()}, /*groups=*/{agencies},
                           /*added=*/{store::Definition::CountersName(agencies)});
}

class DeadlineMonitor final : public service::Service {
 public:
  explicit DeadlineMonitor(service::Environment& environment)
      : projection_(environment.backend.catalogues()),
        sweeper_(environment.backend.loop(), environment.backend.store(), environment.backend.catalogues(),
                 environment.backend.subscriptions(), environment.backend.publisher()),
        monitor_(environment.backend.store(), environment.backend.catalogues(),
                 environment.backend.subscriptions(), environment.backend.publisher()) {
    AddDeadlineService(environment.host, monitor_);
    environment.backend.Retell(retelling_);
    sweeper_.SetLeases(environment.backend.leases());
    for (const std::string& source : environment.backend.description().sources) {
      environment.backend.Consume(source, projection_);
    }
    // Timers write events too: the feed has told all up to a moment only when they have fired.
    environment.backend.publisher().SetBound([this](const std::string& shard) { return sweeper_.SettledUntil(shard); });
    environment.backend.OnProgress([this](const std::string& shard) { sweeper_.Look(shard); });
    telemetry::Metrics& metrics = environment.backend.metrics();
    service::Backend& backend = environment.backend;
    telemetry::Histogram& lateness =
        metrics.MakeHistogram("motcua_timer_lateness_seconds",
                              "How long after its moment a timer fired; nothing on simulated time.", {},
                              {0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200});
    if (!backend.simulated()) {
      sweeper_.OnFired([&lateness](absl::Duration late) { lateness.Observe(absl::ToDoubleSeconds(late)); });
    }
    service::FollowedCounter fired(
        metrics.MakeCounter("motcua_timer_events_total", "Alerts and apologies that timers have raised."));
    environment.sampler.Add([this, &backend, fired]() mutable {
      fired.Follow(sweeper_.fired());
      return SampleTimers(backend);
    });
  }

  async::Task<void> Run(async::CancelToken cancel) override { return sweeper_.Run(std::move(cancel)); }

 private:
  async::Task<void> SampleTimers(service::Backend& backend) {
    const std::vector<std::string> shards = backend.publisher().shards();
    for (const std::string& shard : shards) {
      telemetry::Gauge*& oldest = oldest_[shard];
      if (oldest == nullptr) {
        oldest = &backend.metrics().MakeGauge("motcua_timer_oldest_unfired_seconds",
                                              "For how long the earliest moment that is due has not fired; 0 "
                                              "where none is due, and on simulated time.",
                                              {{"shard", shard}});
      }
      if (backend.simulated()) continue;
      oldest->Set(absl::ToDoubleSeconds(sweeper_.OldestUnfired(shard)));
    }
    co_return;
  }

  std::map<std::string, telemetry::Gauge*> oldest_;
  ClockProjection projection_;
  feed::RetellingOf<ClockModel> retelling_{&Retell};
  Sweeper sweeper_;
  Monitor monitor_;
};

}  // namespace
}  // namespace motcua::deadline

int main(int argc, char** argv) {
  namespace deadline = motcua::deadline;
  namespace service = motcua::service;
  service::Description description("deadline-monitor", "dm", {"intake", "routing"}, /*derives_events=*/true,
                                   deadline::TheDefinition());
  description.too_early = "DOSSIER_NOT_FOUND";
  return service::Main(
      argc, argv, std::move(description),
      "Keeps the clocks of dossiers, legs and hand-overs; raises what is near, due or overdue; charges the "
      "time used.",
      deadline::AllowDeadlines, {},
      [](service::Environment& environment) -> absl::StatusOr<std::unique_ptr<service::Service>> {
        return std::make_unique<deadline::DeadlineMonitor>(environment);
      });
}
