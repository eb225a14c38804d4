// Vietnamese texts of the reasons in errors: what an officer or a citizen is shown.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace motcua::errors {

// The text for `reason`, or the general one of `code` where the reason has none of its own. Never empty.
// The view lives as long as the program. Thread-safe.
std::string_view TextVi(absl::StatusCode code, std::string_view reason);

// True where `reason` has a text of its own.
bool HasTextVi(std::string_view reason);

}  // namespace motcua::errors
