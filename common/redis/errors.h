// The statuses of the Redis client; client.h lists them with their meaning.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string_view>

#include "common/redis/reply.h"

namespace motcua::redis::internal {

absl::Status Unavailable(std::string_view message);
absl::Status OutcomeUnknown();
// The replicas that are asked for did not say that they have it.
absl::Status NotConfirmed();
absl::Status DeadlineExceeded();
absl::Status Cancelled();
absl::Status TooManyInFlight();
// `what`: for the log; may name files and users.
absl::Status NotAuthenticated(std::string_view what);
absl::Status ProtocolError(std::string_view message);

// What an error reply means; `text` is kept for ErrorText.
absl::Status FromErrorReply(std::string_view text);

// What the caller of a command gets: an error reply becomes a status, a passed deadline gets its reason.
absl::StatusOr<Reply> Outcome(absl::Status waited, Reply reply);

// The server behind this connection is not (or no longer) the one to talk to: connect anew.
bool MeansWrongServer(std::string_view error_text);

// Some keys of the command are still on the other node: their slot is being moved.
bool MeansTryAgain(std::string_view error_text);

// The cluster, or the key's slot, is not served now.
bool MeansClusterDown(std::string_view error_text);

// The script is not in the server's cache.
bool MeansNoScript(std::string_view error_text);

}  // namespace motcua::redis::internal
