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
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/consumer.h"
#include "common/feed/source.h"
#include "common/store/store.h"

namespace motcua::feed {

// All that a service consumes: for every source a consumer per shard, shards that appear later included.
//
// Confined to the loop.
class Subscriptions {
 public:
  Subscriptions(async::Loop& loop, store::Store& store, std::string name,
                ConsumerOptions options = ConsumerOptions());
  ~Subscriptions();

  // Before Run. `source_name` is the service's: `intake`, `routing` ... References outlive the subscriptions.
  void Add(std::string source_name, Source& source, Projection& projection);

  // Called whenever any consumer has moved.
  void OnProgress(std::function<void()> progressed) { progressed_ = std::move(progressed); }

  // Called, and waited for, before a shard's first event is consumed.
  void OnShard(std::function<async::Task<absl::Status>(std::string shard)> prepare) {
    prepare_ = std::move(prepare);
  }

  async::Task<void> Run(async::CancelToken cancel);

  // The least watermark over all sources of a shard; InfinitePast while one of them is not yet consumed,
  // InfiniteFuture where the service consumes nothing.
  absl::Time Watermark(const std::string& shard) const;

  // nullptr where there is none (yet).
  Consumer* Find(const std::string& source_name, const std::string& shard) const;
  std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> All() const;

  // Read-your-writes: waits until the source's feed has been applied up to `position`.
  async::Task<absl::Status> AwaitApplied(std::string source_name, std::string shard, uint64_t position,
                                         absl::Time deadline, async::CancelToken cancel);
  // Waits until Watermark(shard) has reached `moment` for every shard in `shards`.
  async::Task<absl::Status> AwaitWatermark(std::vector<std::string> shards, absl::Time moment,
                                           absl::Time deadline);
  // Waits until the watermark of the source has reached `moment` in every shard of `shards`, those included
  // that are not consumed yet.
  async::Task<absl::Status> AwaitWatermark(std::string source_name, std::vector<std::string> shards,
                                           absl::Time moment, absl::Time deadline);

 private:
  struct Subscription {
    std::string name;
    Source* source;
    Projection* projection;
  };

  async::Task<void> Discover(size_t subscription, async::CancelToken cancel);

  async::Loop& loop_;
  store::Store& store_;
  const std::string name_;
  const ConsumerOptions options_;
  std::vector<Subscription> subscriptions_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Consumer>> consumers_;
  std::function<void()> progressed_;
  std::function<async::Task<absl::Status>(std::string)> prepare_;
  async::Event appeared_;
};

}  // namespace motcua::feed
