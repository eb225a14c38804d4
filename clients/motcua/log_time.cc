#include "clients/motcua/log_time.h"

#include "absl/strings/ascii.h"
#include "absl/time/civil_time.h"

namespace motcua::client {
namespace {

bool TakeDigits(std::string_view& text, size_t count, int& number) {
  if (text.size() < count) return false;
  number = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return false;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeFraction(std::string_view& text, int64_t& nanos) {
  nanos = 0;
  if (!TakeChar(text, ".")) return true;
  int digits = 0;
  while (!text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    if (++digits > 9) return false;
    nanos = nanos * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  for (int i = digits; i < 9; ++i) nanos *= 10;
  return digits > 0;
}

bool TakeOffset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (TakeChar(text, "Z")) return true;
  const int sign = !text.empty() && text[0] == '-' ? -1 : 1;
  int hour = 0, minute = 0;
  if (!TakeChar(text, "+-") || !TakeDigits(text, 2, hour) || !TakeChar(text, ":") ||
      !TakeDigits(text, 2, minute))
    return false;
  minutes = sign * (hour * 60 + minute);
  return hour < 24 && minute < 60;
}

}  // namespace

std::optional<LogTime> ParseLogTime(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  int64_t nanos = 0;
  const bool formed = TakeDigits(rest, 4, year) && TakeChar(rest, "-") && TakeDigits(rest, 2, month) &&
                      TakeChar(rest, "-") && TakeDigits(rest, 2, day) && TakeChar(rest, " T") &&
                      TakeDigits(rest, 2, hour) && TakeChar(rest, ":") && TakeDigits(rest, 2, minute) &&
                      TakeChar(rest, ":") && TakeDigits(rest, 2, second) && TakeFraction(rest, nanos) &&
                      TakeOffset(rest, offset) && rest.empty();
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  // What does not exist (30 February, 25:00) normalizes to something else.
  const bool exists = civil.year() == year && civil.month() == month && civil.day() == day &&
                      civil.hour() == hour && civil.minute() == minute && civil.second() == second &&
                      year >= 1;
  if (!formed || !exists) return std::nullopt;
  return LogTime{
      absl::FromCivil(civil, absl::UTCTimeZone()) - absl::Minutes(offset) + absl::Nanoseconds(nanos), offset};
}

}  // namespace motcua::client
