// Time zones of jurisdictions.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace motcua::reference {

inline constexpr char kDefaultTimeZone[] = "Asia/Ho_Chi_Minh";

// The zone of an IANA name; empty is the default. INVALID_ARGUMENT where there is none of that name. The
// default zone is known even on a machine without a time zone database: UTC+7 without daylight saving, as
// since 1975.
absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name);

}  // namespace motcua::reference
