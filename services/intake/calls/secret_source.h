// Fresh secrets from the operating system's randomness (OpenSSL). Thread-safe.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace motcua::intake {

// See domain/secret.h. UNAVAILABLE (NO_RANDOMNESS) where the system has none to give.
absl::StatusOr<std::string> NewSecret();

}  // namespace motcua::intake
