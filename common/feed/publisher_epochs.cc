// Which history of a feed is told, and who holds up its trimming.
#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/feed/durable.h"
#include "common/feed/publisher.h"
#include "common/feed/publisher_internal.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;
using internal::Patience;

constexpr absl::Duration kLookAgain = absl::Milliseconds(50);

absl::Status Behind() {
  return errors::Unavailable("FEED_EPOCH_UNKNOWN",
                             "the store is not yet in the feed's present epoch; try again");
}

v1::FeedConsumer ToProto(const Durable& durable, uint64_t end) {
  v1::FeedConsumer consumer;
  consumer.set_consumer(durable.consumer);
  consumer.set_position(durable.position);
  consumer.set_lag(end - std::min(end, durable.position));
  *consumer.mutable_since() = time::ToTimestamp(durable.since);
  *consumer.mutable_moved_at() = time::ToTimestamp(durable.moved_at);
  return consumer;
}

}  // namespace

// Takes over what a server has, unless a later epoch is known: that server is one that was left behind.
void Publisher::Take(Shard& shard, const store::FeedHistory& history) {
  if (history.epoch <= shard.history.epoch) return;
  const uint64_t kept = history.CommonEnd(shard.history.epoch).value_or(0);
  if (shard.history.epoch != 0 && shard.position > kept) {
    shard.position = kept;
    shard.ring.DropBehind(kept);
  }
  shard.history = history;
  // What was promised may be among what was lost.
  shard.watermarks.Clear();
  shard.watermark = history.watermark;
  if (history.watermark != absl::InfinitePast()) shard.watermarks.Add(history.end, history.watermark);
  shard.trim = true;
  Pulse(shard);
}

bool Publisher::Agreed(const Shard& shard) const {
  const store::FeedHistory* found = store_.epochs().Found(shard.name);
  return found != nullptr && found->epoch == shard.history.epoch;
}

Task<absl::Status> Publisher::Agree(Shard* shard, absl::Time deadline) {
  const store::FeedHistory* found = store_.epochs().Found(shard->name);
  if (found != nullptr && found->epoch < shard->history.epoch) store_.epochs().Forget(shard->name);
  absl::Status looked = co_await store_.epochs().Ensure(store_.Keys(shard->name), deadline);
  if (!looked.ok()) co_return looked;
  found = store_.epochs().Found(shard->name);
  if (found != nullptr) Take(*shard, *found);
  co_return Agreed(*shard) ? absl::OkStatus() : Behind();
}

bool Publisher::TailAgreed(const Shard& shard, const redis::Client& tail) {
  return shard.tail_connection == tail.connection(shard.feed) && shard.tail_epoch == shard.history.epoch;
}

// The tail has a connection of its own, perhaps to another server: what it reads counts only where both have
// the same history.
Task<absl::Status> Publisher::AgreeTail(Shard* shard, redis::Client* tail) {
  const uint64_t connection = tail->connection(shard->feed);
  absl::StatusOr<store::FeedHistory> history =
      co_await store::Epochs::Look(*tail, store_.Keys(shard->name), Patience());
  if (!history.ok()) co_return history.status();
  if (connection != tail->connection(shard->feed)) co_return Behind();
  Take(*shard, *history);
  shard->tail_connection = connection;
  shard->tail_epoch = history->epoch;
  if (!Agreed(*shard)) look_again_->Set();
  co_return shard->tail_epoch == shard->history.epoch ? absl::OkStatus() : Behind();
}

// Looks at all shards as soon as there is another connection, or the tail was told of a later epoch, so that
// readers hear of it though nothing is committed.
Task<void> Publisher::FollowEpochs(CancelToken cancel) {
  while (!cancel.cancelled()) {
    look_again_->Reset();
    std::vector<Shard*> all;
    for (const auto& [name, shard] : shards_) all.push_back(shard.get());
    absl::Status status;
    for (Shard* shard : all) {
      absl::Status agreed = co_await Agree(shard, Patience());
      status.Update(agreed);
    }
    absl::Status waited;
    if (status.ok()) {
      waited = co_await look_again_->Wait(absl::InfiniteFuture(), cancel);
    } else {
      waited = co_await loop_.Sleep(kLookAgain, cancel);
    }
  }
}

Task<absl::Status> Publisher::Trim(Shard* shard) {
  shard->trim = false;
  if (shard->position <= options_.retention_events) co_return absl::OkStatus();
  absl::Status trimmed = co_await Agree(shard, Patience());
  if (trimmed.ok()) {
    trimmed = co_await TrimFeed(store_, store_.Keys(shard->name), shard->history.epoch,
                                options_.retention_events, Patience());
  }
  if (!trimmed.ok()) shard->trim = true;
  co_return trimmed;
}

Task<absl::Status> Publisher::Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) {
  const auto found = shards_.find(request.shard());
  if (found == shards_.end()) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  Shard* const shard = found->second.get();
  absl::Status done = co_await Agree(shard, deadline);
  if (!done.ok()) co_return done;
  uint64_t kept = shard->position;
  if (request.epoch() != 0) {
    const std::optional<uint64_t> common = shard->history.CommonEnd(request.epoch());
    // Of a history that is not known here it says nothing.
    if (!common.has_value()) co_return absl::OkStatus();
    kept = *common;
  }
  done = co_await SetApplied(store_, store_.Keys(shard->name), shard->history.epoch, request.consumer(),
                             std::min(request.position(), kept), /*first=*/false, deadline);
  shard->trim = true;
  co_return done;
}

// From its first reading on, nothing that a durable consumer has not applied is trimmed.
Task<absl::Status> Publisher::Register(Shard* shard, std::string consumer, uint64_t after) {
  absl::Status registered =
      co_await SetApplied(store_, store_.Keys(shard->name), shard->history.epoch, std::move(consumer), after,
                          /*first=*/true, Patience());
  co_return registered;
}

Task<absl::StatusOr<v1::ListConsumersResponse>> Publisher::ListConsumers(v1::ListConsumersRequest request,
                                                                         absl::Time deadline) {
  if (!has(request.shard())) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  absl::StatusOr<std::vector<Durable>> durables =
      co_await ListDurable(store_, store_.Keys(request.shard()), deadline);
  if (!durables.ok()) co_return durables.status();
  v1::ListConsumersResponse response;
  for (const Durable& durable : *durables) {
    v1::FeedConsumer* const consumer = response.add_consumers();
    *consumer = ToProto(durable, position(request.shard()));
    consumer->set_bootstrapping(shards_.at(request.shard())->bootstrapping->count(durable.consumer) > 0);
  }
  co_return response;
}

Task<absl::StatusOr<v1::RemoveConsumerResponse>> Publisher::RemoveConsumer(v1::RemoveConsumerRequest request,
                                                                           absl::Time deadline) {
  const auto found = shards_.find(request.shard());
  if (found == shards_.end()) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  Shard* const shard = found->second.get();
  absl::StatusOr<std::optional<Durable>> removed =
      co_await RemoveDurable(store_, store_.Keys(request.shard()), request.consumer(), deadline);
  if (!removed.ok()) co_return removed.status();
  if (!removed->has_value()) {
    co_return errors::NotFound("UNKNOWN_CONSUMER", "consumer: the feed has no such durable consumer");
  }
  shard->trim = true;
  v1::RemoveConsumerResponse response;
  *response.mutable_removed() = ToProto(**removed, shard->position);
  co_return response;
}

}  // namespace motcua::feed
