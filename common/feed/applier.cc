#include "common/feed/applier.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/status/errors.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Milliseconds(20);
constexpr absl::Duration kAcknowledge = absl::Seconds(2);
// As many events are enough for a commit of their own.
constexpr size_t kEnough = 64;
// Of one that follows: between two looks at the cursors; after how long it reads along, so that it learns of
// events that are not for it and move no cursor; and, where the cursors stand still, applies the events
// itself.
constexpr absl::Duration kFollowPause = absl::Milliseconds(2);
constexpr absl::Duration kReadAlongAfter = absl::Milliseconds(20);
constexpr absl::Duration kApplyAfter = absl::Milliseconds(500);
constexpr absl::Duration kStayOpen = absl::Seconds(1);
constexpr size_t kNobody = static_cast<size_t>(-1);

// A source's stream goes on from another place: another replica applied these events.
constexpr char kCursorMoved[] = "CURSOR_MOVED";
// The events build on some that were before a snapshot and are in none of its records.
constexpr char kSnapshotNeeded[] = "SNAPSHOT_NEEDED";

}  // namespace

Applier::Applier(async::Loop& loop, store::Store& store, std::string name, std::string shard,
                 std::function<void()> progressed, const ConsumerOptions& options, store::Leases* leases)
    : loop_(loop),
      store_(store),
      name_(std::move(name)),
      shard_(std::move(shard)),
      progressed_(std::move(progressed)),
      options_(options),
      leases_(leases),
      wake_(loop),
      children_(loop) {}

Consumer& Applier::Add(size_t rank, Source& source, Projection& projection, std::string source_name,
                       CancelToken cancel) {
  auto followed = std::make_unique<Followed>(rank, source, projection);
  followed->consumer = std::make_unique<Consumer>(
      loop_, source, projection, name_, std::move(source_name), shard_, [this] { Arrived(); }, options_);
  Consumer& consumer = *followed->consumer;
  consumer.Follow(following_);
  const auto place =
      std::find_if(followed_.begin(), followed_.end(),
                   [rank](const std::unique_ptr<Followed>& other) { return other->rank > rank; });
  followed_.insert(place, std::move(followed));
  lost_ = true;
  wake_.Set();
  children_.Spawn(consumer.Receive(std::move(cancel)));
  return consumer;
}

Consumer* Applier::Find(const std::string& source_name) const {
  for (const auto& followed : followed_) {
    if (followed->consumer->source_name() == source_name) return followed->consumer.get();
  }
  return nullptr;
}

// Of the first event; empty where there is none that is to be applied.
std::string Applier::TraceOf(const Part& part) {
  return part.batch.events.empty() ? std::string() : part.batch.events.front()->traceparent();
}

void Applier::Arrived() {
  wake_.Set();
  // What needs no commit does not wait for the one that is under way.
  if (applying_) Progress();
}

Task<void> Applier::Run(CancelToken cancel) {
  while (!cancel.cancelled()) {
    wake_.Reset();
    absl::Status located;
    if (lost_) located = co_await Locate();
    if (located.ok()) located = co_await SettleAll();
    if (!located.ok()) {
      for (const auto& followed : followed_) followed->consumer->Failed(located, std::string());
      absl::Status slept = co_await loop_.Sleep(kPause, cancel);
      (void)slept;
      continue;
    }
    if (lost_) continue;
    if (Follows()) {
      co_await Follow(cancel);
      continue;
    }
    StartBootstraps(cancel);
    Progress();
    const absl::Time now = absl::Now();
    const absl::Time due = DueAt(now);
    if (due > now) {
      absl::Status woken = co_await wake_.Wait(due, cancel);
      (void)woken;
      continue;
    }
    Parts parts = Collect(now);
    applying_ = true;
    co_await Apply(std::move(parts), cancel);
    applying_ = false;
    Progress();
  }
  co_await children_.Ended();
}

bool Applier::Follows() {
  const bool follows = leases_ != nullptr && !leases_->Holds(shard_);
  if (follows == following_) return follows;
  following_ = follows;
  awaited_since_ = absl::InfiniteFuture();
  for (const auto& followed : followed_) followed->consumer->Follow(follows);
  lost_ = true;  // meanwhile others have applied, or will have
  return follows;
}

Task<void> Applier::Follow(CancelToken cancel) {
  Progress();
  const absl::Time now = absl::Now();
  const bool awaited = std::any_of(followed_.begin(), followed_.end(),
                                   [](const auto& followed) { return followed->consumer->awaited(); });
  if (!awaited) {
    awaited_since_ = absl::InfiniteFuture();
    if (now < open_until_) {
      absl::Status woken = co_await wake_.Wait(open_until_, cancel);
      (void)woken;
      co_return;
    }
    for (const auto& followed : followed_) followed->consumer->OpenStream(false);
    absl::Status woken = co_await wake_.Wait(absl::InfiniteFuture(), cancel);
    (void)woken;
    co_return;
  }
  awaited_since_ = std::min(awaited_since_, now);
  lost_ = true;  // look where the cursors stand
  if (now >= awaited_since_ + kReadAlongAfter) {
    open_until_ = now + kStayOpen;
    for (const auto& followed : followed_) {
      if (followed->consumer->awaited()) followed->consumer->OpenStream(true);
    }
  }
  Parts parts;
  if (now >= awaited_since_ + kApplyAfter) parts = Collect(now);
  if (parts.empty()) {
    absl::Status slept = co_await loop_.Sleep(kFollowPause, cancel);
    (void)slept;
    co_return;
  }
  applying_ = true;
  co_await Apply(std::move(parts), cancel);
  applying_ = false;
}

Task<void> Applier::LookUp() {
  if (!following_) co_return;
  absl::Status located = co_await Locate();
  if (located.ok()) Progress();
}

Task<absl::Status> Applier::Locate() {
  std::vector<std::string> keys;
  std::vector<Followed*> all;
  for (const auto& followed : followed_) {
    const std::string& source = followed->consumer->source_name();
    all.push_back(followed.get());
    keys.push_back(store_.Keys(shard_).Cursor(source));
    keys.push_back(store_.Keys(shard_).Lost(source));
    keys.push_back(store_.Keys(shard_).Bootstrap(source));
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store_.Get(std::move(keys), absl::Now() + kPatience);
  if (!values.ok()) co_return values.status();
  for (size_t i = 0; i < all.size(); ++i) {
    const std::optional<store::Cursor> cursor = store::Cursor::Parse((*values)[3 * i].value_or("0"));
    const std::optional<std::string>& lost = (*values)[3 * i + 1];
    const std::optional<Losses> losses = lost.has_value() ? Losses::Parse(*lost) : Losses();
    const std::optional<Bootstrap> bootstrap = Bootstrap::Parse((*values)[3 * i + 2].value_or(""));
    if (!cursor.has_value() || !losses.has_value() || !bootstrap.has_value()) {
      co_return errors::DataLoss("CORRUPT_RECORD", "a cursor cannot be read");
    }
    if (all[i]->bootstrapping) continue;  // who takes the snapshot knows where it stands
    Consumer& consumer = *all[i]->consumer;
    absl::Status learnt = co_await LearnKnown(&consumer, *bootstrap);
    if (!learnt.ok()) co_return learnt;
    consumer.Remember(*losses);
    const bool reading = bootstrap->step == Bootstrap::Step::kReading;
    if (reading && !following_) {
      consumer.Trimmed();
    } else {
      // Of one that another replica takes a snapshot for, the position is known alone.
      consumer.Locate(reading ? store::Cursor(cursor->position) : *cursor);
    }
  }
  // One more may have been added meanwhile.
  lost_ = all.size() != followed_.size();
  co_return absl::OkStatus();
}

// Takes over what needs no commit, and tells those who wait.
void Applier::Progress() {
  bool any = false;
  for (const auto& followed : followed_) {
    Consumer& consumer = *followed->consumer;
    any = consumer.Advance() || any;
    consumer.Progress();
    const bool due =
        !following_ && followed->Unacknowledged() && absl::Now() >= consumer.acknowledged_at + kAcknowledge;
    if (due && !std::exchange(followed->acknowledging, true)) children_.Spawn(Acknowledge(followed.get()));
  }
  if (any && progressed_) progressed_();
}

absl::Time Applier::DueAt(absl::Time now) const {
  absl::Time due = absl::InfiniteFuture();
  absl::Time first = absl::InfiniteFuture();
  size_t waiting = 0;
  bool urgent = false;
  for (const auto& followed : followed_) {
    const Consumer& consumer = *followed->consumer;
    if (followed->Unacknowledged() && !followed->acknowledging)
      due = std::min(due, consumer.acknowledged_at + kAcknowledge);
    if (consumer.waiting() == 0 || followed->moving) continue;
    if (consumer.rests_until() > now) {
      due = std::min(due, consumer.rests_until());
      continue;
    }
    waiting += consumer.waiting();
    first = std::min(first, consumer.arrived_at());
    urgent = urgent || consumer.urgent();
  }
  if (waiting == 0) return due;
  if (urgent || waiting >= kEnough) return absl::InfinitePast();
  return std::min(due, first + options_.linger);
}

Applier::Parts Applier::Collect(absl::Time now) const {
  std::vector<Followed*> ready;
  for (const auto& followed : followed_) {
    const Consumer& consumer = *followed->consumer;
    if (consumer.waiting() > 0 && !followed->moving && consumer.rests_until() <= now)
      ready.push_back(followed.get());
  }
  Parts parts;
  size_t events = options_.batch_events;
  size_t bytes = options_.batch_bytes;
  for (size_t i = 0; i < ready.size(); ++i) {
    // What one leaves of its share, those behind it may have.
    const size_t sharers = ready.size() - i;
    Consumer::Batch batch = ready[i]->consumer->Next(std::max<size_t>(events / sharers, 1), bytes / sharers);
    events -= std::min(events, batch.events.size());
    bytes -= std::min(bytes, batch.bytes);
    parts.emplace_back(ready[i], std::move(batch));
  }
  return parts;
}

Task<void> Applier::Apply(Parts parts, CancelToken cancel) {
  while (!parts.empty() && !cancel.cancelled()) {
    size_t failed = kNobody;
    absl::Status status = co_await Commit(&parts, &failed, cancel);
    if (status.ok() || cancel.cancelled()) co_return;
    if (errors::Reason(status) == kCursorMoved) {
      lost_ = true;
      co_return;
    }
    if (failed == kNobody && parts.size() == 1) failed = 0;
    if (failed != kNobody) {
      // The others go on without it.
      Part& part = parts[failed];
      if (errors::Reason(status) == kSnapshotNeeded) part.followed->consumer->Trimmed();
      part.followed->consumer->Failed(status, TraceOf(part));
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(failed));
      continue;
    }
    // Together they cannot be committed: perhaps all but one can. What became of this commit, the cursors
    // tell.
    std::vector<store::Cursor> cursors;
    for (const Part& part : parts) cursors.push_back(part.followed->consumer->cursor());
    absl::Status located = co_await Locate();
    if (!located.ok()) {
      for (Part& part : parts) part.followed->consumer->Failed(located, TraceOf(part));
      co_return;
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      Part& part = parts[i];
      if (!(part.followed->consumer->cursor() == cursors[i]))
        continue;  // what is left of it comes with the next turn
      Parts alone;
      alone.push_back(std::move(part));
      co_await Apply(std::move(alone), cancel);
      if (lost_) co_return;
    }
    co_return;
  }
}

Task<absl::Status> Applier::Project(store::Session* session, const Part* part, absl::Time not_before) {
  const Events events(part->batch.events);
  for (size_t from = 0; from < events.size(); from += options_.slice_events) {
    if (from > 0) co_await loop_.Schedule();
    const Events slice = events.subspan(from, options_.slice_events);
    absl::Status applied = co_await part->followed->projection.Apply(*session, slice, not_before);
    if (!applied.ok()) co_return applied;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Applier::Commit(const Parts* parts, size_t* failed, CancelToken cancel) {
  absl::Time not_before = absl::InfinitePast();
  while (!cancel.cancelled()) {
    store::Session session(store_, shard_);
    for (size_t i = 0; i < parts->size(); ++i) {
      const Part* part = &(*parts)[i];
      absl::Status applied = co_await Project(&session, part, not_before);
      if (applied.ok()) continue;
      *failed = i;
      co_return applied;
    }
    for (const Part& part : *parts) {
      AddCursor(session.extra(), *part.followed->consumer, part.batch.up_to);
    }
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(absl::Now() + kPatience);
    if (!outcome.ok()) {
      lost_ = true;  // it may have been committed
      co_return outcome.status();
    }
    switch (outcome->kind) {
      case store::CommitOutcome::Kind::kCommitted:
        for (const Part& part : *parts) {
          part.followed->projection.Committed(shard_, part.batch.events);
          part.followed->consumer->Applied(part.batch);
        }
        co_return absl::OkStatus();
      case store::CommitOutcome::Kind::kCursorMoved:
        co_return errors::Aborted(kCursorMoved, "another consumer has applied these events");
      case store::CommitOutcome::Kind::kStale:
        not_before = outcome->watermark;
        break;
      case store::CommitOutcome::Kind::kConflict:
      case store::CommitOutcome::Kind::kReplayed:
        break;  // a call changed one of the records: load and decide again
    }
  }
  co_return errors::Cancelled("CANCELLED", "stopping");
}

}  // namespace motcua::feed
