// What a consumer knows of events that it cannot get: those that the source has lost, and those that it no
// longer keeps.
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/feed/consumer.h"
#include "common/telemetry/log.h"

namespace motcua::feed {

using async::CancelToken;
using async::Task;

void Consumer::Lost(const Losses& losses) {
  const uint64_t lost = losses.last + 1 - losses.first;
  losses_ = losses;
  lost_positions_ += lost;
  telemetry::Log(telemetry::Level::kError, "a source has lost events that were applied here",
                 {{"source", source_name_},
                  {"shard", shard_},
                  {"epoch", losses.epoch},
                  {"first", losses.first},
                  {"last", losses.last},
                  {"positions", lost}});
}

std::string Losses::Text() const {
  return absl::StrCat(total, " ", epoch, " ", first, " ", last, " ", absl::ToUnixMicros(found_at));
}

std::optional<Losses> Losses::Parse(std::string_view text) {
  Losses losses;
  int64_t found = 0;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), ' ');
  if (parts.size() != 5 || !absl::SimpleAtoi(parts[0], &losses.total) ||
      !absl::SimpleAtoi(parts[1], &losses.epoch) || !absl::SimpleAtoi(parts[2], &losses.first) ||
      !absl::SimpleAtoi(parts[3], &losses.last) || !absl::SimpleAtoi(parts[4], &found)) {
    return std::nullopt;
  }
  losses.found_at = absl::FromUnixMicros(found);
  return losses;
}

void Consumer::Trimmed() {
  trimmed_ = true;
  connected_ = false;
  located_ = false;
  located_event_.Reset();
  pieces_.clear();
  waiting_ = waiting_bytes_ = 0;
  promised_.Clear();
  watermark_ = absl::InfinitePast();
  if (restart_ != nullptr) restart_->Cancel();
  arrived_();
}

void Consumer::BootstrapBegins() {
  ++bootstraps_;
  told_of_bootstrap_ = absl::Now();
  telemetry::Log(telemetry::Level::kWarning, "a consumer takes the source's snapshot",
                 {{"source", source_name_},
                  {"shard", shard_},
                  {"applied", applied_},
                  {"records", bootstrap_.records},
                  {"through", bootstrap_.through}});
}

void Consumer::TellBootstrap(bool complete, absl::Duration pause) {
  const absl::Time now = absl::Now();
  if (!complete && now < told_of_bootstrap_ + pause) return;
  told_of_bootstrap_ = now;
  telemetry::Log(telemetry::Level::kInfo,
                 complete ? "a consumer has taken the source's snapshot" : "a snapshot is being taken",
                 {{"source", source_name_},
                  {"shard", shard_},
                  {"records", bootstrap_.records},
                  {"seconds", absl::ToInt64Seconds(now - bootstrap_.since)},
                  {"epoch", bootstrap_.epoch},
                  {"position", bootstrap_.position},
                  {"as_of", bootstrap_.as_of}});
}

void Consumer::Outgrow() {
  if (!Outgrows(cursor_)) return;
  bootstrap_ = Bootstrap();
  known_.Clear();
}

void Consumer::CursorMoved(store::Cursor cursor) {
  cursor_ = cursor;
  Outgrow();
}

// A reader is told of an epoch's end where it has come further. The snapshot has, though the reader has not.
bool Consumer::IsStrangeToSnapshot(const v1::ReadResponse& step) const {
  return bootstrap_.step == Bootstrap::Step::kKnown && !step.has_ended() && step.epoch() != 0 &&
         step.epoch() != known_epoch_;
}

Task<absl::StatusOr<Step>> Consumer::AskSnapshotsEnd(CancelToken cancel) {
  v1::ReadRequest request;
  request.set_shard(shard_);
  request.set_after(bootstrap_.as_of);
  request.set_epoch(known_epoch_);
  std::unique_ptr<SourceStream> stream = source_.Open(std::move(request));
  co_return co_await stream->Next(cancel);
}

void Consumer::SetBootstrap(Bootstrap bootstrap) {
  bootstrap_ = std::move(bootstrap);
  known_epoch_ = bootstrap_.epoch;
}

bool Consumer::Had(const v1::Event& event) const {
  return !known_.empty() && !projection_.IsRepeatable(event) && known_.Had(event.subject(), event.position());
}

}  // namespace motcua::feed
