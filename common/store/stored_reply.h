#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/status/errors.h"
#include "common/store/store.h"
#include "common/store/stored_record.h"
#include "common/time/timestamp.h"
#include "google/protobuf/message.h"
#include "motcua/common/v1/types.pb.h"

namespace motcua::store {

// Who asks for a mutation, and until when.
class Caller {
 public:
  Caller(common::v1::Actor actor, std::string traceparent, absl::Time deadline,
         async::CancelToken cancel = {})
      : actor(std::move(actor)),
        traceparent(std::move(traceparent)),
        deadline(deadline),
        cancel(std::move(cancel)) {}

  common::v1::Actor actor;
  std::string traceparent;
  absl::Time deadline;
  async::CancelToken cancel;
  // The request as it was received, which a repeated one is compared by; lives as long as the call. Empty:
  // serialized anew.
  std::string_view request_bytes;
};

namespace internal {

// Whose request ids these are: an agency's, whose officers repeat each other's requests; else the caller's
// own. `anonymous_as`: what stands for a caller without a name.
std::string RequestOwner(const common::v1::Actor& actor, std::string_view anonymous_as = {});

// `anonymous_as`: what stands for a caller without a name. `record`: the one that the request id is of;
// empty: of all.
RequestMark MarkOf(const Caller& caller, std::string_view anonymous_as, std::string_view record,
                   const google::protobuf::Message& request, std::string_view request_id);

// Packs what a change that made `version` at `at` answers: `error`, or `reply` where that is OK.
std::string PackReply(const RequestMark& mark, uint64_t version, absl::Time at,
                      const google::protobuf::MessageLite& reply, const absl::Status& error);

// Reads what PackReply packed. Returns the stored error, ALREADY_EXISTS (REQUEST_ID_REUSED) where it is of
// another request, or OK with `reply` and `answer` filled in.
absl::Status UnpackReply(std::string_view packed, const RequestMark& mark,
                         google::protobuf::MessageLite& reply, StoredAnswer& answer);

// Splits what is stored under a request's key; false where it is malformed.
bool SplitStoredReply(std::string_view stored, uint64_t& position, std::string_view& packed);

// What a commit wrote, but for the subject.
inline void FillWritten(uint64_t version, absl::Time at, uint64_t position, common::v1::Written& written) {
  written.set_version(version);
  *written.mutable_at() = time::ToTimestamp(at);
  written.set_feed_position(position);
}

// Answers as the first time.
template <class Response>
absl::StatusOr<Response> Replay(std::string_view packed, uint64_t position, const RequestMark& mark,
                                std::string_view subject) {
  Response response;
  StoredAnswer answer;
  absl::Status read = UnpackReply(packed, mark, response, answer);
  if (!read.ok()) return read;
  common::v1::Written* written = response.mutable_written();
  if (written->subject().empty()) written->set_subject(std::string(subject));
  FillWritten(answer.version, absl::FromUnixNanos(answer.at_nanos), position, *written);
  written->set_replayed(true);
  return response;
}

template <class Response>
absl::StatusOr<Response> ReplayStored(std::string_view stored, const RequestMark& mark,
                                      std::string_view subject) {
  uint64_t position = 0;
  std::string_view packed;
  if (!SplitStoredReply(stored, position, packed)) {
    return errors::DataLoss("CORRUPT_RECORD", "a stored reply cannot be read");
  }
  return Replay<Response>(packed, position, mark, subject);
}

// What a creation leaves for ever under its request: of what content it was, and what it made.
std::string PackMade(const RequestMark& mark, std::string_view id);
// The id, a view into `packed`. Errors: ALREADY_EXISTS (REQUEST_ID_REUSED), DATA_LOSS (CORRUPT_RECORD).
absl::StatusOr<std::string_view> UnpackMade(std::string_view packed, const RequestMark& mark);

// What is stored under the request's key; nullopt = nothing. The replicas required have it, too.
async::Task<absl::StatusOr<std::optional<std::string>>> StoredReply(Store& store, Keyspace keys,
                                                                    RequestMark mark, absl::Time deadline);
// The same of what it has made.
async::Task<absl::StatusOr<std::optional<std::string>>> StoredMade(Store& store, Keyspace keys,
                                                                   RequestMark mark, absl::Time deadline);

}  // namespace internal
}  // namespace motcua::store
