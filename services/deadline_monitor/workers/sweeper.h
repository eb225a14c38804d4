// The timers of all clocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/children.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/publisher.h"
#include "common/feed/subscriptions.h"
#include "common/service/catalogues.h"
#include "common/store/leases.h"
#include "common/store/store.h"

namespace motcua::deadline {

// Fires what is due: one index per shard lists the dossiers by their next moment; the sweeper takes those
// whose moment has come, in order and in batches, raises what became true and commits it together with their
// next moments.
//
// Nothing fires before every feed has been read up to its moment: the limit of a sweep is the present time
// or, where that is earlier, the watermark of the subscriptions. So lag delays an alert and never invents
// one. Feeds that are at rest promise nothing by themselves: when the next moment of a shard has come, the
// sweeper asks their sources. A crash, a lost race or a second replica at the same work repeats nothing,
// because a clock and what was raised of it are committed as one.
//
// Confined to the loop.
class Sweeper {
 public:
  // All references outlive the sweeper.
  Sweeper(async::Loop& loop, store::Store& store, service::Catalogues& catalogues,
          feed::Subscriptions& subscriptions, feed::Publisher& publisher);

  // Before Run: the timers of shards that are not held are another replica's. They outlive the sweeper.
  void SetLeases(store::Leases& leases);

  // Until cancelled; survives the loss of Redis.
  async::Task<void> Run(async::CancelToken cancel);

  // Every timer of the shard up to this moment has fired, and none before it will be set: the bound of the
  // service's own watermark. The publisher asks for it whenever time or a watermark may have moved, and the
  // sweeper wakes where there is more to do.
  absl::Time SettledUntil(const std::string& shard);
  // The limit of a shard may have moved.
  void Look(const std::string& shard) { (void)SettledUntil(shard); }

  // Events written since the start.
  uint64_t fired() const { return fired_; }
  // Called for each timer that has fired, after its commit, with how late it was by the service's clock; for
  // metrics.
  void OnFired(std::function<void(absl::Duration lateness)> on_fired) { on_fired_ = std::move(on_fired); }

  // For how long the earliest moment of the shard that is due has been so without having fired, by what was
  // last read of it; zero where none is, or where the sweeper does not know the shard yet. For metrics.
  absl::Duration OldestUnfired(const std::string& shard) const;

 private:
  struct Shard {
    Shard(async::Loop& loop, std::string name) : name(std::move(name)), wake(loop) {}

    const std::string name;
    async::Event wake;
    absl::Time fired_up_to = absl::InfinitePast();
    // The earliest moment that has not fired, as last read; and where the own feed ended then, as any change
    // of it comes with an event there or in a feed that is consumed.
    absl::Time earliest = absl::InfiniteFuture();
    uint64_t looked_at = 0;
    // Not held: since when the other replica has been owing what is due.
    absl::Time owed_since = absl::InfiniteFuture();
  };
  using Timers = std::vector<std::pair<std::string, double>>;

  absl::Time Limit(const std::string& shard) const;
  Shard& Find(const std::string& shard);
  async::Task<void> Tend(Shard* shard, async::CancelToken cancel);
  async::Task<absl::Status> TendOnce(Shard* shard, async::CancelToken cancel);
  // Of a shard that another replica tends: sees that nothing is left to fire. Fires where it does not.
  async::Task<absl::Status> FollowOnce(Shard* shard, async::CancelToken cancel);
  async::Task<absl::Status> ReadEarliest(Shard* shard);
  async::Task<absl::Status> SweepUpTo(std::string shard, absl::Time limit, async::CancelToken cancel);
  struct Round;
  static void Divide(Timers timers, size_t most, bool all, Round& round);
  async::Task<void> FireNext(Round* round, async::CancelToken cancel);
  // OK also where the race was lost; `won` tells, and `not_before` what a stale commit asks for.
  async::Task<absl::Status> FireBatch(std::string shard, Timers timers, absl::Time up_to,
                                      absl::Time* not_before, bool* won);

  async::Loop& loop_;
  store::Store& store_;
  service::Catalogues& catalogues_;
  feed::Subscriptions& subscriptions_;
  feed::Publisher& publisher_;
  store::Leases* leases_ = nullptr;
  std::map<std::string, std::unique_ptr<Shard>> shards_;
  // At all of them.
  const std::shared_ptr<bool> look_again_ = std::make_shared<bool>(false);
  uint64_t fired_ = 0;
  std::function<void(absl::Duration)> on_fired_;
  async::Children tending_;
};

}  // namespace motcua::deadline
