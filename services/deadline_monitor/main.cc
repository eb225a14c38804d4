// Deadline-monitor (giám sát thời hạn): when is it due, is it near or over, who lost the time, who must be
// told.
#include "common/service/main.h"
#include "services/deadline_monitor/clock_projection.h"
#include "services/deadline_monitor/deadline_service.h"
#include "services/deadline_monitor/monitor.h"
#include "services/deadline_monitor/policy.h"
#include "services/deadline_monitor/sweeper.h"

namespace motcua::deadline {
namespace {

class DeadlineMonitor final : public service::Service {
 public:
  explicit DeadlineMonitor(service::Environment& environment)
      : projection_(environment.backend.catalogues()),
        sweeper_(environment.backend.loop(), environment.backend.store(), environment.backend.catalogues(),
                 environment.backend.subscriptions(), environment.backend.publisher()),
        monitor_(environment.backend.store(), environment.backend.catalogues(), environment.backend.subscriptions(),
                 environment.backend.publisher()),
        service_(environment.host, monitor_) {
    for (const std::string& source : environment.backend.description().sources) {
      environment.backend.Consume(source, projection_);
    }
    // Timers write events too: the feed has told all up to a moment only when they have fired.
    environment.backend.publisher().SetBound([this](const std::string& shard) { return sweeper_.SettledUntil(shard); });
    telemetry::Counter& fired = environment.backend.metrics().MakeCounter(
        "motcua_timer_events_total", "Alerts and apologies that timers have raised.");
    sweeper_.OnFired([&fired](size_t events) { fired.Add(static_cast<double>(events)); });
  }

  grpc::Service& grpc_service() override { return service_; }
  std::string grpc_service_name() const override { return std::string(v1::DeadlineService::service_full_name()); }
  async::Task<void> Run(async::CancelToken cancel) override { return sweeper_.Run(std::move(cancel)); }

 private:
  ClockProjection projection_;
  Sweeper sweeper_;
  Monitor monitor_;
  DeadlineServiceImpl service_;
};

}  // namespace
}  // namespace motcua::deadline

int main(int argc, char** argv) {
  namespace deadline = motcua::deadline;
  namespace service = motcua::service;
  return service::Main(
      argc, argv, service::Description("deadline-monitor", "dm", {"intake", "routing"}, /*derives_events=*/true),
      "Keeps the clocks of dossiers, legs and hand-overs; raises what is near, due or overdue; charges the time used.",
      deadline::AllowDeadlines, {},
      [](service::Environment& environment) -> absl::StatusOr<std::unique_ptr<service::Service>> {
        return std::make_unique<deadline::DeadlineMonitor>(environment);
      });
}
