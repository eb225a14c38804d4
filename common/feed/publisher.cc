#include "common/feed/publisher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;
using redis::Command;
using redis::Reply;
using EventPtr = std::shared_ptr<const v1::Event>;

constexpr absl::Duration kRedisPatience = absl::Seconds(5);
constexpr absl::Duration kBlock = absl::Milliseconds(200);
constexpr absl::Duration kRefresh = absl::Seconds(1);
constexpr uint32_t kTailBatch = 1000;
// A step ends behind the event that passes this size: well below what a client takes in one message.
constexpr size_t kStepBytes = size_t{1} << 20;
// How long a reader may stay untold of events that are not for it.
constexpr absl::Duration kPositionPause = absl::Milliseconds(10);

// Deadlines of the publisher's own work are of the machine's clock, whatever the service's clock says.
absl::Time Patience() { return absl::Now() + kRedisPatience; }

absl::Status Corrupt() { return errors::DataLoss("CORRUPT_FEED", "a feed holds an entry that is not an event"); }

// An entry of a stream: [id, [field, value]].
absl::StatusOr<EventPtr> ParseEntry(const Reply& entry) {
  if (entry.items().size() != 2 || entry.items()[1].items().size() != 2) return Corrupt();
  uint64_t position = 0;
  const std::string& id = entry.items()[0].text();
  auto event = std::make_shared<v1::Event>();
  if (id.size() < 3 || !absl::SimpleAtoi(id.substr(2), &position) ||
      !event->ParseFromString(entry.items()[1].items()[1].text())) {
    return Corrupt();
  }
  event->set_position(position);
  return EventPtr(std::move(event));
}

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

Publisher::Publisher(async::Loop& loop, store::Store& store, redis::Client& tail, PublisherOptions options)
    : loop_(loop), store_(store), tail_(tail), options_(options), kicked_(loop), shard_added_(loop) {}

void Publisher::Pulse(Shard& shard) {
  shard.changed.Set();
  shard.changed.Reset();
}

Task<void> Publisher::Run(CancelToken cancel) {
  std::vector<Task<void>> parts;
  parts.push_back(Tail(cancel));
  parts.push_back(Watermarks(cancel));
  co_await async::WhenAll(std::move(parts));
}

Task<absl::Status> Publisher::AddShard(std::string shard, absl::Time deadline) {
  if (shards_.contains(shard)) co_return absl::OkStatus();
  absl::Status added = co_await store_.AddShard(shard, deadline);
  if (!added.ok()) co_return added;
  co_return co_await Refresh();
}

// Learns of shards, those of other replicas included, and where their feeds end.
Task<absl::Status> Publisher::Refresh() {
  absl::StatusOr<std::vector<std::string>> known = co_await store_.ListShards(Patience());
  if (!known.ok()) co_return known.status();
  for (const std::string& name : *known) {
    if (shards_.contains(name)) continue;
    Command last("XREVRANGE");
    last.Arg(store_.Keys(name).Feed()).Arg("+").Arg("-").Arg("COUNT").Arg(1);
    absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(last), Patience());
    if (!reply.ok()) co_return reply.status();
    auto shard = std::make_unique<Shard>(loop_);
    if (!reply->items().empty()) {
      absl::StatusOr<EventPtr> event = ParseEntry(reply->items()[0]);
      if (!event.ok()) co_return event.status();
      shard->position = (*event)->position();
    }
    if (shards_.emplace(name, std::move(shard)).second) shard_added_.Set();
  }
  co_return absl::OkStatus();
}

Task<void> Publisher::Tail(CancelToken cancel) {
  while (!cancel.cancelled()) {
    absl::Status status = co_await TailOnce();
    if (status.ok()) continue;
    // Nothing to tail, or Redis is away: the client reconnects by itself.
    absl::Status slept = co_await loop_.Sleep(absl::Milliseconds(50), cancel);
    (void)slept;
  }
}

Task<absl::Status> Publisher::TailOnce() {
  if (shards_.empty()) {
    co_return co_await shard_added_.Wait(absl::Now() + kBlock);
  }
  Command read("XREAD");
  read.Arg("COUNT").Arg(kTailBatch).Arg("BLOCK").Arg(absl::ToInt64Milliseconds(kBlock)).Arg("STREAMS");
  for (const auto& [name, shard] : shards_) read.Arg(store_.Keys(name).Feed());
  for (const auto& [name, shard] : shards_) read.Arg(absl::StrCat("0-", shard->position));
  std::map<std::string, std::string> names;
  for (const auto& [name, shard] : shards_) names.emplace(store_.Keys(name).Feed(), name);
  absl::StatusOr<Reply> reply = co_await tail_.Execute(std::move(read), Patience());
  if (!reply.ok()) co_return reply.status();
  for (const Reply& stream : reply->items()) {
    if (stream.items().size() != 2) co_return Corrupt();
    auto name = names.find(stream.items()[0].text());
    if (name == names.end()) co_return Corrupt();
    Shard& shard = *shards_.at(name->second);
    for (const Reply& entry : stream.items()[1].items()) {
      absl::StatusOr<EventPtr> event = ParseEntry(entry);
      if (!event.ok()) co_return event.status();
      if ((*event)->position() <= shard.position) continue;
      // After a gap (the events between were trimmed while this replica was cut off) the ring begins anew: readers
      // find by it that positions follow one another.
      if ((*event)->position() != shard.position + 1) shard.ring.clear();
      shard.position = (*event)->position();
      shard.ring.push_back(*std::move(event));
      if (shard.ring.size() > options_.ring_events) shard.ring.pop_front();
    }
    Pulse(shard);
  }
  co_return absl::OkStatus();
}

Task<void> Publisher::Watermarks(CancelToken cancel) {
  absl::Time next_refresh = absl::InfinitePast();
  absl::Time next_trim = absl::Now() + options_.trim_interval;
  while (!cancel.cancelled()) {
    kicked_.Reset();
    absl::Status status;
    if (absl::Now() >= next_refresh) {
      status = co_await Refresh();
      if (status.ok()) next_refresh = absl::Now() + kRefresh;
    }
    std::vector<std::string> names = shards();
    for (const std::string& name : names) {
      absl::Time to = store_.clock().Now() - options_.grace;
      if (bound_) to = std::min(to, bound_(name));
      // On running time `to` is always a little later: once in a while is enough.
      if (to <= watermark(name) || to < watermark(name) + options_.grace) continue;
      status.Update(co_await MoveWatermark(name, to));
    }
    if (absl::Now() >= next_trim) {
      status.Update(co_await Trim());
      next_trim = absl::Now() + options_.trim_interval;
    }
    absl::Time wake = absl::Now() + options_.watermark_interval;
    absl::Status waited = co_await kicked_.Wait(wake, cancel);
    (void)waited;
    if (!status.ok() && !cancel.cancelled()) {
      waited = co_await loop_.Sleep(absl::Milliseconds(20), cancel);
    }
  }
}

Task<absl::Status> Publisher::MoveWatermark(std::string name, absl::Time to) {
  store::Transaction tx(store_.Keys(name));
  tx.MoveWatermark(to);
  absl::StatusOr<store::CommitOutcome> outcome = co_await store_.Commit(std::move(tx), Patience());
  if (!outcome.ok()) co_return outcome.status();
  Shard& shard = *shards_.at(name);
  // Microseconds are what the script compares by.
  shard.watermark = std::max(shard.watermark, absl::FromUnixMicros(absl::ToUnixMicros(to)));
  shard.watermark_position = std::max(shard.watermark_position, outcome->position);
  Pulse(shard);
  co_return absl::OkStatus();
}

// Drops what every durable consumer has applied, but for the last `retention_events`.
Task<absl::Status> Publisher::Trim() {
  std::vector<std::string> names = shards();
  for (const std::string& name : names) {
    store::Keyspace keys = store_.Keys(name);
    absl::StatusOr<store::Counters> applied = co_await store_.ReadCounters(keys.Acknowledged(), Patience());
    if (!applied.ok()) co_return applied.status();
    const uint64_t last = position(name);
    if (last <= options_.retention_events) continue;
    uint64_t below = last - options_.retention_events;
    for (const auto& [consumer, acknowledged] : *applied) {
      below = std::min(below, static_cast<uint64_t>(acknowledged) + 1);
    }
    store::Transaction tx(keys);
    tx.TrimFeed(below);
    absl::StatusOr<store::CommitOutcome> outcome = co_await store_.Commit(std::move(tx), Patience());
    if (!outcome.ok()) co_return outcome.status();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Publisher::Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) {
  if (!shards_.contains(request.shard())) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  store::Keyspace keys = store_.Keys(request.shard());
  absl::StatusOr<store::Counters> applied = co_await store_.ReadCounters(keys.Acknowledged(), deadline);
  if (!applied.ok()) co_return applied.status();
  auto known = applied->find(request.consumer());
  const uint64_t before = known == applied->end() ? 0 : static_cast<uint64_t>(known->second);
  if (known != applied->end() && before >= request.position()) co_return absl::OkStatus();
  // Two replicas of a consumer may race here and leave the lower position: that only keeps events longer.
  Command set("HSET");
  set.Arg(keys.Acknowledged()).Arg(request.consumer()).Arg(request.position());
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(set), deadline);
  co_return reply.status();
}

// From its first reading on, nothing that a durable consumer has not applied is trimmed.
Task<absl::Status> Publisher::Register(v1::ReadRequest request) {
  Command set("HSETNX");
  set.Arg(store_.Keys(request.shard()).Acknowledged()).Arg(request.consumer()).Arg(request.after());
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(set), Patience());
  co_return reply.status();
}

Task<absl::StatusOr<std::vector<EventPtr>>> Publisher::ReadRange(std::string name, uint64_t after, uint32_t count) {
  Command range("XRANGE");
  range.Arg(store_.Keys(name).Feed()).Arg(absl::StrCat("(0-", after)).Arg("+").Arg("COUNT").Arg(count);
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(range), Patience());
  if (!reply.ok()) co_return reply.status();
  std::vector<EventPtr> events;
  events.reserve(reply->items().size());
  for (const Reply& entry : reply->items()) {
    absl::StatusOr<EventPtr> event = ParseEntry(entry);
    if (!event.ok()) co_return event.status();
    events.push_back(*std::move(event));
  }
  if (!events.empty() && events.front()->position() != after + 1) {
    errors::Metadata metadata;
    metadata.emplace_back("first", absl::StrCat(events.front()->position()));
    co_return errors::OutOfRange("FEED_TRIMMED", "the events asked for are no longer kept", metadata);
  }
  co_return events;
}

Task<absl::StatusOr<std::vector<EventPtr>>> Publisher::NextBatch(std::string name, uint64_t after, uint32_t count) {
  Shard& shard = *shards_.at(name);
  std::vector<EventPtr> events;
  if (after > shard.position) {
    // The tail may be a moment behind another replica's commit; a reader that is ahead of Redis itself is not.
    absl::StatusOr<Reply> last;
    Command ask("XREVRANGE");
    ask.Arg(store_.Keys(name).Feed()).Arg("+").Arg("-").Arg("COUNT").Arg(1);
    last = co_await store_.redis().Execute(std::move(ask), Patience());
    if (!last.ok()) co_return last.status();
    absl::StatusOr<EventPtr> event = last->items().empty() ? EventPtr() : ParseEntry(last->items()[0]);
    if (!event.ok()) co_return event.status();
    const uint64_t end = *event == nullptr ? 0 : (*event)->position();
    if (after > end) co_return errors::DataLoss("FEED_BEHIND", "the feed ends before the position asked for");
    co_return events;
  }
  if (after == shard.position) co_return events;
  if (shard.ring.empty() || after + 1 < shard.ring.front()->position()) {
    co_return co_await ReadRange(std::move(name), after, count);
  }
  const uint64_t first = shard.ring.front()->position();
  for (size_t i = after + 1 - first; i < shard.ring.size() && events.size() < count; ++i) {
    events.push_back(shard.ring[i]);
  }
  co_return events;
}

Task<absl::Status> Publisher::Stream(v1::ReadRequest request, Sink sink, CancelToken cancel) {
  const std::string name = request.shard();
  auto found = shards_.find(name);
  if (found == shards_.end()) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  Shard& shard = *found->second;
  const Presence presence(shard.readers);
  if (!request.consumer().empty()) {
    // Only one that can still read on: a consumer that comes too late must not hold up trimming for ever.
    absl::StatusOr<std::vector<EventPtr>> readable = co_await NextBatch(name, request.after(), 1);
    if (!readable.ok()) co_return readable.status();
    absl::Status registered = co_await Register(request);
    if (!registered.ok()) co_return registered;
  }
  const uint32_t count = request.max_batch() == 0 ? 256 : request.max_batch();
  const std::set<std::string> subjects(request.subjects().begin(), request.subjects().end());
  const std::set<uint32_t> kinds(request.kinds().begin(), request.kinds().end());
  uint64_t after = request.after();
  uint64_t told_position = after;
  bool paused = false;
  absl::Time told = absl::InfinitePast();
  while (!cancel.cancelled()) {
    absl::StatusOr<std::vector<EventPtr>> batch = co_await NextBatch(name, after, count);
    if (!batch.ok()) co_return batch.status();
    v1::ReadResponse step;
    size_t bytes = 0;
    for (const EventPtr& event : *batch) {
      if (bytes >= kStepBytes) break;
      after = event->position();
      const bool wanted = (subjects.empty() || subjects.contains(event->subject())) &&
                          (kinds.empty() || kinds.contains(static_cast<uint32_t>(event->body_case())));
      if (!wanted) continue;
      bytes += event->ByteSizeLong();
      *step.add_events() = *event;
    }
    step.set_position(after);
    if (after >= shard.watermark_position && shard.watermark > told) {
      told = shard.watermark;
      *step.mutable_watermark() = time::ToTimestamp(told);
    }
    // At the end of the feed the reader also learns of what was not for it, so that it knows where it stands.
    const bool at_end_and_untold = after >= shard.position && after > told_position;
    const bool worth_telling = step.events_size() > 0 || step.has_watermark();
    if (!worth_telling && at_end_and_untold && !std::exchange(paused, true)) {
      absl::Status slept = co_await loop_.Sleep(kPositionPause, cancel);  // there may soon be more to tell
      (void)slept;
      continue;
    }
    if (worth_telling || at_end_and_untold) {
      paused = false;
      told_position = after;
      absl::Status taken = co_await sink(std::move(step));
      if (!taken.ok()) co_return taken;
    }
    const bool more = after < shard.position || (shard.watermark > told && after >= shard.watermark_position);
    if (more && !batch->empty()) continue;
    // A reader may be ahead of this replica's tail for a moment, or Redis behind it; all others wait for a pulse.
    absl::Status woken;
    if (more || after > shard.position) {
      woken = co_await loop_.Sleep(absl::Milliseconds(5), cancel);
    } else {
      woken = co_await shard.changed.Wait(absl::InfiniteFuture(), cancel);
    }
  }
  co_return errors::Cancelled("CANCELLED", "the reader has gone");
}

Task<absl::Status> Publisher::AwaitWatermark(absl::Time moment, absl::Time deadline) {
  const absl::Time target = absl::FromUnixMicros(absl::ToUnixMicros(moment));
  Kick();
  std::vector<std::string> names = shards();
  for (const std::string& name : names) {
    Shard& shard = *shards_.at(name);
    while (shard.watermark < target) {
      absl::Status woken = co_await shard.changed.Wait(deadline);
      if (!woken.ok()) {
        co_return errors::DeadlineExceeded("NOT_CAUGHT_UP", absl::StrCat("the watermark of ", name, " lags behind"));
      }
    }
  }
  co_return absl::OkStatus();
}

std::vector<std::string> Publisher::shards() const {
  std::vector<std::string> names;
  for (const auto& [name, shard] : shards_) names.push_back(name);
  return names;
}

uint64_t Publisher::position(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? 0 : found->second->position;
}

absl::Time Publisher::watermark(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? absl::InfinitePast() : found->second->watermark;
}

size_t Publisher::readers(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? 0 : *found->second->readers;
}

}  // namespace motcua::feed
