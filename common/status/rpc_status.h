// Between absl::Status and google.rpc.Status: the payloads of the one are the details of the other.
//
// Pure and thread-safe.
#pragma once

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace motcua::errors {

// Every payload becomes a detail under its type URL.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The inverse. A code that absl does not know becomes kUnknown.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace motcua::errors
