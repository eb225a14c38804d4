// The real motcua-deadline-monitor over gRPC: Advance fires every timer once and in order, through kill -9
// and with two replicas racing; who may call; a graceful end.
#include "tests/integration/deadline/binary_fixture.h"
#include "tests/support/violations.h"

namespace motcua::deadline {
namespace {

TEST_F(BinaryTest, AdvanceFiresEveryTimerOnceInOrder) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(400);
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
  EXPECT_EQ(monitor.Stop(), 0) << monitor.Log();
}

TEST_F(BinaryTest, KilledAgainAndAgainItRepeatsNothing) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(400);
  for (absl::Time t = Begin() + absl::Hours(60); t < End(); t += absl::Hours(60)) {
    intake_.Advance(t);
    routing_.Advance(t);
    ASSERT_TRUE(Advance(monitor, t, /*no_wait=*/true).ok()) << monitor.Log();
    // Somewhere within its work, or after it.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
    monitor.Kill9();
    monitor.Start();
  }
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
}

TEST_F(BinaryTest, TwoReplicasRacingFireEachOnce) {
  MonitorProcess one(Flags()), two(Flags());
  one.Start();
  two.Start();
  AcceptMany(400);
  for (absl::Time t = Begin() + absl::Hours(100); t < End() + absl::Hours(100); t += absl::Hours(100)) {
    const absl::Time to = std::min(t, End());
    intake_.Advance(to);
    routing_.Advance(to);
    absl::Status first, second;
    std::thread other([&] { second = Advance(two, to); });
    first = Advance(one, to);
    other.join();
    ASSERT_TRUE(first.ok()) << first << one.Log();
    ASSERT_TRUE(second.ok()) << second << two.Log();
  }
  ExpectAllOnceInOrder();
}

TEST_F(BinaryTest, AReplicaFollowsTheTimeOfTheOtherAndAlertsAreRaisedOnce) {
  MonitorProcess advanced(Flags()), follower(Flags());
  advanced.Start();
  follower.Start();
  AcceptMany(100);
  const std::string admin = Token("root", "H30", {"admin"});
  ASSERT_TRUE(Call<admin::v1::GetStatusResponse>(follower, admin::v1::GetStatusRequest(), admin).ok());
  for (absl::Time t = Begin() + absl::Hours(100); t < End() + absl::Hours(100); t += absl::Hours(100)) {
    const absl::Time to = std::min(t, End());
    intake_.Advance(to);
    routing_.Advance(to);
    ASSERT_TRUE(Advance(advanced, to).ok()) << advanced.Log();
    auto status = Call<admin::v1::GetStatusResponse>(follower, admin::v1::GetStatusRequest(), admin);
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(time::FromTimestamp(status->now()), to) << "a call is answered at the new time";
  }
  // Without being advanced, its own watermark comes along.
  EXPECT_TRUE(test::WaitUntil([&] {
    auto status = Call<admin::v1::GetStatusResponse>(follower, admin::v1::GetStatusRequest(), admin);
    return status.ok() && status->feeds_size() == 1 &&
           time::FromTimestamp(status->feeds(0).watermark()) == End();
  }));
  // Time never goes back, whichever replica is told to.
  ASSERT_TRUE(Advance(follower, Begin()).ok());
  auto status = Call<admin::v1::GetStatusResponse>(advanced, admin::v1::GetStatusRequest(), admin);
  EXPECT_EQ(time::FromTimestamp(status->now()), End());
  ExpectAllOnceInOrder();
}

TEST_F(BinaryTest, CallsOverGrpcCarryRulesAndReasons) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(3);
  const absl::Time now = Begin() + absl::Hours(2);
  intake_.Advance(now);
  routing_.Advance(now);
  ASSERT_TRUE(Advance(monitor, now).ok()) << monitor.Log();
  const std::string leader = Token("leader", kCommune, {"leader"});
  const std::string handler = Token("handler", kCommune, {"handler"});

  v1::ChangeDueRequest change;
  change.set_request_id("00000000-0000-4000-8000-000000000001");
  change.set_dossier(Code(2));
  change.set_date("2025-01-20");
  change.set_kind(feed::v1::DUE_CHANGE_KIND_AGREED);
  change.set_reason("agreed");
  EXPECT_EQ(errors::Reason(Call<v1::ChangeDueResponse>(monitor, change, handler).status()), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(errors::Reason(Call<v1::ChangeDueResponse>(monitor, change, "").status()), "NO_CREDENTIALS");
  auto changed = Call<v1::ChangeDueResponse>(monitor, change, leader);
  ASSERT_TRUE(changed.ok()) << changed.status() << monitor.Log();
  EXPECT_EQ(changed->due().date(), "2025-01-20");
  v1::ChangeDueRequest bad;
  bad.set_date("soon");
  EXPECT_GE(motcua::test::Violations(Call<v1::ChangeDueResponse>(monitor, bad, leader).status()).size(), 4u);

  v1::GetClockRequest get;
  get.set_dossier(Code(2));
  auto clock = Call<v1::GetClockResponse>(monitor, get, handler);
  ASSERT_TRUE(clock.ok()) << clock.status();
  EXPECT_EQ(clock->clock().due_version(), 1u);
  EXPECT_EQ(clock->charges(0).held_micros(), 7200ull * 1000 * 1000);
  get.set_dossier("H30.18.05-250106-9999");
  EXPECT_EQ(errors::Reason(Call<v1::GetClockResponse>(monitor, get, handler).status()), "DOSSIER_NOT_FOUND");
  v1::ListClocksRequest list;
  list.set_agency(kCommune);
  auto listed = Call<v1::ListClocksResponse>(monitor, list, handler);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->total(), 3u);
  v1::GetStatisticsRequest statistics;
  statistics.set_shard("H30");
  auto figures = Call<v1::GetStatisticsResponse>(monitor, statistics, handler);
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_EQ(figures->due_changed(), 1u);
}

TEST_F(BinaryTest, SimulatedTimeAndTimersSurviveARestart) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(50);
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  EXPECT_EQ(monitor.Stop(), 0);
  monitor.Start();
  v1::GetStatisticsRequest statistics;
  statistics.set_shard("H30");
  auto figures = Call<v1::GetStatisticsResponse>(monitor, statistics, Token("a", kCommune, {"handler"}));
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_EQ(time::FromTimestamp(figures->as_of()), End());
  EXPECT_EQ(figures->open_overdue(), 50u);
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
}

}  // namespace
}  // namespace motcua::deadline
