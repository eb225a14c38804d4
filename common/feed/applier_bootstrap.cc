// What happens where a source no longer keeps the events that are to be applied.
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/feed/applier.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kTell = absl::Seconds(10);
// More pages than any snapshot has.
constexpr uint32_t kMostPages = 10'000'000;

absl::Status Moved() {
  return errors::Aborted("CURSOR_MOVED", "another consumer has taken this part of the snapshot");
}

}  // namespace

// One stream of a snapshot, and where Redis stands.
class Applier::Taking {
 public:
  Taking(Followed* followed, const store::Keyspace& keys)
      : followed(followed),
        consumer(*followed->consumer),
        cursor_key(keys.Cursor(consumer.source_name())),
        lost_key(keys.Lost(consumer.source_name())),
        key(keys.Bootstrap(consumer.source_name())),
        pages_key(keys.BootstrapPages(consumer.source_name())) {}

  // Nothing of it may have been changed by another replica.
  void Check(store::Transaction& tx) const {
    tx.CheckCursor(cursor_key, cursor);
    tx.CheckText(key, text);
  }

  Followed* const followed;
  Consumer& consumer;
  const std::string cursor_key;
  const std::string lost_key;
  const std::string key;
  const std::string pages_key;
  store::Cursor cursor;
  Bootstrap bootstrap;
  // As it is stored; "0" = nothing is.
  std::string text = "0";
};

// What is made of the later sources builds on the earlier ones.
void Applier::StartBootstraps(const CancelToken& cancel) {
  for (const auto& followed : followed_) {
    if (followed->bootstrapping) return;
    if (!followed->consumer->trimmed()) continue;
    followed->bootstrapping = true;
    children_.Spawn(TakeSnapshot(followed.get(), cancel));
    return;
  }
}

Task<void> Applier::TakeSnapshot(Followed* followed, CancelToken cancel) {
  Consumer& consumer = *followed->consumer;
  consumer.BootstrapBegins();
  while (!cancel.cancelled() && !following_) {
    absl::Status done = co_await TakeSnapshotOnce(followed, cancel);
    if (done.ok() || cancel.cancelled()) break;
    consumer.Failed(done, std::string());
    absl::Status slept = co_await loop_.Sleep(consumer.rests_until() - absl::Now(), cancel);
    (void)slept;
  }
  followed->bootstrapping = false;
  lost_ = true;
  wake_.Set();
}

Task<absl::Status> Applier::TakeSnapshotOnce(Followed* followed, CancelToken cancel) {
  Taking taking(followed, store_.Keys(shard_));
  std::vector<std::string> keys;
  keys.push_back(taking.cursor_key);
  keys.push_back(taking.key);
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store_.Get(std::move(keys), absl::Now() + kPatience);
  if (!values.ok()) co_return values.status();
  const std::optional<store::Cursor> cursor = store::Cursor::Parse((*values)[0].value_or("0"));
  const std::optional<Bootstrap> bootstrap = Bootstrap::Parse((*values)[1].value_or(""));
  if (!cursor.has_value() || !bootstrap.has_value()) {
    co_return errors::DataLoss("CORRUPT_RECORD", "a cursor cannot be read");
  }
  taking.cursor = *cursor;
  if ((*values)[1].has_value()) taking.text = *(*values)[1];
  // What an earlier one had, and the cursor has not passed, is in the new one, too.
  const bool reading = bootstrap->step == Bootstrap::Step::kReading;
  if (reading) taking.bootstrap = *bootstrap;
  // Another replica has taken it, and perhaps applied what follows.
  if (!reading && !(*cursor == taking.consumer.cursor())) co_return absl::OkStatus();
  v1::SnapshotRequest request;
  request.set_shard(shard_);
  request.set_consumer(name_);
  for (const v1::Event::BodyCase kind : followed->projection.WantedOfSnapshot())
    request.add_kinds(static_cast<uint32_t>(kind));
  if (reading && !bootstrap->anew()) *request.mutable_progress() = bootstrap->Progress();
  std::unique_ptr<SnapshotStream> stream = followed->source.OpenSnapshot(std::move(request));
  if (stream == nullptr) {
    co_return errors::Unimplemented("NO_SNAPSHOT",
                                    "the events are no longer kept, and the source has no snapshot");
  }
  while (true) {
    absl::StatusOr<std::optional<v1::SnapshotResponse>> step = co_await stream->Next(cancel);
    if (following_) co_return Moved();
    if (errors::Reason(step.status()) == "SNAPSHOT_LOST") {
      uint64_t kept = 0;
      (void)absl::SimpleAtoi(errors::MetadataValue(step.status(), "end"), &kept);
      absl::Status given_up = co_await GiveUpSnapshot(&taking, kept);
      co_return given_up.ok() ? step.status() : given_up;
    }
    if (!step.ok()) co_return step.status();
    if (!step->has_value())
      co_return errors::Unavailable("PEER_UNAVAILABLE", "the source has ended the stream");
    const v1::SnapshotResponse& told = **step;
    absl::Status taken = co_await TakeStep(&taking, &told, cancel);
    if (!taken.ok()) co_return taken;
    taking.consumer.GoesOn();
    if (told.complete()) co_return absl::OkStatus();
  }
}

// A step with its effect, and how far it is, in one commit; also the first one, which has none. With the last
// one the cursor goes to where the feed is read on from.
Task<absl::Status> Applier::TakeStep(Taking* taking, const v1::SnapshotResponse* step, CancelToken cancel) {
  Consumer& consumer = taking->consumer;
  Bootstrap next = taking->bootstrap;
  const bool begins = next.step == Bootstrap::Step::kNone || next.anew();
  if (begins) next.since = absl::Now();
  next.Follow(step->progress());
  next.records += static_cast<uint64_t>(step->records_size());
  const bool knows = next.as_of > next.position;
  if (step->complete() && knows) next.step = Bootstrap::Step::kKnown;
  const std::string text = next.Text();
  std::vector<const v1::SnapshotRecord*> pointers;
  std::vector<const v1::Event*> told;
  for (const v1::SnapshotRecord& record : step->records()) {
    pointers.push_back(&record);
    for (const v1::Event& event : record.events()) told.push_back(&event);
  }
  const Records records(pointers);
  absl::Time not_before = absl::InfinitePast();
  while (!cancel.cancelled()) {
    store::Session session(store_, shard_);
    absl::Status applied;
    if (!records.empty())
      applied = co_await taking->followed->projection.ApplySnapshot(session, records, not_before);
    if (!applied.ok()) co_return applied;
    store::Transaction& tx = session.extra();
    taking->Check(tx);
    if (begins) tx.Delete(taking->pages_key);
    if (knows && next.through != taking->bootstrap.through) {
      const KnownPages::Page page(taking->bootstrap.through, next.through, next.as_of);
      tx.Append(taking->pages_key, page.Text());
    }
    const store::Cursor to =
        step->complete() ? store::Cursor(next.epoch, next.position) : Bootstrap::Barred(taking->cursor);
    tx.SetCursor(taking->cursor_key, to);
    if (step->complete() && !knows) {
      tx.Delete(taking->key);
    } else {
      tx.SetText(taking->key, text);
    }
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(absl::Now() + kPatience);
    if (!outcome.ok()) co_return outcome.status();  // what became of it, the next look tells
    if (outcome->kind == store::CommitOutcome::Kind::kCursorMoved) co_return Moved();
    if (outcome->kind == store::CommitOutcome::Kind::kStale) not_before = outcome->watermark;
    if (outcome->kind != store::CommitOutcome::Kind::kCommitted) continue;
    taking->bootstrap = next;
    taking->text = text;
    taking->cursor = to;
    taking->followed->projection.Committed(shard_, told);
    consumer.SetBootstrap(std::move(next));
    consumer.TellBootstrap(step->complete(), kTell);
    co_return absl::OkStatus();
  }
  co_return errors::Cancelled("CANCELLED", "stopping");
}

// What the records had that the source has lost since is told; what was taken of it stays, and what stands in
// its place comes with the new snapshot.
Task<absl::Status> Applier::GiveUpSnapshot(Taking* taking, uint64_t kept) {
  store::Transaction tx(store_.Keys(shard_));
  taking->Check(tx);
  Bootstrap anew;
  anew.step = Bootstrap::Step::kReading;
  anew.since = absl::Now();
  tx.SetText(taking->key, anew.Text());
  Losses losses = taking->consumer.losses();
  const Bootstrap& bootstrap = taking->bootstrap;
  const bool lost = bootstrap.as_of > kept;
  if (lost) {
    losses.total += bootstrap.as_of - kept;
    losses.epoch = bootstrap.epoch;
    losses.first = kept + 1;
    losses.last = bootstrap.as_of;
    losses.found_at = absl::Now();
    tx.SetText(taking->lost_key, losses.Text());
  }
  absl::StatusOr<store::CommitOutcome> outcome =
      co_await store_.Commit(std::move(tx), absl::Now() + kPatience);
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->kind != store::CommitOutcome::Kind::kCommitted) co_return Moved();
  taking->consumer.SetBootstrap(anew);
  if (lost) taking->consumer.Lost(losses);
  co_return absl::OkStatus();
}

Task<absl::Status> Applier::LearnKnown(Consumer* consumer, Bootstrap bootstrap) {
  KnownPages known;
  if (consumer->knows() && bootstrap.Text() == consumer->bootstrap().Text()) co_return absl::OkStatus();
  if (bootstrap.step == Bootstrap::Step::kKnown) {
    absl::StatusOr<std::vector<std::string>> pages = co_await store_.ReadList(
        store_.Keys(shard_).BootstrapPages(consumer->source_name()), kMostPages, absl::Now() + kPatience);
    if (!pages.ok()) co_return pages.status();
    for (const std::string& text : *pages) {
      std::optional<KnownPages::Page> page = KnownPages::Page::Parse(text);
      if (!page.has_value())
        co_return errors::DataLoss("CORRUPT_RECORD", "what a snapshot had cannot be read");
      known.Add(*std::move(page));
    }
    known.CutAt(bootstrap.as_of);
  }
  consumer->SetBootstrap(std::move(bootstrap));
  consumer->SetKnown(std::move(known));
  co_return absl::OkStatus();
}

}  // namespace motcua::feed
