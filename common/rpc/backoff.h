// Backoff: how long to wait before the next attempt: doubling, with full jitter, never below what the server asked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace motcua::rpc {

// Not thread-safe.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration most, uint64_t seed) : next_(first), most_(most), random_(seed) {}

  // Half of the step at least, so that attempts spread without hammering.
  absl::Duration Next(absl::Duration asked) {
    double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
    absl::Duration pause = std::max(next_ * share, asked);
    next_ = std::min(next_ * 2, most_);
    return pause;
  }

 private:
  absl::Duration next_;
  const absl::Duration most_;
  std::minstd_rand random_;
};

}  // namespace motcua::rpc
