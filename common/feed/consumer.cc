#include "common/feed/consumer.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr absl::Duration kAcknowledge = absl::Seconds(2);

// Events that one commit applies at the most, and that wait for it at the most.
constexpr size_t kMaxBatch = 512;
constexpr size_t kMaxWaiting = 2048;

// The source's stream goes on from another place: another replica applied these events.
constexpr char kCursorMoved[] = "CURSOR_MOVED";

}  // namespace

Consumer::Consumer(async::Loop& loop, store::Store& store, Source& source, Projection& projection,
                   std::string name, std::string source_name, std::string shard,
                   std::function<void()> progressed, ConsumerOptions options)
    : loop_(loop),
      store_(store),
      source_(source),
      projection_(projection),
      name_(std::move(name)),
      source_name_(std::move(source_name)),
      shard_(std::move(shard)),
      progressed_(std::move(progressed)),
      options_(options),
      started_(absl::Now()),
      moved_(loop) {}

void Consumer::Progress() {
  moved_.Set();
  moved_.Reset();
  if (progressed_) progressed_();
}

void Consumer::InTrouble(const absl::Status& status, const std::string& traceparent) {
  const absl::Time now = absl::Now();
  trouble_ = std::string(status.message());
  troubled_since_ = std::min(troubled_since_, now);
  if (told_of_trouble_ || now - troubled_since_ < options_.stuck_after) return;
  told_of_trouble_ = true;
  telemetry::Log(telemetry::Level::kWarning, "a feed is not followed",
                 {{"source", source_name_},
                  {"shard", shard_},
                  {"reason", errors::Reason(status)},
                  {"error", trouble_},
                  {"seconds", absl::ToInt64Seconds(now - troubled_since_)},
                  {"applied", applied_},
                  {"trace", telemetry::TraceId(traceparent)}});
}

void Consumer::GoesOn() {
  if (told_of_trouble_) {
    telemetry::Log(telemetry::Level::kInfo, "a feed is followed again",
                   {{"source", source_name_},
                    {"shard", shard_},
                    {"seconds", absl::ToInt64Seconds(absl::Now() - troubled_since_)},
                    {"applied", applied_}});
  }
  told_of_trouble_ = false;
  troubled_since_ = absl::InfiniteFuture();
  trouble_.clear();
}

Task<void> Consumer::Run(CancelToken cancel) {
  absl::Duration pause = kFirstPause;
  while (!cancel.cancelled()) {
    const uint64_t before = applied_;
    absl::Status status = co_await RunOnce(cancel);
    if (errors::Reason(status) == kCursorMoved) continue;
    // The stop of the service is no trouble.
    if (!cancel.cancelled()) InTrouble(status, std::string());
    pause = applied_ == before ? std::min(2 * pause, kLongestPause) : kFirstPause;
    absl::Status slept = co_await loop_.Sleep(pause, cancel);
    (void)slept;
  }
}

Task<absl::StatusOr<uint64_t>> Consumer::ReadCursor() {
  std::vector<std::string> keys;
  keys.push_back(store_.Keys(shard_).Cursor(source_name_));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store_.Get(std::move(keys), absl::Now() + kPatience);
  if (!values.ok()) co_return values.status();
  uint64_t cursor = 0;
  if (values->front().has_value() && !absl::SimpleAtoi(*values->front(), &cursor)) {
    co_return errors::DataLoss("CORRUPT_RECORD", "a cursor cannot be read");
  }
  co_return cursor;
}

Task<absl::Status> Consumer::RunOnce(CancelToken cancel) {
  absl::StatusOr<uint64_t> cursor = co_await ReadCursor();
  if (!cursor.ok()) co_return cursor.status();
  if (cancel.cancelled()) co_return errors::Cancelled("CANCELLED", "stopping");
  cursor_ = *cursor;
  if (*cursor > applied_) {
    applied_ = *cursor;
    Progress();
  }
  v1::ReadRequest request;
  request.set_shard(shard_);
  request.set_after(*cursor);
  request.set_consumer(name_);
  for (v1::Event::BodyCase kind : projection_.Wanted()) request.add_kinds(static_cast<uint32_t>(kind));
  Arrivals arrivals(loop_);
  async::CancelCallback on_cancel(cancel, [&arrivals] { arrivals.stop.Cancel(); });
  std::unique_ptr<SourceStream> stream = source_.Open(std::move(request));
  std::vector<Task<absl::Status>> parts;
  parts.push_back(Receive(*stream, arrivals));
  parts.push_back(ApplyArrivals(arrivals));
  std::vector<absl::Status> ends = co_await async::WhenAll(std::move(parts));
  if (cancel.cancelled()) co_return errors::Cancelled("CANCELLED", "stopping");
  // Whichever of the two failed has stopped the other.
  absl::Status end = std::move(ends.front());
  if (absl::IsCancelled(end)) end = std::move(ends.back());
  co_return end;
}

// Reads on while a batch is being applied, so that the next batch is all that has come meanwhile: the busier the
// source, the larger the batches and the fewer the commits.
Task<absl::Status> Consumer::Receive(SourceStream& stream, Arrivals& arrivals) {
  absl::Status status;
  while (status.ok()) {
    absl::StatusOr<v1::ReadResponse> step = co_await stream.Next(arrivals.stop.token());
    status = step.status();
    if (!step.ok()) break;
    seen_ = std::max(seen_, step->position());
    for (v1::Event& event : *step->mutable_events()) arrivals.events.push_back(std::move(event));
    arrivals.position = step->position();
    if (step->has_watermark()) arrivals.watermark = time::FromTimestamp(step->watermark());
    arrivals.fresh = true;
    arrivals.changed.Set();
    while (status.ok() && arrivals.events.size() >= kMaxWaiting) {
      arrivals.taken.Reset();
      status = co_await arrivals.taken.Wait(absl::InfiniteFuture(), arrivals.stop.token());
    }
  }
  arrivals.stop.Cancel();
  co_return status;
}

Task<absl::Status> Consumer::ApplyArrivals(Arrivals& arrivals) {
  absl::Status status;
  while (status.ok()) {
    arrivals.changed.Reset();
    if (!arrivals.fresh) {
      status = co_await arrivals.changed.Wait(absl::InfiniteFuture(), arrivals.stop.token());
      continue;
    }
    status = co_await ApplyOnce(arrivals);
  }
  arrivals.stop.Cancel();
  co_return status;
}

// Applies one batch of what has arrived; where that was all, the position and watermark behind it hold, too.
Task<absl::Status> Consumer::ApplyOnce(Arrivals& arrivals) {
  const size_t count = std::min(arrivals.events.size(), kMaxBatch);
  const bool all = count == arrivals.events.size();
  std::vector<v1::Event> events(std::make_move_iterator(arrivals.events.begin()),
                                std::make_move_iterator(arrivals.events.begin() + static_cast<ptrdiff_t>(count)));
  arrivals.events.erase(arrivals.events.begin(), arrivals.events.begin() + static_cast<ptrdiff_t>(count));
  const uint64_t up_to = all ? arrivals.position : events.back().position();
  const absl::Time watermark = all ? arrivals.watermark : watermark_;
  arrivals.fresh = !all;
  arrivals.taken.Set();
  if (!events.empty()) {
    absl::Status applied = co_await ApplyBatch(std::move(events), up_to, arrivals.stop.token());
    if (!applied.ok()) co_return applied;
  }
  applied_ = std::max(applied_, up_to);
  watermark_ = std::max(watermark_, watermark);
  GoesOn();
  Progress();
  co_await AcknowledgeSometimes();
  co_return absl::OkStatus();
}

Task<absl::Status> Consumer::ApplyBatch(std::vector<v1::Event> events, uint64_t up_to, CancelToken cancel) {
  const std::string cursor_key = store_.Keys(shard_).Cursor(source_name_);
  absl::Duration pause = kFirstPause;
  absl::Time not_before = absl::InfinitePast();
  while (!cancel.cancelled()) {
    store::Session session(store_, shard_);
    absl::Status status = co_await projection_.Apply(session, events, not_before);
    if (status.ok()) {
      session.extra().CheckCursor(cursor_key, cursor_);
      session.extra().SetCursor(cursor_key, up_to);
      absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(absl::Now() + kPatience);
      status = outcome.status();
      if (outcome.ok()) {
        switch (outcome->kind) {
          case store::CommitOutcome::Kind::kCommitted:
            cursor_ = up_to;
            applied_ = up_to;
            events_ += events.size();
            ++batches_;
            co_return absl::OkStatus();
          case store::CommitOutcome::Kind::kCursorMoved:
            co_return errors::Aborted(kCursorMoved, "another consumer has applied these events");
          case store::CommitOutcome::Kind::kStale:
            not_before = outcome->watermark;
            continue;
          case store::CommitOutcome::Kind::kConflict:
          case store::CommitOutcome::Kind::kReplayed:
            continue;  // a call changed one of the records: load and decide again
        }
      }
    }
    if (!status.ok() && !cancel.cancelled()) InTrouble(status, events.front().traceparent());
    // An outcome that is not known is known by the cursor: start again from where it stands.
    if (errors::Reason(status) == "OUTCOME_UNKNOWN") co_return status;
    absl::Status slept = co_await loop_.Sleep(pause, cancel);
    (void)slept;
    pause = std::min(2 * pause, kLongestPause);
  }
  co_return errors::Cancelled("CANCELLED", "stopping");
}

// Moves the cursor past events that were not for this consumer.
Task<absl::Status> Consumer::CommitCursor() {
  const std::string cursor_key = store_.Keys(shard_).Cursor(source_name_);
  const uint64_t up_to = applied_;
  store::Transaction tx(store_.Keys(shard_));
  tx.CheckCursor(cursor_key, cursor_);
  tx.SetCursor(cursor_key, up_to);
  absl::StatusOr<store::CommitOutcome> outcome = co_await store_.Commit(std::move(tx), absl::Now() + kPatience);
  if (!outcome.ok()) co_return outcome.status();
  if (outcome->kind == store::CommitOutcome::Kind::kCommitted) cursor_ = up_to;
  co_return absl::OkStatus();  // a cursor that moved shows with the next batch
}

// Failing to acknowledge only keeps events longer.
Task<void> Consumer::AcknowledgeSometimes() {
  const absl::Time now = absl::Now();
  if (applied_ == acknowledged_ || now < acknowledged_at_ + kAcknowledge) co_return;
  acknowledged_at_ = now;
  if (applied_ > cursor_) {
    absl::Status moved = co_await CommitCursor();
    if (!moved.ok()) co_return;
  }
  v1::AcknowledgeRequest request;
  request.set_shard(shard_);
  request.set_consumer(name_);
  request.set_position(cursor_);
  const uint64_t told = cursor_;
  absl::Status acknowledged = co_await source_.Acknowledge(std::move(request), now + kPatience);
  if (acknowledged.ok()) acknowledged_ = told;
}

Task<absl::Status> Consumer::AwaitApplied(uint64_t position, absl::Time deadline, CancelToken cancel) {
  while (applied_ < position) {
    absl::Status moved = co_await moved_.Wait(deadline, cancel);
    if (absl::IsCancelled(moved)) co_return errors::Cancelled("CANCELLED", "the caller has gone");
    if (!moved.ok()) {
      co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                         absl::StrCat("the feed of ", source_name_, " has not been read that far yet"));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Consumer::AwaitWatermark(absl::Time moment, absl::Time deadline) {
  while (watermark_ < moment) {
    absl::Status moved = co_await moved_.Wait(deadline);
    if (!moved.ok()) {
      co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                         absl::StrCat("the watermark of ", source_name_, " lags behind"));
    }
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::feed
