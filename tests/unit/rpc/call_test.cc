// Promises of what is read from metadata.
#include "common/rpc/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

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

TEST(Trace, ValidOnesKeepTheirId) {
  std::string continued = ContinueTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  EXPECT_EQ(continued.size(), 55u);
  EXPECT_EQ(TraceId(continued), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(continued.substr(52), "-00") << "the flags stay";
}

TEST(Trace, OthersAreReplacedByNewOnes) {
  std::set<std::string> ids;
  for (const char* bad : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "garbage",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}) {
    std::string continued = ContinueTrace(bad);
    ASSERT_EQ(continued.size(), 55u) << bad;
    EXPECT_NE(TraceId(continued), "0af7651916cd43dd8448eb211c80319c");
    ids.emplace(TraceId(continued));
  }
  EXPECT_EQ(ids.size(), 7u);
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
