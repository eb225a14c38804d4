// Laws of the legal clock on random calendars, receipts and limits, against an oracle that walks day by day
// and minute by minute. The seed is printed; set MOTCUA_SEED to run one again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

#include "common/time/legal_clock.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "tests/unit/time/national_calendar.h"

namespace motcua::time {
namespace {

using common::v1::DueDate;
using common::v1::Limit;
using reference::v1::ReferenceSet;

// A calendar as plain lists, counted by walking.
class NaiveCalendar {
 public:
  explicit NaiveCalendar(const reference::v1::Calendar& proto) {
    for (const auto& week : proto.week()) {
      for (const auto& session : week.sessions())
        sessions_[week.weekday() - 1].push_back(*ParseSession(session));
    }
    for (const auto& day : proto.days()) {
      (day.kind() == reference::v1::DAY_KIND_MAKEUP_WORK ? make_up_ : off_).insert(day.date());
    }
    int most = -1;
    for (const auto& sessions : sessions_) {
      int minutes = 0;
      for (const Session& session : sessions) minutes += session.end - session.begin;
      if (minutes > most) longest_ = sessions, most = minutes;
    }
  }

  std::vector<Session> SessionsOf(absl::CivilDay day) const {
    if (make_up_.count(FormatDate(day))) return longest_;
    if (off_.count(FormatDate(day))) return {};
    return sessions_[static_cast<int>(absl::GetWeekday(day))];
  }
  bool Works(absl::CivilDay day) const { return !SessionsOf(day).empty(); }

  absl::CivilDay Add(absl::CivilDay day, int n) const {
    while (n > 0) n -= Works(++day) ? 1 : 0;
    return day;
  }
  absl::CivilDay Subtract(absl::CivilDay day, int n) const {
    while (n > 0) n -= Works(--day) ? 1 : 0;
    return day;
  }
  int Count(absl::CivilDay from, absl::CivilDay until) const {
    int count = 0;
    for (absl::CivilDay day = from; day < until; ++day) count += Works(day) ? 1 : 0;
    return count;
  }
  bool WorksAt(absl::CivilDay day, int minute) const {
    for (const Session& session : SessionsOf(day)) {
      if (session.begin <= minute && minute < session.end) return true;
    }
    return false;
  }
  // The end of the last minute worked.
  LocalMinute AddMinutes(LocalMinute at, int minutes) const {
    while (true) {
      for (; at.minute < 1440; ++at.minute) {
        if (WorksAt(at.day, at.minute) && --minutes == 0) return {at.day, at.minute + 1};
      }
      at = {at.day + 1, 0};
    }
  }
  LocalMinute SubtractMinutes(LocalMinute at, int minutes) const {
    while (true) {
      while (at.minute-- > 0) {
        if (WorksAt(at.day, at.minute) && --minutes == 0) return at;
      }
      at = {at.day - 1, 1440};
    }
  }

 private:
  std::vector<Session> sessions_[7];
  std::vector<Session> longest_;
  std::set<std::string> off_, make_up_;
};

class LegalClockProperties : public ::testing::Test {
 protected:
  LegalClockProperties() {
    const char* given = std::getenv("MOTCUA_SEED");
    const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::cout << "seed " << seed << "\n";
    random_.seed(seed);
  }

  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  absl::Time Receipt() {
    return absl::FromCivil(absl::CivilSecond(2025, 1, 1), HoChiMinh()) +
           absl::Seconds(Pick(0, 2 * 365 * 86400));
  }

  Limit AnyLimit() {
    Limit limit;
    switch (Pick(0, 3)) {
      case 0:
        limit.set_unit(common::v1::LIMIT_UNIT_CALENDAR_DAYS);
        limit.set_tenths(10 * Pick(1, 60));
        break;
      case 1:
        limit.set_unit(common::v1::LIMIT_UNIT_WORKING_HOURS);
        limit.set_tenths(Pick(1, 200));
        break;
      default:
        limit.set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
        limit.set_tenths(Pick(0, 1) ? 10 * Pick(1, 40) : Pick(1, 400));
    }
    return limit;
  }

  // Between one and seven worked weekdays, one to three sessions each, days off and make-up days at random.
  ReferenceSet AnySet() {
    ReferenceSet set;
    auto* calendar = set.add_calendars();
    calendar->set_id("any");
    calendar->set_minutes_per_day(Pick(0, 1) ? 480 : 60 * Pick(1, 10));
    const uint32_t always = Pick(1, 7);
    for (uint32_t weekday = 1; weekday <= 7; ++weekday) {
      if (weekday != always && Pick(0, 3) == 0) continue;
      auto* week = calendar->add_week();
      week->set_weekday(weekday);
      int at = Pick(0, 600);
      for (int left = Pick(1, 3); left > 0 && at < 1300; --left) {
        const int end = std::min(1440, at + Pick(1, 300));
        week->add_sessions(absl::StrCat(Clock(at), "-", Clock(end)));
        at = end + Pick(0, 120);
      }
    }
    std::set<absl::CivilDay> used;
    for (int i = Pick(0, 120); i > 0; --i) {
      const absl::CivilDay date = absl::CivilDay(2024, 12, 1) + Pick(0, 900);
      if (!used.insert(date).second) continue;
      auto* day = calendar->add_days();
      day->set_date(FormatDate(date));
      day->set_kind(static_cast<reference::v1::DayKind>(Pick(1, 4)));
    }
    return set;
  }

  static std::string Clock(int minute) {
    std::string text = "00:00";
    text[0] += minute / 600;
    text[1] += minute / 60 % 10;
    text[3] += minute % 60 / 10;
    text[4] += minute % 10;
    return text;
  }

  std::mt19937_64 random_;
};

TEST_F(LegalClockProperties, CalendarAgreesWithAWalkDayByDay) {
  for (int round = 0; round < 10; ++round) {
    const ReferenceSet set = AnySet();
    const NaiveCalendar naive(set.calendars(0));
    const auto calendar = Calendar::Compile(set, "any", HoChiMinh());
    ASSERT_TRUE(calendar.ok()) << calendar.status();
    for (int i = 0; i < 30; ++i) {
      const absl::CivilDay day = absl::CivilDay(2025, 1, 1) + Pick(0, 700);
      const int n = Pick(0, 50);
      ASSERT_EQ(calendar->IsWorkingDay(day), naive.Works(day)) << FormatDate(day);
      ASSERT_EQ(*calendar->AddWorkingDays(day, n), naive.Add(day, n)) << FormatDate(day) << " + " << n;
      ASSERT_EQ(*calendar->SubtractWorkingDays(day, n), naive.Subtract(day, n))
          << FormatDate(day) << " - " << n;
      ASSERT_EQ(*calendar->CountWorkingDays(day, day + n), naive.Count(day, day + n));
      const LocalMinute at{day, Pick(0, 1440)};
      const int minutes = Pick(1, 2000);
      ASSERT_EQ(*calendar->AddWorkingMinutes(at, minutes), naive.AddMinutes(at, minutes)) << FormatDate(day);
      ASSERT_EQ(*calendar->SubtractWorkingMinutes(at, minutes), naive.SubtractMinutes(at, minutes))
          << FormatDate(day);
    }
  }
}

TEST_F(LegalClockProperties, DeadlineAgreesWithAWalk) {
  for (int round = 0; round < 60; ++round) {
    const ReferenceSet set = AnySet();
    const NaiveCalendar naive(set.calendars(0));
    const auto calendar = Calendar::Compile(set, "any", HoChiMinh());
    ASSERT_TRUE(calendar.ok());
    for (int i = 0; i < 20; ++i) {
      const absl::Time received = Receipt();
      const Limit limit = AnyLimit();
      const bool cutoff = Pick(0, 1) && limit.unit() != common::v1::LIMIT_UNIT_WORKING_HOURS;
      const int cutoff_minute = Pick(0, 1439);
      const ReceiptRule rule{cutoff ? reference::v1::CUTOFF_POLICY_ALL : reference::v1::CUTOFF_POLICY_NONE,
                             cutoff_minute};
      const auto due = ComputeDeadline(received, limit, rule, *calendar);
      ASSERT_TRUE(due.ok()) << due.status();
      const absl::CivilSecond local = absl::ToCivilSecond(received, HoChiMinh());
      const absl::CivilDay day(local);
      const int second = local.hour() * 3600 + local.minute() * 60 + local.second();
      absl::CivilDay d0 = day;
      if (!naive.Works(day) || second > naive.SessionsOf(day).back().end * 60 ||
          (cutoff && second > cutoff_minute * 60)) {
        d0 = naive.Add(day, 1);
      }
      const LocalMinute from{d0, d0 == day ? second / 60 : 0};
      const std::string what =
          absl::StrCat(absl::FormatTime(received, HoChiMinh()), " + ", FormatLimit(limit));
      if (limit.unit() == common::v1::LIMIT_UNIT_WORKING_HOURS) {
        const LocalMinute end = naive.AddMinutes(from, limit.tenths() * 6);
        ASSERT_EQ(FromTimestamp(due->appointment()), calendar->TimeAt(end)) << what;
        ASSERT_EQ(due->date(), FormatDate(end.day)) << what;
        continue;
      }
      absl::CivilDay end = naive.Add(d0, limit.tenths() / 10);
      if (limit.unit() == common::v1::LIMIT_UNIT_CALENDAR_DAYS) {
        end = d0 + limit.tenths() / 10;
        while (!naive.Works(end)) ++end;
      } else if (limit.tenths() % 10 != 0) {
        const int part = (limit.tenths() % 10 * calendar->minutes_per_day() + 9) / 10;
        end = std::min(naive.AddMinutes({end, from.minute}, part).day, naive.Add(end, 1));
      }
      ASSERT_EQ(due->date(), FormatDate(end)) << what;
    }
  }
}

TEST_F(LegalClockProperties, LaterReceiptAndLongerLimitNeverMeanAnEarlierDue) {
  for (int i = 0; i < 3000; ++i) {
    const absl::Time received = Receipt();
    const Limit limit = AnyLimit();
    const auto due = ComputeDeadline(received, limit, ReceiptRule(), National());
    ASSERT_TRUE(due.ok());
    const absl::Time late = FromTimestamp(due->late_from());
    const auto later =
        ComputeDeadline(received + absl::Seconds(Pick(0, 400000)), limit, ReceiptRule(), National());
    ASSERT_LE(late, FromTimestamp(later->late_from()))
        << absl::FormatTime(received, HoChiMinh()) << FormatLimit(limit);
    Limit longer = limit;
    longer.set_tenths(limit.tenths() + 10);
    const auto more = ComputeDeadline(received, longer, ReceiptRule(), National());
    ASSERT_LE(late, FromTimestamp(more->late_from()))
        << absl::FormatTime(received, HoChiMinh()) << FormatLimit(limit);
    Limit bit = limit;
    bit.set_tenths(limit.tenths() + (limit.unit() == common::v1::LIMIT_UNIT_CALENDAR_DAYS ? 10 : 1));
    const auto slightly = ComputeDeadline(received, bit, ReceiptRule(), National());
    ASSERT_LE(late, FromTimestamp(slightly->late_from()))
        << absl::FormatTime(received, HoChiMinh()) << FormatLimit(limit);
  }
}

TEST_F(LegalClockProperties, DuesLieOnWorkingDaysAndWithinSessions) {
  for (int i = 0; i < 3000; ++i) {
    const Limit limit = AnyLimit();
    const auto due = ComputeDeadline(Receipt(), limit, ReceiptRule(), National());
    ASSERT_TRUE(due.ok());
    const absl::CivilDay date = *ParseDate(due->date());
    ASSERT_TRUE(National().IsWorkingDay(date)) << due->date();
    const LocalMinute at = National().LocalMinuteAt(FromTimestamp(due->appointment()));
    ASSERT_EQ(at.day, date);
    bool inside = false;
    for (const Session& session : National().SessionsOf(date)) {
      inside |= session.begin < at.minute && at.minute <= session.end;
    }
    ASSERT_TRUE(inside) << FormatLimit(limit) << " ends outside the sessions: " << at.minute;
  }
}

TEST_F(LegalClockProperties, AddingThenCountingIsIdentity) {
  for (int i = 0; i < 3000; ++i) {
    const absl::CivilDay day = absl::CivilDay(2025, 1, 1) + Pick(0, 700);
    const int n = Pick(0, 400);
    const absl::CivilDay end = *National().AddWorkingDays(day, n);
    ASSERT_EQ(*National().CountWorkingDays(day + 1, end + 1), n);
    if (National().IsWorkingDay(day)) {
      ASSERT_EQ(*National().SubtractWorkingDays(end, n), day);
    }
    const LocalMinute at{day, Pick(0, 1440)};
    const int minutes = Pick(1, 20000);
    ASSERT_EQ(*National().CountWorkingMinutes(at, *National().AddWorkingMinutes(at, minutes)), minutes);
    ASSERT_EQ(*National().CountWorkingMinutes(*National().SubtractWorkingMinutes(at, minutes), at), minutes);
  }
}

TEST_F(LegalClockProperties, ChainOfLegsEqualsTheRoot) {
  for (int i = 0; i < 1000; ++i) {
    const absl::Time received = Receipt();
    Limit root = AnyLimit();
    std::vector<Limit> legs;
    uint32_t left = root.tenths();
    const uint32_t grain = root.unit() == common::v1::LIMIT_UNIT_CALENDAR_DAYS ? 10 : 1;
    while (left > 0) {
      Limit leg = root;
      leg.set_tenths(grain * Pick(1, static_cast<int>(left / grain)));
      left -= leg.tenths();
      legs.push_back(leg);
    }
    const auto dues = ComputeLegDeadlines(received, legs, ReceiptRule(), National());
    ASSERT_TRUE(dues.ok());
    const auto due = ComputeDeadline(received, root, ReceiptRule(), National());
    ASSERT_EQ(dues->back().SerializeAsString(), due->SerializeAsString()) << FormatLimit(root);
    for (size_t leg = 1; leg < dues->size(); ++leg) {
      ASSERT_LE(FromTimestamp((*dues)[leg - 1].late_from()), FromTimestamp((*dues)[leg].late_from()));
    }
  }
}

TEST_F(LegalClockProperties, PausesNeverMakeADueEarlierAndRemindersComeFirst) {
  for (int i = 0; i < 2000; ++i) {
    const absl::Time received = Receipt();
    const Limit limit = AnyLimit();
    const auto due = ComputeDeadline(received, limit, ReceiptRule(), National());
    const absl::Time stopped = received + absl::Minutes(Pick(0, 10000));
    const absl::Time resumed = stopped + absl::Minutes(Pick(0, 20000));
    const auto shifted = DeadlineAfterPause(*due, limit, stopped, resumed, reference::v1::PAUSE_POLICY_SHIFT,
                                            ReceiptRule(), National());
    ASSERT_TRUE(shifted.ok()) << shifted.status();
    ASSERT_GE(FromTimestamp(shifted->late_from()), FromTimestamp(due->late_from()));
    const Limit offset = AnyLimit();
    const auto near = NearingMoment(*due, offset, National());
    ASSERT_TRUE(near.ok()) << near.status();
    ASSERT_LT(*near, FromTimestamp(due->appointment())) << FormatLimit(offset);
    const auto escalated = EscalationMoment(*due, offset, National());
    ASSERT_TRUE(escalated.ok()) << escalated.status();
    ASSERT_GE(*escalated, FromTimestamp(due->late_from())) << FormatLimit(offset);
  }
}

}  // namespace
}  // namespace motcua::time
