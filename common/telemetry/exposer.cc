#include "common/telemetry/exposer.h"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "common/telemetry/process_metrics.h"

namespace motcua::telemetry {

struct Exposer::Parts {
  explicit Parts(const std::string& address) : exposer(address, /*num_threads=*/1) {}
  const std::shared_ptr<prometheus::Collectable> process = MakeProcessMetrics();
  prometheus::Exposer exposer;
};

// prometheus-cpp reports by exception that it cannot listen.
absl::StatusOr<std::unique_ptr<Exposer>> Exposer::Start(const std::string& address, const PrometheusMetrics& metrics) {
  try {
    auto parts = std::make_unique<Parts>(address);
    parts->exposer.RegisterCollectable(metrics.registry());
    parts->exposer.RegisterCollectable(parts->process);
    return std::unique_ptr<Exposer>(new Exposer(std::move(parts)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("cannot serve metrics on ", address, ": ", error.what()));
  }
}

Exposer::Exposer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Exposer::~Exposer() = default;

int Exposer::port() const { return parts_->exposer.GetListeningPorts().at(0); }

}  // namespace motcua::telemetry
