// What a server says of its part in replication. Pure.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "common/redis/reply.h"

namespace motcua::redis::internal {

// OK where the answer to ROLE is a primary's; else UNAVAILABLE (STORE_UNAVAILABLE): a demoted primary, a
// replica that is about to be promoted, a Sentinel.
absl::Status CheckPrimary(const Reply& role);

// What tells a primary's history from every other, from the answer to INFO server replication; empty where
// it cannot be told: the process, and the promotion that made it the primary. Not the replication id, which
// a server also changes when its first replica comes, with the same data.
std::string HistoryOf(std::string_view info);

}  // namespace motcua::redis::internal
