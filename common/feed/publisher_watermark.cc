// When watermarks move.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/feed/awaited.h"
#include "common/feed/publisher.h"
#include "common/feed/publisher_internal.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;
using internal::Patience;

// Who asked and was not served asks again sooner than this, or is no longer there.
constexpr absl::Duration kForgetAskers = absl::Seconds(5);

using time::WholeMicros;

}  // namespace

void Publisher::Kick() {
  if (bound_) {
    for (const auto& [name, shard] : shards_) shard->bound_moved = true;
  }
  kicked_.Set();
}

void Publisher::Kick(const std::string& name) {
  if (!bound_) return;
  const auto found = shards_.find(name);
  if (found == shards_.end()) return;
  found->second->bound_moved = true;
  kicked_.Set();
}

absl::Time Publisher::Limit(const Shard& shard) const {
  absl::Time limit = store_.clock().Now() - options_.grace;
  if (bound_) limit = std::min(limit, bound_(shard.name));
  return limit == absl::InfinitePast() ? limit : WholeMicros(limit);
}

absl::Time Publisher::DueAt(const Shard& shard, absl::Time now) const {
  if (options_.eager) return Limit(shard) > shard.watermark ? now : absl::InfiniteFuture();
  absl::Time due = absl::InfiniteFuture();
  // The first moment asked for that is still to come.
  const auto wanted = shard.wanted.upper_bound(shard.watermark);
  const bool news = *shard.readers > 0 && (shard.news_first != absl::InfiniteFuture() || shard.bound_moved);
  if (wanted == shard.wanted.end() && !news) return due;
  const absl::Time limit = Limit(shard);
  if (wanted != shard.wanted.end()) {
    if (limit >= *wanted) return std::max(now, shard.held_until);
    // Where the clock is what holds it back, it will be there; where the bound is, a kick will tell.
    const absl::Time by_clock = store_.clock().Now() - options_.grace;
    if (by_clock < *wanted) due = now + std::max(*wanted - by_clock, absl::Milliseconds(1));
  }
  if (news) {
    const absl::Time pace = shard.moved_at + options_.watermark_interval;
    if (shard.bound_moved && limit > shard.watermark) due = std::min(due, pace);
    if (shard.news_first != absl::InfiniteFuture()) {
      const absl::Time passed = shard.news_first + options_.grace;
      // A bound that stands before the news: a kick will tell.
      if (now < passed || limit > shard.watermark) due = std::min(due, std::max(pace, passed));
    }
  }
  return due;
}

bool Publisher::MustAsk(const Shard& shard) const {
  return ask_ && leases_ != nullptr && *shard.readers > 0 && shard.news_first != absl::InfiniteFuture() &&
         !shard.asking && !leases_->Holds(shard.name) && Limit(shard) <= shard.news_last;
}

// The bound kicks when it has moved.
Task<void> Publisher::AskForNews(Shard* shard) {
  shard->asking = true;
  shard->bound_asked_at = absl::Now();
  absl::Status asked =
      co_await ask_(shard->name, store_.clock().Now() - options_.grace, absl::Now() + kReachPatience);
  (void)asked;  // it is asked for again
  shard->asking = false;
  kicked_.Set();
}

Task<void> Publisher::MoveWatermarks(CancelToken cancel) {
  while (!cancel.cancelled()) {
    kicked_.Reset();
    absl::Time now = absl::Now();
    absl::Time next = absl::InfiniteFuture();
    std::vector<Task<absl::Status>> moves;
    for (const auto& [name, shard] : shards_) {
      absl::Time due = DueAt(*shard, now);
      if (MustAsk(*shard)) {
        const absl::Time ask_at =
            std::max(shard->news_first + options_.grace, shard->bound_asked_at + options_.watermark_interval);
        if (ask_at <= now) {
          children_.Spawn(AskForNews(shard.get()));
        } else if (due > now) {
          due = std::min(due, ask_at);
        }
      }
      if (due <= now) {
        moves.push_back(MoveWatermark(shard.get()));
      } else {
        next = std::min(next, due);
      }
    }
    bool failed = false;
    if (!moves.empty()) {
      std::vector<absl::Status> ends = co_await async::WhenAll(std::move(moves));
      for (const absl::Status& end : ends) failed = failed || !end.ok();
      next = absl::Now();  // what is due next is known when they have moved
    }
    if (options_.eager) next = std::min(next, now + options_.watermark_interval);
    if (failed) {
      absl::Status slept = co_await loop_.Sleep(absl::Milliseconds(20), cancel);
      (void)slept;
      continue;
    }
    if (next <= absl::Now()) continue;
    absl::Status waited = co_await kicked_.Wait(next, cancel);
    (void)waited;
  }
}

Task<absl::Status> Publisher::MoveWatermark(Shard* shard) {
  const absl::Time to = Limit(*shard);
  shard->bound_moved = false;
  if (to <= shard->watermark) co_return absl::OkStatus();
  store::Transaction tx(store_.Keys(shard->name));
  // Simulated time is nobody's clock.
  tx.MoveWatermark(to, /*bounded=*/!options_.eager);
  const absl::Time now = absl::Now();
  const uint64_t epoch = shard->history.epoch;
  absl::StatusOr<store::CommitOutcome> outcome = co_await store_.Commit(std::move(tx), Patience());
  absl::Status moved = outcome.status();
  // What another epoch promises holds in that one alone.
  if (moved.ok()) moved = co_await Agree(shard, Patience());
  if (!moved.ok() || epoch != shard->history.epoch) {
    shard->bound_moved = static_cast<bool>(bound_);
    co_return moved;
  }
  const absl::Time reached = outcome->watermark;
  shard->moved_at = now;
  if (reached < to) shard->held_until = now + options_.watermark_interval;
  shard->watermark = std::max(shard->watermark, reached);
  shard->watermarks.Add(outcome->position, reached);
  if (shard->news_last <= reached) {
    shard->news_first = absl::InfiniteFuture();
    shard->news_last = absl::InfinitePast();
  } else if (shard->news_first <= reached) {
    shard->news_first = shard->news_last;
  }
  Pulse(*shard);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<v1::ReachResponse>> Publisher::Reach(v1::ReachRequest request, absl::Time deadline,
                                                         CancelToken cancel) {
  const bool any =
      std::any_of(request.moments().begin(), request.moments().end(),
                  [this](const v1::ReachMoment& asked) { return shards_.contains(asked.shard()); });
  if (!any) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  deadline = std::min(deadline, absl::Now() + kReachPatience);
  v1::ReachResponse response;
  for (int i = 0; i < request.moments_size(); ++i) response.add_reached();
  std::vector<Task<absl::Status>> parts;
  for (int i = 0; i < request.moments_size(); ++i) {
    response.mutable_reached(i)->set_shard(request.moments(i).shard());
    // Another replica may know it: nothing is promised here.
    if (!shards_.contains(request.moments(i).shard())) continue;
    parts.push_back(ReachMoment(request.moments(i), response.mutable_reached(i), deadline, cancel));
  }
  std::vector<absl::Status> ends = co_await async::WhenAll(std::move(parts));
  for (const absl::Status& end : ends) {
    if (!end.ok()) co_return end;
  }
  co_return response;
}

Task<absl::Status> Publisher::ReachMoment(v1::ReachMoment asked, v1::Reached* reached, absl::Time deadline,
                                          CancelToken cancel) {
  Shard* const shard = shards_.at(asked.shard()).get();
  if (asked.has_moment()) {
    const absl::Time moment = WholeMicros(time::FromTimestamp(asked.moment()));
    if (shard->watermark < moment) {
      const absl::Time now = absl::Now();
      // What was owed to those who have gone is owed no more.
      if (now > shard->asked_at + kForgetAskers) shard->owed_since = absl::InfiniteFuture();
      shard->asked_at = now;
      shard->owed_since = std::min(shard->owed_since, shard->asked_at);
      const Awaited<absl::Time> awaited(shard->wanted, moment);
      absl::Status asked_on;
      if (ask_) asked_on = co_await ask_(shard->name, moment, deadline);
      kicked_.Set();
      while (shard->watermark < moment) {
        absl::Status woken = co_await shard->changed.Wait(deadline, cancel);
        if (!woken.ok()) break;
      }
    }
    if (shard->watermark >= moment) shard->owed_since = absl::InfiniteFuture();
    reached->set_end(shard->position);
  } else {
    absl::StatusOr<uint64_t> end = co_await ReadEnd(shard, Patience());
    if (!end.ok()) co_return end.status();
    reached->set_end(*end);
  }
  reached->set_epoch(shard->history.epoch);
  if (!shard->watermarks.empty()) {
    *reached->mutable_watermark() = time::ToTimestamp(shard->watermarks.last());
    reached->set_position(shard->watermarks.last_position());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Publisher::AwaitWatermark(absl::Time moment, absl::Time deadline) {
  const absl::Time target = WholeMicros(moment);
  Kick();
  std::vector<std::string> names = shards();
  for (const std::string& name : names) {
    Shard& shard = *shards_.at(name);
    const Awaited<absl::Time> awaited(shard.wanted, target);
    kicked_.Set();
    while (shard.watermark < target) {
      absl::Status woken = co_await shard.changed.Wait(deadline);
      if (!woken.ok()) {
        co_return errors::DeadlineExceeded("NOT_CAUGHT_UP",
                                           absl::StrCat("the watermark of ", name, " lags behind"));
      }
    }
  }
  co_return absl::OkStatus();
}

absl::Time Publisher::watermark(const std::string& name) const {
  auto found = shards_.find(name);
  return found == shards_.end() ? absl::InfinitePast() : found->second->watermark;
}

absl::Duration Publisher::owed(const std::string& name) const {
  auto found = shards_.find(name);
  if (found == shards_.end()) return absl::ZeroDuration();
  const Shard& shard = *found->second;
  const absl::Time now = absl::Now();
  if (shard.owed_since == absl::InfiniteFuture() || now > shard.asked_at + kForgetAskers)
    return absl::ZeroDuration();
  return now - shard.owed_since;
}

}  // namespace motcua::feed
