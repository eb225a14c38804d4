// Timers on a real redis-server: each fires once, in order, not before the feeds have been read up to it,
// whoever races or dies.
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/integration/deadline/surroundings.h"

namespace motcua::deadline {
namespace {

using ::testing::Test;

class TimersTest : public MonitorTest {
 protected:
  // Dossiers with every sort of limit, and for each what a clock that nothing happens to tells until `until`.
  void AcceptMany(int count, absl::Time until) {
    const char* const limits[] = {"1wd", "2wd", "5wd", "8wd", "4wh", "15cd", "0.5wd"};
    std::vector<feed::v1::Event> events;
    for (int i = 1; i <= count; ++i) {
      events.push_back(Accepted(i, limits[i % 7]));
      Life life;
      feed::v1::Event alone = events.back();
      alone.set_subject(kCode);
      life.Apply(alone);
      life.Sweep(until);
      for (const std::string& alert : life.Alerts()) expected_.insert(Code(i) + " " + alert);
    }
    intake_.Emit(events);
  }

  void ExpectAllOnceInOrder() {
    std::multiset<std::string> told;
    absl::Time last = absl::InfinitePast();
    std::map<std::string, int> apologies;
    for (const feed::v1::Event& event : Told()) {
      EXPECT_GE(time::FromTimestamp(event.at()), last);
      last = time::FromTimestamp(event.at());
      if (event.has_alert_raised()) told.insert(event.subject() + " " + AlertText(event));
      if (event.has_apology_due()) ++apologies[event.subject()];
    }
    EXPECT_EQ(told, expected_);
    for (const auto& [code, count] : apologies) EXPECT_EQ(count, 1) << code;
  }

  std::multiset<std::string> expected_;
};

TEST_F(TimersTest, AdvanceReturnsWhenAllHaveFiredOnceInOrder) {
  StartReplica();
  AcceptMany(700, At("2025-02-20T00:00"));
  Advance(At("2025-01-10T12:00"));
  Advance(At("2025-02-20T00:00"));
  ExpectAllOnceInOrder();
}

TEST_F(TimersTest, TwoReplicasRacingFireEachOnce) {
  StartReplica();
  StartReplica();
  AcceptMany(700, At("2025-02-20T00:00"));
  for (int day = 1; day < 46; day += 3) Advance(Begin() + absl::Hours(24 * day));
  ExpectAllOnceInOrder();
}

TEST_F(TimersTest, AReplicaThatIsStoppedMidwayRepeatsNothing) {
  StartReplica();
  AcceptMany(700, At("2025-02-20T00:00"));
  Advance(At("2025-01-06T08:00"));
  ASSERT_TRUE(intake_.Advance(At("2025-02-20T00:00"), Soon()).ok());
  ASSERT_TRUE(routing_.Advance(At("2025-02-20T00:00"), Soon()).ok());
  replicas_[0]->own.clock.AdvanceTo(At("2025-02-20T00:00"));
  ASSERT_TRUE(WaitUntil([&] { return replicas_[0]->sweeper.fired() > 0; }));
  StopReplicas();
  StartReplica();
  Advance(At("2025-02-20T00:00"));
  ExpectAllOnceInOrder();
}

TEST_F(TimersTest, RedisGoneMidwayDelaysAndRepeatsNothing) {
  StartReplica();
  AcceptMany(700, At("2025-02-20T00:00"));
  Advance(At("2025-01-06T08:00"));
  ASSERT_TRUE(intake_.Advance(At("2025-02-20T00:00"), Soon()).ok());
  ASSERT_TRUE(routing_.Advance(At("2025-02-20T00:00"), Soon()).ok());
  replicas_[0]->own.clock.AdvanceTo(At("2025-02-20T00:00"));
  ASSERT_TRUE(WaitUntil([&] { return replicas_[0]->sweeper.fired() > 0; }));
  redis_.Kill9();
  redis_.Restart();
  Advance(At("2025-02-20T00:00"));
  ExpectAllOnceInOrder();
}

TEST_F(TimersTest, NothingFiresBeforeBothFeedsHaveBeenReadUpToIt) {
  Replica& replica = StartReplica();
  std::vector<feed::v1::Event> accepted;
  accepted.push_back(Accepted(1, "1wd"));
  accepted.push_back(Accepted(2, "1wd"));
  intake_.Emit(accepted);
  Advance(At("2025-01-06T08:00"));
  // Routing lags: it is ten days behind, and the result of the first dossier is still to come.
  ASSERT_TRUE(intake_.Advance(At("2025-01-16T00:00"), Soon()).ok());
  absl::Status advanced = replica.own.Advance(At("2025-01-16T00:00"), absl::Now() + absl::Milliseconds(300));
  EXPECT_FALSE(advanced.ok());
  EXPECT_TRUE(Told().empty());
  ASSERT_TRUE(routing_.Advance(At("2025-01-07T10:00"), Soon()).ok());
  feed::v1::Event result = Routed(1);
  result.mutable_result_ready()->set_outcome(feed::v1::OUTCOME_APPROVED);
  routing_.Emit({result});
  Advance(At("2025-01-16T00:00"));
  std::map<std::string, int> overdue, ended;
  for (const feed::v1::Event& event : Told()) {
    overdue[event.subject()] += event.alert_raised().kind() == feed::v1::ALERT_KIND_OVERDUE;
    ended[event.subject()] += event.has_clock_ended();
  }
  EXPECT_EQ(overdue[Code(1)], 0);
  EXPECT_EQ(ended[Code(1)], 1);
  EXPECT_EQ(overdue[Code(2)], 1);
}

TEST_F(TimersTest, RoutingMayBeAheadOfIntake) {
  StartReplica();
  feed::v1::Event hand_over = Routed(1);
  hand_over.mutable_hand_over_accepted()->set_from(kCommune);
  hand_over.mutable_hand_over_accepted()->set_to(kDistrict);
  routing_.Emit({hand_over});
  ASSERT_TRUE(WaitUntil([&] {
    bool waiting = false;
    loop_.RunAndWait([&] {
      feed::Consumer* consumer = replicas_[0]->subscriptions.Find("routing", kShard);
      waiting = consumer != nullptr && !consumer->trouble().empty();
    });
    return waiting;
  }));
  intake_.Emit({Accepted(1, "5wd")});
  Advance(At("2025-01-07T00:00"));
  v1::GetClockRequest request;
  request.set_dossier(Code(1));
  auto clock = SyncWait(loop_, replicas_[0]->monitor.GetClock(Officer(kTax), CallerAt(kTax), request));
  ASSERT_TRUE(clock.ok()) << clock.status();
  EXPECT_EQ(clock->clock().holder(), kDistrict);
}

}  // namespace
}  // namespace motcua::deadline
