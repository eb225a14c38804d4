// Budget: how many calls of one sort may be served at the same time.
#pragma once

#include <atomic>

#include "common/telemetry/metrics.h"

namespace motcua::rpc::internal {

// Thread-safe.
class Budget {
 public:
  // `gauge`: shows what is used; may be null.
  Budget(int limit, telemetry::Gauge* gauge) : limit_(limit), gauge_(gauge) {}
  // False where it is used up; to be given back all the same.
  bool Take() {
    int used = used_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (gauge_ != nullptr) gauge_->Set(used);
    return used <= limit_;
  }
  void GiveBack() {
    int used = used_.fetch_sub(1, std::memory_order_relaxed) - 1;
    if (gauge_ != nullptr) gauge_->Set(used);
  }
  int used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const int limit_;
  telemetry::Gauge* const gauge_;
  std::atomic<int> used_{0};
};

}  // namespace motcua::rpc::internal
