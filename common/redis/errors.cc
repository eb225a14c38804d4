#include "common/redis/errors.h"

#include <absl/strings/cord.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/redis/client.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"

namespace motcua::redis {
namespace internal {
namespace {

constexpr char kErrorTextUrl[] = "motcua/redis.error_text";

// The first word of an error reply names its kind.
std::string_view Kind(std::string_view text) { return text.substr(0, text.find(' ')); }

// "I cannot do this now", said before the command had any effect.
constexpr std::array<std::string_view, 12> kNotNow = {
    "LOADING",  "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "NOGOODSLAVE",
    "TRYAGAIN", "BUSY",     "MISCONF",    "UNBLOCKED",   "MOVED",      "ASK"};
constexpr std::array<std::string_view, 3> kWrongServer = {"READONLY", "MASTERDOWN", "UNBLOCKED"};

// How a script is told that its user may not use a command or key.
constexpr std::string_view kScriptNotAllowed = "The user executing the script can't";

// A wrong password or rule is repeated with every attempt until an operator mends it: he must see it, but not
// flooded.
void LogRefusal(std::string_view message, std::string_view text) {
  static telemetry::RateLimit limit(5, absl::Seconds(10));
  uint64_t skipped = 0;
  if (!limit.Pass(absl::Now(), skipped)) return;
  telemetry::Log(telemetry::Level::kError, message, {{"error", text}, {"skipped", skipped}});
}

template <size_t N>
bool Contains(const std::array<std::string_view, N>& kinds, std::string_view kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

absl::Status Unavailable(std::string_view message) {
  return errors::Unavailable("STORE_UNAVAILABLE", message);
}

absl::Status OutcomeUnknown() {
  return errors::Unavailable("OUTCOME_UNKNOWN",
                             "the connection to the store was lost before it answered; the change may have been "
                             "made: repeat it with the same request id");
}

absl::Status NotConfirmed() {
  return errors::Unavailable(
      "OUTCOME_UNKNOWN",
      "the store's replicas have not confirmed the change in time; it may have been made: "
      "repeat it with the same request id");
}

absl::Status DeadlineExceeded() {
  return errors::DeadlineExceeded("STORE_DEADLINE", "the store did not answer in time");
}

absl::Status Cancelled() { return errors::Cancelled("CANCELLED", "the call was cancelled"); }

absl::Status TooManyInFlight() {
  return errors::ResourceExhausted("STORE_BUSY", "too many commands wait for the store");
}

absl::Status NotAuthenticated(std::string_view what) {
  LogRefusal("the store does not let this service in", what);
  return errors::Unavailable("STORE_AUTH", "the store does not let this service in");
}

absl::Status ProtocolError(std::string_view message) { return errors::Internal("STORE_PROTOCOL", message); }

absl::Status FromErrorReply(std::string_view text) {
  const std::string_view kind = Kind(text);
  absl::Status status;
  if (Contains(kNotNow, kind)) {
    status = Unavailable("the store cannot serve this now");
    if (kind == "MOVED" || kind == "ASK")
      LogRefusal("another node of a cluster has the key, and is not followed to", text);
  } else if (kind == "WRONGPASS" || kind == "NOAUTH") {
    status = NotAuthenticated(text);
  } else if (kind == "NOPERM" || text.find(kScriptNotAllowed) != std::string_view::npos) {
    LogRefusal("the store's rules do not allow a command", text);
    status = errors::Internal("STORE_NOT_ALLOWED", "the store's rules do not allow a command");
  } else if (kind == "OOM") {
    status = errors::ResourceExhausted("STORE_FULL", "the store is out of memory");
  } else {
    status = errors::Internal("STORE_ERROR", "the store refused a command");
  }
  status.SetPayload(kErrorTextUrl, absl::Cord(absl::string_view(text.data(), text.size())));
  return status;
}

absl::StatusOr<Reply> Outcome(absl::Status waited, Reply reply) {
  if (absl::IsDeadlineExceeded(waited)) return DeadlineExceeded();
  if (absl::IsCancelled(waited)) return Cancelled();
  if (!waited.ok()) return waited;
  if (reply.is_error()) return FromErrorReply(reply.text());
  return reply;
}

bool MeansWrongServer(std::string_view error_text) { return Contains(kWrongServer, Kind(error_text)); }

bool MeansTryAgain(std::string_view error_text) { return Kind(error_text) == "TRYAGAIN"; }

bool MeansClusterDown(std::string_view error_text) { return Kind(error_text) == "CLUSTERDOWN"; }

bool MeansNoScript(std::string_view error_text) { return Kind(error_text) == "NOSCRIPT"; }

}  // namespace internal

std::string ErrorText(const absl::Status& status) {
  const auto text = status.GetPayload(internal::kErrorTextUrl);
  return text.has_value() ? std::string(*text) : std::string();
}

}  // namespace motcua::redis
