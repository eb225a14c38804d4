// The textual forms of dates and times used in reference data and on the command line.
//
// All functions are pure and thread-safe; a text that is not of the form is INVALID_ARGUMENT with a message
// that quotes it and says what was expected.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"

namespace motcua::time {

// A stretch of work within one day, in minutes after midnight: 0 <= begin < end <= 1440.
struct Session {
  int begin;
  int end;

  int minutes() const { return end - begin; }
  friend bool operator==(const Session&, const Session&) = default;
};

// `2025-02-06`: exactly ten characters, a date that exists.
absl::StatusOr<absl::CivilDay> ParseDate(absl::string_view text);
std::string FormatDate(absl::CivilDay day);

// `07:30` to minutes after midnight, 0..1439; `24:00` (1440) only where `end_of_day` is allowed.
absl::StatusOr<int> ParseMinuteOfDay(absl::string_view text, bool end_of_day = false);

// `07:00-11:30`.
absl::StatusOr<Session> ParseSession(absl::string_view text);

// Local time without a zone: `2025-01-24T15:30` or `2025-01-24T15:30:01`.
absl::StatusOr<absl::CivilSecond> ParseLocalTime(absl::string_view text);

}  // namespace motcua::time
