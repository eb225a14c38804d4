// What happens where a source has lost events.
#include <algorithm>

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
  // A snapshot had events that the cursor has not come to.
  const Bootstrap& bootstrap = consumer->bootstrap();
  const bool ahead = bootstrap.step == Bootstrap::Step::kKnown && bootstrap.as_of > ended.kept;
  const uint64_t had = ahead ? std::max(bootstrap.as_of, from.position) : from.position;
  if (had <= ended.kept) {
    consumer->Locate(from);  // none of it has taken effect here
    co_return absl::OkStatus();
  }
  const store::Keyspace keys = store_.Keys(shard_);
  const store::Cursor to(ended.epoch, std::min(from.position, ended.kept));
  Losses losses = consumer->losses();
  losses.total += had - ended.kept;
  losses.epoch = from.epoch;
  losses.first = ended.kept + 1;
  losses.last = had;
  losses.found_at = absl::Now();
  store::Transaction tx(keys);
  tx.CheckCursor(keys.Cursor(consumer->source_name()), from);
  tx.SetCursor(keys.Cursor(consumer->source_name()), to);
  tx.SetText(keys.Lost(consumer->source_name()), losses.Text());
  if (ahead) {
    // What comes under the lost positions is new.
    Bootstrap cut = bootstrap;
    cut.as_of = ended.kept;
    tx.CheckText(keys.Bootstrap(consumer->source_name()), bootstrap.Text());
    tx.SetText(keys.Bootstrap(consumer->source_name()), cut.Text());
  }
  absl::StatusOr<store::CommitOutcome> outcome =
      co_await store_.Commit(std::move(tx), absl::Now() + kPatience);
  if (outcome.ok() && outcome->kind == store::CommitOutcome::Kind::kCommitted) {
    if (ahead) consumer->CutKnown(ended.kept);
    consumer->Lost(losses);
    consumer->Locate(to);
    co_return absl::OkStatus();
  }
  lost_ = true;  // another replica may have settled it, or this one without hearing of it
  co_return outcome.status();
}

}  // namespace motcua::feed
