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
  const absl::Time before = absl::Now();
  replica.Start();
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

// What cannot be read stops its own shard, is told, and is neither skipped nor written over; after the fix it
// goes on.
TEST_F(FeedTest, AnUnreadableCursorStopsItsShardAloneUntilItIsMended) {
  StuckLines stuck;
  ASSERT_TRUE(SyncWait(loop_, publisher_.AddShard("H01", Soon())).ok());
  Replica replica(loop_, redis_, clock_, publisher_);
  const std::string cursor = replica.store_.Keys("H30").Cursor("intake");
  redis::Command spoil("SET");
  spoil.Arg(cursor).Arg("not a position");
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(spoil), Soon())).ok());
  replica.Start();
  Emit(3);
  store::Transaction tx(store_.Keys("H01"));
  v1::Event event;
  *event.mutable_at() = time::ToTimestamp(clock_.Now());
  event.mutable_work_completed()->set_activity("1");
  tx.Emit(event);
  ASSERT_TRUE(SyncWait(loop_, store_.Commit(std::move(tx), Soon())).ok());
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t applied = 0;
    loop_.RunAndWait([&] {
      const Consumer* other = replica.subscriptions_.Find("intake", "H01");
      applied = other == nullptr ? 0 : other->applied();
    });
    return applied == 1;
  })) << "the other shard goes on";
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 1; })) << replica.Standing();
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"reason\":\"CORRUPT_RECORD\""));
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"shard\":\"H30\""));
  EXPECT_LT(replica.troubled_since(), absl::InfiniteFuture());
  EXPECT_EQ(Counted(replica)["events"], 0);
  redis::Command mend("DEL");
  mend.Arg(cursor);
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(mend), Soon())).ok());
  ExpectAppliedOnce(replica);
  ASSERT_TRUE(WaitUntil([&] { return replica.troubled_since() == absl::InfiniteFuture(); }));
}

TEST_F(FeedTest, AnEventThatCannotBeReadStopsItsShardUntilItIsMended) {
  StuckLines stuck;
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == 3; }));
  redis::Command junk("XADD");
  junk.Arg(store_.Keys("H30").Feed()).Arg("0-4").Arg("e").Arg("\x0f junk");
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(junk), Soon())).ok());
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 1; })) << "the service whose feed it is says so";
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"reason\":\"CORRUPT_FEED\""));
  EXPECT_EQ(replica.applied(), 3u) << "nothing is skipped";
  // The mend: the entry is written anew under its position, here with all behind it.
  redis::Command gone("DEL");
  gone.Arg(store_.Keys("H30").Feed());
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(gone), Soon())).ok());
  emitted_ = 0;
  Emit(6);
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == 6; })) << replica.Standing();
  EXPECT_EQ(Counted(replica)["events"], 6);
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
