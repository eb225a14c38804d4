// Sampler: how the numbers that live in plain structs of the loop reach the metrics.
//
// Once a second it reads the loop, Redis' clients, the store, feeds and consumers, and what a service has
// added, and sets gauges and counters from them; so that nothing of this costs anything where it is counted.
// It runs only where metrics are served. Shards and consumers get their metrics when they are first seen.
//
//   motcua_feed_*                  feeds of this service
//   motcua_consumer_*              feeds that it follows
//   motcua_redis_*, motcua_store_* Redis and the commits
//   motcua_loop_*                  the loop itself
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/service/backend.h"
#include "common/telemetry/metrics.h"

namespace motcua::service {

// A counter that follows a total kept elsewhere.
class FollowedCounter {
 public:
  explicit FollowedCounter(telemetry::Counter& counter) : counter_(&counter) {}

  void Follow(uint64_t total) {
    if (total > told_) counter_->Add(static_cast<double>(total - told_));
    told_ = total;
  }

 private:
  telemetry::Counter* counter_;
  uint64_t told_ = 0;
};

// Confined to the loop but for construction, Add and destruction, which happen while nothing of it runs.
class Sampler {
 public:
  // What a service adds: reads its own numbers and sets its own metrics. May ask the store; the next round
  // waits for it.
  using Probe = std::function<async::Task<void>()>;

  // Makes the metrics that are the same in every service. `backend` and its metrics outlive the sampler.
  explicit Sampler(Backend& backend);

  void Add(Probe probe) { probes_.push_back(std::move(probe)); }

  // Until cancelled.
  async::Task<void> Run(async::CancelToken cancel);

 private:
  struct FeedGauges {
    explicit FeedGauges(telemetry::Metrics& metrics, const std::string& shard);
    telemetry::Gauge& position;
    telemetry::Gauge& watermark_age;
    telemetry::Gauge& readers;
  };
  struct ConsumerGauges {
    ConsumerGauges(telemetry::Metrics& metrics, const std::string& source, const std::string& shard);
    telemetry::Gauge& lag_events;
    telemetry::Gauge& lag_seconds;
    telemetry::Gauge& stuck;
    telemetry::Gauge& bootstrap;
    FollowedCounter bootstraps;
    FollowedCounter lost;
  };
  struct SourceCounters {
    SourceCounters(telemetry::Metrics& metrics, const std::string& source);
    FollowedCounter events;
    FollowedCounter batches;
  };

  async::Task<void> WatchLoop(async::CancelToken cancel);
  async::Task<void> Sample(async::CancelToken cancel);
  void SampleFeeds();
  void SampleConsumers();
  void SampleRedis();
  void SampleStore();

  Backend& backend_;
  telemetry::Metrics& metrics_;
  std::vector<Probe> probes_;
  std::map<std::string, FeedGauges> feeds_;
  std::map<std::pair<std::string, std::string>, ConsumerGauges> consumers_;
  std::map<std::string, SourceCounters> sources_;
  telemetry::Histogram& loop_delay_;
  telemetry::Gauge& loop_ready_;
  telemetry::Histogram& redis_round_trip_;
  telemetry::Gauge& redis_in_flight_;
  FollowedCounter redis_commands_, redis_connects_, redis_disconnects_, redis_refused_, redis_script_loads_;
  FollowedCounter committed_, conflicts_, stale_, replayed_, cursor_moved_, redefined_;
  FollowedCounter cache_hits_, cache_misses_, cache_stale_, cache_evicted_;
  telemetry::Gauge& cache_bytes_;
  telemetry::Gauge& definition_pending_;
  telemetry::Gauge& definition_overtaken_;
};

}  // namespace motcua::service
