// Simulated time moves forward only, whoever moves it.
#include "common/time/clock.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/time/timestamp.h"

namespace motcua::time {
namespace {

TEST(SimulatedClock, NeverGoesBack) {
  SimulatedClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.AdvanceTo(absl::FromUnixSeconds(200)), absl::FromUnixSeconds(200));
  EXPECT_EQ(clock.AdvanceTo(absl::FromUnixSeconds(150)), absl::FromUnixSeconds(200));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(200));
}

TEST(SimulatedClock, IsMonotoneForEveryReaderWhileMovedByMany) {
  SimulatedClock clock(absl::UnixEpoch());
  std::vector<std::thread> movers;
  for (int mover = 0; mover < 4; ++mover) {
    movers.emplace_back([&clock, mover] {
      absl::Time last = clock.Now();
      for (int i = 0; i < 2000; ++i) {
        const absl::Time now = clock.AdvanceTo(absl::FromUnixSeconds(i * 4 + mover));
        ASSERT_GE(now, last);
        last = now;
      }
    });
  }
  for (std::thread& mover : movers) mover.join();
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(1999 * 4 + 3));
}

TEST(Timestamp, ClampsInsteadOfOverflowing) {
  EXPECT_EQ(ToTimestamp(absl::InfiniteFuture()).seconds(), kMaxTimestampSeconds);
  EXPECT_EQ(ToTimestamp(absl::InfinitePast()).seconds(), kMinTimestampSeconds);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(std::numeric_limits<int64_t>::max());
  timestamp.set_nanos(-5);
  EXPECT_FALSE(IsTimestamp(timestamp));
  EXPECT_EQ(FromTimestamp(timestamp), absl::FromUnixSeconds(kMaxTimestampSeconds));
  const absl::Time t = absl::FromUnixNanos(-1);
  EXPECT_EQ(FromTimestamp(ToTimestamp(t)), t);
}

}  // namespace
}  // namespace motcua::time
