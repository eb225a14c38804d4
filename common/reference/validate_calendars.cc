// Rules of calendars.
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/reference/rules.h"
#include "common/time/calendar.h"
#include "common/time/iso.h"

namespace motcua::reference {
namespace {

constexpr int kMaxDays = 10000;
constexpr int kMaxSessions = 24;
constexpr uint32_t kMinutesOfDay = 24 * 60;
constexpr size_t kMaxLayers = 8;  // a calendar and its bases

void CheckWeek(const std::string& item, const v1::Calendar& calendar, Report& report) {
  if (!CheckCount(Field(item, "week"), calendar.week_size(), 7, report)) return;
  bool seen[8] = {};
  for (int i = 0; i < calendar.week_size(); ++i) {
    const v1::WeekdaySessions& weekday = calendar.week(i);
    const std::string path = Item(Field(item, "week"), i);
    if (weekday.weekday() < 1 || weekday.weekday() > 7) {
      report.Add(Field(path, "weekday"), "must be 1 (Monday) to 7 (Sunday), not ", weekday.weekday());
    } else if (std::exchange(seen[weekday.weekday()], true)) {
      report.Add(Field(path, "weekday"), "duplicate weekday ", weekday.weekday());
    }
    if (!CheckCount(Field(path, "sessions"), weekday.sessions_size(), kMaxSessions, report)) continue;
    int end = 0;
    for (int s = 0; s < weekday.sessions_size(); ++s) {
      const std::string session_path = Item(Field(path, "sessions"), s);
      const auto session = time::ParseSession(weekday.sessions(s));
      if (!session.ok()) {
        report.Add(session_path, session.status().message());
      } else if (session->begin < end) {
        report.Add(session_path, "session ", Quote(weekday.sessions(s)),
                   " begins before the one before it ends");
      } else {
        end = session->end;
      }
    }
  }
}

bool IsOff(v1::DayKind kind) { return kind != v1::DAY_KIND_MAKEUP_WORK; }

void CheckDays(const std::string& item, const v1::Calendar& calendar, Report& report) {
  if (!CheckCount(Field(item, "days"), calendar.days_size(), kMaxDays, report)) return;
  absl::flat_hash_map<absl::string_view, v1::DayKind> seen;
  for (int i = 0; i < calendar.days_size(); ++i) {
    const v1::CalendarDay& day = calendar.days(i);
    const std::string path = Item(Field(item, "days"), i);
    const auto date = time::ParseDate(day.date());
    if (!date.ok()) {
      report.Add(Field(path, "date"), date.status().message());
    } else if (date->year() < 2000 || date->year() > 2100) {
      report.Add(Field(path, "date"), day.date(), " is outside the years 2000 to 2100");
    }
    if (day.kind() == v1::DAY_KIND_UNSPECIFIED || !v1::DayKind_IsValid(day.kind())) {
      report.Add(Field(path, "kind"), "must be holiday, comp-off, swap-off or makeup-work");
      continue;
    }
    const auto [first, added] = seen.try_emplace(day.date(), day.kind());
    if (added) continue;
    if (IsOff(first->second) != IsOff(day.kind())) {
      report.Add(Field(path, "date"), day.date(), " is both a day off and a make-up day");
    } else {
      report.Add(Field(path, "date"), "duplicate day ", day.date());
    }
  }
}

// Reports a cycle where `start` lies on it and no calendar before it in the set does.
bool CheckBase(const v1::ReferenceSet& set, const Index& index, int start, Report& report) {
  const std::string path = Field(Item("calendars", start), "base");
  absl::flat_hash_set<int> seen;
  int at = start;
  while (seen.insert(at).second) {
    if (seen.size() > kMaxLayers) {
      report.Add(path, "more than ", kMaxLayers, " calendars rest on each other");
      return false;
    }
    const std::string& base = set.calendars(at).base();
    if (base.empty()) return true;
    const auto found = index.calendars.find(base);
    if (found == index.calendars.end()) {
      if (at == start) report.Add(path, "unknown calendar ", Quote(base));
      return false;
    }
    at = found->second;
  }
  // Walked in a circle: only a member of it is to blame, and only the first.
  if (at == start && start == *std::min_element(seen.begin(), seen.end())) {
    report.Add(path, "calendar ", Quote(set.calendars(start).id()), " is its own base");
  }
  return false;
}

}  // namespace

void ValidateCalendars(const v1::ReferenceSet& set, const Index& index, Report& report) {
  bool all_fine = true;
  std::vector<int> complete;
  for (int i = 0; i < set.calendars_size(); ++i) {
    const v1::Calendar& calendar = set.calendars(i);
    const std::string item = Item("calendars", i);
    const size_t before = report.size();
    CheckIdentifier(Field(item, "id"), calendar.id(), report);
    if (index.calendars.at(calendar.id()) != i) {
      report.Add(Field(item, "id"), "duplicate calendar ", Quote(calendar.id()));
    }
    if (calendar.minutes_per_day() > kMinutesOfDay) {
      report.Add(Field(item, "minutes_per_day"), "must be at most ", kMinutesOfDay);
    }
    CheckWeek(item, calendar, report);
    CheckDays(item, calendar, report);
    if (CheckBase(set, index, i, report)) complete.push_back(i);
    all_fine &= report.size() == before;
  }
  // What remains shows only in the whole: a week without work, through all its bases.
  if (!all_fine) return;
  for (int i : complete) {
    const auto compiled = time::Calendar::Compile(set, set.calendars(i).id(), absl::UTCTimeZone());
    if (!compiled.ok()) report.Add(Item("calendars", i), compiled.status().message());
  }
}

}  // namespace motcua::reference
