#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/redis/client.h"
#include "common/store/keys.h"

namespace motcua::store {

// The history of one shard's feed, as one server has it: an epoch for each time that the feed may have lost
// its last events.
class FeedHistory {
 public:
  FeedHistory() {}

  // Number of the present epoch: when it began, in milliseconds since 1970. 0 = not known.
  uint64_t epoch = 0;
  // The epochs before it, in the order in which they began, each with the last position that it kept.
  std::vector<std::pair<uint64_t, uint64_t>> ended;
  // The oldest of them are no longer kept.
  bool cut = false;
  // The feed's last position and its watermark (InfinitePast = none) when it was looked at.
  uint64_t end = 0;
  absl::Time watermark = absl::InfinitePast();

  // Up to which position what was read in `of` is what stands here: the least end of all epochs from it on,
  // and without a bound where it is the present one. An epoch that is not known here was lost as a whole, so
  // that it counts as the one before it. nullopt where it cannot be told: it is older than what is kept, or
  // later than the present one.
  std::optional<uint64_t> CommonEnd(uint64_t of) const;
};

// Sees to it that no commit goes to a server on which the epochs of its shard have not been looked at before:
// so no event that was written after a loss can hide among those that were lost.
//
// Confined to the loop of its client, which outlives it.
class Epochs {
 public:
  // Ends kept of a shard. A consumer that was away for more restarts of Redis than that cannot tell what was
  // lost.
  static constexpr int kKept = 256;

  explicit Epochs(redis::Client& redis) : redis_(redis) {}

  // Whether the shard was looked at on the connection that commands go over now.
  bool Checked(const std::string& shard) const {
    const auto found = shards_.find(shard);
    return found != shards_.end() && found->second->connection == redis_.connection(found->second->feed);
  }
  // What was found on this connection; nullptr where it was not looked for yet. Stays as it is until the loop
  // goes on.
  const FeedHistory* Found(const std::string& shard) const {
    return Checked(shard) ? &shards_.find(shard)->second->history : nullptr;
  }
  // Looks where it has not been done on this connection. Of many callers one asks. Errors: the client's.
  async::Task<absl::Status> Ensure(Keyspace keys, absl::Time deadline);
  // What was found no longer counts: the next Ensure looks. For a later epoch that was heard of elsewhere: in
  // a cluster a shard goes to another node and comes back without this client's having sent anything, and its
  // connection is still the one that it looked on.
  void Forget(const std::string& shard) {
    const auto found = shards_.find(shard);
    if (found != shards_.end()) found->second->connection = 0;
  }
  // Looks on another client's server, and keeps nothing of it.
  static async::Task<absl::StatusOr<FeedHistory>> Look(redis::Client& redis, Keyspace keys,
                                                       absl::Time deadline);

 private:
  struct Shard {
    Shard(async::Loop& loop, std::string feed) : feed(std::move(feed)), done(loop) {}
    // Its key.
    const std::string feed;
    // Of the last look; 0 = none.
    uint64_t connection = 0;
    FeedHistory history;
    bool looking = false;
    // A pulse at the end of each look.
    async::Event done;
  };
  class Looking;

  redis::Client& redis_;
  absl::flat_hash_map<std::string, std::unique_ptr<Shard>> shards_;
};

}  // namespace motcua::store
