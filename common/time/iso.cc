#include "common/time/iso.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace motcua::time {
namespace {

// Error messages quote what was given, but not a page of it.
std::string Quoted(absl::string_view text) {
  constexpr size_t kShown = 40;
  return absl::StrCat("\"", text.substr(0, kShown), text.size() > kShown ? "..." : "", "\"");
}

// True where `text` has the shape of `pattern`, in which `#` stands for a digit.
bool HasShape(absl::string_view text, absl::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == '#' ? !digit : text[i] != pattern[i]) return false;
  }
  return true;
}

int Number(absl::string_view digits) {
  int value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

absl::StatusOr<absl::CivilDay> ParseDate(absl::string_view text) {
  if (HasShape(text, "####-##-##")) {
    const int month = Number(text.substr(5, 2));
    const int day = Number(text.substr(8, 2));
    const absl::CivilDay date(Number(text.substr(0, 4)), month, day);
    // CivilDay normalises 30 February into March: a date that moved did not exist.
    if (date.year() >= 1 && date.month() == month && date.day() == day) return date;
  }
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not a date such as 2025-02-06"));
}

std::string FormatDate(absl::CivilDay day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

absl::StatusOr<int> ParseMinuteOfDay(absl::string_view text, bool end_of_day) {
  if (HasShape(text, "##:##")) {
    const int hour = Number(text.substr(0, 2));
    const int minute = Number(text.substr(3, 2));
    if (hour < 24 && minute < 60) return hour * 60 + minute;
    if (end_of_day && hour == 24 && minute == 0) return 24 * 60;
  }
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not a time of day such as 07:30"));
}

absl::StatusOr<Session> ParseSession(absl::string_view text) {
  if (text.size() == 11 && text[5] == '-') {
    const auto begin = ParseMinuteOfDay(text.substr(0, 5));
    const auto end = ParseMinuteOfDay(text.substr(6), /*end_of_day=*/true);
    if (begin.ok() && end.ok()) {
      if (*begin < *end) return Session{*begin, *end};
      return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " ends before it begins"));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is not a session such as 07:00-11:30"));
}

absl::StatusOr<absl::CivilSecond> ParseLocalTime(absl::string_view text) {
  if (HasShape(text, "####-##-##T##:##") || HasShape(text, "####-##-##T##:##:##")) {
    const auto day = ParseDate(text.substr(0, 10));
    const auto minute = ParseMinuteOfDay(text.substr(11, 5));
    const int second = text.size() > 16 ? Number(text.substr(17, 2)) : 0;
    if (day.ok() && minute.ok() && second < 60) {
      return absl::CivilSecond(day->year(), day->month(), day->day(), *minute / 60, *minute % 60, second);
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(text), " is not a local time such as 2025-01-24T15:30"));
}

}  // namespace motcua::time
