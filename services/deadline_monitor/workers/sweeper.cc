#include "services/deadline_monitor/workers/sweeper.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/session.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/follow.h"

namespace motcua::deadline {
namespace {

using async::CancelToken;
using async::Task;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kDiscovery = absl::Milliseconds(100);
// A moment that another replica has set is seen after as long; where there is none, only as long as this one
// might not know of it: one that comes or goes wakes whoever naps.
constexpr absl::Duration kLongestNap = absl::Seconds(2);
constexpr absl::Duration kLongestNapAlone = absl::Seconds(30);
// What another replica is to fire: between two looks whether it has, and how long it may take.
constexpr absl::Duration kFollowPause = absl::Milliseconds(5);
constexpr absl::Duration kOwed = absl::Milliseconds(500);
constexpr absl::Duration kAskPatience = absl::Seconds(1);
constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// Clocks in one commit: enough to share its fsync, few enough not to hold the store up for other calls.
constexpr uint32_t kMostInBatch = 128;
// Batches read at a time, and batches whose trips to Redis overlap.
constexpr uint32_t kMostBatches = 16;
constexpr size_t kWorkers = 4;

}  // namespace

Sweeper::Sweeper(async::Loop& loop, store::Store& store, service::Catalogues& catalogues,
                 feed::Subscriptions& subscriptions, feed::Publisher& publisher)
    : loop_(loop),
      store_(store),
      catalogues_(catalogues),
      subscriptions_(subscriptions),
      publisher_(publisher),
      tending_(loop) {
  // What is there now may be something else: a backup, or what another server had.
  store_.redis().OnConnectionChange([look_again = look_again_](bool) { *look_again = true; });
}

void Sweeper::SetLeases(store::Leases& leases) {
  leases_ = &leases;
  leases.OnChange([this] {
    for (const auto& [name, shard] : shards_) shard->wake.Set();
  });
}

absl::Time Sweeper::Limit(const std::string& shard) const {
  const absl::Time limit = std::min(store_.clock().Now(), subscriptions_.Watermark(shard));
  if (limit == absl::InfinitePast()) return limit;
  return time::WholeMicros(limit);
}

Sweeper::Shard& Sweeper::Find(const std::string& name) {
  std::unique_ptr<Shard>& shard = shards_[name];
  if (shard == nullptr) shard = std::make_unique<Shard>(loop_, name);
  return *shard;
}

absl::Time Sweeper::SettledUntil(const std::string& name) {
  const auto found = shards_.find(name);
  if (found == shards_.end()) return absl::InfinitePast();
  Shard& shard = *found->second;
  if (Limit(name) > shard.fired_up_to || publisher_.position(name) != shard.looked_at) shard.wake.Set();
  return shard.fired_up_to;
}

// Tends each shard by a coroutine of its own, so that a busy one holds up no other.
Task<void> Sweeper::Run(CancelToken cancel) {
  while (!cancel.cancelled()) {
    for (const std::string& name : publisher_.shards()) {
      if (shards_.contains(name)) continue;
      tending_.Spawn(Tend(&Find(name), cancel));
    }
    if (std::exchange(*look_again_, false)) {
      for (const auto& [name, shard] : shards_) shard->wake.Set();
    }
    absl::Status slept = co_await loop_.Sleep(kDiscovery, cancel);
    (void)slept;
  }
  co_await tending_.Ended();
}

Task<void> Sweeper::Tend(Shard* shard, CancelToken cancel) {
  absl::Duration pause = kFirstPause;
  while (!cancel.cancelled()) {
    shard->wake.Reset();
    const bool follows = leases_ != nullptr && !leases_->Holds(shard->name);
    absl::Status tended;
    if (follows) {
      tended = co_await FollowOnce(shard, cancel);
    } else {
      tended = co_await TendOnce(shard, cancel);
    }
    if (!tended.ok()) {
      absl::Status slept = co_await loop_.Sleep(pause, cancel);
      (void)slept;
      pause = std::min(2 * pause, kLongestPause);
      continue;
    }
    pause = kFirstPause;
    // Moments of simulated time come with a kick.
    absl::Time until = absl::Now() + (store::Leases::Alone(leases_) ? kLongestNapAlone : kLongestNap);
    if (!publisher_.eager()) until = std::min(until, shard->earliest);
    // Limits of a shard that is not held move for those who ask alone.
    if (follows) until = absl::InfiniteFuture();
    absl::Status woken = co_await shard->wake.Wait(until, cancel);
    (void)woken;
  }
}

Task<absl::Status> Sweeper::TendOnce(Shard* shard, CancelToken cancel) {
  absl::Time limit = Limit(shard->name);
  const bool due = !publisher_.eager() && shard->earliest <= store_.clock().Now();
  if (due && limit < shard->earliest) {
    absl::Status reached =
        co_await subscriptions_.Reach(shard->name, shard->earliest, absl::Now() + kAskPatience);
    if (!reached.ok()) co_return reached;
    limit = Limit(shard->name);
  }
  absl::Status read = co_await ReadEarliest(shard);
  if (!read.ok() || limit <= shard->fired_up_to) co_return read;
  if (shard->earliest <= limit) {
    absl::Status swept = co_await SweepUpTo(shard->name, limit, cancel);
    if (swept.ok()) swept = co_await ReadEarliest(shard);
    if (!swept.ok()) co_return swept;
  }
  shard->fired_up_to = limit;
  publisher_.Kick(shard->name);
  co_return absl::OkStatus();
}

Task<absl::Status> Sweeper::FollowOnce(Shard* shard, CancelToken cancel) {
  shard->owed_since = absl::InfiniteFuture();
  while (!cancel.cancelled()) {
    const absl::Time limit = Limit(shard->name);
    if (limit <= shard->fired_up_to) co_return absl::OkStatus();
    absl::Status read = co_await ReadEarliest(shard);
    if (!read.ok()) co_return read;
    if (shard->earliest > limit) {
      shard->fired_up_to = limit;
      publisher_.Kick(shard->name);
      co_return absl::OkStatus();
    }
    shard->owed_since = std::min(shard->owed_since, absl::Now());
    if (absl::Now() >= shard->owed_since + kOwed) co_return co_await TendOnce(shard, cancel);
    absl::Status slept = co_await loop_.Sleep(kFollowPause, cancel);
    (void)slept;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Sweeper::ReadEarliest(Shard* shard) {
  const uint64_t looked_at = publisher_.position(shard->name);
  absl::StatusOr<std::optional<double>> lowest =
      co_await store_.IndexLowest(shard->name, std::string(index::kTimers), absl::Now() + kPatience);
  if (!lowest.ok()) co_return lowest.status();
  shard->earliest =
      lowest->has_value() ? absl::FromUnixMicros(static_cast<int64_t>(**lowest)) : absl::InfiniteFuture();
  shard->looked_at = looked_at;
  co_return absl::OkStatus();
}

// What the workers of a round share; it outlives them.
struct Sweeper::Round {
  std::string shard;
  absl::Time up_to;
  std::vector<Timers> batches;
  size_t next = 0;
  // Of the last stale commit.
  absl::Time not_before;
  bool lost = false;
  absl::Status failed;
};

Task<absl::Status> Sweeper::SweepUpTo(std::string shard, absl::Time limit, CancelToken cancel) {
  uint32_t most = kMostInBatch;
  absl::Time not_before = absl::InfinitePast();
  while (!cancel.cancelled()) {
    const uint32_t asked = most * kMostBatches;
    absl::StatusOr<Timers> timers =
        co_await store_.IndexUpTo(shard, std::string(index::kTimers), static_cast<double>(Micros(limit)),
                                  asked, absl::Now() + kPatience);
    if (!timers.ok()) co_return timers.status();
    if (timers->empty()) co_return absl::OkStatus();
    Round round{.shard = shard, .up_to = limit, .not_before = not_before};
    const bool all = timers->size() < asked;
    Divide(*std::move(timers), most, all, round);
    std::vector<Task<void>> workers;
    for (size_t i = 0; i < std::min(round.batches.size(), kWorkers); ++i)
      workers.push_back(FireNext(&round, cancel));
    Task<void> fired = async::WhenAll(std::move(workers));
    co_await std::move(fired);
    if (!round.failed.ok()) co_return round.failed;
    not_before = round.not_before;
    // Smaller bites where others write the same records.
    most = round.lost ? std::max(most / 2, 1u) : std::min(2 * most, kMostInBatch);
  }
  co_return errors::Cancelled("CANCELLED", "stopping");
}

// The alerts come in the order of time, so that a round is of one batch, or of many that have one moment: at
// the end of a working day a province's dues are thousands, and one after the other each batch would wait for
// its own trips to Redis.
void Sweeper::Divide(Timers timers, size_t most, bool all, Round& round) {
  const double first = timers.front().second;
  const auto of_first = [&](const std::pair<std::string, double>& timer) { return timer.second == first; };
  size_t count =
      static_cast<size_t>(std::find_if_not(timers.begin(), timers.end(), of_first) - timers.begin());
  const bool one_batch = count <= most;
  if (one_batch) count = std::min(most, timers.size());
  // Other batches, or what is left behind, may be of the last moment, but of no earlier one: fired so far and
  // no further.
  if (!one_batch || !all || count < timers.size())
    round.up_to = absl::FromUnixMicros(static_cast<int64_t>(timers[count - 1].second));
  for (size_t begin = 0; begin < count; begin += most) {
    const size_t end = std::min(begin + most, count);
    round.batches.emplace_back(std::make_move_iterator(timers.begin() + static_cast<ptrdiff_t>(begin)),
                               std::make_move_iterator(timers.begin() + static_cast<ptrdiff_t>(end)));
  }
}

Task<void> Sweeper::FireNext(Round* round, CancelToken cancel) {
  while (round->next < round->batches.size() && round->failed.ok() && !cancel.cancelled()) {
    Timers timers = std::move(round->batches[round->next++]);
    bool won = false;
    absl::Status fired =
        co_await FireBatch(round->shard, std::move(timers), round->up_to, &round->not_before, &won);
    if (!fired.ok()) round->failed = fired;
    if (!won) round->lost = true;
  }
}

Task<absl::Status> Sweeper::FireBatch(std::string shard, Timers timers, absl::Time up_to,
                                      absl::Time* not_before, bool* won) {
  absl::StatusOr<std::shared_ptr<const reference::Catalogue>> catalogue =
      co_await catalogues_.Get(shard, absl::Now() + kPatience);
  if (!catalogue.ok()) co_return catalogue.status();
  store::Session session(store_, shard);
  std::vector<std::string> keys;
  for (const auto& [code, moment] : timers) keys.push_back(session.KeyOf<ClockModel>(code));
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + kPatience);
  if (!fetched.ok()) co_return fetched;

  std::vector<feed::v1::Event> events;
  std::vector<absl::Time> moments;
  for (const auto& [code, moment] : timers) {
    const internal::deadline::ClockRecord* record = session.Find<ClockModel>(code);
    if (record == nullptr) continue;
    std::optional<store::Decision<internal::deadline::ClockRecord>> decision =
        DecideAlerts(*record, up_to, *not_before, **catalogue);
    if (!decision.has_value()) continue;
    if (!decision->events.empty()) moments.push_back(absl::FromUnixMicros(static_cast<int64_t>(moment)));
    for (feed::v1::Event& event : decision->events)
      event.set_traceparent(telemetry::ContinuePackedTrace(record->trace()));
    std::move(decision->events.begin(), decision->events.end(), std::back_inserter(events));
    decision->events.clear();
    session.Apply<ClockModel>(code, *std::move(decision));
  }
  if (session.clean()) {
    // Taken before another writer moved them; or an index that disagrees with its records, which no commit
    // writes.
    co_return errors::Aborted("CONFLICT", "the timers have moved on");
  }
  std::stable_sort(events.begin(), events.end(), [](const feed::v1::Event& a, const feed::v1::Event& b) {
    return time::FromTimestamp(a.at()) < time::FromTimestamp(b.at());
  });
  const size_t count = events.size();
  for (feed::v1::Event& event : events) session.Emit(std::move(event));
  absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(absl::Now() + kPatience);
  if (!outcome.ok()) co_return outcome.status();
  *won = outcome->kind == store::CommitOutcome::Kind::kCommitted;
  if (*won) {
    fired_ += count;
    const absl::Time now = store_.clock().Now();
    for (size_t i = 0; on_fired_ && i < moments.size(); ++i) on_fired_(now - moments[i]);
  }
  if (outcome->kind == store::CommitOutcome::Kind::kStale) *not_before = outcome->watermark;
  co_return absl::OkStatus();
}

absl::Duration Sweeper::OldestUnfired(const std::string& name) const {
  const auto found = shards_.find(name);
  if (found == shards_.end() || (leases_ != nullptr && !leases_->Holds(name))) return absl::ZeroDuration();
  return std::max(absl::ZeroDuration(), store_.clock().Now() - found->second->earliest);
}

}  // namespace motcua::deadline
