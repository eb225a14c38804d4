// Promises of what is read from metadata.
#include "common/rpc/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/rpc/backoff.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

using ::testing::ElementsAre;

TEST(After, IsReadAndWrittenAlike) {
  std::vector<AfterWrite> after;
  ASSERT_TRUE(ParseAfter("intake/H30=7, deadline-monitor/G09=18446744073709551615", after).ok());
  EXPECT_THAT(after, ElementsAre(AfterWrite("intake", "H30", 7),
                                 AfterWrite("deadline-monitor", "G09", 18446744073709551615u)));
  EXPECT_EQ(FormatAfter(after), "intake/H30=7,deadline-monitor/G09=18446744073709551615");
}

TEST(After, IsBounded) {
  std::vector<AfterWrite> after;
  std::string many;
  for (int i = 0; i < 17; ++i) many += "intake/H30=1,";
  EXPECT_EQ(errors::Reason(ParseAfter(many, after)), "METADATA_INVALID");
  EXPECT_LE(after.size(), 16u);
  after.clear();
  EXPECT_EQ(errors::Reason(ParseAfter("intake/H30=" + std::string(2000, '1'), after)), "METADATA_INVALID");
}

TEST(After, RandomTextIsAnswered) {
  uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = "intake/H30=19,- \xff"[random() % 17];
    std::vector<AfterWrite> after;
    absl::Status parsed = ParseAfter(text, after);
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(Backoff, DoublesWithinItsBoundsAndHonoursTheServer) {
  Backoff backoff(absl::Milliseconds(50), absl::Seconds(2), 7);
  absl::Duration step = absl::Milliseconds(50);
  for (int i = 0; i < 12; ++i) {
    absl::Duration pause = backoff.Next(absl::ZeroDuration());
    EXPECT_GE(pause, step / 2);
    EXPECT_LE(pause, step);
    step = std::min(step * 2, absl::Seconds(2));
  }
  EXPECT_EQ(backoff.Next(absl::Seconds(30)), absl::Seconds(30));
}

}  // namespace
}  // namespace motcua::rpc
