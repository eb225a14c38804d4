// Health: what grpc.health.v1 answers, and watches are told.
//
// The process ("" and each service's full name) is SERVING when it is ready and all its dependencies are up; each
// dependency, e.g. "redis", has an entry of its own. Thread-safe. Changes are logged and exported as
// `motcua_ready` and `motcua_dependency_up{dependency}`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/telemetry/metrics.h"

namespace motcua::rpc {

class Health {
 public:
  explicit Health(telemetry::Metrics& metrics);

  // Declares a dependency (not up) or reports a change of it.
  void SetDependency(const std::string& name, bool up);
  // The service's own state: false at first, and again from the moment of shutdown.
  void SetReady(bool ready);
  bool serving() const;

  // Whether what is named serves; nothing where the name is unknown.
  std::optional<bool> ServingOf(const std::string& name) const;

  // By the server: the names it answers for, and who is to be told of each change, on the thread that made
  // it.
  void Attach(std::vector<std::string> service_names, std::function<void()> on_change);
  void Detach();

 private:
  bool ServingLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  telemetry::Metrics& metrics_;
  telemetry::Gauge& ready_gauge_;
  mutable absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool published_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, bool> dependencies_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_change_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> service_names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace motcua::rpc
