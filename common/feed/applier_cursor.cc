// How cursors move, and how sources learn of it.
#include <utility>

#include "absl/time/clock.h"
#include "common/feed/applier.h"

namespace motcua::feed {

namespace {

using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);

}  // namespace

// With the last event that a snapshot had, what is known of it goes.
void Applier::AddCursor(store::Transaction& tx, const Consumer& consumer, const store::Cursor& to) const {
  const store::Keyspace keys = store_.Keys(shard_);
  const std::string& source = consumer.source_name();
  tx.CheckCursor(keys.Cursor(source), consumer.cursor());
  tx.SetCursor(keys.Cursor(source), to);
  if (!consumer.Outgrows(to)) return;
  tx.Delete(keys.Bootstrap(source));
  tx.Delete(keys.BootstrapPages(source));
}

// Moves the cursor past events that were not for this consumer.
Task<absl::Status> Applier::CommitCursor(Consumer* consumer) {
  const store::Cursor up_to(consumer->epoch(), consumer->applied());
  const store::Cursor from = consumer->cursor();
  store::Transaction tx(store_.Keys(shard_));
  AddCursor(tx, *consumer, up_to);
  absl::StatusOr<store::CommitOutcome> outcome =
      co_await store_.Commit(std::move(tx), absl::Now() + kPatience);
  if (!outcome.ok()) co_return outcome.status();
  // A cursor that moved shows with the next batch.
  if (outcome->kind == store::CommitOutcome::Kind::kCommitted && consumer->cursor() == from) {
    consumer->CursorMoved(up_to);
  }
  co_return absl::OkStatus();
}

// Failing to acknowledge only keeps events longer.
Task<void> Applier::Acknowledge(Followed* followed) {
  Consumer& consumer = *followed->consumer;
  consumer.acknowledged_at = absl::Now();
  absl::Status status;
  // Also for the sake of the epoch alone: of one that is long past nobody could say what became of it.
  const bool moved =
      consumer.applied() > consumer.cursor().position || consumer.epoch() != consumer.cursor().epoch;
  // What is being applied, or comes meanwhile, moves the cursor by itself: the two would race.
  if (moved && consumer.waiting() == 0 && !applying_) {
    followed->moving = true;
    status = co_await CommitCursor(&consumer);
    followed->moving = false;
    wake_.Set();
  }
  const store::Cursor told = consumer.cursor();
  if (status.ok() && !(told == consumer.acknowledged)) {
    v1::AcknowledgeRequest request;
    request.set_shard(shard_);
    request.set_consumer(name_);
    request.set_position(told.position);
    request.set_epoch(told.epoch);
    status = co_await followed->source.Acknowledge(std::move(request), absl::Now() + kPatience);
    if (status.ok()) consumer.acknowledged = told;
  }
  followed->acknowledging = false;
  wake_.Set();
}

}  // namespace motcua::feed
