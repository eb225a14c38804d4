#include "common/feed/consumer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/feed/awaited.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// Of a source's, read ahead.
constexpr size_t kMaxWaitingBatches = 4;

// What is behind the cursor is no longer kept.
constexpr char kTrimmed[] = "FEED_TRIMMED";

}  // namespace

Consumer::Consumer(async::Loop& loop, Source& source, Projection& projection, std::string name,
                   std::string source_name, std::string shard, std::function<void()> arrived,
                   const ConsumerOptions& options)
    : loop_(loop),
      source_(source),
      projection_(projection),
      name_(std::move(name)),
      source_name_(std::move(source_name)),
      shard_(std::move(shard)),
      arrived_(std::move(arrived)),
      options_(options),
      started_(absl::Now()),
      open_(loop),
      level_at_(started_),
      rest_(kFirstPause),
      moved_(loop),
      located_event_(loop),
      taken_(loop) {
  open_.Set();
}

void Consumer::Progress() {
  moved_.Set();
  moved_.Reset();
}

void Consumer::Follow(bool following) {
  if (following_ == following) return;
  following_ = following;
  if (following) GoesOn();  // the trouble is another's
  if (!following) level_at_ = absl::Now();
  OpenStream(!following);
}

void Consumer::OpenStream(bool open) {
  if (open == open_.is_set()) return;
  if (open) return open_.Set();
  open_.Reset();
  // What was read and is not applied is read again when it is wanted.
  pieces_.clear();
  waiting_ = waiting_bytes_ = 0;
  received_ = applied_;
  taken_.Set();
  if (restart_ != nullptr) restart_->Cancel();
}

bool Consumer::awaited() const {
  if (awaited_positions_.upper_bound(applied_) != awaited_positions_.end()) return true;
  return !awaited_moments_.empty() && *awaited_moments_.rbegin() > watermark_;
}

absl::Duration Consumer::behind(absl::Time now) const {
  if (following_) return absl::ZeroDuration();
  if (connected_ && pieces_.empty()) return absl::ZeroDuration();
  return std::max(absl::ZeroDuration(), now - level_at_);
}

void Consumer::InTrouble(const absl::Status& status, const std::string& traceparent) {
  if (following_) return;  // who applies the shard tells of it
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

void Consumer::Failed(const absl::Status& status, const std::string& traceparent) {
  InTrouble(status, traceparent);
  rests_until_ = absl::Now() + rest_;
  rest_ = std::min(2 * rest_, kLongestPause);
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
  rests_until_ = absl::InfinitePast();
  rest_ = kFirstPause;
}

Task<void> Consumer::Receive(CancelToken cancel) {
  absl::Duration pause = kFirstPause;
  async::CancelCallback on_cancel(cancel, [this] {
    if (restart_ != nullptr) restart_->Cancel();
  });
  while (!cancel.cancelled()) {
    absl::Status located = co_await located_event_.Wait(absl::InfiniteFuture(), cancel);
    if (located.ok()) located = co_await open_.Wait(absl::InfiniteFuture(), cancel);
    if (!located.ok()) break;
    const uint64_t before = received_;
    restart_ = std::make_unique<async::CancelSource>(loop_);
    const CancelToken again = restart_->token();
    absl::Status end = co_await ReceiveOnce(again);
    if (ended_.has_value()) continue;
    if (!following_ && errors::Reason(end) == kTrimmed) {
      Trimmed();
      continue;
    }
    if (connected_ && pieces_.empty()) level_at_ = absl::Now();
    connected_ = false;
    if (cancel.cancelled()) break;  // the stop of the service is no trouble
    if (again.cancelled()) continue;
    InTrouble(end, std::string());
    pause = received_ == before ? std::min(2 * pause, kLongestPause) : kFirstPause;
    absl::Status slept = co_await loop_.Sleep(pause, cancel);
    (void)slept;
  }
}

// Reads on while a batch is being applied, so that the next batch is all that has come meanwhile: the busier
// the source, the larger the batches and the fewer the commits.
Task<absl::Status> Consumer::ReceiveOnce(CancelToken cancel) {
  v1::ReadRequest request;
  request.set_shard(shard_);
  request.set_after(received_);
  request.set_epoch(received_epoch_);
  request.set_consumer(name_);
  for (v1::Event::BodyCase kind : projection_.Wanted()) request.add_kinds(static_cast<uint32_t>(kind));
  std::unique_ptr<SourceStream> stream = source_.Open(std::move(request));
  while (true) {
    absl::StatusOr<Step> step = co_await stream->Next(cancel);
    if (!step.ok()) co_return step.status();
    if (cancel.cancelled()) co_return errors::Cancelled("CANCELLED", "reading begins anew");
    if (IsStrangeToSnapshot(**step)) {
      absl::StatusOr<Step> end = co_await AskSnapshotsEnd(cancel);
      if (!end.ok()) co_return end.status();
      if ((*end)->has_ended()) {
        step = *std::move(end);
      } else {
        known_epoch_ = (*step)->epoch();
      }
    }
    if ((*step)->has_ended()) {
      End(*step);
      co_return errors::Aborted("FEED_EPOCH_ENDED", "the source has lost its last events");
    }
    Arrive(*std::move(step));
    while (waiting_ >= kMaxWaitingBatches * options_.batch_events ||
           waiting_bytes_ >= kMaxWaitingBatches * options_.batch_bytes) {
      taken_.Reset();
      absl::Status taken = co_await taken_.Wait(absl::InfiniteFuture(), cancel);
      if (!taken.ok()) co_return taken;
    }
  }
}

void Consumer::Arrive(Step step) {
  connected_ = true;
  received_ = std::max(received_, step->position());
  if (step->epoch() != 0) received_epoch_ = step->epoch();
  seen_ = std::max(seen_, step->position());
  if (step->has_watermark()) promised_.Add(step->position(), time::FromTimestamp(step->watermark()));
  const absl::Time now = absl::Now();
  if (pieces_.empty()) level_at_ = now;
  waiting_ += static_cast<size_t>(step->events_size());
  waiting_bytes_ += step.bytes();
  pieces_.emplace_back(std::move(step), now);
  Skip(cursor_.position);
  if (pieces_.empty()) epoch_ = received_epoch_;
  if (waiting_ == 0) GoesOn();
  arrived_();
}

// What was read behind that position and has not taken effect never will.
void Consumer::End(const Step& step) {
  ended_.emplace(step->ended().position(), step->epoch());
  located_ = false;
  located_event_.Reset();
  connected_ = true;
  seen_ = step->ended().position();
  pieces_.clear();
  waiting_ = waiting_bytes_ = 0;
  promised_.Clear();
  watermark_ = absl::InfinitePast();
  arrived_();
}

void Consumer::Promised(store::Cursor position, absl::Time watermark) {
  if (!located_ || (position.epoch != 0 && position.epoch != received_epoch_)) return;
  promised_.Add(position.position, watermark);
  arrived_();
}

// Forgets what is at or before a position, because it has been applied.
void Consumer::Skip(uint64_t up_to) {
  while (!pieces_.empty()) {
    Piece& piece = pieces_.front();
    const v1::ReadResponse& step = *piece.step;
    while (piece.next < step.events_size() && step.events(piece.next).position() <= up_to) {
      ++piece.next;
      --waiting_;
    }
    if (piece.next < step.events_size() || step.position() > up_to) break;
    waiting_bytes_ -= piece.step.bytes();
    pieces_.pop_front();
  }
  taken_.Set();
}

void Consumer::Locate(store::Cursor cursor) {
  if (located_ && cursor == cursor_) return;
  if (located_ && cursor.epoch == cursor_.epoch && cursor.position > cursor_.position) {
    cursor_ = cursor;
    applied_ = std::max(applied_, cursor.position);
    received_ = std::max(received_, cursor.position);
    seen_ = std::max(seen_, cursor.position);
    Skip(cursor.position);
    return;
  }
  located_ = true;
  ended_.reset();
  trimmed_ = false;
  cursor_ = cursor;
  received_ = cursor.position;
  received_epoch_ = cursor.epoch;
  // What is behind it is to be applied (again): were it taken for applied, the cursor might be moved over it.
  applied_ = cursor.position;
  epoch_ = cursor.epoch;
  watermark_ = absl::InfinitePast();
  pieces_.clear();
  waiting_ = waiting_bytes_ = 0;
  promised_.Clear();
  if (restart_ != nullptr) restart_->Cancel();
  located_event_.Set();
}

Consumer::Batch Consumer::Next(size_t max_events, size_t max_bytes) const {
  Batch batch;
  uint64_t last = 0;
  for (const Piece& piece : pieces_) {
    const v1::ReadResponse& step = *piece.step;
    const size_t each =
        step.events_size() == 0 ? 0 : piece.step.bytes() / static_cast<size_t>(step.events_size());
    batch.up_to.epoch = step.epoch();
    int next = piece.next;
    for (; next < step.events_size(); ++next) {
      const bool full = batch.events.size() >= max_events || batch.bytes + each > max_bytes;
      if (full && !batch.events.empty()) break;
      last = step.events(next).position();
      if (Had(step.events(next))) continue;
      batch.events.push_back(&step.events(next));
      batch.bytes += each;
    }
    if (next > piece.next) batch.steps.push_back(piece.step);
    if (next < step.events_size()) {
      batch.up_to.position = last;
      break;
    }
    batch.up_to.position = step.position();
  }
  return batch;
}

bool Consumer::urgent() const {
  const auto position = awaited_positions_.upper_bound(applied_);
  if (position != awaited_positions_.end() && *position <= received_) return true;
  return !awaited_moments_.empty() && *awaited_moments_.rbegin() > watermark_;
}

bool Consumer::Advance() {
  const uint64_t before = applied_;
  while (!pieces_.empty() && pieces_.front().next >= pieces_.front().step->events_size()) {
    applied_ = std::max(applied_, pieces_.front().step->position());
    epoch_ = pieces_.front().step->epoch();
    waiting_bytes_ -= pieces_.front().step.bytes();
    pieces_.pop_front();
  }
  const absl::Time promised = promised_.Take(applied_);
  const bool moved = applied_ > before || promised > watermark_;
  watermark_ = std::max(watermark_, promised);
  if (moved) taken_.Set();
  if (moved && pieces_.empty() && !connected_) level_at_ = absl::Now();
  return moved;
}

void Consumer::Applied(const Batch& batch) {
  events_ += batch.events.size();
  ++batches_;
  CursorMoved(batch.up_to);
  if (ended_.has_value()) return;  // whether that counts, the cursor's being located again tells
  applied_ = std::max(applied_, batch.up_to.position);
  epoch_ = batch.up_to.epoch;
  Skip(batch.up_to.position);
  if (!pieces_.empty()) level_at_ = pieces_.front().arrived;
  GoesOn();
}

Task<absl::Status> Consumer::AwaitApplied(uint64_t position, absl::Time deadline, CancelToken cancel) {
  if (applied_ >= position) co_return absl::OkStatus();
  const Awaited<uint64_t> awaited(awaited_positions_, position);
  if (urgent() || following_) arrived_();
  while (applied_ < position) {
    const uint64_t seen = seen_;
    absl::Status moved = co_await moved_.Wait(deadline, cancel);
    if (absl::IsCancelled(moved)) co_return errors::Cancelled("CANCELLED", "the caller has gone");
    if (!moved.ok()) {
      co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                         absl::StrCat("the feed of ", source_name_, " has not been read that far yet"));
    }
    if (seen_ < seen && seen_ < position) {
      co_return errors::InvalidArgument(
          "POSITION_UNKNOWN", absl::StrCat("motcua-after: the feed of ", source_name_, " has lost it"));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Consumer::AwaitWatermark(absl::Time moment, absl::Time deadline) {
  if (watermark_ >= moment) co_return absl::OkStatus();
  const Awaited<absl::Time> awaited(awaited_moments_, moment);
  arrived_();
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
