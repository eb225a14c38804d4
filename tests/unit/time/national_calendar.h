// The national calendar as the tests know it, written here and not read from the sample data: two sources
// that must agree.
#pragma once

#include <string>
#include <vector>

#include "common/time/calendar.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::time {

inline absl::TimeZone HoChiMinh() { return absl::FixedTimeZone(7 * 3600); }

inline const std::vector<std::string>& NationalDaysOff() {
  static const auto* const days = new std::vector<std::string>{
      "2022-01-03", "2022-01-31", "2022-02-01", "2022-02-02", "2022-02-03", "2022-02-04", "2022-04-11",
      "2022-05-02", "2022-05-03", "2022-09-01", "2022-09-02", "2025-01-01", "2025-01-27", "2025-01-28",
      "2025-01-29", "2025-01-30", "2025-01-31", "2025-04-07", "2025-04-30", "2025-05-01", "2025-05-02",
      "2025-09-01", "2025-09-02", "2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18",
      "2026-02-19", "2026-02-20", "2026-04-27", "2026-04-30", "2026-05-01", "2026-08-31", "2026-09-01",
      "2026-09-02", "2026-11-24"};
  return *days;
}

inline const std::vector<std::string>& NationalMakeUpDays() {
  static const auto* const days = new std::vector<std::string>{"2025-04-26", "2026-01-10", "2026-08-22"};
  return *days;
}

inline reference::v1::ReferenceSet NationalSet() {
  reference::v1::ReferenceSet set;
  auto* calendar = set.add_calendars();
  calendar->set_id("vn");
  for (uint32_t weekday = 1; weekday <= 5; ++weekday) {
    auto* sessions = calendar->add_week();
    sessions->set_weekday(weekday);
    sessions->add_sessions("07:00-11:30");
    sessions->add_sessions("13:30-17:00");
  }
  const auto add = [&](const std::string& date, reference::v1::DayKind kind) {
    auto* day = calendar->add_days();
    day->set_date(date);
    day->set_kind(kind);
  };
  for (const std::string& date : NationalDaysOff()) add(date, reference::v1::DAY_KIND_HOLIDAY);
  for (const std::string& date : NationalMakeUpDays()) add(date, reference::v1::DAY_KIND_MAKEUP_WORK);
  return set;
}

inline const Calendar& National() {
  static const auto* const calendar = new Calendar(*Calendar::Compile(NationalSet(), "vn", HoChiMinh()));
  return *calendar;
}

// `2025-01-24T15:30` in the jurisdiction's zone; the test aborts on a malformed text.
inline absl::Time At(const std::string& local) {
  return absl::FromCivil(*ParseLocalTime(local), HoChiMinh());
}

inline std::string Local(absl::Time t) { return absl::FormatTime("%Y-%m-%dT%H:%M", t, HoChiMinh()); }

}  // namespace motcua::time
