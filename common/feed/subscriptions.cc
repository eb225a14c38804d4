#include "common/feed/subscriptions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);
// Between questions for shards: while a source has none, or cannot be asked; and when it has.
constexpr absl::Duration kFirstDiscovery = absl::Milliseconds(250);
constexpr absl::Duration kDiscovery = absl::Seconds(1);
// Nobody makes a source be asked more often.
constexpr absl::Duration kLeastPause = absl::Milliseconds(10);
// A source answers sooner than that, with what it has reached.
constexpr absl::Duration kAskAgain = absl::Milliseconds(600);
// Of one that does not, so few questions are open at a time; the end of the service waits no longer, either.
constexpr absl::Duration kAskPatience = absl::Seconds(2);
constexpr absl::Duration kUnasked = absl::Milliseconds(50);
// A position that was not told of for as long is asked for.
constexpr absl::Duration kDoubt = absl::Milliseconds(250);

}  // namespace

Subscriptions::Subscriptions(async::Loop& loop, store::Store& store, std::string name,
                             ConsumerOptions options)
    : loop_(loop),
      store_(store),
      name_(std::move(name)),
      options_(options),
      appeared_(loop),
      look_(loop),
      children_(loop) {}

Subscriptions::~Subscriptions() = default;

void Subscriptions::Add(std::string source_name, Source& source, Projection& projection) {
  Subscription subscription;
  subscription.name = std::move(source_name);
  subscription.source = &source;
  subscription.projection = &projection;
  subscriptions_.push_back(std::move(subscription));
}

void Subscriptions::SetLeases(store::Leases& leases) {
  leases_ = &leases;
  leases.OnChange([this] {
    for (const auto& [shard, applier] : appliers_) {
      if (applier != nullptr) applier->Look();
    }
  });
}

size_t Subscriptions::IndexOf(const std::string& source_name) const {
  size_t index = 0;
  while (index < subscriptions_.size() && subscriptions_[index].name != source_name) ++index;
  return index;
}

Task<void> Subscriptions::Run(CancelToken cancel) {
  std::vector<Task<void>> parts;
  for (size_t i = 0; i < subscriptions_.size(); ++i) parts.push_back(Discover(i, cancel));
  if (!parts.empty()) co_await async::WhenAll(std::move(parts));
  co_await children_.Ended();
}

// Follows each shard of a source as it appears.
Task<void> Subscriptions::Discover(size_t index, CancelToken cancel) {
  Source& source = *subscriptions_[index].source;
  while (!cancel.cancelled()) {
    absl::StatusOr<std::vector<std::string>> shards = co_await source.ListShards(absl::Now() + kPatience);
    bool all = shards.ok() && !shards->empty();
    if (shards.ok()) {
      for (const std::string& shard : *shards) {
        absl::Status followed = co_await Follow(index, shard, cancel);
        all = all && followed.ok();
      }
    }
    absl::Status slept = co_await loop_.Sleep(kLeastPause, cancel);
    (void)slept;
    absl::Status looked = co_await look_.Wait(absl::Now() + (all ? kDiscovery : kFirstDiscovery), cancel);
    if (looked.ok()) look_.Reset();
  }
}

Task<absl::Status> Subscriptions::Follow(size_t index, std::string shard, CancelToken cancel) {
  const std::string name = subscriptions_[index].name;
  if (Find(name, shard) != nullptr) co_return absl::OkStatus();
  absl::Status prepared;
  if (prepare_) prepared = co_await prepare_(shard);
  if (!prepared.ok()) co_return prepared;
  std::unique_ptr<Applier>& applier = appliers_[shard];
  const bool first = applier == nullptr;
  if (first) {
    applier = std::make_unique<Applier>(
        loop_, store_, name_, shard,
        [this, shard] {
          if (progressed_) progressed_(shard);
        },
        options_, leases_);
  }
  applier->Add(index, *subscriptions_[index].source, *subscriptions_[index].projection, name, cancel);
  if (first) children_.Spawn(applier->Run(cancel));
  appeared_.Set();
  appeared_.Reset();
  co_return absl::OkStatus();
}

absl::Time Subscriptions::Watermark(const std::string& shard) const {
  absl::Time least = absl::InfiniteFuture();
  for (const Subscription& subscription : subscriptions_) {
    const Consumer* consumer = Find(subscription.name, shard);
    least = std::min(least, consumer == nullptr ? absl::InfinitePast() : consumer->watermark());
  }
  return least;
}

Consumer* Subscriptions::Find(const std::string& source_name, const std::string& shard) const {
  const auto found = appliers_.find(shard);
  return found == appliers_.end() || found->second == nullptr ? nullptr : found->second->Find(source_name);
}

std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> Subscriptions::All() const {
  std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> all;
  for (const Subscription& subscription : subscriptions_) {
    for (const auto& [shard, applier] : appliers_) {
      const Consumer* consumer = Find(subscription.name, shard);
      if (consumer != nullptr) all.emplace_back(std::make_pair(subscription.name, shard), consumer);
    }
  }
  return all;
}

Task<void> Subscriptions::LookUp() {
  std::vector<Task<void>> all;
  for (const auto& [shard, applier] : appliers_) {
    if (applier != nullptr) all.push_back(applier->LookUp());
  }
  co_await async::WhenAll(std::move(all));
}

// nullptr when it has not appeared by the deadline.
Task<Consumer*> Subscriptions::Appears(size_t index, std::string shard, absl::Time deadline,
                                       CancelToken cancel) {
  Consumer* consumer = Find(subscriptions_[index].name, shard);
  while (consumer == nullptr) {
    look_.Set();
    absl::Status appeared = co_await appeared_.Wait(deadline, cancel);
    if (!appeared.ok()) co_return nullptr;
    consumer = Find(subscriptions_[index].name, shard);
  }
  co_return consumer;
}

Task<absl::StatusOr<v1::Reached>> Subscriptions::AskEnd(size_t index, std::string shard,
                                                        absl::Time deadline) {
  v1::ReachRequest request;
  request.add_moments()->set_shard(std::move(shard));
  Source& source = *subscriptions_[index].source;
  absl::StatusOr<v1::ReachResponse> response = co_await source.Reach(std::move(request), deadline);
  if (!response.ok()) co_return response.status();
  if (response->reached_size() != 1)
    co_return errors::Internal("PEER_ERROR", "the source has answered something else");
  co_return response->reached(0);
}

Task<absl::Status> Subscriptions::AwaitApplied(std::string source_name, std::string shard, uint64_t position,
                                               absl::Time deadline, CancelToken cancel) {
  const size_t index = IndexOf(source_name);
  if (index == subscriptions_.size()) co_return absl::OkStatus();
  Consumer* consumer = Find(source_name, shard);
  if (consumer != nullptr) {
    const absl::Time doubt =
        position > consumer->seen() ? std::min(deadline, absl::Now() + kDoubt) : deadline;
    absl::Status applied = co_await consumer->AwaitApplied(position, doubt, cancel);
    if (applied.ok() || doubt == deadline || absl::IsCancelled(applied)) co_return applied;
  }
  // Has the source such an event at all?
  if (consumer == nullptr || position > consumer->seen()) {
    absl::StatusOr<v1::Reached> end = co_await AskEnd(index, shard, deadline);
    if (absl::IsNotFound(end.status())) co_return end.status();
    if (end.ok() && end->end() < position) {
      co_return errors::InvalidArgument(
          "POSITION_UNKNOWN", absl::StrCat("motcua-after: the feed of ", source_name, " ends before that"));
    }
  }
  consumer = co_await Appears(index, shard, deadline, cancel);
  if (consumer == nullptr) {
    co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                       absl::StrCat("the feed of ", source_name, " is not read yet"));
  }
  co_return co_await consumer->AwaitApplied(position, deadline, cancel);
}

Task<absl::Status> Subscriptions::Hear(std::string shard, absl::Time deadline, CancelToken cancel) {
  std::vector<Task<absl::Status>> parts;
  for (size_t i = 0; i < subscriptions_.size(); ++i) parts.push_back(HearOne(i, shard, deadline, cancel));
  std::vector<absl::Status> ends = co_await async::WhenAll(std::move(parts));
  size_t unknown = 0;
  for (absl::Status& end : ends) {
    if (absl::IsNotFound(end)) {
      ++unknown;
    } else if (!end.ok()) {
      co_return std::move(end);
    }
  }
  co_return unknown == ends.size() ? ends.front() : absl::OkStatus();
}

Task<absl::Status> Subscriptions::HearOne(size_t index, std::string shard, absl::Time deadline,
                                          CancelToken cancel) {
  absl::StatusOr<v1::Reached> end = co_await AskEnd(index, shard, deadline);
  if (!end.ok()) co_return end.status();
  Consumer* const consumer = co_await Appears(index, std::move(shard), deadline, cancel);
  if (consumer == nullptr) {
    co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                       absl::StrCat(subscriptions_[index].name, " is not read yet"));
  }
  co_return co_await consumer->AwaitApplied(end->end(), deadline, cancel);
}

Task<absl::Status> Subscriptions::AwaitWatermark(std::string source_name, std::vector<std::string> shards,
                                                 absl::Time moment, absl::Time deadline) {
  const absl::Time target = time::WholeMicros(moment);
  const size_t index = IndexOf(source_name);
  for (const std::string& shard : shards) {
    Consumer* consumer = co_await Appears(index, shard, deadline, CancelToken());
    if (consumer == nullptr) {
      co_return errors::DeadlineExceeded("NOT_CAUGHT_UP", absl::StrCat(source_name, " is not read yet"));
    }
    // On simulated time it comes by itself.
    absl::Status caught_up =
        co_await consumer->AwaitWatermark(target, std::min(deadline, absl::Now() + kUnasked));
    if (!caught_up.ok()) caught_up = co_await ReachOne(index, shard, target, deadline);
    if (!caught_up.ok()) co_return caught_up;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Subscriptions::Reach(std::string shard, absl::Time moment, absl::Time deadline) {
  const absl::Time target = time::WholeMicros(moment);
  std::vector<Task<absl::Status>> parts;
  for (size_t i = 0; i < subscriptions_.size(); ++i) parts.push_back(ReachOne(i, shard, target, deadline));
  std::vector<absl::Status> ends = co_await async::WhenAll(std::move(parts));
  for (absl::Status& end : ends) {
    if (!end.ok()) co_return std::move(end);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Subscriptions::ReachOne(size_t index, std::string shard, absl::Time moment,
                                           absl::Time deadline) {
  Consumer* consumer = co_await Appears(index, shard, deadline, CancelToken());
  if (consumer == nullptr) {
    co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                       absl::StrCat(subscriptions_[index].name, " is not read yet"));
  }
  absl::Status reached;
  while (consumer->watermark() < moment) {
    std::map<std::string, absl::Time>& asked = subscriptions_[index].asked;
    if (asked.empty()) children_.Spawn(SendAsked(index));
    absl::Time& until = asked.try_emplace(shard, moment).first->second;
    until = std::max(until, moment);
    reached = co_await consumer->AwaitWatermark(moment, std::min(deadline, absl::Now() + kAskAgain));
    if (!reached.ok() && absl::Now() >= deadline) co_return reached;
  }
  co_return absl::OkStatus();
}

// The answer tells what holds, so that it does not matter which replica of the source gave it.
Task<void> Subscriptions::SendAsked(size_t index) {
  co_await loop_.Schedule();  // what else is asked for in this turn goes along
  v1::ReachRequest request;
  for (const auto& [shard, moment] : subscriptions_[index].asked) {
    v1::ReachMoment* asked = request.add_moments();
    asked->set_shard(shard);
    *asked->mutable_moment() = time::ToTimestamp(moment);
  }
  subscriptions_[index].asked.clear();
  Source& source = *subscriptions_[index].source;
  absl::StatusOr<v1::ReachResponse> response =
      co_await source.Reach(std::move(request), absl::Now() + kAskPatience);
  if (!response.ok()) co_return;  // who asked gives up in time, or asks again
  for (const v1::Reached& reached : response->reached()) {
    Consumer* consumer = Find(subscriptions_[index].name, reached.shard());
    if (consumer == nullptr || !reached.has_watermark()) continue;
    consumer->Promised(store::Cursor(reached.epoch(), reached.position()),
                       time::FromTimestamp(reached.watermark()));
  }
}

}  // namespace motcua::feed
