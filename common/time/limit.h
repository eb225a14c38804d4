// Legal terms in their short textual form: `5wd` (working days), `15cd` (calendar days), `4wh` (working
// hours), `0.5wd`.
//
// Pure and thread-safe. Errors are INVALID_ARGUMENT and say what was expected.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "motcua/common/v1/types.pb.h"

namespace motcua::time {

// The largest amount of a limit, in tenths of its unit.
inline constexpr uint32_t kMaxLimitTenths = 100000;

// OK where the unit is named, the amount is 1..100000 tenths, and calendar days are whole (a part of a
// calendar day has no legal meaning).
absl::Status CheckLimit(const common::v1::Limit& limit);

// At most one decimal; no sign, no spaces. The result passes CheckLimit.
absl::StatusOr<common::v1::Limit> ParseLimit(absl::string_view text);

// The inverse of ParseLimit; a limit without a unit is written `5?`.
std::string FormatLimit(const common::v1::Limit& limit);

}  // namespace motcua::time
