#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/time/timestamp.h"

namespace motcua::store {

// Who asks for a mutation, and until when.
class Caller {
 public:
  Caller(common::v1::Actor actor, std::string traceparent, absl::Time deadline, async::CancelToken cancel = {})
      : actor(std::move(actor)), traceparent(std::move(traceparent)), deadline(deadline), cancel(std::move(cancel)) {}

  common::v1::Actor actor;
  std::string traceparent;
  absl::Time deadline;
  async::CancelToken cancel;
};

// What was stored under a request id: the reply, or the error, and of what request.
class StoredReply {
 public:
  // Packs for Transaction::StoreReply.
  static std::string Pack(std::string_view fingerprint, const google::protobuf::MessageLite& reply);
  static std::string PackError(std::string_view fingerprint, const absl::Status& error);

  // Reads what Redis holds: feed position, colon, packed reply. Returns the stored error, ALREADY_EXISTS
  // (REQUEST_ID_REUSED) where the fingerprint is another one, or OK with `reply` and `position` filled in.
  static absl::Status Unpack(std::string_view stored, std::string_view fingerprint,
                             google::protobuf::MessageLite& reply, uint64_t& position);
};

// Fingerprint of a request: of its full type name and content.
std::string Fingerprint(const google::protobuf::Message& request);

// Decides on the present record (nullptr = there is none) what it shall be.
template <class Model>
using Decide = absl::AnyInvocable<absl::StatusOr<Decision<typename Model::Record>>(
    const typename Model::Record* record, const Context& context)>;

// Decides what a new record shall be that has no predecessor under this id.
template <class Model>
using DecideNew = absl::AnyInvocable<absl::StatusOr<Decision<typename Model::Record>>(const std::string& id,
                                                                                      const Context& context)>;

// Fills the reply of a committed (or about to be committed) change, all but `written`.
template <class Model, class Response>
using Answer = absl::AnyInvocable<void(const typename Model::Record& record, Response& response)>;

// Names the record that a creation makes. Called after the stored reply was looked for, so that a repeated request takes
// no second number; `now`: when the creation would take effect. `previous`: the id given for an attempt that failed
// without another record's having it, to be given again where it still fits; else empty.
using NewId = absl::AnyInvocable<async::Task<absl::StatusOr<std::string>>(absl::Time now, std::string previous)>;

// How often a mutation is decided anew after it lost a race, before it gives up with ABORTED (CONFLICT).
inline constexpr int kMaxAttempts = 16;

namespace internal {

template <class Model>
using DecideAny = absl::AnyInvocable<absl::StatusOr<Decision<typename Model::Record>>(
    const typename Model::Record* record, const std::string& id, const Context& context)>;

// `new_id` is empty where the record's id is known.
template <class Model, class Request, class Response>
async::Task<absl::StatusOr<Response>> RunMutation(Store& store, Caller caller, Request request, std::string shard,
                                                  std::string id, NewId new_id, DecideAny<Model> decide,
                                                  Answer<Model, Response> answer) {
  const bool creates = static_cast<bool>(new_id);
  const std::string fingerprint = Fingerprint(request);
  const std::string caller_id =
      caller.actor.id().empty() ? absl::StrCat("anonymous/", creates ? shard : id) : caller.actor.id();
  const std::string digest = RequestDigest(caller_id, request.request_id());
  absl::Time not_before = absl::InfinitePast();
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    if (caller.cancel.cancelled()) co_return errors::Cancelled("CANCELLED", "the caller has gone");
    Session session(store, shard);
    const std::string request_key = session.keys().Request(digest);
    std::vector<std::string> keys;
    keys.push_back(request_key);
    if (!creates) keys.push_back(session.KeyOf<Model>(id));
    absl::Status fetched = co_await session.Fetch(std::move(keys), caller.deadline);
    if (!fetched.ok()) co_return fetched;

    Response response;
    uint64_t position = 0;
    if (const std::string* stored = session.Raw(request_key); stored != nullptr) {
      absl::Status replayed = StoredReply::Unpack(*stored, fingerprint, response, position);
      if (!replayed.ok()) co_return replayed;
      response.mutable_written()->set_feed_position(position);
      response.mutable_written()->set_replayed(true);
      co_return response;
    }
    Context context(std::max(store.clock().Now(), not_before), caller.actor, caller.traceparent);
    if (creates) {
      absl::StatusOr<std::string> named = co_await new_id(context.now, id);
      if (!named.ok()) co_return named.status();
      id = *std::move(named);  // not fetched: the commit checks that there is no such record
    }
    const auto* record = session.Find<Model>(id);
    const uint64_t version = session.VersionOf<Model>(id);
    if constexpr (requires { request.expected_version(); }) {
      if (request.expected_version() != 0 && request.expected_version() != version && record != nullptr) {
        errors::Metadata metadata;
        metadata.emplace_back("version", absl::StrCat(version));
        co_return errors::Aborted("VERSION_MISMATCH", "the record has moved on; load it again", metadata);
      }
    }
    absl::StatusOr<Decision<typename Model::Record>> decision = decide(record, id, context);
    if (!decision.ok()) co_return decision.status();
    const absl::Status refusal = decision->refusal;
    answer(decision->record, response);
    session.Apply<Model>(id, *std::move(decision));
    common::v1::Written* written = response.mutable_written();
    written->set_subject(id);
    written->set_version(session.VersionOf<Model>(id));
    *written->mutable_at() = time::ToTimestamp(context.now);
    session.extra().CheckRequest(request_key);
    session.extra().StoreReply(
        request_key,
        refusal.ok() ? StoredReply::Pack(fingerprint, response) : StoredReply::PackError(fingerprint, refusal),
        store.request_ttl());
    absl::StatusOr<CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    switch (outcome->kind) {
      case CommitOutcome::Kind::kCommitted:
        if (!refusal.ok()) co_return refusal;
        written->set_feed_position(outcome->position);
        co_return response;
      case CommitOutcome::Kind::kStale:
        not_before = outcome->watermark;
        break;
      case CommitOutcome::Kind::kReplayed:  // the same request raced: the next round reads its reply
      case CommitOutcome::Kind::kCursorMoved:
        break;
      case CommitOutcome::Kind::kConflict:
        if (creates) id.clear();  // another record has it
        break;
    }
  }
  co_return errors::Aborted("CONFLICT", "others changed the record again and again; try again");
}

}  // namespace internal

// One mutation of one record: load, decide, commit, with the stored reply of `request_id` (DESIGN 3.2).
//
// Exactly one effect for a request id, whatever fails and however often it is sent. `decide` and `answer` may run
// several times and must depend on nothing but their arguments. Errors: what `decide` returns, nothing being
// changed; ABORTED (VERSION_MISMATCH, CONFLICT); ALREADY_EXISTS (REQUEST_ID_REUSED); the store's.
template <class Model, class Request, class Response>
async::Task<absl::StatusOr<Response>> Mutate(Store& store, Caller caller, Request request, std::string shard,
                                             std::string id, Decide<Model> decide, Answer<Model, Response> answer) {
  internal::DecideAny<Model> decide_any = [decide = std::move(decide)](
                                              const typename Model::Record* record, const std::string&,
                                              const Context& context) mutable { return decide(record, context); };
  return internal::RunMutation<Model, Request, Response>(store, std::move(caller), std::move(request), std::move(shard),
                                                         std::move(id), NewId(), std::move(decide_any),
                                                         std::move(answer));
}

// The same for a record that does not exist yet and whose id is only known on the way, such as the next number of a
// sequence. Errors besides: those of `new_id`.
template <class Model, class Request, class Response>
async::Task<absl::StatusOr<Response>> Create(Store& store, Caller caller, Request request, std::string shard,
                                             NewId new_id, DecideNew<Model> decide, Answer<Model, Response> answer) {
  internal::DecideAny<Model> decide_any = [decide = std::move(decide)](
                                              const typename Model::Record*, const std::string& id,
                                              const Context& context) mutable { return decide(id, context); };
  return internal::RunMutation<Model, Request, Response>(store, std::move(caller), std::move(request), std::move(shard),
                                                         std::string(), std::move(new_id), std::move(decide_any),
                                                         std::move(answer));
}

}  // namespace motcua::store
