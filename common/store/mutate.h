#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/task.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/store/stored_reply.h"

namespace motcua::store {

// Decides on the present record (nullptr = there is none) what it shall be.
template <class Model>
using Decide = absl::AnyInvocable<absl::StatusOr<Decision<typename Model::Record>>(
    const typename Model::Record* record, const Context& context)>;

// Fills the reply of a committed (or about to be committed) change, all but `written`.
template <class Model, class Response>
using Answer = absl::AnyInvocable<void(const typename Model::Record& record, Response& response)>;

// Where the answer to a mutation is kept.
enum class Keep {
  // With the record: costs next to nothing, and is found where the request names the record.
  kWithRecord,
  // Under a key of its own: for requests whose record may be another one, or none, when they are repeated.
  kByRequest,
};

// How often a mutation is decided anew after it lost a race, before it gives up with ABORTED (CONFLICT).
inline constexpr int kMaxAttempts = 16;

namespace internal {

inline absl::Status CallerGone() { return errors::Cancelled("CANCELLED", "the caller has gone"); }

template <class Request>
absl::Status CheckExpectedVersion(const Request& request, bool exists, uint64_t version) {
  if constexpr (requires { request.expected_version(); }) {
    if (request.expected_version() != 0 && request.expected_version() != version && exists) {
      errors::Metadata metadata;
      metadata.emplace_back("version", absl::StrCat(version));
      return errors::Aborted("VERSION_MISMATCH", "the record has moved on; load it again", metadata);
    }
  }
  return absl::OkStatus();
}

}  // namespace internal

// One mutation of one record: load, decide, commit, with the stored reply of `request_id`.
//
// Exactly one effect for a request id of a caller on a record, whatever fails and however often it is sent.
// `decide` and `answer` may run several times and must depend on nothing but their arguments. Errors: what
// `decide` returns, nothing being changed; ABORTED (VERSION_MISMATCH, CONFLICT); ALREADY_EXISTS
// (REQUEST_ID_REUSED); the store's.
//
// Decides on the record as the store remembers it, where it does: one trip to Redis, whose commit tells
// whether that was out of date. Nothing is refused or replayed on that ground: for that, the record is loaded
// first.
//
// `request` outlives the task.
template <class Model, class Request, class Response>
async::Task<absl::StatusOr<Response>> Mutate(Store& store, Caller caller, const Request& request,
                                             std::string shard, std::string id, Decide<Model> decide,
                                             Answer<Model, Response> answer, Keep keep = Keep::kWithRecord) {
  const RequestMark mark =
      internal::MarkOf(caller, id, keep == Keep::kWithRecord ? std::string_view(id) : std::string_view(),
                       request, request.request_id());
  Context context(absl::InfinitePast(), std::move(caller.actor), std::move(caller.traceparent));
  absl::Time not_before = absl::InfinitePast();
  bool must_load = false;
  bool was_out_of_date = false;
  for (int attempt = 0; attempt < kMaxAttempts;) {
    if (caller.cancel.cancelled()) co_return internal::CallerGone();
    Session session(store, shard);
    Session::Slot& slot = session.NewSlot(session.KeyOf<Model>(id));
    const bool remembered = !must_load && session.TakeRemembered(slot);
    if (!remembered) {
      absl::Status loaded = co_await session.Load(slot, caller.deadline);
      if (!loaded.ok()) co_return loaded;
    }
    must_load = true;  // unless a lost race says otherwise
    const auto* record = session.FindIn<Model>(slot);
    if (!session.unreadable().ok()) co_return session.unreadable();

    const auto seconds = static_cast<uint64_t>(absl::ToUnixSeconds(absl::Now()));
    RequestBlock block = slot.Requests();
    if (const RequestBlock::Entry* done = block.Find(mark.digest_view(), seconds); done != nullptr) {
      if (remembered) continue;
      absl::Status confirmed = co_await store.ConfirmRead(session.keys(), caller.deadline);
      if (!confirmed.ok()) co_return confirmed;
      co_return internal::Replay<Response>(done->answer, done->position, mark, id);
    }
    const bool by_key = keep == Keep::kByRequest || block.MayBeElsewhere(seconds);
    context.now = std::max(store.clock().Now(), not_before);
    absl::Status expected = internal::CheckExpectedVersion(request, record != nullptr, slot.version);
    absl::StatusOr<Decision<typename Model::Record>> decision =
        expected.ok() ? decide(record, context)
                      : absl::StatusOr<Decision<typename Model::Record>>(std::move(expected));
    if (!decision.ok()) {
      if (remembered) continue;
      if (!by_key) co_return decision.status();
      absl::StatusOr<std::optional<std::string>> stored =
          co_await internal::StoredReply(store, session.keys(), mark, caller.deadline);
      if (!stored.ok()) co_return stored.status();
      if (!stored->has_value()) co_return decision.status();
      co_return internal::ReplayStored<Response>(**stored, mark, id);
    }

    const absl::Status refusal = std::move(decision->refusal);
    Response response;
    answer(decision->record, response);
    const uint64_t version = slot.version + 1;
    if (keep == Keep::kByRequest) response.mutable_written()->set_subject(id);
    std::string packed = internal::PackReply(mark, version, context.now, response, refusal);
    session.ApplyTo<Model>(slot, *std::move(decision));
    slot.must_write = true;
    if (by_key) session.extra().CheckRequest(session.keys().Request(mark.digest_view()));
    if (keep == Keep::kByRequest) {
      session.StoreReply(mark, std::move(packed));
    } else {
      slot.request = mark;
      slot.answer = std::move(packed);
    }
    absl::StatusOr<CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    switch (outcome->kind) {
      case CommitOutcome::Kind::kCommitted:
        if (!refusal.ok()) co_return refusal;
        response.mutable_written()->set_subject(id);
        internal::FillWritten(version, context.now, outcome->position, *response.mutable_written());
        co_return response;
      case CommitOutcome::Kind::kReplayed:
        co_return internal::ReplayStored<Response>(outcome->stored, mark, id);
      case CommitOutcome::Kind::kStale:
        not_before = outcome->watermark;
        must_load = false;
        ++attempt;
        break;
      case CommitOutcome::Kind::kCursorMoved:
      case CommitOutcome::Kind::kConflict:
        // What the store remembers now is of the one who won. To have been out of date is no lost race; but
        // only once.
        must_load = false;
        if (!remembered || was_out_of_date) ++attempt;
        was_out_of_date = was_out_of_date || remembered;
        break;
    }
  }
  co_return errors::Aborted("CONFLICT", "others changed the record again and again; try again");
}

}  // namespace motcua::store
