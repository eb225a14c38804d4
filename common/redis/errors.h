// The statuses of the Redis client; client.h lists them with their meaning.
#ifndef MOTCUA_COMMON_REDIS_ERRORS_H_
#define MOTCUA_COMMON_REDIS_ERRORS_H_

#include <absl/status/status.h>

#include <string_view>

namespace motcua::redis::internal {

absl::Status Unavailable(std::string_view message);
absl::Status OutcomeUnknown();
absl::Status DeadlineExceeded();
absl::Status Cancelled();
absl::Status TooManyInFlight();
/// `what`: for the log; may name files and users.
absl::Status NotAuthenticated(std::string_view what);
absl::Status ProtocolError(std::string_view message);

/// What an error reply means; `text` is kept for ErrorText.
absl::Status FromErrorReply(std::string_view text);

/// The server behind this connection is not (or no longer) the one to talk to: connect anew.
bool MeansWrongServer(std::string_view error_text);

/// The script is not in the server's cache.
bool MeansNoScript(std::string_view error_text);

}  // namespace motcua::redis::internal

#endif  // MOTCUA_COMMON_REDIS_ERRORS_H_
