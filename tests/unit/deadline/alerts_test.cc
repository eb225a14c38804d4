// When a clock tells: every alert once, as of the moment at which it became true, and never one that is not
// true.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time Late() { return At("2030-01-01T00:00"); }

TEST(Alerts, WholeLadderInOrder) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  EXPECT_EQ(life.clock().due().date(), "2025-01-13");
  EXPECT_THAT(life.Alerts(), IsEmpty());
  life.Sweep(Late());
  EXPECT_THAT(life.Alerts(), ElementsAre("NEARING@2025-01-09T07:00", "DUE_TODAY@2025-01-13T07:00",
                                         "OVERDUE@2025-01-14T00:00", "ESCALATED@2025-01-16T07:00"));
  EXPECT_EQ(life.NextMoment(), "");
  EXPECT_FALSE(life.Sweep(Late()));
}

TEST(Alerts, SweepingOftenOrOnceGivesTheSame) {
  Life once, often;
  once.Accept("2025-01-06T09:00", "5wd");
  often.Accept("2025-01-06T09:00", "5wd");
  once.Sweep(Late());
  for (absl::Time t = At("2025-01-06T09:00"); t < At("2025-02-01T00:00"); t += absl::Hours(5)) often.Sweep(t);
  EXPECT_EQ(once.Alerts(), often.Alerts());
}

TEST(Alerts, NothingBeforeItsMoment) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  EXPECT_EQ(life.NextMoment(), "2025-01-09T07:00");
  EXPECT_FALSE(life.Sweep(At("2025-01-09T07:00") - absl::Microseconds(1)));
  EXPECT_TRUE(life.Sweep(At("2025-01-09T07:00")));
  EXPECT_EQ(life.NextMoment(), "2025-01-13T07:00");
}

// Vector 35: reminders one and two working days before Tue 2025-05-06 skip the holidays.
TEST(Alerts, RemindersSkipHolidays) {
  Life two;
  two.Accept("2025-04-24T10:00", "6wd");  // 25/4, Sat 26/4, 28/4, 29/4, 5/5, 6/5
  EXPECT_EQ(two.clock().due().date(), "2025-05-06");
  EXPECT_EQ(two.NextMoment(), "2025-04-29T07:00");
  Life one;
  one.Accept("2025-04-29T08:00", "2wd");
  EXPECT_EQ(one.clock().due().date(), "2025-05-06");
  EXPECT_EQ(one.NextMoment(), "2025-05-05T07:00");
}

TEST(Alerts, WhatIsPastWhenTheClockStartsIsRaisedAtTheStart) {
  Life life;
  life.Accept("2025-01-06T09:00", "0.5wd");
  EXPECT_EQ(life.clock().due().date(), "2025-01-06");
  EXPECT_THAT(life.Alerts(), ElementsAre("DUE_TODAY@2025-01-06T09:00"));
  EXPECT_EQ(life.NextMoment(), "2025-01-06T15:00");
}

TEST(Alerts, ADossierAcceptedAfterItsDueIsOverdueAtOnceAndNothingElse) {
  Life life;
  life.Accept(At("2025-02-10T08:00"), "5wd", At("2025-01-06T09:00"));
  EXPECT_THAT(life.Alerts(), ElementsAre("OVERDUE@2025-02-10T08:00", "ESCALATED@2025-02-10T08:00"));
  EXPECT_EQ(life.Count(feed::v1::Event::kApologyDue), 1);
}

TEST(Alerts, WithoutALadderOnlyOverdue) {
  Life life(CatalogueWithoutLadder());
  life.Accept("2025-01-06T09:00", "5wd");
  life.Sweep(Late());
  EXPECT_THAT(life.Alerts(), ElementsAre("OVERDUE@2025-01-14T00:00"));
}

TEST(Alerts, WithoutADueNone) {
  Life life;
  life.Accept("2025-01-06T09:00", "");
  EXPECT_EQ(life.NextMoment(), "");
  life.Sweep(Late());
  EXPECT_THAT(life.Alerts(), IsEmpty());
}

TEST(Alerts, NoneWhilePaused) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.Pause(At("2025-01-08T10:00"));
  EXPECT_EQ(life.NextMoment(), "");
  life.Sweep(Late());
  EXPECT_THAT(life.Alerts(), IsEmpty());
}

TEST(Alerts, NoneAfterTheEnd) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.End(At("2025-01-08T10:00"));
  EXPECT_EQ(life.NextMoment(), "");
  EXPECT_FALSE(life.Sweep(Late()));
  EXPECT_THAT(life.Alerts(), IsEmpty());
}

TEST(Alerts, TheEventThatEndsALateDossierRaisesWhatTheSweeperHasNotYet) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.End(At("2025-01-14T08:00"));
  EXPECT_THAT(life.Alerts(), ElementsAre("NEARING@2025-01-09T07:00", "DUE_TODAY@2025-01-13T07:00",
                                         "OVERDUE@2025-01-14T00:00"));
  EXPECT_TRUE(life.clock().late());
}

struct EndCase {
  const char* name;
  absl::Duration after_midnight;  // of the night after the due date
  bool late;
};

class EndOnTheEdge : public ::testing::TestWithParam<EndCase> {};

TEST_P(EndOnTheEdge, OverdueExactlyWhereLate) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.End(At("2025-01-14T00:00") + GetParam().after_midnight);
  EXPECT_EQ(life.clock().late(), GetParam().late);
  int overdue = 0;
  for (const std::string& alert : life.Alerts()) overdue += alert.rfind("OVERDUE@", 0) == 0;
  EXPECT_EQ(overdue, GetParam().late ? 1 : 0);
  EXPECT_EQ(life.Count(feed::v1::Event::kApologyDue), GetParam().late ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(All, EndOnTheEdge,
                         ::testing::Values(EndCase{"OnTheDueDate", -absl::Hours(8), false},
                                           EndCase{"LastMicrosecond", -absl::Microseconds(1), false},
                                           EndCase{"Midnight", absl::ZeroDuration(), true},
                                           EndCase{"NextMorning", absl::Hours(8), true}),
                         [](const auto& info) { return info.param.name; });

TEST(Alerts, PartsAreOverdueToo) {
  Life life;
  life.Accept("2025-01-06T09:00", "30wd");
  life.HandOver(At("2025-01-06T10:00"), kCommune, "check", "1wd");
  life.Consult(At("2025-01-06T11:00"), 2, kTax, "3wd");
  life.Offer(At("2025-01-06T12:00"), kDistrict);
  life.Sweep(At("2025-01-20T00:00"));
  EXPECT_THAT(life.Alerts(), ElementsAre("OVERDUE:check@2025-01-08T00:00", "OVERDUE:offer@2025-01-08T00:00",
                                         "OVERDUE:consult-2@2025-01-10T00:00"));
  EXPECT_EQ(life.Count(feed::v1::Event::kApologyDue), 0);
  EXPECT_EQ(life.record()->alerts_size(), 0);  // counted of the dossier itself only
}

TEST(Alerts, ApologyNamesTheAgencyThatLostTheTime) {
  Life life;
  life.Accept("2025-01-06T09:00", "6wd");
  life.HandOver(At("2025-01-06T09:00"), kCommune, "receive", "2wd");
  life.HandOver(At("2025-01-13T09:00"), kDistrict, "check", "3wd");  // four days after its leg was due
  life.Sweep(At("2025-01-16T00:00"));
  const feed::v1::Event& last = life.events().back();
  ASSERT_TRUE(last.has_apology_due()) << last.ShortDebugString();
  EXPECT_EQ(last.apology_due().agency_at_fault(), kCommune);
  EXPECT_EQ(last.apology_due().holder(), kDistrict);
  EXPECT_TRUE(life.clock().apology_due());
}

TEST(Alerts, ApologyFallsOnTheHolderWhereNoLegIsExceeded) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.HandOver(At("2025-01-07T09:00"), kDistrict);
  life.Sweep(Late());
  for (const feed::v1::Event& event : life.events()) {
    if (event.has_apology_due()) {
      EXPECT_EQ(event.apology_due().agency_at_fault(), kDistrict);
    }
  }
  EXPECT_EQ(life.Count(feed::v1::Event::kApologyDue), 1);
}

TEST(Alerts, NothingBearsATimeBeforeTheWatermark) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  const absl::Time not_before = At("2025-01-15T00:00");
  auto decided = DecideAlerts(*life.record(), At("2025-01-20T00:00"), not_before, TestCatalogue());
  ASSERT_TRUE(decided.has_value());
  EXPECT_EQ(decided->events.size(), 5u);
  for (const feed::v1::Event& event : decided->events) EXPECT_GE(time::FromTimestamp(event.at()), not_before);
}

}  // namespace
}  // namespace motcua::deadline
