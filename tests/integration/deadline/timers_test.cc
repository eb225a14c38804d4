// Timers on a real redis-server: each fires once, in order, not before the feeds have been read up to it,
// whoever races or dies.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "common/telemetry/trace.h"
#include "gmock/gmock.h"
#include "tests/integration/deadline/surroundings.h"

namespace motcua::deadline {
namespace {

using ::testing::Test;

class TimersTest : public MonitorTest {
 protected:
  // Dossiers with every sort of limit, and for each what a clock that nothing happens to tells until `until`.
  void AcceptMany(int count, absl::Time until,
                  const std::vector<std::string>& limits = {"1wd", "2wd", "5wd", "8wd", "4wh", "15cd",
                                                            "0.5wd"}) {
    std::vector<feed::v1::Event> events;
    for (const int last = accepted_ + count; accepted_ < last;) {
      const int i = ++accepted_;
      events.push_back(Accepted(i, limits[static_cast<size_t>(i) % limits.size()]));
      Life life;
      feed::v1::Event alone = events.back();
      alone.set_subject(kCode);
      life.Apply(alone);
      life.Sweep(until);
      for (const std::string& alert : life.Alerts()) expected_.insert(Code(i) + " " + alert);
    }
    intake_.Emit(events);
  }

  uint64_t Fired(Replica& replica) {
    uint64_t fired = 0;
    loop_.RunAndWait([&] { fired = replica.sweeper.fired(); });
    return fired;
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
  int accepted_ = 0;
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

TEST_F(TimersTest, ThousandsOfOneMomentFireOnceBeforeThoseOfTheNext) {
  StartReplica();
  StartReplica();
  AcceptMany(3000, At("2025-01-20T00:00"), {"1wd"});
  AcceptMany(100, At("2025-01-20T00:00"), {"2wd", "1wd", "9wh"});
  Advance(At("2025-01-20T00:00"));
  ExpectAllOnceInOrder();
}

TEST_F(TimersTest, AReplicaThatIsStoppedMidwayRepeatsNothing) {
  StartReplica();
  AcceptMany(700, At("2025-02-20T00:00"));
  Advance(At("2025-01-06T08:00"));
  ASSERT_TRUE(intake_.Advance(At("2025-02-20T00:00"), Soon()).ok());
  ASSERT_TRUE(routing_.Advance(At("2025-02-20T00:00"), Soon()).ok());
  replicas_[0]->own.clock.AdvanceTo(At("2025-02-20T00:00"));
  ASSERT_TRUE(WaitUntil([&] { return Fired(*replicas_[0]) > 0; }));
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
  ASSERT_TRUE(WaitUntil([&] { return Fired(*replicas_[0]) > 0; }));
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

TEST_F(TimersTest, WhatATimerRaisesBelongsToTheTraceThatLastMovedTheClock) {
  StartReplica();
  feed::v1::Event first = Accepted(1, "1wd");
  first.set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  intake_.Emit({first, Accepted(2, "1wd")});
  Advance(At("2025-01-06T08:00"));
  feed::v1::Event hand_over = Routed(1);
  hand_over.set_traceparent("00-11111111111111111111111111111111-b7ad6b7169203331-01");
  hand_over.mutable_hand_over_accepted()->set_sender(kCommune);
  hand_over.mutable_hand_over_accepted()->set_receiver(kDistrict);
  routing_.Emit({hand_over});
  Advance(At("2025-01-16T00:00"));
  std::map<std::string, std::set<std::string>> traces;
  size_t alerts = 0;
  for (const feed::v1::Event& event : Told()) {
    EXPECT_EQ(event.traceparent().size(), 55u) << event.ShortDebugString();
    if (!event.has_alert_raised()) continue;
    ++alerts;
    traces[event.subject()].emplace(telemetry::TraceId(event.traceparent()));
  }
  EXPECT_GT(alerts, 1u);
  EXPECT_THAT(traces[Code(1)], ::testing::ElementsAre("11111111111111111111111111111111"));
  EXPECT_THAT(traces[Code(2)], ::testing::SizeIs(::testing::Ge(1u))) << "new ones";
}

TEST_F(TimersTest, HowLateATimerFiredAndHowLongOneHasNotIsTold) {
  Replica& replica = StartReplica();
  std::vector<absl::Duration> late;
  loop_.RunAndWait([&] { replica.sweeper.OnFired([&late](absl::Duration by) { late.push_back(by); }); });
  intake_.Emit({Accepted(1, "1wd")});
  Advance(At("2025-01-06T08:00"));
  const auto oldest = [&] {
    absl::Duration age;
    loop_.RunAndWait([&] { age = replica.sweeper.OldestUnfired(kShard); });
    return age;
  };
  EXPECT_EQ(oldest(), absl::ZeroDuration());
  // Routing lags, so that nothing may fire.
  const absl::Time now = At("2025-01-16T00:00");
  ASSERT_TRUE(intake_.Advance(now, Soon()).ok());
  replica.own.clock.AdvanceTo(now);
  const absl::Duration waiting = oldest();
  EXPECT_GT(waiting, absl::Hours(24 * 7));
  redis_.Kill9();
  EXPECT_EQ(oldest(), waiting) << "by what is known";
  redis_.Restart();
  Advance(now);
  EXPECT_EQ(oldest(), absl::ZeroDuration());
  ASSERT_FALSE(late.empty());
  loop_.RunAndWait([&] { EXPECT_EQ(*std::max_element(late.begin(), late.end()), waiting); });
}

TEST_F(TimersTest, RoutingMayBeAheadOfIntake) {
  StartReplica();
  feed::v1::Event hand_over = Routed(1);
  hand_over.mutable_hand_over_accepted()->set_sender(kCommune);
  hand_over.mutable_hand_over_accepted()->set_receiver(kDistrict);
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
