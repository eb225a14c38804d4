// Exposer: answers `GET /metrics` of Prometheus over HTTP: the given metrics, and those of the process.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/telemetry/metrics.h"

namespace motcua::telemetry {

// Serves from construction to destruction, on threads of its own.
class Exposer {
 public:
  // `address`: `127.0.0.1:9100`; port 0 = any free one. Errors: UNAVAILABLE where it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Exposer>> Start(const std::string& address, const PrometheusMetrics& metrics);
  ~Exposer();

  int port() const;

 private:
  struct Parts;
  explicit Exposer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace motcua::telemetry
