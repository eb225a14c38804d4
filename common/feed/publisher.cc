#include "common/feed/publisher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/feed/publisher_internal.h"
#include "common/status/errors.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;
using internal::Patience;
using redis::Command;
using redis::Reply;

// The blocking read ends before a heartbeat would have to wait for it.
constexpr absl::Duration kLongestBlock = absl::Milliseconds(1800);
constexpr uint32_t kTailBatch = 1000;
// After events have come: what comes meanwhile is read at one go.
constexpr absl::Duration kGather = absl::Milliseconds(1);
// Redis is away: its client connects anew by itself.
constexpr absl::Duration kTailPause = absl::Milliseconds(50);
constexpr absl::Duration kNewcomers = absl::Milliseconds(20);
constexpr absl::Duration kRefresh = absl::Seconds(1);
// A ring that nothing was added to for longer is given up: who reads now reads from Redis.
constexpr absl::Duration kRingRest = absl::Seconds(30);

}  // namespace

Publisher::Publisher(async::Loop& loop, store::Store& store, redis::Client& tail, PublisherOptions options)
    : loop_(loop),
      store_(store),
      tail_(tail),
      options_(options),
      kicked_(loop),
      shard_added_(loop),
      tails_ended_(loop) {}

void Publisher::Pulse(Shard& shard) {
  shard.changed.Set();
  shard.changed.Reset();
}

Task<void> Publisher::Run(CancelToken cancel) {
  std::vector<Task<void>> parts;
  if (tail_.clustered()) {
    parts.push_back(TailEach(cancel));
  } else {
    parts.push_back(Tail(cancel));
    parts.push_back(FollowNewcomers(cancel));
  }
  parts.push_back(MoveWatermarks(cancel));
  parts.push_back(KeepHouse(cancel));
  co_await async::WhenAll(std::move(parts));
}

Task<absl::Status> Publisher::AddShard(std::string shard, absl::Time deadline) {
  if (shards_.contains(shard)) co_return absl::OkStatus();
  absl::Status added = co_await store_.AddShard(shard, deadline);
  if (!added.ok()) co_return added;
  co_return co_await Refresh();
}

// Learns of shards, those of other replicas included.
Task<absl::Status> Publisher::Refresh() {
  absl::StatusOr<std::vector<std::string>> known = co_await store_.ListShards(Patience());
  if (!known.ok()) co_return known.status();
  for (const std::string& name : *known) {
    if (shards_.contains(name)) continue;
    absl::StatusOr<std::unique_ptr<Shard>> shard = co_await Discover(name);
    if (!shard.ok()) co_return shard.status();
    if (shards_.emplace(name, *std::move(shard)).second) shard_added_.Set();
  }
  co_return absl::OkStatus();
}

// What was promised before, and where the feed ends. In this order: the events before the watermark lie
// before an end that was read after it.
Task<absl::StatusOr<std::unique_ptr<Publisher::Shard>>> Publisher::Discover(std::string name) {
  const store::Keyspace keys = store_.Keys(name);
  auto shard = std::make_unique<Shard>(loop_, name, keys.Feed(), options_);
  std::vector<std::string> watermark_key;
  watermark_key.push_back(keys.Watermark());
  absl::StatusOr<std::vector<std::optional<std::string>>> held =
      co_await store_.Get(std::move(watermark_key), Patience());
  if (!held.ok()) co_return held.status();
  absl::StatusOr<uint64_t> end = co_await ReadEnd(shard.get(), Patience());
  if (!end.ok()) co_return end.status();
  shard->position = *end;
  int64_t micros = 0;
  if (held->front().has_value() && absl::SimpleAtoi(*held->front(), &micros)) {
    shard->watermark = absl::FromUnixMicros(micros);
    shard->watermarks.Add(shard->position, shard->watermark);
  }
  co_return shard;
}

absl::Duration Publisher::Block() const {
  return std::min(kLongestBlock, 0.9 * tail_.options().ping_interval);
}

// A tail for each shard, also for those that come later.
Task<void> Publisher::TailEach(CancelToken cancel) {
  while (!cancel.cancelled()) {
    shard_added_.Reset();
    for (const auto& [name, shard] : shards_) {
      if (std::exchange(shard->tailed, true)) continue;
      ++tails_;
      tails_ended_.Reset();
      loop_.Spawn(TailOne(shard.get(), cancel), [this] {
        if (--tails_ == 0) tails_ended_.Set();
      });
    }
    absl::Status waited = co_await shard_added_.Wait(absl::InfiniteFuture(), cancel);
    (void)waited;
  }
  if (tails_ == 0) co_return;
  absl::Status ended = co_await tails_ended_.Wait(absl::InfiniteFuture());
  (void)ended;
}

Task<void> Publisher::TailOne(Shard* shard, CancelToken cancel) {
  const std::unique_ptr<redis::Client> tail = tail_.Sibling();
  while (!cancel.cancelled()) {
    Command read("XREAD");
    read.Arg("COUNT").Arg(kTailBatch).Arg("BLOCK").Arg(absl::ToInt64Milliseconds(Block())).Arg("STREAMS");
    read.Arg(shard->feed).Arg(absl::StrCat("0-", shard->position));
    absl::StatusOr<Reply> reply = co_await tail->Execute(std::move(read), Patience(), cancel);
    absl::Status taken = reply.status();
    bool full = false;
    if (reply.ok() && !reply->items().empty()) {
      const Reply& stream = reply->items()[0];
      taken = stream.items().size() == 2 ? Take(*shard, stream.items()[1]) : internal::Corrupt();
      full = taken.ok() && stream.items()[1].items().size() >= kTailBatch;
    }
    absl::Status slept;
    if (!taken.ok()) {
      slept = co_await loop_.Sleep(kTailPause, cancel);
    } else if (!reply->items().empty() && !full) {
      slept = co_await loop_.Sleep(kGather, cancel);
    }
  }
}

Task<void> Publisher::Tail(CancelToken cancel) {
  while (!cancel.cancelled()) {
    absl::Status status = co_await TailOnce(cancel);
    if (status.ok()) continue;
    absl::Status slept = co_await loop_.Sleep(kTailPause, cancel);
    (void)slept;
  }
}

Task<absl::Status> Publisher::TailOnce(CancelToken cancel) {
  if (shards_.empty()) co_return co_await shard_added_.Wait(absl::InfiniteFuture(), cancel);
  if (tailed_.size() != shards_.size()) {
    read_ = Command("XREAD");
    read_->Arg("COUNT").Arg(kTailBatch).Arg("BLOCK").Arg(absl::ToInt64Milliseconds(Block())).Arg("STREAMS");
    tailed_.clear();
    for (const auto& [name, shard] : shards_) {
      tailed_.push_back(shard.get());
      read_->Arg(shard->feed);
      shard->tailed = true;
    }
  }
  Command read = *read_;
  for (const Shard* shard : tailed_) read.Arg(absl::StrCat("0-", shard->position));
  absl::StatusOr<Reply> reply = co_await tail_.Execute(std::move(read), Patience(), cancel);
  if (!reply.ok()) co_return reply.status();
  // In the order in which they were asked for.
  auto next = tailed_.begin();
  bool full = false;
  absl::Status all;
  for (const Reply& stream : reply->items()) {
    if (stream.items().size() != 2) co_return internal::Corrupt();
    next = std::find_if(next, tailed_.end(),
                        [&](const Shard* shard) { return shard->feed == stream.items()[0].text(); });
    if (next == tailed_.end()) co_return internal::Corrupt();
    all.Update(Take(**next, stream.items()[1]));
    full = full || stream.items()[1].items().size() >= kTailBatch;
  }
  if (!all.ok()) co_return all;
  if (!reply->items().empty() && !full) co_return co_await loop_.Sleep(kGather, cancel);
  co_return absl::OkStatus();
}

// Adds what Redis has told of a shard's feed to its ring.
absl::Status Publisher::Take(Shard& shard, const Reply& entries) {
  const uint64_t before = shard.position;
  absl::Status all;
  for (const Reply& item : entries.items()) {
    std::optional<Entry> entry = internal::ParseEntry(item);
    if (!entry.has_value()) {
      all = internal::Corrupt();
      break;
    }
    if (entry->position <= shard.position) continue;
    shard.position = entry->position;
    shard.ring.Push(*std::move(entry));
  }
  if (shard.position == before) return all;
  const absl::Time now = absl::Now();
  shard.grown_at = now;
  shard.trim = true;
  shard.news_first = std::min(shard.news_first, now);
  shard.news_last = now;
  if (!options_.eager) kicked_.Set();
  Pulse(shard);
  return all;
}

// Shards that the blocking read under way does not know of.
Task<void> Publisher::FollowNewcomers(CancelToken cancel) {
  while (!cancel.cancelled()) {
    shard_added_.Reset();
    std::vector<Shard*> newcomers;
    for (const auto& [name, shard] : shards_) {
      if (!shard->tailed) newcomers.push_back(shard.get());
    }
    for (Shard* shard : newcomers) {
      Command range("XRANGE");
      range.Arg(shard->feed).Arg(absl::StrCat("(0-", shard->position)).Arg("+").Arg("COUNT").Arg(kTailBatch);
      absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(range), Patience());
      if (reply.ok()) (void)Take(*shard, *reply);  // what is corrupt is found by the tail, too
    }
    absl::Status waited;
    if (newcomers.empty()) {
      waited = co_await shard_added_.Wait(absl::InfiniteFuture(), cancel);
    } else {
      waited = co_await loop_.Sleep(kNewcomers, cancel);
    }
  }
}

Task<void> Publisher::KeepHouse(CancelToken cancel) {
  absl::Time next_refresh = absl::InfinitePast();
  absl::Time next_trim = absl::Now() + options_.trim_interval;
  while (!cancel.cancelled()) {
    absl::Time now = absl::Now();
    absl::Status status;
    if (now >= next_refresh) {
      status = co_await Refresh();
      if (status.ok()) next_refresh = now + kRefresh;
    }
    std::vector<Shard*> all;
    for (const auto& [name, shard] : shards_) all.push_back(shard.get());
    for (Shard* shard : all) {
      if (now > shard->grown_at + kRingRest) shard->ring.Clear();
      const bool held = leases_ == nullptr || leases_->Holds(shard->name);
      if (now >= next_trim && shard->trim && held) status.Update(co_await Trim(shard));
    }
    if (now >= next_trim) next_trim = now + options_.trim_interval;
    const absl::Duration pause =
        status.ok() ? std::min(kRefresh, options_.trim_interval) : absl::Milliseconds(50);
    absl::Status slept = co_await loop_.Sleep(pause, cancel);
    (void)slept;
  }
}

// Drops what every durable consumer has applied, but for the last `retention_events`.
Task<absl::Status> Publisher::Trim(Shard* shard) {
  const uint64_t last = shard->position;
  shard->trim = false;
  if (last <= options_.retention_events) co_return absl::OkStatus();
  const store::Keyspace keys = store_.Keys(shard->name);
  absl::StatusOr<store::Counters> applied = co_await store_.ReadCounters(keys.Acknowledged(), Patience());
  absl::Status status = applied.status();
  if (applied.ok()) {
    uint64_t below = last - options_.retention_events;
    for (const auto& [consumer, acknowledged] : *applied) {
      below = std::min(below, static_cast<uint64_t>(acknowledged) + 1);
    }
    if (below <= shard->trimmed_below) co_return absl::OkStatus();
    store::Transaction tx(keys);
    tx.TrimFeed(below);
    absl::StatusOr<store::CommitOutcome> outcome = co_await store_.Commit(std::move(tx), Patience());
    status = outcome.status();
    if (outcome.ok()) shard->trimmed_below = below;
  }
  if (!status.ok()) shard->trim = true;
  co_return status;
}

Task<absl::Status> Publisher::Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) {
  const auto found = shards_.find(request.shard());
  if (found == shards_.end()) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  Shard* const shard = found->second.get();
  const store::Keyspace keys = store_.Keys(request.shard());
  absl::StatusOr<store::Counters> applied = co_await store_.ReadCounters(keys.Acknowledged(), deadline);
  if (!applied.ok()) co_return applied.status();
  auto known = applied->find(request.consumer());
  const uint64_t before = known == applied->end() ? 0 : static_cast<uint64_t>(known->second);
  if (known != applied->end() && before >= request.position()) co_return absl::OkStatus();
  // Two replicas of a consumer may race here and leave the lower position: that only keeps events longer.
  Command set("HSET");
  set.Arg(keys.Acknowledged()).Arg(request.consumer()).Arg(request.position());
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(set), deadline);
  shard->trim = true;
  co_return reply.status();
}

// From its first reading on, nothing that a durable consumer has not applied is trimmed.
Task<absl::Status> Publisher::Register(v1::ReadRequest request) {
  Command set("HSETNX");
  set.Arg(store_.Keys(request.shard()).Acknowledged()).Arg(request.consumer()).Arg(request.after());
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(set), Patience());
  co_return reply.status();
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

size_t Publisher::readers(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? 0 : *found->second->readers;
}

}  // namespace motcua::feed
