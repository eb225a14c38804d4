// What happens where a source has lost events.
#include "absl/time/clock.h"
#include "common/feed/applier.h"

namespace motcua::feed {

namespace {

using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);

}  // namespace

Task<absl::Status> Applier::SettleAll() {
  for (size_t i = 0; i < followed_.size(); ++i) {
    Consumer& consumer = *followed_[i]->consumer;
    if (!consumer.ended().has_value()) continue;
    absl::Status settled = co_await Settle(&consumer);
    if (!settled.ok()) co_return settled;
  }
  co_return absl::OkStatus();
}

// What was confirmed is kept. A cursor that stands behind the end goes back to it, in the epoch that began
// there; with it goes what is told of the loss, so that of several replicas one reports it.
Task<absl::Status> Applier::Settle(Consumer* consumer) {
  const Consumer::Ended ended = *consumer->ended();
  const store::Cursor from = consumer->cursor();
  if (from.position <= ended.kept) {
    consumer->Locate(from);  // none of it has taken effect here
    co_return absl::OkStatus();
  }
  const store::Keyspace keys = store_.Keys(shard_);
  const store::Cursor to(ended.epoch, ended.kept);
  Losses losses = consumer->losses();
  losses.total += from.position - ended.kept;
  losses.epoch = from.epoch;
  losses.first = ended.kept + 1;
  losses.last = from.position;
  losses.found_at = absl::Now();
  store::Transaction tx(keys);
  tx.CheckCursor(keys.Cursor(consumer->source_name()), from);
  tx.SetCursor(keys.Cursor(consumer->source_name()), to);
  tx.SetText(keys.Lost(consumer->source_name()), losses.Text());
  absl::StatusOr<store::CommitOutcome> outcome =
      co_await store_.Commit(std::move(tx), absl::Now() + kPatience);
  if (outcome.ok() && outcome->kind == store::CommitOutcome::Kind::kCommitted) {
    consumer->Lost(losses);
    consumer->Locate(to);
    co_return absl::OkStatus();
  }
  lost_ = true;  // another replica may have settled it, or this one without hearing of it
  co_return outcome.status();
}

}  // namespace motcua::feed
