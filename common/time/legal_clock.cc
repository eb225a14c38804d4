#include "common/time/legal_clock.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"

namespace motcua::time {
namespace {

using common::v1::DueDate;
using common::v1::Limit;
using common::v1::LIMIT_UNIT_CALENDAR_DAYS;
using common::v1::LIMIT_UNIT_WORKING_DAYS;
using common::v1::LIMIT_UNIT_WORKING_HOURS;

constexpr int64_t kMinutesPerHour = 60;
constexpr int64_t kMaxCalendarDays = kMaxLimitTenths / 10;

// Where a count begins: the day that is not counted, and the minute for what is counted in minutes.
struct Start {
  absl::CivilDay day;
  LocalMinute minute;
};

absl::Time MidnightAfter(absl::CivilDay day, const Calendar& calendar) {
  return absl::FromCivil(day + 1, calendar.time_zone());
}

DueDate ByDate(absl::CivilDay day, const LocalMinute& appointment, const Calendar& calendar) {
  DueDate due;
  due.set_date(FormatDate(day));
  *due.mutable_appointment() = ToTimestamp(calendar.TimeAt(appointment));
  *due.mutable_late_from() = ToTimestamp(MidnightAfter(day, calendar));
  return due;
}

absl::StatusOr<DueDate> ByWorkingDay(absl::CivilDay day, const Calendar& calendar) {
  const auto end = calendar.EndOfWork(day);
  if (!end.ok()) return end.status();
  return ByDate(day, *end, calendar);
}

DueDate ByMinute(const LocalMinute& minute, const Calendar& calendar) {
  const absl::Time appointment = calendar.TimeAt(minute);
  DueDate due;
  due.set_date(FormatDate(minute.day));
  *due.mutable_appointment() = ToTimestamp(appointment);
  *due.mutable_late_from() = ToTimestamp(appointment + absl::Minutes(1));
  return due;
}

// Hour-based deadlines turn late within a minute of the appointment, day-based ones at midnight.
bool IsKeptByMinute(const DueDate& due) {
  return FromTimestamp(due.late_from()) - FromTimestamp(due.appointment()) == absl::Minutes(1);
}

int64_t MinutesOfPart(uint32_t tenths, const Calendar& calendar) {
  return (int64_t{tenths} * calendar.minutes_per_day() + 9) / 10;
}

absl::StatusOr<DueDate> CountWorkingDaysFrom(const Start& start, uint64_t tenths, const Calendar& calendar) {
  const auto whole = calendar.AddWorkingDays(start.day, static_cast<int64_t>(tenths / 10));
  if (!whole.ok()) return whole.status();
  const auto part = static_cast<uint32_t>(tenths % 10);
  if (part == 0) return ByWorkingDay(*whole, calendar);
  const LocalMinute from{*whole, start.minute.day == start.day ? start.minute.minute : 0};
  const auto end = calendar.AddWorkingMinutes(from, MinutesOfPart(part, calendar));
  if (!end.ok()) return end.status();
  const auto next = calendar.AddWorkingDays(*whole, 1);
  if (!next.ok()) return next.status();
  return ByWorkingDay(std::min(end->day, *next), calendar);
}

absl::StatusOr<DueDate> CountFrom(const Start& start, common::v1::LimitUnit unit, uint64_t tenths,
                                  const Calendar& calendar) {
  switch (unit) {
    case LIMIT_UNIT_WORKING_DAYS:
      return CountWorkingDaysFrom(start, tenths, calendar);
    case LIMIT_UNIT_CALENDAR_DAYS: {
      const auto end =
          calendar.WorkingDayOnOrAfter(start.day + std::min<int64_t>(tenths / 10, 10 * kMaxCalendarDays));
      if (!end.ok()) return end.status();
      return ByWorkingDay(*end, calendar);
    }
    case LIMIT_UNIT_WORKING_HOURS: {
      const auto end =
          calendar.AddWorkingMinutes(start.minute, static_cast<int64_t>(tenths) * kMinutesPerHour / 10);
      if (!end.ok()) return end.status();
      return ByMinute(*end, calendar);
    }
    default:
      return absl::InvalidArgumentError("the limit has no unit");
  }
}

absl::StatusOr<Start> StartOfCount(absl::Time received, const Limit& limit, const ReceiptRule& rule,
                                   const Calendar& calendar) {
  const auto day = EffectiveReceiptDay(received, limit, rule, calendar);
  if (!day.ok()) return day.status();
  const LocalMinute local = calendar.LocalMinuteAt(received);
  return Start{*day, local.day == *day ? local : LocalMinute{*day, 0}};
}

absl::StatusOr<absl::CivilDay> DateOf(const DueDate& due) {
  auto date = ParseDate(due.date());
  if (!date.ok() || !due.has_appointment() || !due.has_late_from()) {
    return absl::InvalidArgumentError("the deadline lacks its date, appointment or first late instant");
  }
  return date;
}

// Where a leg begins that follows `due`.
absl::StatusOr<Start> StartAfter(const DueDate& due, const Calendar& calendar) {
  const auto date = DateOf(due);
  if (!date.ok()) return date.status();
  const absl::Time appointment = FromTimestamp(due.appointment());
  LocalMinute minute = calendar.LocalMinuteAt(appointment);
  if (minute.day != *date) minute = LocalMinute{*date, 24 * 60};  // an appointment at 24:00
  return Start{*date, minute};
}

absl::Status CheckRule(const ReceiptRule& rule) {
  if (rule.cutoff_minute < 0 || rule.cutoff_minute > 24 * 60) {
    return absl::InvalidArgumentError(
        absl::StrCat("the cut-off of ", rule.cutoff_minute, " minutes is not in a day"));
  }
  if (!reference::v1::CutoffPolicy_IsValid(rule.policy)) {
    return absl::InvalidArgumentError("the cut-off policy is unknown");
  }
  return absl::OkStatus();
}

bool CutoffApplies(const ReceiptRule& rule, const Limit& limit) {
  if (limit.unit() == LIMIT_UNIT_WORKING_HOURS) return false;
  switch (rule.policy) {
    case reference::v1::CUTOFF_POLICY_NONE:
      return false;
    case reference::v1::CUTOFF_POLICY_SAME_DAY_PROCEDURES_ONLY:
      return IsSameDayLimit(limit);
    default:
      return true;
  }
}

absl::StatusOr<absl::Time> StartOfWorkTime(absl::CivilDay day, const Calendar& calendar) {
  const auto start = calendar.StartOfWork(day);
  if (!start.ok()) return start.status();
  return calendar.TimeAt(*start);
}

// `minutes` of work before the appointment of `due`, or before the end of work on `day` where that is an
// earlier day.
absl::StatusOr<absl::Time> MinutesBefore(const DueDate& due, absl::CivilDay day, int64_t minutes,
                                         const Calendar& calendar) {
  const auto after = StartAfter(due, calendar);
  if (!after.ok()) return after.status();
  const LocalMinute end = day == after->day ? after->minute : LocalMinute{day, 24 * 60};
  const auto moment = calendar.SubtractWorkingMinutes(end, minutes);
  if (!moment.ok()) return moment.status();
  return calendar.TimeAt(*moment);
}

}  // namespace

absl::StatusOr<ReceiptRule> ReceiptRuleOf(const reference::v1::Procedure& procedure) {
  ReceiptRule rule;
  if (procedure.cutoff_policy() != reference::v1::CUTOFF_POLICY_UNSPECIFIED)
    rule.policy = procedure.cutoff_policy();
  if (!procedure.cutoff().empty()) {
    const auto minute = ParseMinuteOfDay(procedure.cutoff());
    if (!minute.ok()) return minute.status();
    rule.cutoff_minute = *minute;
  }
  if (absl::Status status = CheckRule(rule); !status.ok()) return status;
  return rule;
}

bool IsSameDayLimit(const Limit& limit) {
  return limit.unit() == LIMIT_UNIT_WORKING_DAYS && limit.tenths() < 10;
}

absl::StatusOr<absl::CivilDay> EffectiveReceiptDay(absl::Time received, const Limit& limit,
                                                   const ReceiptRule& rule, const Calendar& calendar) {
  if (absl::Status status = CheckRule(rule); !status.ok()) return status;
  const absl::CivilDay day = absl::ToCivilDay(received, calendar.time_zone());
  const auto sessions = calendar.SessionsOf(day);
  if (sessions.empty()) return calendar.WorkingDayOnOrAfter(day);
  const bool work_is_over = received > calendar.TimeAt({day, sessions.back().end});
  const bool past_cutoff =
      CutoffApplies(rule, limit) && received > calendar.TimeAt({day, rule.cutoff_minute});
  if (work_is_over || past_cutoff) return calendar.AddWorkingDays(day, 1);
  return day;
}

absl::StatusOr<DueDate> ComputeDeadline(absl::Time received, const Limit& limit, const ReceiptRule& rule,
                                        const Calendar& calendar) {
  if (absl::Status status = CheckLimit(limit); !status.ok()) return status;
  const auto start = StartOfCount(received, limit, rule, calendar);
  if (!start.ok()) return start.status();
  return CountFrom(*start, limit.unit(), limit.tenths(), calendar);
}

absl::StatusOr<std::vector<DueDate>> ComputeLegDeadlines(absl::Time received, absl::Span<const Limit> legs,
                                                         const ReceiptRule& rule, const Calendar& calendar) {
  std::vector<DueDate> dues;
  Start start;
  uint64_t tenths = 0;
  for (size_t i = 0; i < legs.size(); ++i) {
    if (absl::Status status = CheckLimit(legs[i]); !status.ok()) return status;
    if (i == 0 || legs[i].unit() != legs[i - 1].unit()) {
      const auto begin =
          i == 0 ? StartOfCount(received, legs[i], rule, calendar) : StartAfter(dues.back(), calendar);
      if (!begin.ok()) return begin.status();
      start = *begin;
      tenths = 0;
    }
    tenths += legs[i].tenths();
    auto due = CountFrom(start, legs[i].unit(), tenths, calendar);
    if (!due.ok()) return due.status();
    dues.push_back(*std::move(due));
  }
  return dues;
}

absl::StatusOr<DueDate> DeadlineAfter(const DueDate& previous, const Limit& limit, const Calendar& calendar) {
  if (absl::Status status = CheckLimit(limit); !status.ok()) return status;
  const auto start = StartAfter(previous, calendar);
  if (!start.ok()) return start.status();
  return CountFrom(*start, limit.unit(), limit.tenths(), calendar);
}

absl::StatusOr<DueDate> DeadlineOn(absl::CivilDay day, const Calendar& calendar) {
  if (calendar.IsWorkingDay(day)) return ByWorkingDay(day, calendar);
  if (const auto counted = calendar.CountWorkingDays(day, day + 1); !counted.ok()) return counted.status();
  return ByDate(day, LocalMinute{day, 24 * 60 - 1}, calendar);
}

absl::StatusOr<DueDate> ShiftByWorkingDays(const DueDate& due, const Limit& limit, int64_t n,
                                           const Calendar& calendar) {
  const auto date = DateOf(due);
  if (!date.ok()) return date.status();
  if (n < 0)
    return absl::InvalidArgumentError(absl::StrCat("cannot move a due date by ", n, " working days"));
  if (n == 0) return due;
  if (limit.unit() == LIMIT_UNIT_WORKING_HOURS && IsKeptByMinute(due)) {
    const auto start = StartAfter(due, calendar);
    if (!start.ok()) return start.status();
    if (n > kMaxCalendarDays)
      return absl::OutOfRangeError(absl::StrCat("cannot move a due date by ", n, " days"));
    const auto end = calendar.AddWorkingMinutes(start->minute, n * calendar.minutes_per_day());
    if (!end.ok()) return end.status();
    return ByMinute(*end, calendar);
  }
  const auto moved = calendar.AddWorkingDays(*date, n);
  if (!moved.ok()) return moved.status();
  return ByWorkingDay(*moved, calendar);
}

absl::StatusOr<DueDate> DeadlineAfterPause(const DueDate& due, const Limit& limit, absl::Time stopped,
                                           absl::Time resumed, reference::v1::PausePolicy policy,
                                           const ReceiptRule& rule, const Calendar& calendar) {
  if (absl::Status status = CheckLimit(limit); !status.ok()) return status;
  if (resumed < stopped) return absl::InvalidArgumentError("the clock resumes before it was stopped");
  if (policy == reference::v1::PAUSE_POLICY_CONTINUE) return due;
  if (policy == reference::v1::PAUSE_POLICY_RESTART) return ComputeDeadline(resumed, limit, rule, calendar);
  if (limit.unit() == LIMIT_UNIT_WORKING_HOURS && IsKeptByMinute(due)) {
    const auto waited =
        calendar.CountWorkingMinutes(calendar.LocalMinuteAt(stopped), calendar.LocalMinuteAt(resumed));
    if (!waited.ok()) return waited.status();
    const auto start = StartAfter(due, calendar);
    if (!start.ok()) return start.status();
    if (*waited == 0) return due;
    const auto end = calendar.AddWorkingMinutes(start->minute, *waited);
    if (!end.ok()) return end.status();
    return ByMinute(*end, calendar);
  }
  const auto resumed_day = EffectiveReceiptDay(resumed, limit, rule, calendar);
  if (!resumed_day.ok()) return resumed_day.status();
  const auto waited =
      calendar.CountWorkingDays(absl::ToCivilDay(stopped, calendar.time_zone()), *resumed_day);
  if (!waited.ok()) return waited.status();
  return ShiftByWorkingDays(due, limit, *waited, calendar);
}

absl::StatusOr<absl::Time> NearingMoment(const DueDate& due, const Limit& offset, const Calendar& calendar) {
  if (absl::Status status = CheckLimit(offset); !status.ok()) return status;
  const auto date = DateOf(due);
  if (!date.ok()) return date.status();
  if (offset.unit() == LIMIT_UNIT_WORKING_HOURS) {
    return MinutesBefore(due, *date, int64_t{offset.tenths()} * kMinutesPerHour / 10, calendar);
  }
  if (offset.unit() == LIMIT_UNIT_CALENDAR_DAYS) {
    const auto day = calendar.WorkingDayOnOrBefore(*date - offset.tenths() / 10);
    if (!day.ok()) return day.status();
    return StartOfWorkTime(*day, calendar);
  }
  const auto day = calendar.SubtractWorkingDays(*date, offset.tenths() / 10);
  if (!day.ok()) return day.status();
  const uint32_t part = offset.tenths() % 10;
  if (part == 0) return StartOfWorkTime(*day, calendar);
  return MinutesBefore(due, *day, MinutesOfPart(part, calendar), calendar);
}

absl::StatusOr<absl::Time> DueTodayMoment(const DueDate& due, const Calendar& calendar) {
  const auto date = DateOf(due);
  if (!date.ok()) return date.status();
  if (!calendar.IsWorkingDay(*date)) return absl::FromCivil(*date, calendar.time_zone());
  return StartOfWorkTime(*date, calendar);
}

absl::StatusOr<absl::Time> EscalationMoment(const DueDate& due, const Limit& offset,
                                            const Calendar& calendar) {
  if (absl::Status status = CheckLimit(offset); !status.ok()) return status;
  const auto start = StartAfter(due, calendar);
  if (!start.ok()) return start.status();
  absl::StatusOr<LocalMinute> moment;
  if (offset.unit() == LIMIT_UNIT_WORKING_HOURS) {
    moment = calendar.AddWorkingMinutes(start->minute, int64_t{offset.tenths()} * kMinutesPerHour / 10);
  } else if (offset.unit() == LIMIT_UNIT_CALENDAR_DAYS) {
    const auto day = calendar.WorkingDayOnOrAfter(start->day + offset.tenths() / 10);
    if (!day.ok()) return day.status();
    moment = calendar.StartOfWork(*day);
  } else {
    const auto day = calendar.AddWorkingDays(start->day, offset.tenths() / 10);
    if (!day.ok()) return day.status();
    const uint32_t part = offset.tenths() % 10;
    if (part != 0) {
      moment =
          calendar.AddWorkingMinutes(LocalMinute{*day, start->minute.minute}, MinutesOfPart(part, calendar));
    } else {
      moment = calendar.StartOfWork(*day);
    }
  }
  if (!moment.ok()) return moment.status();
  return std::max(calendar.TimeAt(*moment), FromTimestamp(due.late_from()));
}

bool IsLate(const DueDate& due, absl::Time ended) { return ended >= FromTimestamp(due.late_from()); }

}  // namespace motcua::time
