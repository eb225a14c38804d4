// What readers of a feed are told.
#include <algorithm>
#include <bitset>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/feed/publisher.h"
#include "common/feed/publisher_internal.h"
#include "common/status/errors.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;
using internal::Patience;
using redis::Command;
using redis::Reply;

constexpr uint32_t kDefaultBatch = 256;
// A step ends behind the event that passes this size: well below what a client takes in one message.
constexpr size_t kStepBytes = size_t{1} << 20;
// Events that are looked at for one step, wanted or not: so many at the most keep others waiting.
constexpr uint64_t kMostLookedAt = 2048;
// How long a reader may stay untold of events that are not for it.
constexpr absl::Duration kPositionPause = absl::Milliseconds(10);

// `end`: the last position that was kept.
absl::Status EndsAt(uint64_t end, std::string_view message) {
  errors::Metadata metadata;
  metadata.emplace_back("end", absl::StrCat(end));
  return errors::DataLoss("FEED_BEHIND", message, metadata);
}

}  // namespace

// One open stream: what it wants, and how far it has been told.
class Publisher::Reader {
 public:
  explicit Reader(const v1::ReadRequest& request)
      : count(request.max_batch() == 0 ? kDefaultBatch : request.max_batch()),
        epoch(request.epoch()),
        tells_epochs(request.epoch() != 0),
        after(request.after()),
        told_position(request.after()),
        subjects_(request.subjects().begin(), request.subjects().end()),
        all_kinds_(request.kinds().empty()) {
    for (uint32_t kind : request.kinds()) {
      if (kind < kinds_.size()) kinds_.set(kind);
    }
  }

  // Puts an event into the step, if it is for this reader. False where the step is full then.
  bool Take(const Entry& entry) {
    after = entry.position;
    if (!Wants(entry)) return true;
    step += entry.framed;
    ++events;
    return events < count && step.size() < kStepBytes;
  }
  std::string Finish() {
    events = 0;
    told_position = after;
    AppendPosition(step, after);
    AppendEpoch(step, epoch);
    return std::exchange(step, std::string());
  }
  // What was told behind `kept` is lost.
  void Lost(uint64_t kept) {
    AppendEnded(step, epoch, kept);
    after = told_position = kept;
    told = absl::InfinitePast();
  }

  const uint32_t count;
  // Of `after`.
  uint64_t epoch;
  // The reader knows what an epoch is.
  const bool tells_epochs;
  uint64_t after;
  uint64_t told_position;
  absl::Time told = absl::InfinitePast();
  bool paused = false;
  // Nothing has been told.
  bool unheard = true;
  std::string step;
  uint32_t events = 0;

 private:
  bool Wants(const Entry& entry) const {
    if (!all_kinds_ && (entry.kind >= kinds_.size() || !kinds_.test(entry.kind))) return false;
    return subjects_.empty() ||
           subjects_.contains(absl::string_view(entry.subject().data(), entry.subject().size()));
  }

  const absl::flat_hash_set<std::string> subjects_;
  const bool all_kinds_;
  std::bitset<1024> kinds_;
};

namespace {

// Counts a reader for as long as it lives. The count is shared: the frame of a reader may go after the
// publisher.
class Presence {
 public:
  explicit Presence(std::shared_ptr<size_t> count) : count_(std::move(count)) { ++*count_; }
  ~Presence() { --*count_; }
  Presence(const Presence&) = delete;

 private:
  const std::shared_ptr<size_t> count_;
};

}  // namespace

Task<absl::StatusOr<Publisher::Entries>> Publisher::ReadRange(Shard* shard, uint64_t after, uint32_t count) {
  absl::Status agreed = co_await Agree(shard, Patience());
  if (!agreed.ok()) co_return agreed;
  Command range("XRANGE");
  range.Arg(shard->feed).Arg(absl::StrCat("(0-", after)).Arg("+").Arg("COUNT").Arg(count);
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(range), Patience());
  if (!reply.ok()) co_return reply.status();
  Entries entries;
  entries.reserve(reply->items().size());
  for (const Reply& item : reply->items()) {
    std::optional<Entry> entry = internal::ParseEntry(item);
    if (!entry.has_value()) co_return internal::Corrupt();
    entries.push_back(*std::move(entry));
  }
  // What was seen before is there no more: Redis has come back without it.
  if (entries.empty() && after < shard->position) {
    absl::StatusOr<uint64_t> end = co_await ReadEnd(shard, Patience());
    if (!end.ok()) co_return end.status();
    co_return EndsAt(*end, "the feed has lost the events asked for");
  }
  if (!entries.empty() && entries.front().position != after + 1) {
    errors::Metadata metadata;
    metadata.emplace_back("first", absl::StrCat(entries.front().position));
    co_return errors::OutOfRange("FEED_TRIMMED", "the events asked for are no longer kept", metadata);
  }
  co_return entries;
}

// Position of the feed's last event, 0 = none.
Task<absl::StatusOr<uint64_t>> Publisher::ReadEnd(Shard* shard, absl::Time deadline) {
  absl::Status agreed = co_await Agree(shard, deadline);
  if (!agreed.ok()) co_return agreed;
  Command last("XREVRANGE");
  last.Arg(shard->feed).Arg("+").Arg("-").Arg("COUNT").Arg(1);
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(last), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->items().empty()) co_return uint64_t{0};
  const uint64_t position = internal::PositionOf(reply->items()[0]);
  if (position == 0) co_return internal::Corrupt();
  co_return position;
}

// Puts a reader into the present epoch.
absl::Status Publisher::Follow(const Shard& shard, Reader* reader) {
  const std::optional<uint64_t> kept = shard.history.CommonEnd(reader->epoch);
  if (!kept.has_value() && reader->epoch > shard.history.epoch) {
    return errors::Unavailable("FEED_EPOCH_UNKNOWN",
                               "the store is not yet in that epoch of the feed; try again");
  }
  if (!kept.has_value()) {
    return errors::OutOfRange("FEED_TRIMMED", "what became of that epoch is no longer known");
  }
  if (reader->after > *kept) {
    if (!reader->tells_epochs) {
      return EndsAt(*kept, "the feed has lost events that were sent");
    }
    reader->Lost(*kept);
  }
  reader->epoch = shard.history.epoch;
  reader->unheard = true;
  return absl::OkStatus();
}

// The tail may be a moment behind another replica's commit; a reader that is ahead of Redis itself is not.
Task<absl::Status> Publisher::CheckEnd(Shard* shard, uint64_t after) {
  absl::StatusOr<uint64_t> end = co_await ReadEnd(shard, Patience());
  if (!end.ok()) co_return end.status();
  if (after > *end) co_return EndsAt(*end, "the feed ends before the position asked for");
  co_return absl::OkStatus();
}

Task<absl::Status> Publisher::Stream(v1::ReadRequest request, Sink sink, CancelToken cancel) {
  auto found = shards_.find(request.shard());
  if (found == shards_.end()) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  Shard* const shard = found->second.get();
  const Presence presence(shard->readers);
  Reader reader(request);
  if (request.from_end()) {
    absl::StatusOr<uint64_t> end = co_await ReadEnd(shard, Patience());
    if (!end.ok()) co_return end.status();
    reader.after = reader.told_position = *end;
    reader.epoch = 0;
  }
  if (reader.epoch == 0) reader.epoch = shard->history.epoch;
  // One that knows of a later epoch has heard of it from another replica.
  absl::Status agreed;
  if (reader.epoch > shard->history.epoch) agreed = co_await Agree(shard, Patience());
  if (!agreed.ok()) co_return agreed;
  if (reader.epoch != shard->history.epoch) {
    absl::Status followed = Follow(*shard, &reader);
    if (!followed.ok()) co_return followed;
  }
  if (!request.consumer().empty()) {
    // Only one that can still read on: a consumer that comes too late must not hold up trimming for ever.
    absl::Status readable;
    if (reader.after > shard->position) {
      readable = co_await CheckEnd(shard, reader.after);
    } else if (reader.after < shard->position && !shard->ring.Holds(reader.after + 1)) {
      absl::StatusOr<Entries> first = co_await ReadRange(shard, reader.after, 1);
      readable = first.status();
    }
    if (!readable.ok()) co_return readable;
    absl::Status registered = co_await Register(shard, request.consumer(), reader.after);
    if (!registered.ok()) co_return registered;
  }
  co_return co_await Serve(shard, &reader, &sink, cancel);
}

Task<absl::Status> Publisher::Serve(Shard* shard, Reader* reader, Sink* sink, CancelToken cancel) {
  while (!cancel.cancelled()) {
    if (reader->epoch != shard->history.epoch) {
      absl::Status followed = Follow(*shard, reader);
      if (!followed.ok()) co_return followed;
    }
    // Also who begins there is told nothing else, so that it does not take this for going on.
    if (shard->unreadable && reader->after == shard->position) co_return internal::Corrupt();
    if (reader->after > shard->position) {
      absl::Status behind = co_await CheckEnd(shard, reader->after);
      if (reader->epoch != shard->history.epoch) continue;
      if (!behind.ok()) co_return behind;
    } else if (reader->after < shard->position && shard->ring.Holds(reader->after + 1)) {
      const uint64_t last = reader->after + kMostLookedAt;
      for (const Entry* entry = shard->ring.At(reader->after + 1);
           entry != nullptr && entry->position <= last; entry = shard->ring.At(entry->position + 1)) {
        if (!reader->Take(*entry)) break;
      }
    } else if (reader->after < shard->position) {
      absl::StatusOr<Entries> entries = co_await ReadRange(shard, reader->after, reader->count);
      // What was read may be of the epoch that has ended, or of the one that has begun.
      if (reader->epoch != shard->history.epoch) continue;
      if (!entries.ok()) co_return entries.status();
      for (const Entry& entry : *entries) {
        if (!reader->Take(entry)) break;
      }
    }
    const absl::Time watermark = shard->watermarks.At(reader->after);
    const bool later = watermark > reader->told;
    // At the end of the feed the reader also learns of what was not for it, so that it knows where it stands.
    // And at its beginning, that it is served.
    const bool worth_telling = reader->events > 0 || later || std::exchange(reader->unheard, false);
    const bool at_end_and_untold = reader->after >= shard->position && reader->after > reader->told_position;
    if (!worth_telling && at_end_and_untold && !std::exchange(reader->paused, true)) {
      absl::Status slept = co_await loop_.Sleep(kPositionPause, cancel);  // there may soon be more to tell
      (void)slept;
      continue;
    }
    if (worth_telling || at_end_and_untold) {
      reader->paused = false;
      if (later) {
        reader->told = watermark;
        AppendWatermark(reader->step, watermark);
      }
      absl::Status taken = co_await (*sink)(reader->Finish());
      if (!taken.ok()) co_return taken;
    }
    if (reader->after < shard->position || shard->watermarks.At(reader->after) > reader->told) continue;
    absl::Status woken;
    if (reader->after > shard->position) {
      woken = co_await loop_.Sleep(absl::Milliseconds(5), cancel);  // until this replica's tail is there, too
    } else {
      woken = co_await shard->changed.Wait(absl::InfiniteFuture(), cancel);
    }
  }
  co_return errors::Cancelled("CANCELLED", "the reader has gone");
}

}  // namespace motcua::feed
