// The merger of 1 July 2025 as tests of policies know it: H13 inherits H30 and H51, and H99 nothing.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/service/authority.h"
#include "common/time/clock.h"
#include "common/time/timestamp.h"

namespace motcua::test {

inline absl::Time MergerDay() {
  return absl::FromCivil(absl::CivilDay(2025, 7, 1), absl::FixedTimeZone(7 * 3600));
}

inline reference::v1::ShardPassing PassingTo(const std::string& shard, const std::string& jurisdiction,
                                             absl::Time from = MergerDay()) {
  reference::v1::ShardPassing passing;
  passing.set_shard(shard);
  passing.set_jurisdiction(jurisdiction);
  passing.set_since("2025-07-01");
  *passing.mutable_begins_at() = time::ToTimestamp(from);
  passing.set_version(2);
  return passing;
}

// A clock and what is known by then.
class Merger {
 public:
  explicit Merger(absl::Time now = MergerDay()) : clock(now), authority(clock) {
    for (const char* shard : {"H30", "H51"}) authority.Learn(shard, PassingTo(shard, "H13"));
  }

  time::SimulatedClock clock;
  service::Authority authority;
};

}  // namespace motcua::test
