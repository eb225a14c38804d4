// One applier per shard: several sources in one commit, none held up by another; watermarks hold
// only behind the events below them; a long batch lets others have their turn.
#include <optional>

#include "tests/integration/feed/feed_fixture.h"
#include "tests/integration/feed/scripted_source.h"

namespace motcua::feed {
namespace {

absl::Time T(int64_t second) { return absl::FromUnixSeconds(1'800'000'000 + second); }

// Counts like CountingProjection, under a name of its own; can be stopped before it applies.
class GatedProjection final : public Projection {
 public:
  GatedProjection(async::Loop& loop, std::string name) : name_(std::move(name)), open_(loop) { open_.Set(); }

  Task<absl::Status> Apply(store::Session& session, Events events, absl::Time) override {
    largest_ = std::max(largest_.load(), events.size());
    ++calls_;
    absl::Status open = co_await open_.Wait(absl::InfiniteFuture());
    if (!open.ok()) co_return open;
    if (failing_) co_return errors::Unavailable("WAITING_FOR_INTAKE", "not yet");
    session.extra().Count(session.keys().Sequence("counters"), name_, static_cast<int64_t>(events.size()));
    for (const v1::Event* event : events) last_ = event->position();
    co_return absl::OkStatus();
  }

  const std::string name_;
  async::Event open_;
  bool failing_ = false;
  // Read from any thread.
  std::atomic<size_t> largest_ = 0;
  std::atomic<int> calls_ = 0;
  uint64_t last_ = 0;
};

class ApplierTest : public testing::Test {
 protected:
  void Start(ConsumerOptions options = ConsumerOptions()) {
    ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
    options.stuck_after = absl::Milliseconds(50);
    subscriptions_.emplace(loop_, store_, "notification", options);
    subscriptions_->Add("intake", intake_, of_intake_);
    subscriptions_->Add("routing", routing_, of_routing_);
    loop_.Spawn(subscriptions_->Run(cancel_.token()));
  }
  void TearDown() override {
    On([&] {
      of_intake_.open_.Set();
      of_routing_.open_.Set();
    });
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
  }
  void On(absl::FunctionRef<void()> work) { loop_.RunAndWait(work); }
  Consumer& Of(const std::string& source) { return *subscriptions_->Find(source, "H30"); }
  uint64_t Applied(const std::string& source) {
    uint64_t applied = 0;
    On([&] {
      Consumer* consumer = subscriptions_->Find(source, "H30");
      applied = consumer == nullptr ? 0 : consumer->applied();
    });
    return applied;
  }
  absl::Time WatermarkOf(const std::string& source) {
    absl::Time watermark;
    On([&] { watermark = Of(source).watermark(); });
    return watermark;
  }
  bool Reaches(const std::string& source, uint64_t position) {
    return WaitUntil([&] { return Applied(source) >= position; });
  }
  uint64_t Commits() {
    uint64_t commits = 0;
    On([&] { commits = store_.tally().committed; });
    return commits;
  }
  store::Counters Counted() {
    return *SyncWait(loop_, store_.ReadHash(store_.Keys("H30").Sequence("counters"), Soon()));
  }

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  time::SystemClock clock_;
  redis::Client client_{loop_, RedisOptions(redis_)};
  store::Store store_{client_, clock_, "no", absl::Hours(1)};
  ScriptedSource intake_{loop_};
  ScriptedSource routing_{loop_};
  GatedProjection of_intake_{loop_, "intake"};
  GatedProjection of_routing_{loop_, "routing"};
  std::optional<Subscriptions> subscriptions_;
  async::CancelSource cancel_{loop_};
};

TEST_F(ApplierTest, WhatArrivesTogetherIsOneCommitOfAllSources) {
  ConsumerOptions options;
  options.linger = absl::Milliseconds(200);
  Start(options);
  ASSERT_TRUE(WaitUntil([&] { return intake_.opened_ > 0 && routing_.opened_ > 0; }));
  const uint64_t before = Commits();
  On([&] {
    for (int i = 0; i < 5; ++i) intake_.Tell(1);
    routing_.Tell(4);
  });
  ASSERT_TRUE(Reaches("intake", 5));
  ASSERT_TRUE(Reaches("routing", 4));
  EXPECT_EQ(Commits(), before + 1);
  EXPECT_EQ(Counted()["intake"], 5);
  EXPECT_EQ(Counted()["routing"], 4);
}

TEST_F(ApplierTest, NobodyLingersWhereSomebodyWaits) {
  ConsumerOptions options;
  options.linger = absl::Hours(1);
  Start(options);
  On([&] { intake_.Tell(1); });
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t seen = 0;
    On([&] {
      Consumer* consumer = subscriptions_->Find("intake", "H30");
      seen = consumer == nullptr ? 0 : consumer->seen();
    });
    return seen == 1;
  }));
  EXPECT_EQ(Applied("intake"), 0u);
  Task<absl::Status> applied = subscriptions_->AwaitApplied("intake", "H30", 1, Soon(), async::CancelToken());
  EXPECT_TRUE(SyncWait(loop_, std::move(applied)).ok());
  On([&] { intake_.Tell(1, T(5)); });
  Task<absl::Status> reached = subscriptions_->Reach("H30", T(5), Soon());
  EXPECT_TRUE(SyncWait(loop_, std::move(reached)).ok());
  EXPECT_EQ(Applied("intake"), 2u);
}

TEST_F(ApplierTest, ASourceThatFailsHoldsUpNoOther) {
  of_routing_.failing_ = true;
  Start();
  On([&] {
    intake_.Tell(3);
    routing_.Tell(3);
  });
  ASSERT_TRUE(Reaches("intake", 3));
  On([&] { intake_.Tell(2); });
  ASSERT_TRUE(Reaches("intake", 5));
  ASSERT_TRUE(WaitUntil([&] {
    bool troubled = false;
    On([&] { troubled = Of("routing").troubled_since() != absl::InfiniteFuture(); });
    return troubled;
  }));
  On([&] { EXPECT_EQ(Of("intake").troubled_since(), absl::InfiniteFuture()); });
  EXPECT_EQ(Applied("routing"), 0u);
  On([&] { of_routing_.failing_ = false; });
  ASSERT_TRUE(Reaches("routing", 3));
  EXPECT_EQ(Counted()["intake"], 5);
  EXPECT_EQ(Counted()["routing"], 3);
  On([&] { EXPECT_EQ(Of("routing").troubled_since(), absl::InfiniteFuture()); });
}

TEST_F(ApplierTest, ACursorThatAnotherReplicaMovedSkipsWhatThatOneApplied) {
  Start();
  On([&] {
    of_intake_.open_.Reset();
    intake_.Tell(4);
    routing_.Tell(2);
  });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ > 0; }));
  // The other one was faster with the first three.
  store::Transaction other(store_.Keys("H30"));
  other.SetCursor(store_.Keys("H30").Cursor("intake"), 3);
  other.Count(store_.Keys("H30").Sequence("counters"), "intake", 3);
  ASSERT_TRUE(SyncWait(loop_, store_.Commit(std::move(other), Soon())).ok());
  On([&] { of_intake_.open_.Set(); });
  ASSERT_TRUE(Reaches("intake", 4));
  ASSERT_TRUE(Reaches("routing", 2));
  EXPECT_EQ(Counted()["intake"], 4) << "each once";
  EXPECT_EQ(Counted()["routing"], 2);
  EXPECT_EQ(intake_.opened_, 1) << "the stream goes on";
}

// The store has come back with an older state.
TEST_F(ApplierTest, WhatIsBehindACursorThatWentBackIsNotTakenForApplied) {
  Start();
  On([&] { intake_.Tell(6, T(1)); });
  ASSERT_TRUE(WaitUntil([&] { return WatermarkOf("intake") == T(1); }));
  store::Transaction back(store_.Keys("H30"));
  back.SetCursor(store_.Keys("H30").Cursor("intake"), 2);
  back.Count(store_.Keys("H30").Sequence("counters"), "intake", -4);
  ASSERT_TRUE(SyncWait(loop_, store_.Commit(std::move(back), Soon())).ok());
  On([&] {
    of_intake_.open_.Reset();
    intake_.Tell(1);
  });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ == 2; }));
  On([&] {
    of_intake_.open_.Set();
    of_intake_.open_.Reset();
  });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ == 3; })) << "read again from the cursor";
  EXPECT_EQ(Applied("intake"), 2u);
  EXPECT_EQ(WatermarkOf("intake"), absl::InfinitePast());
  On([&] { of_intake_.open_.Set(); });
  ASSERT_TRUE(Reaches("intake", 7));
  EXPECT_EQ(Counted()["intake"], 7) << "each once";
}

// Asked for the feed's end in mid-backlog, a source still tells what holds before it.
TEST_F(ApplierTest, WhoAsksWhileABacklogIsWorkedOffLosesNoWatermark) {
  ConsumerOptions options;
  options.batch_events = 100;
  options.slice_events = 100;
  Start(options);
  ASSERT_TRUE(WaitUntil([&] { return intake_.opened_ > 0; }));
  On([&] {
    of_intake_.open_.Reset();
    intake_.Tell(100, T(1));
  });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ > 0; }));
  On([&] {
    Of("intake").Promised(400, T(9));
    for (int i = 2; i <= 4; ++i) intake_.Tell(100, T(i));
  });
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ >= i; }));
    if (i > 1) {
      EXPECT_EQ(WatermarkOf("intake"), T(i - 1));
    }
    On([&] {
      of_intake_.open_.Set();
      of_intake_.open_.Reset();
    });
  }
  ASSERT_TRUE(WaitUntil([&] { return WatermarkOf("intake") == T(9); }));
}

TEST_F(ApplierTest, AWatermarkHoldsOnlyBehindTheEventsBelowIt) {
  Start();
  On([&] {
    of_intake_.open_.Reset();
    intake_.Tell(700, T(1));  // more than one commit takes
  });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ > 0; }));
  EXPECT_EQ(WatermarkOf("intake"), absl::InfinitePast()) << "taken while events still wait";
  On([&] { of_intake_.failing_ = true; });
  On([&] { of_intake_.open_.Set(); });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ > 3; }));
  EXPECT_EQ(WatermarkOf("intake"), absl::InfinitePast());
  On([&] { of_intake_.failing_ = false; });
  ASSERT_TRUE(WaitUntil([&] { return WatermarkOf("intake") == T(1); }));
  EXPECT_EQ(Applied("intake"), 700u);
}

TEST_F(ApplierTest, WatermarksKeepComingWhileABacklogIsWorkedOff) {
  ConsumerOptions options;
  options.batch_events = 100;
  options.slice_events = 100;
  Start(options);
  On([&] {
    of_intake_.open_.Reset();
    for (int i = 1; i <= 4; ++i) intake_.Tell(100, T(i));
  });
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ >= i; }));
    EXPECT_EQ(WatermarkOf("intake"), i == 1 ? absl::InfinitePast() : T(i - 1));
    On([&] {
      of_intake_.open_.Set();
      of_intake_.open_.Reset();
    });
  }
  ASSERT_TRUE(WaitUntil([&] { return WatermarkOf("intake") == T(4); }));
}

TEST_F(ApplierTest, AnAnswerOfReachHoldsOnlyBehindItsPosition) {
  Start();
  ASSERT_TRUE(WaitUntil([&] { return intake_.opened_ > 0; }));
  On([&] {
    of_intake_.open_.Reset();
    intake_.Tell(3);
  });
  ASSERT_TRUE(WaitUntil([&] { return of_intake_.calls_ > 0; }));
  Task<absl::Status> early = subscriptions_->Reach("H30", T(9), absl::Now() + absl::Milliseconds(100));
  EXPECT_EQ(errors::Reason(SyncWait(loop_, std::move(early))), "NOT_CAUGHT_UP");
  EXPECT_EQ(WatermarkOf("intake"), absl::InfinitePast());
  EXPECT_EQ(WatermarkOf("routing"), T(9));
  On([&] { of_intake_.open_.Set(); });
  Task<absl::Status> reached = subscriptions_->Reach("H30", T(9), Soon());
  EXPECT_TRUE(SyncWait(loop_, std::move(reached)).ok());
  EXPECT_EQ(WatermarkOf("intake"), T(9));
}

TEST_F(ApplierTest, ALongBatchIsGivenInSlicesAndOthersHaveTheirTurnInBetween) {
  Start();
  ASSERT_TRUE(WaitUntil([&] { return intake_.opened_ > 0; }));
  On([&] { intake_.Tell(512); });
  ASSERT_TRUE(Reaches("intake", 512));
  EXPECT_LE(of_intake_.largest_, 64u);
  EXPECT_GE(of_intake_.calls_, 8);
}

TEST_F(ApplierTest, ACommitIsBoundedByBytes) {
  ConsumerOptions options;
  options.batch_bytes = 200;
  Start(options);
  ASSERT_TRUE(WaitUntil([&] { return intake_.opened_ > 0; }));
  const uint64_t before = Commits();
  On([&] { intake_.Tell(50); });  // each of some thirty bytes
  ASSERT_TRUE(Reaches("intake", 50));
  EXPECT_GE(Commits() - before, 8u);
  EXPECT_EQ(Counted()["intake"], 50);
}

}  // namespace
}  // namespace motcua::feed
