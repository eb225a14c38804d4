#include "common/rpc/health.h"

#include <algorithm>

#include "common/telemetry/log.h"

namespace motcua::rpc {

Health::Health(telemetry::Metrics& metrics)
    : metrics_(metrics), ready_gauge_(metrics.MakeGauge("motcua_ready", "1 while the process serves, else 0.")) {}

void Health::SetDependency(const std::string& name, bool up) {
  absl::MutexLock lock(&mutex_);
  auto [entry, is_new] = dependencies_.try_emplace(name, up);
  if (!is_new && entry->second == up) return;
  entry->second = up;
  metrics_.MakeGauge("motcua_dependency_up", "1 while what the service depends on answers, else 0.",
                     {{"dependency", name}})
      .Set(up ? 1 : 0);
  if (!is_new || up) {
    telemetry::Log(up ? telemetry::Level::kInfo : telemetry::Level::kWarning,
                   up ? "dependency is up" : "dependency is down", {{"dependency", name}});
  }
  PublishLocked();
}

void Health::SetReady(bool ready) {
  absl::MutexLock lock(&mutex_);
  ready_ = ready;
  PublishLocked();
}

bool Health::serving() const {
  absl::MutexLock lock(&mutex_);
  return ServingLocked();
}

std::optional<bool> Health::ServingOf(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  if (auto dependency = dependencies_.find(name); dependency != dependencies_.end())
    return dependency->second;
  bool known =
      name.empty() || std::find(service_names_.begin(), service_names_.end(), name) != service_names_.end();
  if (!known) return std::nullopt;
  return ServingLocked();
}

void Health::Attach(std::vector<std::string> service_names, std::function<void()> on_change) {
  absl::MutexLock lock(&mutex_);
  service_names_ = std::move(service_names);
  on_change_ = std::move(on_change);
  PublishLocked();
}

void Health::Detach() {
  absl::MutexLock lock(&mutex_);
  on_change_ = nullptr;
}

bool Health::ServingLocked() const {
  bool serving = ready_;
  for (const auto& [name, up] : dependencies_) serving = serving && up;
  return serving;
}

void Health::PublishLocked() {
  bool serving = ServingLocked();
  ready_gauge_.Set(serving ? 1 : 0);
  if (serving != published_) {
    published_ = serving;
    telemetry::Log(telemetry::Level::kInfo, serving ? "serving" : "not serving");
  }
  if (on_change_ != nullptr) on_change_();
}

}  // namespace motcua::rpc
