// The compiled calendar: inheritance, sessions, the official working-day totals, and speed.
#include "common/time/calendar.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/unit/time/national_calendar.h"

namespace motcua::time {
namespace {

using reference::v1::ReferenceSet;

absl::CivilDay Day(const char* text) { return *ParseDate(text); }

reference::v1::Calendar* Derived(ReferenceSet& set, const char* id, const char* base) {
  auto* calendar = set.add_calendars();
  calendar->set_id(id);
  calendar->set_base(base);
  return calendar;
}

TEST(Calendar, OfficialWorkingDayTotals) {
  EXPECT_EQ(*National().CountWorkingDays(Day("2025-01-01"), Day("2026-01-01")), 250);
  EXPECT_EQ(*National().CountWorkingDays(Day("2026-01-01"), Day("2027-01-01")), 249);
}

TEST(Calendar, DayOffSessionsAreEmptyAndMakeUpDaysAreFull) {
  EXPECT_TRUE(National().SessionsOf(Day("2025-04-30")).empty());
  EXPECT_EQ(National().SessionsOf(Day("2025-04-26")).size(), 2u);
  EXPECT_FALSE(National().IsWorkingDay(Day("2025-04-27")));
  EXPECT_FALSE(National().EndOfWork(Day("2025-04-27")).ok());
  EXPECT_EQ(National().EndOfWork(Day("2025-04-28"))->minute, 17 * 60);
  EXPECT_EQ(*National().SubtractWorkingDays(Day("2025-05-06"), 2), Day("2025-04-29"));
}

TEST(Calendar, InheritsDaysAndSessionsUnlessItSaysOtherwise) {
  ReferenceSet set = NationalSet();
  auto* desk = Derived(set, "desk", "vn");
  auto* saturday = desk->add_week();
  saturday->set_weekday(6);
  saturday->add_sessions("07:30-11:30");
  auto* friday = desk->add_week();
  friday->set_weekday(5);  // no sessions: a day off
  auto* day = desk->add_days();
  day->set_date("2025-09-01");
  day->set_kind(reference::v1::DAY_KIND_MAKEUP_WORK);
  const auto calendar = Calendar::Compile(set, "desk", HoChiMinh());
  ASSERT_TRUE(calendar.ok()) << calendar.status();
  EXPECT_TRUE(calendar->IsWorkingDay(Day("2025-07-12")));
  EXPECT_EQ(calendar->SessionsOf(Day("2025-07-12"))[0], (Session{450, 690}));
  EXPECT_FALSE(calendar->IsWorkingDay(Day("2025-07-11")));
  EXPECT_TRUE(calendar->IsWorkingDay(Day("2025-09-01"))) << "worked here though a holiday in the base";
  EXPECT_FALSE(calendar->IsWorkingDay(Day("2025-09-02"))) << "holiday of the base";
  EXPECT_EQ(calendar->SessionsOf(Day("2025-04-26")).size(), 2u) << "a make-up Saturday is a full day";
}

TEST(Calendar, RefusesWhatCannotBeCompiled) {
  ReferenceSet set = NationalSet();
  Derived(set, "a", "b");
  Derived(set, "b", "a");
  Derived(set, "orphan", "nowhere");
  set.add_calendars()->set_id("empty");
  EXPECT_TRUE(absl::IsInvalidArgument(Calendar::Compile(set, "a", HoChiMinh()).status()));
  EXPECT_TRUE(absl::IsNotFound(Calendar::Compile(set, "orphan", HoChiMinh()).status()));
  EXPECT_TRUE(absl::IsNotFound(Calendar::Compile(set, "", HoChiMinh()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Calendar::Compile(set, "empty", HoChiMinh()).status()));
  const auto refuses = [](auto&& change) {
    ReferenceSet broken = NationalSet();
    change(*broken.mutable_calendars(0));
    return absl::IsInvalidArgument(Calendar::Compile(broken, "vn", HoChiMinh()).status());
  };
  EXPECT_TRUE(refuses([](auto& c) { c.mutable_week(0)->set_weekday(8); }));
  EXPECT_TRUE(refuses([](auto& c) { c.mutable_week(0)->add_sessions("08:00-09:00"); }));
  EXPECT_TRUE(refuses([](auto& c) { c.mutable_days(0)->set_date("2025-02-30"); }));
  EXPECT_TRUE(refuses([](auto& c) { c.mutable_days(0)->set_kind(reference::v1::DAY_KIND_UNSPECIFIED); }));
  EXPECT_TRUE(refuses([](auto& c) { c.set_minutes_per_day(1441); }));
}

TEST(Calendar, EdgesOfItsYearsAreOutOfRangeNotCrashes) {
  EXPECT_TRUE(absl::IsOutOfRange(National().AddWorkingDays(Day("2100-12-31"), 1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(National().SubtractWorkingDays(Day("2000-01-01"), 1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(National().AddWorkingDays(Day("2025-01-01"), INT64_MAX).status()));
  EXPECT_TRUE(absl::IsOutOfRange(National().AddWorkingDays(Day("2025-01-01"), -1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(National().CountWorkingDays(Day("1999-01-01"), Day("2025-01-01")).status()));
  EXPECT_TRUE(National().CountWorkingDays(Day("2000-01-01"), Day("2101-01-01")).ok());
  const LocalMinute last{Day("2100-12-31"), 17 * 60};
  EXPECT_TRUE(absl::IsOutOfRange(National().AddWorkingMinutes(last, 1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(National().AddWorkingMinutes(last, 0).status()));
  EXPECT_TRUE(absl::IsOutOfRange(National().AddWorkingMinutes(last, INT64_MAX).status()));
  EXPECT_TRUE(
      absl::IsOutOfRange(National().SubtractWorkingMinutes(LocalMinute{Day("2000-01-03"), 420}, 1).status()));
  EXPECT_FALSE(National().IsWorkingDay(National().LocalMinuteAt(absl::InfiniteFuture()).day));
}

TEST(Calendar, AWorkDayMayEndAtMidnight) {
  ReferenceSet set = NationalSet();
  auto* always = Derived(set, "always", "");
  for (uint32_t weekday = 1; weekday <= 7; ++weekday) {
    auto* week = always->add_week();
    week->set_weekday(weekday);
    week->add_sessions("00:00-24:00");
  }
  const auto calendar = Calendar::Compile(set, "always", HoChiMinh());
  ASSERT_TRUE(calendar.ok());
  EXPECT_EQ(*calendar->AddWorkingMinutes({Day("2025-07-14"), 23 * 60}, 60),
            (LocalMinute{Day("2025-07-14"), 1440}));
  EXPECT_EQ(*calendar->AddWorkingMinutes({Day("2025-07-14"), 23 * 60}, 61),
            (LocalMinute{Day("2025-07-15"), 1}));
}

// A late change of the calendar recomputes a million open clocks within a minute; here is what one costs.
TEST(Calendar, AMillionQuestionsTakeSeconds) {
  const absl::Time begin = absl::Now();
  int64_t sum = 0;
  for (int i = 0; i < 1000000; ++i) {
    const absl::CivilDay day = Day("2020-01-01") + i % 3000;
    sum += *National().CountWorkingDays(day, *National().AddWorkingDays(day, i % 60));
  }
  EXPECT_GT(sum, 0);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(60));
}

}  // namespace
}  // namespace motcua::time
