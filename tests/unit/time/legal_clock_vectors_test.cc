// The legal clock keeps the worked examples of the field: each row was computed by hand from the law and the
// official calendar.
#include <gtest/gtest.h>

#include "common/time/legal_clock.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "tests/unit/time/national_calendar.h"

namespace motcua::time {
namespace {

using common::v1::DueDate;
using common::v1::Limit;

std::string AppointmentOf(const DueDate& due) { return Local(FromTimestamp(due.appointment())); }

struct DueVector {
  const char* number;
  const char* received;
  const char* limit;
  const char* due;
  const char* why;
};

const DueVector kDateVectors[] = {
    {"1", "2025-01-23T09:00", "5wd", "2025-02-06", "Tet 25/1-2/2"},
    {"2", "2025-01-24T15:30", "3wd", "2025-02-06", "D0 = Mon 3/2"},
    {"3", "2025-01-25T09:00", "1wd", "2025-02-04", "receipt on a day off"},
    {"4", "2025-04-04T10:00", "3wd", "2025-04-10", "Hung Kings Mon 7/4"},
    {"5", "2025-04-24T10:00", "3wd", "2025-04-28", "make-up Sat 26/4 counts"},
    {"7", "2025-04-29T08:00", "2wd", "2025-05-06", "30/4-4/5 off, swap 2/5"},
    {"9", "2025-08-29T14:00", "3wd", "2025-09-05", "1-2/9"},
    {"10", "2025-12-31T09:00", "3wd", "2026-01-07", "1/1 and swap 2/1"},
    {"11", "2026-01-08T09:00", "3wd", "2026-01-12", "make-up Sat 10/1"},
    {"12", "2026-02-12T14:00", "7wd", "2026-03-02", "Tet 14-22/2"},
    {"14", "2026-04-24T09:00", "5wd", "2026-05-06", "comp 27/4, 30/4, 1/5"},
    {"15", "2026-08-20T10:00", "3wd", "2026-08-24", "make-up Sat 22/8"},
    {"18a", "2025-01-23T15:00:00", "1wd", "2025-01-24", "exactly 15:00 is not late"},
    {"18b", "2025-01-23T15:00:01", "1wd", "2025-02-03", "a second later is"},
    {"19", "2022-07-14T08:00", "15wd", "2022-08-04", "the district's conference"},
    {"20a", "2022-01-28T10:00", "3wd", "2022-02-09", "Tet 2022"},
    {"20b", "2022-04-29T10:00", "3wd", "2022-05-06", "comp 2-3/5"},
    {"21", "2025-01-17T09:00", "15cd", "2025-02-03", "raw end Sat 1/2"},
    {"22", "2025-04-15T09:00", "15cd", "2025-05-05", "raw end 30/4"},
    {"23", "2025-04-11T09:00", "15cd", "2025-04-26", "a make-up Saturday is worked"},
};

TEST(LegalClockVectors, DayBasedDueDates) {
  for (const DueVector& row : kDateVectors) {
    const auto due = ComputeDeadline(At(row.received), *ParseLimit(row.limit), ReceiptRule(), National());
    ASSERT_TRUE(due.ok()) << row.number << ": " << due.status();
    EXPECT_EQ(due->date(), row.due) << "vector " << row.number << ": " << row.why;
    EXPECT_EQ(AppointmentOf(*due), absl::StrCat(row.due, "T17:00")) << row.number;
    EXPECT_EQ(FromTimestamp(due->late_from()), At(absl::StrCat(row.due, "T00:00")) + absl::Hours(24))
        << row.number;
  }
}

TEST(LegalClockVectors, HourBasedDueMinutes) {
  const DueVector rows[] = {
      {"25", "2025-07-14T10:30", "4wh", "2025-07-14T16:30", "lunch skipped"},
      {"26", "2025-07-14T16:00", "4wh", "2025-07-15T10:00", "over night"},
      {"27", "2025-07-14T11:45", "2wh", "2025-07-14T15:30", "received in the lunch break"},
      {"-", "2025-07-14T15:00", "2wh", "2025-07-14T17:00", "used up with the session: ends with it"},
      {"-", "2025-07-14T17:30", "1wh", "2025-07-15T08:00", "after work"},
      {"-", "2025-07-12T10:00", "1wh", "2025-07-14T08:00", "on a Saturday"},
      {"-", "2025-07-14T05:00", "1wh", "2025-07-14T08:00", "before work"},
  };
  for (const DueVector& row : rows) {
    const auto due = ComputeDeadline(At(row.received), *ParseLimit(row.limit), ReceiptRule(), National());
    ASSERT_TRUE(due.ok()) << row.number << ": " << due.status();
    EXPECT_EQ(AppointmentOf(*due), row.due) << "vector " << row.number << ": " << row.why;
    EXPECT_EQ(FromTimestamp(due->late_from()), At(row.due) + absl::Minutes(1));
    EXPECT_EQ(due->date(), std::string(row.due).substr(0, 10));
  }
}

// Vector 30: 10 working days from 7/7/2025, stopped 10/7 10:00, resumed 15/7 09:00.
TEST(LegalClockVectors, PausePoliciesMoveTheDueDate) {
  const Limit limit = *ParseLimit("10wd");
  const auto due = ComputeDeadline(At("2025-07-07T09:00"), limit, ReceiptRule(), National());
  ASSERT_TRUE(due.ok());
  EXPECT_EQ(due->date(), "2025-07-21");
  const auto after = [&](reference::v1::PausePolicy policy, const char* resumed) {
    return DeadlineAfterPause(*due, limit, At("2025-07-10T10:00"), At(resumed), policy, ReceiptRule(),
                              National());
  };
  EXPECT_EQ(after(reference::v1::PAUSE_POLICY_SHIFT, "2025-07-15T09:00")->date(), "2025-07-24");
  EXPECT_EQ(after(reference::v1::PAUSE_POLICY_UNSPECIFIED, "2025-07-15T09:00")->date(), "2025-07-24");
  EXPECT_EQ(after(reference::v1::PAUSE_POLICY_RESTART, "2025-07-15T09:00")->date(), "2025-07-29");
  EXPECT_EQ(after(reference::v1::PAUSE_POLICY_CONTINUE, "2025-07-15T09:00")->date(), "2025-07-21");
  // The papers came after the cut-off: they count from the next working day.
  EXPECT_EQ(after(reference::v1::PAUSE_POLICY_SHIFT, "2025-07-15T15:30")->date(), "2025-07-25");
  EXPECT_EQ(after(reference::v1::PAUSE_POLICY_SHIFT, "2025-07-10T11:00")->date(), "2025-07-21");
  EXPECT_FALSE(after(reference::v1::PAUSE_POLICY_SHIFT, "2025-07-10T09:00").ok()) << "resumed before stopped";
}

TEST(LegalClockVectors, HourBasedDueShiftsByTheWorkingMinutesWaited) {
  const Limit limit = *ParseLimit("4wh");
  const auto due = ComputeDeadline(At("2025-07-14T10:30"), limit, ReceiptRule(), National());
  ASSERT_TRUE(due.ok());
  const auto shifted = DeadlineAfterPause(*due, limit, At("2025-07-14T11:00"), At("2025-07-14T14:00"),
                                          reference::v1::PAUSE_POLICY_SHIFT, ReceiptRule(), National());
  ASSERT_TRUE(shifted.ok());
  EXPECT_EQ(AppointmentOf(*shifted), "2025-07-15T07:30");  // 16:30 and one hour of work
}

// Vector 33: the ten legs of the land-use procedure TN02.
TEST(LegalClockVectors, LegChainEqualsTheRoot) {
  std::vector<Limit> legs;
  for (const char* days : {"1wd", "3wd", "5wd", "5wd", "5wd", "3wd", "3wd", "3wd", "1wd", "3wd"}) {
    legs.push_back(*ParseLimit(days));
  }
  const absl::Time received = At("2025-01-06T09:00");
  const auto dues = ComputeLegDeadlines(received, legs, ReceiptRule(), National());
  ASSERT_TRUE(dues.ok());
  std::vector<std::string> dates;
  for (const DueDate& due : *dues) dates.push_back(due.date());
  EXPECT_EQ(dates,
            (std::vector<std::string>{"2025-01-07", "2025-01-10", "2025-01-17", "2025-01-24", "2025-02-07",
                                      "2025-02-12", "2025-02-17", "2025-02-20", "2025-02-21", "2025-02-26"}));
  EXPECT_EQ(ComputeDeadline(received, *ParseLimit("32wd"), ReceiptRule(), National())->date(), dates.back());
  for (size_t i = 1; i < legs.size(); ++i) {
    EXPECT_EQ(DeadlineAfter((*dues)[i - 1], legs[i], National())->date(), dates[i]) << "leg " << i;
  }
}

TEST(LegalClockVectors, HalfDayLegsAddUpToTheRoot) {
  const std::vector<Limit> legs = {*ParseLimit("0.5wd"), *ParseLimit("11.5wd"), *ParseLimit("3wd")};
  const auto dues = ComputeLegDeadlines(At("2025-07-14T14:00"), legs, ReceiptRule(), National());
  ASSERT_TRUE(dues.ok());
  EXPECT_EQ((*dues)[0].date(), "2025-07-15");  // 180 minutes on Monday, 60 on Tuesday
  EXPECT_EQ((*dues)[1].date(), "2025-07-30");
  EXPECT_EQ((*dues)[2].date(),
            ComputeDeadline(At("2025-07-14T14:00"), *ParseLimit("15wd"), ReceiptRule(), National())->date());
}

TEST(LegalClockVectors, LegsOfDifferentUnitsFollowEachOther) {
  const std::vector<Limit> legs = {*ParseLimit("4wh"), *ParseLimit("2wd"), *ParseLimit("1wh"),
                                   *ParseLimit("3cd")};
  const auto dues = ComputeLegDeadlines(At("2025-07-14T16:00"), legs, ReceiptRule(), National());
  ASSERT_TRUE(dues.ok()) << dues.status();
  EXPECT_EQ(AppointmentOf((*dues)[0]), "2025-07-15T10:00");
  EXPECT_EQ(AppointmentOf((*dues)[1]), "2025-07-17T17:00");
  EXPECT_EQ(AppointmentOf((*dues)[2]), "2025-07-18T08:00");
  EXPECT_EQ((*dues)[3].date(), "2025-07-21");
}

// Vector 35 and the reminders of shorter terms.
TEST(LegalClockVectors, RemindersSkipHolidays) {
  const auto due = DeadlineOn(*ParseDate("2025-05-06"), National());
  ASSERT_TRUE(due.ok());
  const auto near = [&](const char* offset) {
    return Local(*NearingMoment(*due, *ParseLimit(offset), National()));
  };
  EXPECT_EQ(near("2wd"), "2025-04-29T07:00");
  EXPECT_EQ(near("1wd"), "2025-05-05T07:00");
  EXPECT_EQ(near("2wh"), "2025-05-06T15:00");
  EXPECT_EQ(near("0.5wd"), "2025-05-06T11:00");
  EXPECT_EQ(near("1.5wd"), "2025-05-05T11:00");
  EXPECT_EQ(near("2cd"), "2025-04-29T07:00") << "Sunday 4/5, back over the holidays";
  EXPECT_EQ(Local(*DueTodayMoment(*due, National())), "2025-05-06T07:00");
  EXPECT_EQ(Local(*EscalationMoment(*due, *ParseLimit("3wd"), National())), "2025-05-09T07:00");
  EXPECT_EQ(Local(*EscalationMoment(*due, *ParseLimit("1wh"), National())), "2025-05-07T08:00");
}

TEST(LegalClockVectors, LatenessIsJudgedByDateOrByMinute) {
  const auto by_date = ComputeDeadline(At("2025-07-14T09:00"), *ParseLimit("1wd"), ReceiptRule(), National());
  EXPECT_FALSE(IsLate(*by_date, At("2025-07-15T23:59:59")));
  EXPECT_TRUE(IsLate(*by_date, At("2025-07-16T00:00")));
  const auto by_minute =
      ComputeDeadline(At("2025-07-14T10:30"), *ParseLimit("4wh"), ReceiptRule(), National());
  EXPECT_FALSE(IsLate(*by_minute, At("2025-07-14T16:30:59")));
  EXPECT_TRUE(IsLate(*by_minute, At("2025-07-14T16:31")));
}

TEST(LegalClockVectors, CutoffPolicies) {
  const auto due = [&](const char* received, const char* limit, reference::v1::CutoffPolicy policy) {
    return ComputeDeadline(At(received), *ParseLimit(limit), ReceiptRule{policy, 15 * 60}, National())
        ->date();
  };
  using namespace reference::v1;  // NOLINT: the names of one enum
  EXPECT_EQ(due("2025-07-14T15:30", "1wd", CUTOFF_POLICY_NONE), "2025-07-15");
  EXPECT_EQ(due("2025-07-14T17:00", "1wd", CUTOFF_POLICY_NONE), "2025-07-15");
  EXPECT_EQ(due("2025-07-14T17:01", "1wd", CUTOFF_POLICY_NONE), "2025-07-16") << "handed in after work";
  EXPECT_EQ(due("2025-07-12T10:00", "1wd", CUTOFF_POLICY_NONE), "2025-07-15") << "handed in on a day off";
  EXPECT_EQ(due("2025-07-14T15:30", "1wd", CUTOFF_POLICY_SAME_DAY_PROCEDURES_ONLY), "2025-07-15");
  EXPECT_EQ(due("2025-07-14T15:30", "0.1wd", CUTOFF_POLICY_SAME_DAY_PROCEDURES_ONLY), "2025-07-15");
  EXPECT_EQ(due("2025-07-14T15:00", "0.1wd", CUTOFF_POLICY_SAME_DAY_PROCEDURES_ONLY), "2025-07-14");
  EXPECT_EQ(due("2025-07-14T15:30", "1wd", CUTOFF_POLICY_ALL), "2025-07-16");
  EXPECT_EQ(due("2025-07-14T15:30", "15cd", CUTOFF_POLICY_ALL), "2025-07-30");
}

TEST(LegalClockVectors, NonsenseIsAStatusNotACrash) {
  const Limit limit = *ParseLimit("5wd");
  EXPECT_FALSE(ComputeDeadline(absl::InfiniteFuture(), limit, ReceiptRule(), National()).ok());
  EXPECT_FALSE(ComputeDeadline(absl::InfinitePast(), limit, ReceiptRule(), National()).ok());
  EXPECT_FALSE(ComputeDeadline(At("1999-12-31T10:00"), limit, ReceiptRule(), National()).ok());
  EXPECT_TRUE(ComputeDeadline(At("2100-12-20T10:00"), limit, ReceiptRule(), National()).ok());
  for (const char* huge : {"10000wd", "10000cd", "10000wh"}) {
    EXPECT_TRUE(absl::IsOutOfRange(
        ComputeDeadline(At("2100-12-20T10:00"), *ParseLimit(huge), ReceiptRule(), National()).status()));
  }
  EXPECT_FALSE(ComputeDeadline(At("2025-07-14T10:00"), Limit(), ReceiptRule(), National()).ok());
  const ReceiptRule bad{reference::v1::CUTOFF_POLICY_ALL, 100000};
  EXPECT_FALSE(ComputeDeadline(At("2025-07-14T10:00"), limit, bad, National()).ok());
  EXPECT_FALSE(NearingMoment(DueDate(), limit, National()).ok());
  EXPECT_FALSE(DeadlineAfter(DueDate(), limit, National()).ok());
  EXPECT_FALSE(EscalationMoment(DueDate(), limit, National()).ok());
  EXPECT_FALSE(ShiftByWorkingDays(DueDate(), limit, 1, National()).ok());
  EXPECT_FALSE(IsLate(*DeadlineOn(*ParseDate("2025-07-14"), National()), absl::InfinitePast()));
}

}  // namespace
}  // namespace motcua::time
