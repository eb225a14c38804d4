#include "common/feed/subscriptions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kDiscovery = absl::Milliseconds(250);

}  // namespace

Subscriptions::Subscriptions(async::Loop& loop, store::Store& store, std::string name,
                             ConsumerOptions options)
    : loop_(loop), store_(store), name_(std::move(name)), options_(options), appeared_(loop) {}

Subscriptions::~Subscriptions() = default;

void Subscriptions::Add(std::string source_name, Source& source, Projection& projection) {
  Subscription subscription;
  subscription.name = std::move(source_name);
  subscription.source = &source;
  subscription.projection = &projection;
  subscriptions_.push_back(std::move(subscription));
}

Task<void> Subscriptions::Run(CancelToken cancel) {
  std::vector<Task<void>> parts;
  for (size_t i = 0; i < subscriptions_.size(); ++i) parts.push_back(Discover(i, cancel));
  if (!parts.empty()) co_await async::WhenAll(std::move(parts));
}

// Starts a consumer for each shard of a source as it appears.
Task<void> Subscriptions::Discover(size_t index, CancelToken cancel) {
  const Subscription subscription = subscriptions_[index];
  while (!cancel.cancelled()) {
    absl::StatusOr<std::vector<std::string>> shards =
        co_await subscription.source->ListShards(absl::Now() + kPatience);
    if (shards.ok()) {
      for (const std::string& shard : *shards) {
        const std::pair<std::string, std::string> key(subscription.name, shard);
        if (consumers_.contains(key)) continue;
        absl::Status prepared;
        if (prepare_) prepared = co_await prepare_(shard);
        if (!prepared.ok()) continue;
        auto consumer =
            std::make_unique<Consumer>(loop_, store_, *subscription.source, *subscription.projection, name_,
                                       subscription.name, shard, progressed_, options_);
        Consumer& started = *consumer;
        consumers_.emplace(key, std::move(consumer));
        loop_.Spawn(started.Run(cancel));
        appeared_.Set();
        appeared_.Reset();
      }
    }
    absl::Status slept = co_await loop_.Sleep(kDiscovery, cancel);
    (void)slept;
  }
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
  auto found = consumers_.find(std::make_pair(source_name, shard));
  return found == consumers_.end() ? nullptr : found->second.get();
}

std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> Subscriptions::All() const {
  std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> all;
  for (const auto& [key, consumer] : consumers_) all.emplace_back(key, consumer.get());
  return all;
}

Task<absl::Status> Subscriptions::AwaitApplied(std::string source_name, std::string shard, uint64_t position,
                                               absl::Time deadline, CancelToken cancel) {
  bool consumed = false;
  for (const Subscription& subscription : subscriptions_)
    consumed = consumed || subscription.name == source_name;
  if (!consumed) co_return absl::OkStatus();  // what is not consumed cannot lag behind
  Consumer* consumer = Find(source_name, shard);
  while (consumer == nullptr) {
    absl::Status appeared = co_await appeared_.Wait(deadline, cancel);
    if (!appeared.ok()) {
      co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                         absl::StrCat("the feed of ", source_name, " is not read yet"));
    }
    consumer = Find(source_name, shard);
  }
  co_return co_await consumer->AwaitApplied(position, deadline, cancel);
}

Task<absl::Status> Subscriptions::AwaitWatermark(std::vector<std::string> shards, absl::Time moment,
                                                 absl::Time deadline) {
  for (const Subscription& subscription : subscriptions_) {
    absl::Status reached = co_await AwaitWatermark(subscription.name, shards, moment, deadline);
    if (!reached.ok()) co_return reached;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Subscriptions::AwaitWatermark(std::string source_name, std::vector<std::string> shards,
                                                 absl::Time moment, absl::Time deadline) {
  const absl::Time target = absl::FromUnixMicros(absl::ToUnixMicros(moment));
  for (const std::string& shard : shards) {
    Consumer* consumer = Find(source_name, shard);
    while (consumer == nullptr) {
      absl::Status appeared = co_await appeared_.Wait(deadline);
      if (!appeared.ok()) {
        co_return errors::DeadlineExceeded("NOT_CAUGHT_UP", absl::StrCat(source_name, " is not read yet"));
      }
      consumer = Find(source_name, shard);
    }
    absl::Status caught_up = co_await consumer->AwaitWatermark(target, deadline);
    if (!caught_up.ok()) co_return caught_up;
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::feed
