// What is told of a consumer: that it is stuck, since when and why, and what it has applied.
#include "absl/synchronization/mutex.h"
#include "common/telemetry/log.h"
#include "gmock/gmock.h"
#include "tests/integration/feed/feed_fixture.h"

namespace motcua::feed {
namespace {

using ::testing::HasSubstr;

// The lines that tell of feeds that are not followed, while it lives.
class StuckLines {
 public:
  StuckLines() {
    telemetry::CaptureLinesForTest([this](std::string_view line) {
      absl::MutexLock lock(&mutex_);
      if (line.find("\"a feed is ") != std::string_view::npos) lines_.emplace_back(line);
    });
  }
  ~StuckLines() { telemetry::CaptureLinesForTest(nullptr); }
  std::vector<std::string> lines() const {
    absl::MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(FeedTest, AProjectionThatFailsIsStuckAndSaysSoOnceUntilItGoesOn) {
  StuckLines stuck;
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.projection_.failing_ = true;
  replica.Start();
  const absl::Time before = absl::Now();
  emitted_trace_ = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 1; })) << replica.Standing();
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"level\":\"warning\""));
  for (const char* field : {"\"source\":\"intake\"", "\"shard\":\"H30\"", "\"reason\":\"WAITING_FOR_INTAKE\"",
                            "\"trace\":\"0af7651916cd43dd8448eb211c80319c\""}) {
    EXPECT_THAT(stuck.lines()[0], HasSubstr(field));
  }
  const int attempts = replica.projection_.attempts_;
  ASSERT_TRUE(WaitUntil([&] { return replica.projection_.attempts_ >= attempts + 3; }));
  EXPECT_EQ(stuck.lines().size(), 1u) << "told once";
  const absl::Time since = replica.troubled_since();
  EXPECT_GE(since, before);
  EXPECT_LE(since, absl::Now());
  loop_.RunAndWait([&] { replica.projection_.failing_ = false; });
  ExpectAppliedOnce(replica);
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 2; }));
  EXPECT_THAT(stuck.lines()[1], HasSubstr("\"level\":\"info\""));
  EXPECT_EQ(replica.troubled_since(), absl::InfiniteFuture());
  replica.Stop();
  EXPECT_EQ(stuck.lines().size(), 2u) << "to stop is no trouble";
}

TEST_F(FeedTest, ASourceThatIsGoneIsStuckAndSaysSoOnceUntilItIsBack) {
  StuckLines stuck;
  Replica replica(loop_, redis_, clock_, publisher_);
  loop_.RunAndWait([&] { replica.source_.gone_ = true; });
  replica.Start();
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 1; }));
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"reason\":\"PEER_UNAVAILABLE\""));
  EXPECT_LT(replica.troubled_since(), absl::Now());
  const int opened = replica.source_.opened_;
  ASSERT_TRUE(WaitUntil([&] { return replica.source_.opened_ >= opened + 3; }));
  EXPECT_EQ(stuck.lines().size(), 1u) << "told once";
  loop_.RunAndWait([&] { replica.source_.gone_ = false; });
  Emit(5);
  ExpectAppliedOnce(replica);
  ASSERT_TRUE(WaitUntil([&] { return replica.troubled_since() == absl::InfiniteFuture(); }));
  EXPECT_EQ(stuck.lines().size(), 2u);
}

TEST_F(FeedTest, WhatWasAppliedIsCountedAndReadersAre) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  Emit(20);
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  ExpectAppliedOnce(replica);
  const auto readers = [&] {
    size_t count = 0;
    loop_.RunAndWait([&] { count = publisher_.readers("H30"); });
    return count;
  };
  ASSERT_TRUE(WaitUntil([&] { return readers() == 1; })) << "the one of before has gone";
  loop_.RunAndWait([&] {
    const Consumer* consumer = replica.subscriptions_.Find("intake", "H30");
    EXPECT_EQ(consumer->events(), 20u);
    EXPECT_GE(consumer->batches(), 1u);
    EXPECT_LE(consumer->batches(), 20u);
  });
  replica.Stop();
  EXPECT_TRUE(WaitUntil([&] { return readers() == 0; }));
}

}  // namespace
}  // namespace motcua::feed
