#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/store/mutate.h"

namespace motcua::store {

// Decides what a new record shall be that has no predecessor under this id.
template <class Model>
using DecideNew = absl::AnyInvocable<absl::StatusOr<Decision<typename Model::Record>>(const std::string& id,
                                                                                      const Context& context)>;

// How a creation names its record: by the next number, 1, 2, 3 ..., of a sequence.
class Naming {
 public:
  using Compose = absl::AnyInvocable<absl::StatusOr<std::string>(uint64_t number)>;

  Naming(std::string sequence, Compose compose)
      : sequence(std::move(sequence)), compose(std::move(compose)) {}

  std::string sequence;
  Compose compose;
};

// Names what would be created now; refuses what may not be.
using Name = absl::AnyInvocable<absl::StatusOr<Naming>(const Context& context)>;

namespace internal {

// Answers a repeated creation: as the first time for as long as that answer is kept, then with the record as
// it is now (and its version; `written.at` is no longer known).
template <class Model, class Response>
async::Task<absl::StatusOr<Response>> ReplayMade(Store& store, std::string shard, std::string made,
                                                 RequestMark mark, Answer<Model, Response> answer,
                                                 absl::Time deadline) {
  absl::StatusOr<std::string_view> id = UnpackMade(made, mark);
  if (!id.ok()) co_return id.status();
  Session session(store, shard);
  Session::Slot& slot = session.NewSlot(session.KeyOf<Model>(*id));
  absl::Status loaded = co_await session.Load(slot, deadline);
  if (!loaded.ok()) co_return loaded;
  const auto* record = session.FindIn<Model>(slot);
  if (!session.unreadable().ok()) co_return session.unreadable();
  if (record == nullptr) co_return errors::DataLoss("CORRUPT_RECORD", "what a request has made is missing");
  absl::Status confirmed = co_await store.ConfirmRead(session.keys(), deadline);
  if (!confirmed.ok()) co_return confirmed;
  const auto seconds = static_cast<uint64_t>(absl::ToUnixSeconds(absl::Now()));
  RequestBlock block = slot.Requests();
  if (const RequestBlock::Entry* done = block.Find(mark.digest_view(), seconds); done != nullptr)
    co_return Replay<Response>(done->answer, done->position, mark, *id);
  if (block.MayBeElsewhere(seconds)) {
    absl::StatusOr<std::optional<std::string>> stored =
        co_await StoredReply(store, session.keys(), mark, deadline);
    if (!stored.ok()) co_return stored.status();
    if (stored->has_value()) co_return ReplayStored<Response>(**stored, mark, *id);
  }
  Response response;
  answer(*record, response);
  common::v1::Written* written = response.mutable_written();
  written->set_subject(std::string(*id));
  written->set_version(slot.version);
  written->set_feed_position(slot.loaded->position);
  written->set_replayed(true);
  co_return response;
}

// The number that one attempt of a creation takes: a guess, which its commit checks, or one that is reserved for
// its request.
class Numbered {
 public:
  Numbered() {}

  bool reserved() const { return reserved_ != 0; }
  // The one to compose the name by. While it is only in prospect, nothing may be committed.
  uint64_t number() const { return reserved_ != 0 ? reserved_ : guess_.number; }
  const std::string& sequence() const { return sequence_; }
  bool in_prospect() const { return reserved_ == 0 && guess_.in_prospect; }

  // Of the sequence at that key. What is reserved of another one is left to a repetition of the request.
  void Begin(Sequences& sequences, std::string sequence) {
    if (sequence != sequence_) reserved_ = 0;
    sequence_ = std::move(sequence);
    if (reserved_ == 0) guess_ = sequences.Next(sequence_, wrong_guesses_ >= kMaxGuesses);
  }
  void Reserve(Sequences& sequences, uint64_t number) {
    reserved_ = number;
    sequences.Reserved(sequence_, number);
  }
  // Goes into the commit that takes it. Of a guess it is checked, too, that no other number is reserved for the
  // request: by another process, to which it came as well, and which would leave a gap.
  void Take(Transaction& tx, const std::string& reservation) const {
    if (reserved_ != 0) {
      tx.CheckText(reservation, absl::StrCat(reserved_));
      tx.Delete(reservation);
      return;
    }
    tx.CheckText(reservation, "0");
    tx.CheckCursor(sequence_, guess_.number - 1);
    tx.SetCursor(sequence_, guess_.number);
  }
  void Taken(Sequences& sequences) const {
    if (reserved_ == 0) sequences.Taken(sequence_, guess_);
  }
  // Another has taken it: the sequence stands elsewhere, at `stands`.
  void Missed(Sequences& sequences, uint64_t stands) {
    if (reserved_ == 0) sequences.Missed(sequence_, guess_, stands + 1);
    reserved_ = 0;
    ++wrong_guesses_;
  }
  // It was not used: the next one may have it.
  void NotTaken(Sequences& sequences) const {
    if (reserved_ == 0) sequences.GiveBack(sequence_, guess_);
  }
  // There is a record under that name already, though the sequence says that it is free.
  void PassOver(Sequences& sequences) {
    NotTaken(sequences);
    passed_over_ = number();
    reserved_ = 0;
    wrong_guesses_ = kMaxGuesses;
  }
  uint64_t passed_over() const { return passed_over_; }

 private:
  // After so many it has one reserved.
  static constexpr int kMaxGuesses = 3;

  std::string sequence_;
  Sequences::Guess guess_;
  uint64_t reserved_ = 0;     // 0 = none
  uint64_t passed_over_ = 0;  // 0 = none
  int wrong_guesses_ = 0;
};

}  // namespace internal

// As Mutate, for a record that does not exist yet and whose id is only known on the way: the number is taken
// in the commit that creates the record, so that neither a repeated request nor a lost race takes one. Where
// several processes take numbers of a sequence, guessing them in advance fails more often than not: then the
// number is reserved for the request before, in one trip, and whoever repeats the request takes that one (a
// gap is left only where nobody does). What a request has made is known for ever. Errors besides: those of
// `name`.
template <class Model, class Request, class Response>
async::Task<absl::StatusOr<Response>> Create(Store& store, Caller caller, const Request& request,
                                             std::string shard, Name name, DecideNew<Model> decide,
                                             Answer<Model, Response> answer) {
  const RequestMark mark = internal::MarkOf(caller, shard, {}, request, request.request_id());
  Context context(absl::InfinitePast(), std::move(caller.actor), std::move(caller.traceparent));
  absl::Time not_before = absl::InfinitePast();
  internal::Numbered numbered;
  Sequences& sequences = store.sequences();
  absl::Status refused = errors::Aborted("CONFLICT", "others changed the record again and again; try again");
  const Keyspace keys = store.Keys(shard);
  const std::string made_key = keys.Made(mark.digest_view());
  for (int attempt = 0; attempt < kMaxAttempts;) {
    if (caller.cancel.cancelled()) co_return internal::CallerGone();
    Session session(store, shard);
    context.now = std::max(store.clock().Now(), not_before);
    absl::StatusOr<Naming> naming = name(context);
    if (!naming.ok()) {
      refused = naming.status();
      break;
    }
    numbered.Begin(sequences, session.keys().Sequence(naming->sequence));
    const absl::StatusOr<std::string> composed = naming->compose(numbered.number());
    const std::string id = composed.ok() ? *composed : std::string();
    absl::StatusOr<Decision<typename Model::Record>> decision =
        composed.ok() ? decide(id, context)
                      : absl::StatusOr<Decision<typename Model::Record>>(composed.status());
    if (!decision.ok()) {
      numbered.NotTaken(sequences);
      refused = decision.status();
      break;
    }
    const std::string reservation = keys.Reservation(naming->sequence, mark.digest_view());
    if (numbered.in_prospect()) {
      absl::StatusOr<NumberReservation> reserved = co_await store.ReserveNumber(
          keys, numbered.sequence(), reservation, made_key, numbered.passed_over(), caller.deadline);
      if (!reserved.ok()) co_return reserved.status();
      if (reserved->number == 0) {
        co_return co_await internal::ReplayMade<Model, Response>(
            store, std::move(shard), std::move(reserved->made), mark, std::move(answer), caller.deadline);
      }
      numbered.Reserve(sequences, reserved->number);
      continue;
    }
    ++attempt;
    const absl::Status refusal = std::move(decision->refusal);
    Response response;
    answer(decision->record, response);
    session.extra().CheckRequest(made_key);
    session.extra().SetText(made_key, internal::PackMade(mark, id));
    numbered.Take(session.extra(), reservation);
    Session::Slot& slot = session.NewSlot(session.KeyOf<Model>(id));
    slot.request = mark;
    slot.answer = internal::PackReply(mark, 1, context.now, response, refusal);
    session.ApplyTo<Model>(slot, *std::move(decision));
    absl::StatusOr<CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) {
      numbered.NotTaken(sequences);
      co_return outcome.status();
    }
    switch (outcome->kind) {
      case CommitOutcome::Kind::kCommitted:
        numbered.Taken(sequences);
        if (!refusal.ok()) co_return refusal;
        response.mutable_written()->set_subject(id);
        internal::FillWritten(1, context.now, outcome->position, *response.mutable_written());
        co_return response;
      case CommitOutcome::Kind::kReplayed:
        numbered.NotTaken(sequences);
        co_return co_await internal::ReplayMade<Model, Response>(
            store, std::move(shard), std::move(outcome->stored), mark, std::move(answer), caller.deadline);
      case CommitOutcome::Kind::kStale:
        numbered.NotTaken(sequences);
        not_before = outcome->watermark;
        break;
      case CommitOutcome::Kind::kCursorMoved:
        numbered.Missed(sequences, outcome->position);
        break;
      case CommitOutcome::Kind::kConflict:
        if (outcome->redefined) {
          numbered.NotTaken(sequences);
        } else {
          numbered.PassOver(sequences);
        }
        break;
    }
  }
  // Unless it was done before.
  absl::StatusOr<std::optional<std::string>> made =
      co_await internal::StoredMade(store, keys, mark, caller.deadline);
  if (!made.ok()) co_return made.status();
  if (!made->has_value()) co_return refused;
  co_return co_await internal::ReplayMade<Model, Response>(store, std::move(shard), *std::move(*made), mark,
                                                           std::move(answer), caller.deadline);
}

}  // namespace motcua::store
