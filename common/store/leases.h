// Leases: which replica of a service does the work that each of them could do: apply a shard's feeds, fire
// its timers, deliver its messages, trim its feed.
//
// Each replica leases its place among the replicas: a counter in one hash of the service, which it moves
// every LeaseOptions::beat. Whose counter has not moved for LeaseOptions::life is no longer there, and nor is
// who has taken it away at its end. The shards are divided among those who are there by rendezvous hashing,
// so that every replica knows of every shard whose it is, a replica that comes or goes moves no shards but
// its own, and what the leases cost does not grow with the shards: no script, and one trip to Redis every
// LeaseOptions::beat. No clock is compared with another host's.
//
// Two may think for a moment that a shard is theirs, or nobody does: nothing rests on it but who does the
// work. Every effect is a compare-and-set, and who waits for work at a replica whose it is not sees to it by
// itself where nobody does it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/store/store.h"

namespace motcua::store {

class LeaseOptions {
 public:
  LeaseOptions() {}

  // Between two signs of life.
  absl::Duration beat = absl::Milliseconds(1500);
  // Between two looks at the others, where there are any: one that ends takes itself away and is seen to
  // have gone after as long.
  absl::Duration look = absl::Milliseconds(500);
  // After the last sign of life another takes over.
  absl::Duration life = absl::Milliseconds(4500);
};

// Confined to the loop. A replica whose leases do not run holds all.
class Leases {
 public:
  // `key`: of the service's replicas. All references outlive the leases.
  Leases(async::Loop& loop, Store& store, std::string key, LeaseOptions options = LeaseOptions());

  // Lives until cancelled, and takes itself away then; survives the loss of Redis.
  async::Task<void> Run(async::CancelToken cancel);

  // The shard's work is this replica's.
  bool Holds(const std::string& shard);

  // `changed` is called whenever shards may have come or gone.
  void OnChange(std::function<void()> changed) { changed_.push_back(std::move(changed)); }

  // Replicas that are there, this one included.
  size_t replicas() const { return others_.size() + 1; }
  // No other replica is there, as far as is known; nor where there are no leases.
  static bool Alone(const Leases* leases) { return leases == nullptr || leases->others_.empty(); }

 private:
  // Another replica, as it was last seen.
  struct Seen {
    int64_t beats = 0;
    absl::Time moved_at = absl::InfinitePast();
  };

  async::Task<absl::Status> Beat();
  async::Task<absl::Status> Look();
  void Take(const Counters& all, absl::Time now);
  void Share(std::vector<std::string> others);

  async::Loop& loop_;
  Store& store_;
  const std::string key_;
  const LeaseOptions options_;
  // Of this replica, among the others: another one after every start.
  const std::string name_;
  std::vector<std::function<void()>> changed_;
  std::map<std::string, Seen> seen_;
  bool looked_ = false;
  absl::Time looked_at_ = absl::InfinitePast();
  // Who is there, by name.
  std::vector<std::string> others_;
  absl::flat_hash_map<std::string, bool> held_;
};

}  // namespace motcua::store
