// Watermarks on the system's clock: at rest neither moved nor told, unless somebody asks; whatever the hosts'
// clocks do.
#include <optional>

#include "common/store/leases.h"
#include "tests/integration/feed/feed_fixture.h"
#include "tests/support/redis_group.h"

namespace motcua::feed {
namespace {

// On the system's clock, as in production.
class OnDemandTest : public testing::Test {
 protected:
  OnDemandTest() {
    PublisherOptions options;
    publisher_.emplace(loop_, store_, tail_, options);
  }
  void SetUp() override {
    ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, tail_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, publisher_->AddShard("H30", Soon())).ok());
    loop_.Spawn(publisher_->Run(cancel_.token()));
  }
  void TearDown() override {
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
  }
  absl::Time Emit() {
    const absl::Time now = absl::Now();
    v1::Event event;
    *event.mutable_at() = time::ToTimestamp(now);
    store::Transaction tx(store_.Keys("H30"));
    tx.Emit(event.SerializeAsString());
    EXPECT_TRUE(SyncWait(loop_, store_.Commit(std::move(tx), Soon())).ok());
    return now;
  }
  uint64_t Commits() {
    uint64_t commits = 0;
    loop_.RunAndWait([&] { commits = store_.tally().committed; });
    return commits;
  }
  absl::Time watermark() {
    absl::Time at;
    loop_.RunAndWait([&] { at = publisher_->watermark("H30"); });
    return at;
  }
  absl::StatusOr<v1::Reached> Reach(absl::Time moment) {
    v1::ReachRequest request;
    v1::ReachMoment* asked = request.add_moments();
    asked->set_shard("H30");
    *asked->mutable_moment() = time::ToTimestamp(moment);
    absl::StatusOr<v1::ReachResponse> response =
        SyncWait(loop_, publisher_->Reach(std::move(request), Soon(), async::CancelToken()));
    if (!response.ok()) return response.status();
    return response->reached(0);
  }

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  time::SystemClock clock_;
  redis::Client client_{loop_, RedisOptions(redis_)};
  redis::Client tail_{loop_, RedisOptions(redis_)};
  store::Store store_{client_, clock_, "in", absl::Hours(1)};
  std::optional<Publisher> publisher_;
  async::CancelSource cancel_{loop_};
};

TEST_F(OnDemandTest, TheWatermarkPassesNewsAsLongAsSomebodyReadsAndThenRests) {
  test::LocalSource source(loop_, *publisher_);
  std::unique_ptr<SourceStream> stream;
  loop_.RunAndWait([&] {
    v1::ReadRequest request;
    request.set_shard("H30");
    stream = source.Open(std::move(request));
  });
  const absl::Time at = Emit();
  while (true) {
    absl::StatusOr<Step> step = SyncWait(loop_, stream->Next(async::CancelToken()));
    ASSERT_TRUE(step.ok()) << step.status();
    if ((*step)->has_watermark() && time::FromTimestamp((*step)->watermark()) >= at) break;
  }
  EXPECT_LT(absl::Now() - at, absl::Seconds(2)) << "soon";
  // Nothing more is committed, and nothing told.
  const uint64_t before = Commits();
  async::CancelSource enough(loop_);
  Task<absl::StatusOr<Step>> next = stream->Next(enough.token());
  loop_.Post([&] { loop_.StartTimer(absl::Milliseconds(600), [&] { enough.Cancel(); }); });
  EXPECT_TRUE(absl::IsCancelled(SyncWait(loop_, std::move(next)).status()));
  EXPECT_EQ(Commits(), before);
  loop_.RunAndWait([&] { stream.reset(); });
}

TEST_F(OnDemandTest, WithoutReadersNothingMoves) {
  Emit();
  const uint64_t before = Commits();
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t position = 0;
    loop_.RunAndWait([&] { position = publisher_->position("H30"); });
    return position == 1;
  }));
  (void)SyncWait(loop_, loop_.Sleep(absl::Milliseconds(400)));
  EXPECT_EQ(Commits(), before);
  EXPECT_EQ(watermark(), absl::InfinitePast());
}

TEST_F(OnDemandTest, WhoAsksIsAnsweredWithWatermarkAndPosition) {
  const absl::Time at = Emit();
  const uint64_t before = Commits();
  const absl::StatusOr<v1::Reached> reached = Reach(at);
  ASSERT_TRUE(reached.ok()) << reached.status();
  EXPECT_GE(time::FromTimestamp(reached->watermark()), at - absl::Microseconds(1));
  EXPECT_EQ(reached->position(), 1u);
  EXPECT_EQ(reached->end(), 1u);
  EXPECT_LT(absl::Now() - at, absl::Seconds(2));
  EXPECT_EQ(Commits(), before + 1);
  EXPECT_TRUE(Reach(at).ok());
  EXPECT_EQ(Commits(), before + 1) << "what was reached is not moved again";
}

TEST_F(OnDemandTest, AMomentThatCannotBeReachedIsAnsweredAndHoldsUpNoOther) {
  const absl::Time far = absl::Now() + absl::Hours(1);
  v1::ReachRequest request;
  v1::ReachMoment* asked = request.add_moments();
  asked->set_shard("H30");
  *asked->mutable_moment() = time::ToTimestamp(far);
  bool answered = false;
  loop_.Spawn([](Publisher& publisher, v1::ReachRequest r, bool* done) -> Task<void> {
    absl::StatusOr<v1::ReachResponse> response =
        co_await publisher.Reach(std::move(r), Soon(), async::CancelToken());
    EXPECT_TRUE(response.ok()) << response.status();
    if (response.ok()) {
      EXPECT_LT(time::FromTimestamp(response->reached(0).watermark()), absl::Now());
    }
    *done = true;
  }(*publisher_, request, &answered));
  const absl::Time now = absl::Now();
  const absl::StatusOr<v1::Reached> reached = Reach(now);
  ASSERT_TRUE(reached.ok());
  EXPECT_GE(time::FromTimestamp(reached->watermark()), now - absl::Microseconds(1));
  ASSERT_TRUE(WaitUntil([&] {
    bool done = false;
    loop_.RunAndWait([&] { done = answered; });
    return done;
  }));
  request.mutable_moments(0)->set_shard("H99");
  EXPECT_EQ(
      errors::Reason(SyncWait(loop_, publisher_->Reach(request, Soon(), async::CancelToken())).status()),
      "UNKNOWN_SHARD");
}

// A shard that this replica does not know (yet) keeps nobody from hearing of the others.
TEST_F(OnDemandTest, AShardThatIsUnknownHoldsUpNoOther) {
  const absl::Time now = absl::Now();
  v1::ReachRequest request;
  for (const char* shard : {"H98", "H30", "H99"}) {
    v1::ReachMoment* asked = request.add_moments();
    asked->set_shard(shard);
    *asked->mutable_moment() = time::ToTimestamp(now);
  }
  const auto response = SyncWait(loop_, publisher_->Reach(request, Soon(), async::CancelToken()));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->reached_size(), 3);
  EXPECT_GE(time::FromTimestamp(response->reached(1).watermark()), now - absl::Microseconds(1));
  EXPECT_EQ(response->reached(2).shard(), "H99");
  EXPECT_FALSE(response->reached(0).has_watermark());
  EXPECT_FALSE(response->reached(2).has_watermark());
}

// For how long a moment is owed counts from those who still ask, not from one who gave up long ago.
TEST_F(OnDemandTest, WhatIsOwedIsOwedToThoseWhoAskNow) {
  const auto owed = [&] {
    absl::Duration since;
    loop_.RunAndWait([&] { since = publisher_->owed("H30"); });
    return since;
  };
  ASSERT_TRUE(Reach(absl::Now() + absl::Hours(1)).ok());
  EXPECT_GT(owed(), absl::ZeroDuration());
  ASSERT_TRUE(WaitUntil([&] { return owed() == absl::ZeroDuration(); })) << "nobody asks any more";
  ASSERT_TRUE(Reach(absl::Now() + absl::Hours(1)).ok());
  EXPECT_GT(owed(), absl::ZeroDuration());
  EXPECT_LT(owed(), absl::Seconds(4));
}

// The clock of a host that is set wrongly.
class WrongClock final : public time::Clock {
 public:
  explicit WrongClock(absl::Duration off) : off_(off) {}
  absl::Time Now() const override { return absl::Now() + off_.load(); }
  std::atomic<absl::Duration> off_;
};

// A second replica, on a host with that clock.
class WrongHost {
 public:
  WrongHost(async::Loop& loop, const test::RedisProcess& redis, absl::Duration off)
      : clock_(off),
        client_(loop, RedisOptions(redis)),
        tail_(loop, RedisOptions(redis)),
        store_(client_, clock_, "in", absl::Hours(1)),
        publisher_(loop, store_, tail_, PublisherOptions()) {}

  WrongClock clock_;
  redis::Client client_;
  redis::Client tail_;
  store::Store store_;
  Publisher publisher_;
};

TEST_F(OnDemandTest, AHostWhoseClockIsAYearAheadMovesNoWatermarkIntoTheFuture) {
  WrongHost wrong(loop_, redis_, absl::Hours(24 * 365));
  ASSERT_TRUE(SyncWait(loop_, wrong.client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(SyncWait(loop_, wrong.publisher_.AddShard("H30", Soon())).ok());
  async::CancelSource cancel(loop_);
  loop_.Spawn(wrong.publisher_.Run(cancel.token()));
  Emit();
  v1::ReachRequest request;
  v1::ReachMoment* asked = request.add_moments();
  asked->set_shard("H30");
  *asked->mutable_moment() = time::ToTimestamp(wrong.clock_.Now() - absl::Hours(1));
  const auto reached = SyncWait(loop_, wrong.publisher_.Reach(request, Soon(), async::CancelToken()));
  ASSERT_TRUE(reached.ok()) << reached.status();
  EXPECT_LE(time::FromTimestamp(reached->reached(0).watermark()), absl::Now());
  uint64_t commits = 0;
  loop_.RunAndWait([&] { commits = wrong.store_.tally().committed; });
  EXPECT_LE(commits, 10u) << "and Redis is not asked again and again";
  // Calls of the other replica take effect at once.
  store::Transaction tx(store_.Keys("H30"));
  tx.TakesEffectAt(absl::Now());
  tx.Emit(v1::Event().SerializeAsString());
  const auto outcome = SyncWait(loop_, store_.Commit(std::move(tx), Soon()));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->kind, store::CommitOutcome::Kind::kCommitted);
  EXPECT_TRUE(Reach(absl::Now()).ok());
  EXPECT_LE(watermark(), absl::Now());
  cancel.Cancel();
  ASSERT_TRUE(WaitUntil([&] { return loop_.spawned() <= 1; }));
}

TEST_F(OnDemandTest, AClockThatStepsBackAnHourStopsNothing) {
  WrongHost host(loop_, redis_, absl::ZeroDuration());
  ASSERT_TRUE(SyncWait(loop_, host.client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(SyncWait(loop_, host.publisher_.AddShard("H30", Soon())).ok());
  async::CancelSource cancel(loop_);
  loop_.Spawn(host.publisher_.Run(cancel.token()));
  const absl::Time before = absl::Now();
  ASSERT_TRUE(Reach(before).ok());
  host.clock_.off_ = -absl::Hours(1);
  const auto commit = [&](absl::Time at) {
    store::Transaction tx(host.store_.Keys("H30"));
    tx.TakesEffectAt(at);
    tx.Emit(v1::Event().SerializeAsString());
    return SyncWait(loop_, host.store_.Commit(std::move(tx), Soon()));
  };
  // What is decided before the watermark is told it, and takes effect there.
  const auto stale = commit(host.clock_.Now());
  ASSERT_TRUE(stale.ok()) << stale.status();
  ASSERT_EQ(stale->kind, store::CommitOutcome::Kind::kStale);
  const auto committed = commit(stale->watermark);
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_EQ(committed->kind, store::CommitOutcome::Kind::kCommitted);
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t position = 0;
    loop_.RunAndWait([&] { position = host.publisher_.position("H30"); });
    return position == committed->position;
  }));
  // Who asks by that clock is answered at once, by what holds already.
  v1::ReachRequest request;
  v1::ReachMoment* asked = request.add_moments();
  asked->set_shard("H30");
  *asked->mutable_moment() = time::ToTimestamp(host.clock_.Now());
  const auto reached = SyncWait(loop_, host.publisher_.Reach(request, Soon(), async::CancelToken()));
  ASSERT_TRUE(reached.ok()) << reached.status();
  EXPECT_GE(time::FromTimestamp(reached->reached(0).watermark()), host.clock_.Now());
  // And the other replica goes on.
  const absl::Time later = absl::Now();
  ASSERT_TRUE(Reach(later).ok());
  EXPECT_GE(watermark(), later - absl::Milliseconds(1));
  cancel.Cancel();
  ASSERT_TRUE(WaitUntil([&] { return loop_.spawned() <= 1; }));
}

TEST_F(OnDemandTest, ABoundThatRestsIsAskedOn) {
  absl::Time bound = absl::FromUnixSeconds(1'000'000'000);
  std::vector<absl::Time> asked;
  loop_.RunAndWait([&] {
    publisher_->SetBound([&](const std::string&) { return bound; });
    publisher_->SetAsk([&](std::string, absl::Time moment, absl::Time) -> Task<absl::Status> {
      asked.push_back(moment);
      bound = moment;
      co_return absl::OkStatus();
    });
  });
  const absl::Time now = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  const absl::StatusOr<v1::Reached> reached = Reach(now);
  ASSERT_TRUE(reached.ok());
  EXPECT_EQ(time::FromTimestamp(reached->watermark()), now) << "never past the bound";
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0], now);
}

// Where others serve the readers it must not cost this replica a trip for each event.
TEST_F(OnDemandTest, WhatNobodyReadsHereIsLookedAtNowAndThen) {
  store::LeaseOptions lease;
  lease.beat = absl::Milliseconds(50);
  lease.life = absl::Hours(1);
  store::Leases leases(loop_, store_, "in:replicas", lease);
  async::CancelSource over(loop_);
  async::Children running(loop_);
  loop_.RunAndWait([&] {
    publisher_->SetLeases(leases);
    running.Spawn(leases.Run(over.token()));
  });
  ASSERT_TRUE(WaitUntil([&] {
    redis::Command beat("HINCRBY");
    beat.Arg("in:replicas").Arg("another").Arg(1);
    EXPECT_TRUE(SyncWait(loop_, client_.Execute(std::move(beat), Soon())).ok());
    size_t replicas = 0;
    loop_.RunAndWait([&] { replicas = leases.replicas(); });
    return replicas == 2;
  }));
  auto reads = [&] { return static_cast<int64_t>(test::CallsOf("xread", redis_.port())); };
  auto end = [&] {
    uint64_t end = 0;
    loop_.RunAndWait([&] { end = publisher_->position("H30"); });
    return end;
  };
  const int64_t before = reads();
  const absl::Time began = absl::Now();
  for (int i = 0; i < 300; ++i) Emit();
  ASSERT_TRUE(WaitUntil([&] { return end() == 300; }));
  EXPECT_LE(reads() - before, 3 + (absl::Now() - began) / absl::Milliseconds(100));

  // Who comes is told what he asks for, and what follows, at once.
  test::LocalSource source(loop_, *publisher_);
  std::unique_ptr<SourceStream> stream;
  loop_.RunAndWait([&] {
    v1::ReadRequest request;
    request.set_shard("H30");
    request.set_after(299);
    stream = source.Open(std::move(request));
  });
  const absl::Time asked = absl::Now();
  uint64_t told = 299;
  for (uint64_t position = 300; position <= 320; ++position) {
    if (position > 300) Emit();
    while (told < position) {
      absl::StatusOr<Step> step = SyncWait(loop_, stream->Next(async::CancelToken()));
      ASSERT_TRUE(step.ok()) << step.status();
      for (const v1::Event& event : (*step)->events()) told = event.position();
    }
  }
  EXPECT_LT(absl::Now() - asked, absl::Seconds(1));
  loop_.RunAndWait([&] { stream.reset(); });
  over.Cancel();
  SyncWait(loop_, running.Ended());
  cancel_.Cancel();
  EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));  // the publisher knows the leases
}

}  // namespace
}  // namespace motcua::feed
