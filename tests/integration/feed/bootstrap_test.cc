// A consumer behind the retained feed takes the source's snapshot and goes on from its position:
// no event that is in the snapshot is applied twice, and none is missed.
#include <mutex>

#include "common/telemetry/log.h"
#include "tests/integration/feed/bootstrap_fixture.h"

namespace motcua::feed {
namespace {

using ::testing::HasSubstr;

TEST_F(BootstrapTest, ANewConsumerTakesTheRecordsInThePlaceOfEventsThatAreGone) {
  FillAndTrim();
  const std::unique_ptr<Follower> follower = NewFollower();
  follower->Start();
  ExpectTheSame(*follower);
  EXPECT_EQ(follower->projection_.applied_, 0) << "the records told all";
  ExpectForgotten(*follower);
  ActOnAll(200, 260);
  ExpectTheSame(*follower);
  EXPECT_EQ(follower->projection_.applied_, 60);
  EXPECT_EQ(follower->bootstraps(), 1u);
}

TEST_F(BootstrapTest, WhatHappensDuringTheSnapshotIsAppliedOnce) {
  FillAndTrim();
  const std::unique_ptr<Follower> follower = NewFollower();
  follower->HoldAfter(2);  // the position, and the first page
  follower->Start();
  ASSERT_TRUE(WaitUntil([&] { return follower->source_.held_.load(); })) << follower->Standing();
  EXPECT_EQ(follower->bootstrap().step, Bootstrap::Step::kReading);
  EXPECT_GE(follower->bootstrap().records, 100u);
  EXPECT_EQ(follower->applied(), 0u) << "the cursor stands still meanwhile";
  // Of the page that was taken, of those that were not read yet, of one that was perhaps read ahead; and new
  // ones in front, in between and behind.
  for (int round = 0; round < 3; ++round) {
    ActOnAll(0, 5);
    ActOnAll(150, 155);
    ActOnAll(240, 260);
    Act(9000 + round);
  }
  follower->LetGo();
  ExpectTheSame(*follower);
  ActOnAll(0, 250);
  ExpectTheSame(*follower);
  ExpectForgotten(*follower);
}

TEST_F(BootstrapTest, EventsGoOnAllTheTime) {
  FillAndTrim();
  const std::unique_ptr<Follower> follower = NewFollower();
  follower->Start();
  for (int round = 0; round < 4; ++round) {
    for (int number = 0; number < 300; number += 3) Act(number);
  }
  ExpectTheSame(*follower);
}

// The process is gone while the second page is on its way: what took its place goes on there.
TEST_F(BootstrapTest, AProcessThatDiesHalfWayIsGoneOnFor) {
  FillAndTrim();
  {
    const std::unique_ptr<Follower> first = NewFollower();
    first->HoldAfter(2);
    first->Start();
    ASSERT_TRUE(WaitUntil([&] { return first->source_.held_.load(); })) << first->Standing();
    ASSERT_TRUE(WaitUntil([&] { return first->bootstrap().records == 100; })) << first->Standing();
    ActOnAll(95, 105);  // while nobody takes it
  }
  ActOnAll(95, 105);
  const std::unique_ptr<Follower> second = NewFollower();
  second->Start();
  ExpectTheSame(*second);
  const std::string through = second->source_.requests_.at(0).progress().through();
  EXPECT_EQ(through, "H30.18.05-260714-00#") << "nothing is taken a second time";
  EXPECT_EQ(second->source_.requests_.size(), 1u);
  ExpectForgotten(*second);
}

// Killed when all was taken, but the events that the records had are not yet passed.
TEST_F(BootstrapTest, WhichEventsTheRecordsHadIsKnownToWhoGoesOn) {
  FillAndTrim();
  {
    const std::unique_ptr<Follower> first = NewFollower();
    first->HoldAfter(1);
    first->Start();
    ASSERT_TRUE(WaitUntil([&] { return first->source_.held_.load(); })) << first->Standing();
    ActOnAll(0, 250);  // all of it is in the pages
    loop_.RunAndWait([&] { first->source_.Mute(); });
    first->LetGo();
    ASSERT_TRUE(WaitUntil([&] { return first->bootstrap().step == Bootstrap::Step::kKnown; }))
        << first->Standing();
    Act(300);
  }
  const std::unique_ptr<Follower> second = NewFollower();
  second->Start();
  ExpectTheSame(*second);
  EXPECT_TRUE(second->source_.requests_.empty()) << "it was complete";
  ExpectForgotten(*second);
}

TEST_F(BootstrapTest, TwoReplicasAtOnceChangeNothing) {
  FillAndTrim();
  const std::unique_ptr<Follower> first = NewFollower();
  const std::unique_ptr<Follower> second = NewFollower();
  first->Start();
  second->Start();
  for (int number = 0; number < 300; ++number) Act(number);
  ExpectTheSame(*first);
  ExpectTheSame(*second);
  second->cancel_.Cancel();
  first->Stop();  // waits for both
}

// A consumer that an operator has removed, and that comes back.
TEST_F(BootstrapTest, AConsumerThatWasRemovedComesBack) {
  ActOnAll(0, 50);
  {
    const std::unique_ptr<Follower> follower = NewFollower();
    follower->Start();
    ExpectTheSame(*follower);
    ASSERT_TRUE(WaitUntil([&] { return Listed().size() == 1; }));
  }
  v1::RemoveConsumerRequest remove;
  remove.set_shard("H30");
  remove.set_consumer("routing");
  ASSERT_TRUE(SyncWait(loop_, publisher_.RemoveConsumer(remove, Soon())).ok());
  for (int round = 0; round < 5; ++round) ActOnAll(0, 50);
  AwaitTrimmed();
  const std::unique_ptr<Follower> follower = NewFollower();
  follower->HoldAfter(1);
  follower->Start();
  ASSERT_TRUE(WaitUntil([&] { return follower->source_.held_.load(); })) << follower->Standing();
  const std::vector<v1::FeedConsumer> listed = Listed();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_TRUE(listed[0].bootstrapping());
  EXPECT_EQ(listed[0].position(), end_) << "what comes from now on is kept for it";
  follower->LetGo();
  ExpectTheSame(*follower);
  ASSERT_TRUE(WaitUntil([&] { return !Listed().at(0).bootstrapping(); }));
}

// Its epoch is older than all that the source still knows of.
TEST_F(BootstrapTest, AnEpochThatIsForgottenIsNoEnd) {
  ActOnAll(0, 20);
  const std::unique_ptr<Follower> follower = NewFollower();
  ASSERT_TRUE(SyncWait(loop_, follower->client_.WaitConnected(Soon())).ok());
  store::Transaction tx(follower->store_.Keys("H30"));
  tx.SetCursor(follower->store_.Keys("H30").Cursor("intake"), store::Cursor(7, 3));
  absl::StatusOr<store::CommitOutcome> set = SyncWait(loop_, follower->store_.Commit(std::move(tx), Soon()));
  ASSERT_TRUE(set.ok()) << set.status();
  // As though the ends of 256 epochs had come and gone.
  redis::Command cut("HSET");
  cut.Arg(store_.Keys("H30").Epochs()).Arg("cut").Arg("1");
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(cut), Soon())).ok());
  ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.Restart(); }));
  follower->Start();
  ExpectTheSame(*follower);
  EXPECT_EQ(follower->bootstraps(), 1u);
}

// A record of the consumer's own that cannot be read: its shard stops and says so, nothing is skipped or
// written over, and after the fix it goes on.
TEST_F(BootstrapTest, AnUnreadableRecordStopsTheProjectionUntilItIsMended) {
  ActOnAll(0, 10);
  const std::unique_ptr<Follower> follower = NewFollower();
  follower->Start();
  ExpectTheSame(*follower);
  follower->Stop();
  const std::string key = follower->store_.Keys("H30").Record(TallyModel::kKind, Subject(3));
  const absl::StatusOr<std::vector<std::optional<std::string>>> good =
      SyncWait(loop_, follower->store_.Get(std::vector<std::string>(1, key), Soon()));
  ASSERT_TRUE(good.ok() && good->front().has_value());
  // Its version can be read, and nothing behind.
  redis::Command spoil("SET");
  spoil.Arg(key).Arg(good->front()->substr(0, 12) + "\xff\xff\xff\xff");
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(spoil), Soon())).ok());

  std::mutex mutex;
  std::vector<std::string> lines;
  telemetry::CaptureLinesForTest([&](std::string_view line) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (line.find("a feed is not followed") != std::string_view::npos) lines.emplace_back(line);
  });
  const uint64_t before = end_;
  ActOnAll(2, 5);
  const std::unique_ptr<Follower> next = NewFollower();
  next->Start();
  const auto told = [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    return !lines.empty();
  };
  ASSERT_TRUE(WaitUntil(told)) << next->Standing();
  telemetry::CaptureLinesForTest(nullptr);
  const std::lock_guard<std::mutex> lock(mutex);
  EXPECT_THAT(lines[0], HasSubstr("\"reason\":\"CORRUPT_RECORD\""));
  const auto troubled = [&] {
    return next->Of<bool>([](const Consumer& consumer) {
      return !consumer.trouble().empty() && consumer.troubled_since() < absl::InfiniteFuture();
    });
  };
  EXPECT_TRUE(troubled()) << "what metrics and `motcua status` tell";
  EXPECT_LE(next->applied(), before) << "nothing is skipped";
  redis::Command mend("SET");
  mend.Arg(key).Arg(*good->front());
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(mend), Soon())).ok());
  ExpectTheSame(*next);
  ASSERT_TRUE(WaitUntil([&] { return !troubled(); }));
}

}  // namespace
}  // namespace motcua::feed
