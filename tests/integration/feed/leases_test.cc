// Replicas of a service share its work: one applies a shard while the others follow, and another goes on
// where it ends, dies or stops for a while.
#include "common/store/leases.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/feed/feed_fixture.h"

namespace motcua::feed {
namespace {

constexpr char kReplicas[] = "ro:replicas";

store::LeaseOptions Hasty() {
  store::LeaseOptions options;
  options.beat = absl::Milliseconds(50);
  options.look = absl::Milliseconds(20);
  options.life = absl::Milliseconds(600);
  return options;
}

// Nothing but a farewell makes the others go on.
store::LeaseOptions Patient() {
  store::LeaseOptions options = Hasty();
  options.life = absl::Hours(1);
  return options;
}

class LeasedReplica {
 public:
  LeasedReplica(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock,
                Publisher& publisher, const store::LeaseOptions& options)
      : replica(loop, redis, clock, publisher), leases_(loop, replica.store_, kReplicas, options) {
    replica.subscriptions_.SetLeases(leases_);
  }
  void Start() {
    replica.loop_.Spawn(Live());
    replica.loop_.Spawn(replica.subscriptions_.Run(replica.cancel_.token()));
  }
  // It has taken its leave. Its last work may be under way: it is destroyed when the loop has nothing to do.
  void Stop() {
    replica.cancel_.Cancel();
    ASSERT_TRUE(WaitUntil([&] { return gone_.load(); }));
  }
  bool Holds(const std::string& shard = "H30") {
    bool holds = false;
    replica.loop_.RunAndWait([&] { holds = leases_.Holds(shard); });
    return holds;
  }
  size_t replicas() {
    size_t replicas = 0;
    replica.loop_.RunAndWait([&] { replicas = leases_.replicas(); });
    return replicas;
  }
  // Waits as a call does that brings `motcua-after`.
  absl::Status AwaitApplied(uint64_t position) {
    return SyncWait(replica.loop_, replica.subscriptions_.AwaitApplied("intake", "H30", position, Soon(),
                                                                       async::CancelToken()));
  }

  Replica replica;

 private:
  Task<void> Live() {
    co_await leases_.Run(replica.cancel_.token());
    gone_ = true;
  }

  store::Leases leases_;
  std::atomic<bool> gone_{false};
};

class LeasesTest : public FeedTest {
 protected:
  void TearDown() override {
    for (const auto& replica : made_) replica->replica.cancel_.Cancel();
    FeedTest::TearDown();
    made_.clear();
  }
  LeasedReplica* Make(const store::LeaseOptions& options = Hasty()) {
    made_.push_back(std::make_unique<LeasedReplica>(loop_, redis_, clock_, publisher_, options));
    return made_.back().get();
  }
  // Another replica, of which nothing is there but the signs of life that it gives.
  void Beat(const std::string& name) {
    redis::Command beat("HINCRBY");
    beat.Arg(kReplicas).Arg(name).Arg(1);
    ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(beat), Soon())).ok());
  }
  // A name that has the shard against any other but one in some 65,000.
  static std::string Heaviest() {
    for (int i = 0;; ++i) {
      std::string name = absl::StrCat("idler-", i);
      if (store::Sha256(name, "H30").substr(0, 2) == "\xff\xff") return name;
    }
  }
  // Starts `replica` beside another one that holds H30, does nothing, and lives as long as Beat is called.
  std::string StartBesideAnIdler(LeasedReplica& replica) {
    replica.Start();
    EXPECT_TRUE(WaitUntil([&] { return replica.Holds(); }));
    EXPECT_TRUE(WaitUntil([&] { return replica.replica.applied() == emitted_; }));
    const std::string name = Heaviest();
    EXPECT_TRUE(WaitUntil([&] {
      Beat(name);
      return replica.replicas() == 2;
    }));
    EXPECT_FALSE(replica.Holds());
    return name;
  }
  // Commits of the replica that came too late.
  static uint64_t Lost(LeasedReplica& replica) {
    uint64_t lost = 0;
    replica.replica.loop_.RunAndWait([&] { lost = replica.replica.store_.tally().cursor_moved; });
    return lost;
  }

  std::vector<std::unique_ptr<LeasedReplica>> made_;
};

TEST_F(LeasesTest, TheSecondAppliesNothingWhileTheFirstLives) {
  LeasedReplica *one = Make(), *two = Make();
  one->Start();
  two->Start();
  ASSERT_TRUE(WaitUntil([&] { return one->replicas() == 2 && two->replicas() == 2; }));
  ASSERT_NE(one->Holds(), two->Holds());
  LeasedReplica& holder = one->Holds() ? *one : *two;
  LeasedReplica& other = one->Holds() ? *two : *one;
  // Until they knew of each other, both may have begun.
  Emit(1);
  ASSERT_TRUE(other.AwaitApplied(emitted_).ok());
  const uint64_t before = Lost(holder) + Lost(other);
  for (int i = 0; i < 20; ++i) {
    Emit(10);
    ASSERT_TRUE(other.AwaitApplied(emitted_).ok()) << "who asks the one that only follows";
    EXPECT_EQ(other.replica.applied(), emitted_);
  }
  ExpectAppliedOnce(holder.replica);
  EXPECT_GT(holder.replica.projection_.attempts_, 0);
  EXPECT_EQ(other.replica.projection_.attempts_, 0);
  EXPECT_EQ(Lost(holder) + Lost(other), before);
}

TEST_F(LeasesTest, WhoFollowsReadsNothingWhereNobodyWaits) {
  LeasedReplica* replica = Make(Patient());
  StartBesideAnIdler(*replica);
  const int opened = replica->replica.source_.opened_;
  Emit(10);
  const absl::Time end = absl::Now() + absl::Milliseconds(100);
  while (absl::Now() < end) EXPECT_EQ(replica->replica.source_.opened_, opened);
  EXPECT_EQ(replica->replica.projection_.attempts_, 0);
}

TEST_F(LeasesTest, WhoFollowsTellsHowFarTheHolderHasCome) {
  LeasedReplica *one = Make(), *two = Make();
  one->Start();
  two->Start();
  ASSERT_TRUE(WaitUntil([&] { return one->replicas() == 2 && two->replicas() == 2; }));
  LeasedReplica& holder = one->Holds() ? *one : *two;
  LeasedReplica& other = one->Holds() ? *two : *one;
  Emit(10);
  ASSERT_TRUE(WaitUntil([&] { return holder.replica.applied() == emitted_; }));
  EXPECT_LT(other.replica.applied(), emitted_);
  SyncWait(loop_, other.replica.subscriptions_.LookUp());
  EXPECT_EQ(other.replica.applied(), emitted_);
}

TEST_F(LeasesTest, WhoWaitsIsServedWhereTheHolderDoesNothing) {
  LeasedReplica* replica = Make(Patient());
  StartBesideAnIdler(*replica);
  Emit(20);
  EXPECT_TRUE(replica->AwaitApplied(emitted_).ok());
  EXPECT_FALSE(replica->Holds());
  ExpectAppliedOnce(replica->replica);
}

TEST_F(LeasesTest, WhatIsForNobodyIsPassedByWhoFollows) {
  LeasedReplica* replica = Make(Patient());
  replica->replica.projection_.wanted_.push_back(v1::Event::kDossierAccepted);
  StartBesideAnIdler(*replica);
  Emit(5);  // of another kind
  EXPECT_TRUE(replica->AwaitApplied(emitted_).ok());
  EXPECT_EQ(replica->replica.projection_.attempts_, 0);
}

TEST_F(LeasesTest, TroubleIsToldByTheHolderAlone) {
  LeasedReplica* replica = Make(Patient());
  StartBesideAnIdler(*replica);
  loop_.RunAndWait([&] { replica->replica.source_.gone_ = true; });
  Emit(5);
  const absl::Status waited = SyncWait(
      loop_, replica->replica.subscriptions_.AwaitApplied(
                 "intake", "H30", emitted_, absl::Now() + absl::Milliseconds(300), async::CancelToken()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(waited)) << "neither the holder nor the source is there";
  EXPECT_EQ(replica->replica.troubled_since(), absl::InfiniteFuture());
  loop_.RunAndWait([&] { replica->replica.source_.gone_ = false; });
  EXPECT_TRUE(replica->AwaitApplied(emitted_).ok());
}

TEST_F(LeasesTest, OneThatDiesIsFollowedByAnother) {
  LeasedReplica* replica = Make();
  StartBesideAnIdler(*replica);
  Emit(20);  // the idler gives no sign of life any more
  ExpectAppliedOnce(replica->replica);
  EXPECT_TRUE(replica->Holds());
}

TEST_F(LeasesTest, OneThatWakesAfterItsLeaseIsThereAgain) {
  LeasedReplica* replica = Make();
  const std::string idler = StartBesideAnIdler(*replica);
  ASSERT_TRUE(WaitUntil([&] { return replica->Holds(); }));
  Emit(5);
  ExpectAppliedOnce(replica->replica);
  Beat(idler);
  ASSERT_TRUE(WaitUntil([&] { return !replica->Holds(); }));
  Emit(5);
  EXPECT_TRUE(replica->AwaitApplied(emitted_).ok());
  ExpectAppliedOnce(replica->replica);
}

TEST_F(LeasesTest, OneThatStopsIsFollowedAtOnce) {
  LeasedReplica* one = Make(Patient());
  one->Start();
  ASSERT_TRUE(WaitUntil([&] { return one->replica.applied() == emitted_; }));
  LeasedReplica* two = nullptr;
  while (two == nullptr || !two->Holds()) {  // each has an even chance of the shard
    if (two != nullptr) two->Stop();
    ASSERT_TRUE(WaitUntil([&] { return one->replicas() == 1; }));
    two = Make(Patient());
    two->Start();
    ASSERT_TRUE(WaitUntil([&] { return one->replicas() == 2 && two->replicas() == 2; }));
  }
  Emit(10);
  ExpectAppliedOnce(two->replica);
  EXPECT_FALSE(one->Holds());
  two->Stop();
  ASSERT_TRUE(WaitUntil([&] { return one->Holds(); }));
  Emit(10);
  ExpectAppliedOnce(one->replica);
}

TEST_F(LeasesTest, ShardsAreSharedAndWhoEndsGivesUpItsOwnAlone) {
  std::vector<LeasedReplica*> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(Make(Patient()));
    all.back()->Start();
  }
  ASSERT_TRUE(WaitUntil([&] { return all[0]->replicas() + all[1]->replicas() + all[2]->replicas() == 9; }));
  const auto holders = [&](const std::string& shard) {
    std::vector<size_t> who;
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i]->Holds(shard)) who.push_back(i);
    }
    return who;
  };
  std::vector<size_t> before;
  std::vector<int> load(3);
  for (int i = 0; i < 63; ++i) {
    const std::vector<size_t> who = holders(absl::StrCat("H", i));
    ASSERT_EQ(who.size(), 1u) << i;
    before.push_back(who[0]);
    ++load[who[0]];
  }
  for (int shards : load) EXPECT_GT(shards, 5);
  all[2]->Stop();
  all.pop_back();
  ASSERT_TRUE(WaitUntil([&] { return all[0]->replicas() + all[1]->replicas() == 4; }));
  for (int i = 0; i < 63; ++i) {
    const std::vector<size_t> who = holders(absl::StrCat("H", i));
    ASSERT_EQ(who.size(), 1u) << i;
    if (before[static_cast<size_t>(i)] < 2) {
      EXPECT_EQ(who[0], before[static_cast<size_t>(i)]) << i;
    }
  }
}

TEST_F(LeasesTest, TheLossOfRedisIsSurvived) {
  LeasedReplica *one = Make(), *two = Make();
  one->Start();
  two->Start();
  ASSERT_TRUE(WaitUntil([&] { return one->replicas() == 2 && two->replicas() == 2; }));
  Emit(10);
  ExpectAppliedOnce(one->replica);
  redis_.Kill9();
  // Without Redis each thinks that it is alone.
  ASSERT_TRUE(WaitUntil([&] { return one->Holds() && two->Holds(); }));
  redis_.Start();
  ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
  Emit(10);
  ASSERT_TRUE(WaitUntil([&] { return one->replicas() == 2 && two->replicas() == 2; }));
  Emit(10);
  ExpectAppliedOnce(one->replica);
  EXPECT_NE(one->Holds(), two->Holds());
}

}  // namespace
}  // namespace motcua::feed
