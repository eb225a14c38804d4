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
// The same where nobody reads here but others do, at other replicas: what comes is for nobody yet.
constexpr absl::Duration kGatherUnread = absl::Milliseconds(100);
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
      children_(loop),
      look_again_(std::make_shared<async::Event>(loop)) {
  store_.redis().OnConnectionChange([event = look_again_](bool connected) {
    if (connected) event->Set();
  });
}

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
  parts.push_back(FollowEpochs(cancel));
  parts.push_back(MoveWatermarks(cancel));
  parts.push_back(KeepHouse(cancel));
  co_await async::WhenAll(std::move(parts));
  co_await children_.Ended();
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

// What was promised before, and where the feed ends: read at one go.
Task<absl::StatusOr<std::unique_ptr<Publisher::Shard>>> Publisher::Discover(std::string name) {
  const store::Keyspace keys = store_.Keys(name);
  auto shard = std::make_unique<Shard>(loop_, name, keys.Feed(), options_);
  absl::StatusOr<store::FeedHistory> history = co_await store::Epochs::Look(store_.redis(), keys, Patience());
  if (!history.ok()) co_return history.status();
  shard->position = history->end;
  Take(*shard, *history);
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
      children_.Spawn(TailOne(shard.get(), cancel));
    }
    absl::Status waited = co_await shard_added_.Wait(absl::InfiniteFuture(), cancel);
    (void)waited;
  }
}

Task<void> Publisher::TailOne(Shard* shard, CancelToken cancel) {
  const std::unique_ptr<redis::Client> tail = tail_.Sibling();
  while (!cancel.cancelled()) {
    absl::Status status = co_await TailOneOnce(shard, tail.get(), cancel);
    if (status.ok()) continue;
    absl::Status slept = co_await loop_.Sleep(kTailPause, cancel);
    (void)slept;
  }
}

Task<absl::Status> Publisher::TailOneOnce(Shard* shard, redis::Client* tail, CancelToken cancel) {
  if (!TailAgreed(*shard, *tail)) {
    absl::Status agreed = co_await AgreeTail(shard, tail);
    if (!agreed.ok()) co_return agreed;
  }
  Command read("XREAD");
  read.Arg("COUNT").Arg(kTailBatch).Arg("BLOCK").Arg(absl::ToInt64Milliseconds(Block())).Arg("STREAMS");
  read.Arg(shard->feed).Arg(absl::StrCat("0-", shard->position));
  absl::StatusOr<Reply> reply = co_await tail->Execute(std::move(read), Patience(), cancel);
  if (!reply.ok()) co_return reply.status();
  if (reply->items().empty()) {
    shard->unreadable = false;
    co_return absl::OkStatus();
  }
  const Reply& stream = reply->items()[0];
  if (stream.items().size() != 2) co_return internal::Corrupt();
  // Of an epoch that has ended meanwhile it may be what was lost.
  if (shard->tail_epoch != shard->history.epoch) co_return absl::OkStatus();
  absl::Status taken = Take(*shard, stream.items()[1]);
  if (!taken.ok()) co_return taken;
  if (stream.items()[1].items().size() < kTailBatch)
    co_return co_await loop_.Sleep(Gathering(*shard->readers == 0), cancel);
  co_return absl::OkStatus();
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
  for (size_t i = 0; i < tailed_.size(); ++i) {
    Shard* const shard = tailed_[i];
    if (TailAgreed(*shard, tail_)) continue;
    absl::Status agreed = co_await AgreeTail(shard, &tail_);
    if (!agreed.ok()) co_return agreed;
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
    // Of an epoch that has ended meanwhile it may be what was lost.
    if ((*next)->tail_epoch != (*next)->history.epoch) continue;
    all.Update(Take(**next, stream.items()[1]));
    full = full || stream.items()[1].items().size() >= kTailBatch;
  }
  for (Shard* shard : tailed_) {
    if (!shard->unreadable) continue;
    // Where it is no longer there, it was mended.
    shard->unreadable = std::any_of(reply->items().begin(), reply->items().end(), [&](const Reply& stream) {
      return shard->feed == stream.items()[0].text();
    });
  }
  if (!all.ok()) co_return all;
  if (reply->items().empty() || full) co_return absl::OkStatus();
  const bool unread =
      std::all_of(tailed_.begin(), tailed_.end(), [](const Shard* shard) { return *shard->readers == 0; });
  co_return co_await loop_.Sleep(Gathering(unread), cancel);
}

// How long to wait for more, to be read at one go. Alone it is not long, for whoever asks where the feed
// ends.
absl::Duration Publisher::Gathering(bool unread) const {
  return unread && !store::Leases::Alone(leases_) && !options_.eager ? kGatherUnread : kGather;
}

// Adds what Redis has told of a shard's feed to its ring.
absl::Status Publisher::Take(Shard& shard, const Reply& entries) {
  const uint64_t before = shard.position;
  absl::Status all;
  const bool was_unreadable = std::exchange(shard.unreadable, false);
  for (const Reply& item : entries.items()) {
    std::optional<Entry> entry = internal::ParseEntry(item);
    if (!entry.has_value()) {
      all = internal::Corrupt();
      shard.unreadable = true;
      if (!was_unreadable) Pulse(shard);
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
      const uint64_t epoch = shard->history.epoch;
      absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(range), Patience());
      if (!reply.ok() || !Agreed(*shard) || shard->history.epoch != epoch) continue;
      (void)Take(*shard, *reply);  // what is corrupt is found by the tail, too
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

std::vector<std::string> Publisher::shards() const {
  std::vector<std::string> names;
  for (const auto& [name, shard] : shards_) names.push_back(name);
  return names;
}

uint64_t Publisher::position(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? 0 : found->second->position;
}

const store::FeedHistory* Publisher::history(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? nullptr : &found->second->history;
}

size_t Publisher::readers(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? 0 : *found->second->readers;
}

}  // namespace motcua::feed
