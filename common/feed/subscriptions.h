#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/children.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/applier.h"
#include "common/feed/consumer.h"
#include "common/feed/source.h"
#include "common/store/store.h"

namespace motcua::feed {

// All that a service consumes: for every shard that a source has an applier, shards that appear later
// included.
//
// Confined to the loop.
class Subscriptions {
 public:
  Subscriptions(async::Loop& loop, store::Store& store, std::string name,
                ConsumerOptions options = ConsumerOptions());
  ~Subscriptions();

  // Before Run. `source_name` is the service's: `intake`, `routing` ... Events that have arrived together are
  // applied in the order in which their sources were added. References outlive the subscriptions.
  void Add(std::string source_name, Source& source, Projection& projection);

  // Called whenever something of a shard has been applied, or its watermark has moved.
  void OnProgress(std::function<void(const std::string& shard)> progressed) {
    progressed_ = std::move(progressed);
  }

  // Before Run: of the shards that are not held, another replica applies the feeds. They outlive the
  // subscriptions.
  void SetLeases(store::Leases& leases);

  // Called, and waited for, before a shard's first event is consumed.
  void OnShard(std::function<async::Task<absl::Status>(std::string shard)> prepare) {
    prepare_ = std::move(prepare);
  }

  // Until cancelled; nothing that it began runs any more when it returns.
  async::Task<void> Run(async::CancelToken cancel);

  bool consumes(const std::string& source_name) const { return IndexOf(source_name) < subscriptions_.size(); }

  // The least watermark over all sources of a shard; InfinitePast while one of them is not yet consumed,
  // InfiniteFuture where the service consumes nothing.
  absl::Time Watermark(const std::string& shard) const;

  // nullptr where there is none (yet).
  Consumer* Find(const std::string& source_name, const std::string& shard) const;
  std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> All() const;

  // Of shards that other replicas apply: reads how far they have come, so that what the consumers tell is not
  // what somebody last waited for.
  async::Task<void> LookUp();

  // Read-your-writes: waits until the source's feed has been applied up to `position`. What is not consumed
  // cannot lag behind. Errors: NOT_FOUND (UNKNOWN_SHARD) where the source has no such feed, INVALID_ARGUMENT
  // (POSITION_UNKNOWN) where that feed ends before `position`, DEADLINE_EXCEEDED (NOT_CAUGHT_UP), CANCELLED.
  async::Task<absl::Status> AwaitApplied(std::string source_name, std::string shard, uint64_t position,
                                         absl::Time deadline, async::CancelToken cancel);
  // Waits until all is applied that the sources' feeds of the shard hold when they are asked. Errors:
  // NOT_FOUND (UNKNOWN_SHARD) where none has such a feed, DEADLINE_EXCEEDED (NOT_CAUGHT_UP), CANCELLED, the
  // sources' own.
  async::Task<absl::Status> Hear(std::string shard, absl::Time deadline, async::CancelToken cancel);
  // Waits until the watermark of the source has reached `moment` in every shard of `shards`, those included
  // that are not consumed yet. Asks for it where it does not come.
  async::Task<absl::Status> AwaitWatermark(std::string source_name, std::vector<std::string> shards,
                                           absl::Time moment, absl::Time deadline);
  // Asks the sources for a moment, where their watermarks have not reached it, and waits until
  // Watermark(shard) has. What is asked for in one turn of the loop goes to each source in one call. Error:
  // DEADLINE_EXCEEDED (NOT_CAUGHT_UP).
  async::Task<absl::Status> Reach(std::string shard, absl::Time moment, absl::Time deadline);

 private:
  struct Subscription {
    std::string name;
    Source* source = nullptr;
    Projection* projection = nullptr;
    // Asked for, by shard, and not yet sent.
    std::map<std::string, absl::Time> asked;
  };

  size_t IndexOf(const std::string& source_name) const;
  async::Task<void> Discover(size_t subscription, async::CancelToken cancel);
  async::Task<absl::Status> Follow(size_t subscription, std::string shard, async::CancelToken cancel);
  async::Task<Consumer*> Appears(size_t subscription, std::string shard, absl::Time deadline,
                                 async::CancelToken cancel);
  async::Task<absl::Status> ReachOne(size_t subscription, std::string shard, absl::Time moment,
                                     absl::Time deadline);
  async::Task<void> SendAsked(size_t subscription);
  async::Task<absl::Status> HearOne(size_t subscription, std::string shard, absl::Time deadline,
                                    async::CancelToken cancel);
  async::Task<absl::StatusOr<v1::Reached>> AskEnd(size_t subscription, std::string shard,
                                                  absl::Time deadline);

  async::Loop& loop_;
  store::Store& store_;
  const std::string name_;
  const ConsumerOptions options_;
  std::vector<Subscription> subscriptions_;
  std::map<std::string, std::unique_ptr<Applier>> appliers_;
  store::Leases* leases_ = nullptr;
  std::function<void(const std::string&)> progressed_;
  std::function<async::Task<absl::Status>(std::string)> prepare_;
  // A pulse when a consumer has been started.
  async::Event appeared_;
  // Somebody waits for a shard that is not followed yet.
  async::Event look_;
  // Appliers, and questions that are asked.
  async::Children children_;
};

}  // namespace motcua::feed
