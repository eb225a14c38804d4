// Moments as a log writes them.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace motcua::client {

inline constexpr char kLogTimeExample[] = "2022-10-11 13:42:22.688000+07:00";

struct LogTime {
  absl::Time at;
  // The offset that it was written with.
  int offset_minutes = 0;
};

// As in kLogTimeExample: date, time, up to nine digits of a second, offset; also with `T` and `Z`. Nothing
// where the text is no such moment.
std::optional<LogTime> ParseLogTime(std::string_view text);

}  // namespace motcua::client
