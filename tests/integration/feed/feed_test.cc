// Feeds against a real redis-server: in order, without gaps, applied exactly once.
#include "tests/integration/feed/feed_fixture.h"

namespace motcua::feed {
namespace {

TEST_F(FeedTest, EventsAreAppliedOnceInOrderFromTheBeginningAndLive) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  Emit(200);  // more than the ring and the retention hold: a consumer that is away loses nothing
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  ExpectAppliedOnce(replica);
  Emit(50);
  ExpectAppliedOnce(replica);
}

TEST_F(FeedTest, AProjectionIsToldOfItsCommitOnceAndBeforeWhoWaits) {
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.projection_.failing_ = true;
  replica.Start();
  Emit(70);
  ASSERT_TRUE(WaitUntil([&] { return replica.projection_.attempts_ > 2; }));
  EXPECT_EQ(replica.projection_.committed_, 0u) << "nothing was";
  loop_.RunAndWait([&] { replica.projection_.failing_ = false; });
  ASSERT_TRUE(SyncWait(loop_, replica.subscriptions_.AwaitApplied("intake", "H30", emitted_, Soon(),
                                                                  async::CancelToken()))
                  .ok());
  EXPECT_EQ(replica.projection_.committed_, emitted_);
}

TEST_F(FeedTest, AConsumerResumesWhereItsCommittedCursorStands) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  Emit(30);
  {
    Replica first(loop_, redis_, clock_, publisher_);
    first.Start();
    ExpectAppliedOnce(first);
  }
  Emit(30);
  Replica second(loop_, redis_, clock_, publisher_);
  second.Start();
  ExpectAppliedOnce(second);
}

TEST_F(FeedTest, TwoRacingReplicasApplyEachEventOnce) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  Replica one(loop_, redis_, clock_, publisher_);
  Replica two(loop_, redis_, clock_, publisher_);
  one.projection_.pause_ = &loop_;
  two.projection_.pause_ = &loop_;
  one.Start();
  two.Start();
  for (int i = 0; i < 10; ++i) Emit(20);
  ExpectAppliedOnce(one);
  ASSERT_TRUE(WaitUntil([&] { return one.applied() == emitted_ && two.applied() == emitted_; }));
  two.cancel_.Cancel();
  one.Stop();
}

TEST_F(FeedTest, KilledRedisNeitherLosesNorDoublesAnEvent) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  for (int round = 0; round < 3; ++round) {
    Emit(40);
    Restart();  // kill -9 in the middle of the consumer's work
  }
  ExpectAppliedOnce(replica);
}

TEST_F(FeedTest, TheWatermarkFollowsTheClockAndHoldsBackEarlierEvents) {
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  Emit(3);
  const absl::Time later = clock_.Now() + absl::Hours(24);
  clock_.AdvanceTo(later);
  ASSERT_TRUE(SyncWait(loop_, publisher_.AwaitWatermark(later, Soon())).ok());
  ASSERT_TRUE(WaitUntil([&] { return replica.watermark() >= later; }));
  EXPECT_EQ(replica.applied(), 3) << "a watermark is told only after what lies before it";
  // A commit that is earlier than the watermark is refused.
  store::Transaction tx(store_.Keys("H30"));
  tx.TakesEffectAt(later - absl::Seconds(1));
  tx.Emit("");
  EXPECT_EQ(SyncWait(loop_, store_.Commit(tx, Soon()))->kind, store::CommitOutcome::Kind::kStale);
}

TEST_F(FeedTest, EventsThatAreNotWantedAreNotSentButKnownToBePast) {
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.projection_.wanted_ = {v1::Event::kDossierAccepted};
  replica.Start();
  Emit(30);  // of another kind
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == emitted_; }));
  EXPECT_EQ(Counted(replica)["events"], 0);
  replica.Stop();
}

TEST_F(FeedTest, AnOnlookerMayBeginAtTheEnd) {
  Emit(4);
  v1::ReadRequest request;
  request.set_shard("H30");
  request.set_after(1);
  request.set_from_end(true);
  Reader reader(loop_, publisher_, request);
  const auto start = reader.Take();
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->position(), 4u);
  EXPECT_GT(start->epoch(), 0u);
  EXPECT_EQ(start->events_size(), 0);
  Emit(1);
  auto next = reader.Take();
  while (next.ok() && next->events_size() == 0) next = reader.Take();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->events(0).position(), 5u);
}

TEST_F(FeedTest, OnlyWhatEveryConsumerHasAppliedIsTrimmed) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // reading once under a name is what makes a consumer durable
  Emit(300);
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_shard("H30");
  acknowledge.set_consumer("routing");
  acknowledge.set_position(50);
  ASSERT_TRUE(SyncWait(loop_, publisher_.Acknowledge(acknowledge, Soon())).ok());
  auto first_kept = [&] {
    redis::Command range("XRANGE");
    range.Arg(store_.Keys("H30").Feed()).Arg("-").Arg("+").Arg("COUNT").Arg(1);
    auto reply = SyncWait(loop_, client_.Execute(std::move(range), Soon()));
    return reply->items()[0].items()[0].text();
  };
  ASSERT_TRUE(WaitUntil([&] { return first_kept() == "0-51"; })) << first_kept();
  acknowledge.set_position(290);
  ASSERT_TRUE(SyncWait(loop_, publisher_.Acknowledge(acknowledge, Soon())).ok());
  // 300 - retention of 100
  ASSERT_TRUE(WaitUntil([&] { return first_kept() == "0-200"; })) << first_kept();

  absl::StatusOr<v1::ReadResponse> step = Read("", 10)->Take();
  EXPECT_EQ(errors::Reason(step.status()), "FEED_TRIMMED") << step.status();
  EXPECT_EQ(errors::MetadataValue(step.status(), "first"), "200");
}

TEST_F(FeedTest, ASlowReaderHoldsUpNobody) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  std::unique_ptr<Reader> slow = Read("slow", 0, 10);
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  Emit(500);
  ExpectAppliedOnce(replica);  // while the slow one has taken nothing
  uint64_t seen = 0;
  while (seen < 500) {
    absl::StatusOr<v1::ReadResponse> step = slow->Take();
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_LE(step->events_size(), 10);
    for (const v1::Event& event : step->events()) EXPECT_EQ(event.position(), ++seen);
  }
}

}  // namespace
}  // namespace motcua::feed
