// The one place where statuses become gRPC's and gRPC's become ours, details included (google.rpc.Status in the
// trailing metadata `grpc-status-details-bin`).
#pragma once

#include "absl/status/status.h"

namespace grpc {
class Status;
}

namespace motcua::rpc {

// A status without ErrorInfo gets one (reason = name of the code): what leaves a service always carries a reason.
// Details are kept within 6 KiB, which gRPC's default limit of 8 KiB for metadata lets through.
grpc::Status ToGrpc(const absl::Status& status);

// Details that are malformed or of another error are dropped. An error of gRPC itself (connection lost,
// deadline) gets an ErrorInfo: OUTCOME_UNKNOWN for UNAVAILABLE, since the call may have taken effect, else
// the code's name. CANCELLED without details becomes UNAVAILABLE: for callers that have not cancelled the
// call themselves.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace motcua::rpc
