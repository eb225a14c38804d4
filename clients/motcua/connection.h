// Connection: calls to the four services, by the type of the request alone.
//
// The contract gives every RPC a request type of its own, so neither commands nor the replay name methods.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/motcua/settings.h"
#include "google/protobuf/message.h"

namespace motcua::client {

struct CallOptions {
  // Bearer token; empty = nobody in particular.
  std::string token;
  // Value of `motcua-after`: writes that the answer must not fall behind.
  std::string after;
  // Of one attempt.
  absl::Duration timeout = absl::Seconds(15);
  // For how long an attempt that may be repeated is repeated, with growing, jittered pauses of 20 ms to 1 s.
  absl::Duration patience = absl::ZeroDuration();
  // Called before every repetition; an error ends the call with it.
  std::function<absl::Status()> before_retry;
};

// Thread-safe.
class Connection {
 public:
  // Reads the certificates; connects to nobody yet. Errors: NOT_FOUND for a file that cannot be read.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Settings& settings);
  ~Connection();

  // Blocks for the reply. Errors: the service's, with their details; UNAVAILABLE (UNREACHABLE) where no
  // connection comes about within `patience`, or within 5 s where nothing answers at all; FAILED_PRECONDITION
  // where the service has no address. What says no more than that nobody answered names the address. Repeated
  // are UNAVAILABLE, ABORTED (but not a version that moved on), RESOURCE_EXHAUSTED, CANCELLED and
  // DEADLINE_EXCEEDED; so the request must be one that may come twice.
  absl::Status Call(Service service, const google::protobuf::Message& request,
                    google::protobuf::Message& response, const CallOptions& options) const;

  // Blocks while `on_message` returns true and the stream lasts; `message` is reused for each. The end of the
  // stream by `on_message` is OK. One attempt, `timeout` in all.
  absl::Status Stream(Service service, const google::protobuf::Message& request,
                      google::protobuf::Message& message, const CallOptions& options,
                      absl::FunctionRef<bool()> on_message) const;

 private:
  struct Channels;
  explicit Connection(std::unique_ptr<Channels> channels);

  std::unique_ptr<Channels> channels_;
};

// The service of a request by its package; for requests that every service takes (admin, feed) intake.
Service ServiceOf(const google::protobuf::Descriptor* request);

// The type of the replies to a request.
const google::protobuf::Descriptor* ResponseTypeOf(const google::protobuf::Descriptor* request);

// An empty reply.
std::unique_ptr<google::protobuf::Message> NewResponse(const google::protobuf::Descriptor* request);

}  // namespace motcua::client
