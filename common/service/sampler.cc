#include "common/service/sampler.h"

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"
#include "common/async/when_all.h"

namespace motcua::service {

namespace {

using async::CancelToken;
using async::Task;
using telemetry::Counter;
using telemetry::Labels;
using telemetry::Metrics;

constexpr absl::Duration kInterval = absl::Seconds(1);
// Short, so that few stalls of the loop escape between two looks; ten wake-ups a second cost next to nothing.
constexpr absl::Duration kLoopTick = absl::Milliseconds(100);

// Seconds; timers have a resolution of a millisecond, so that less than two are no delay.
const std::vector<double>& DelayBuckets() {
  static const auto* buckets =
      new std::vector<double>{0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
  return *buckets;
}

// Seconds, from 50 microseconds on.
const std::vector<double>& RoundTripBuckets() {
  static const auto* buckets = new std::vector<double>{
      0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};
  return *buckets;
}

FollowedCounter RedisCounter(Metrics& metrics, const char* name, const char* help) {
  return FollowedCounter(metrics.MakeCounter(name, help));
}

FollowedCounter CommitCounter(Metrics& metrics, const char* result) {
  return FollowedCounter(
      metrics.MakeCounter("motcua_store_commits_total", "Commits by how they ended.", {{"result", result}}));
}

FollowedCounter CacheCounter(Metrics& metrics, const char* result) {
  return FollowedCounter(metrics.MakeCounter("motcua_record_cache_total",
                                             "Records looked for among those remembered (hit, miss), found "
                                             "out of date by a commit (stale), and forgotten for "
                                             "want of room (evicted).",
                                             {{"result", result}}));
}

}  // namespace

Sampler::FeedGauges::FeedGauges(Metrics& metrics, const std::string& shard)
    : position(metrics.MakeGauge("motcua_feed_position", "Position of the last event of the shard's feed.",
                                 {{"shard", shard}})),
      watermark_age(
          metrics.MakeGauge("motcua_feed_watermark_age_seconds",
                            "For how long somebody has been asking for a moment that the shard's watermark "
                            "has not reached; 0 where nobody is.",
                            {{"shard", shard}})),
      readers(metrics.MakeGauge("motcua_feed_readers", "Open streams of the shard's feed.",
                                {{"shard", shard}})) {}

Sampler::ConsumerGauges::ConsumerGauges(Metrics& metrics, const std::string& source, const std::string& shard)
    : lag_events(metrics.MakeGauge("motcua_consumer_lag_events",
                                   "Events seen in a source's feed and not yet applied.",
                                   {{"source", source}, {"shard", shard}})),
      lag_seconds(metrics.MakeGauge(
          "motcua_consumer_lag_seconds",
          "For how long events of a source have waited to be applied, or the source has been "
          "away; 0 where it is there and nothing waits.",
          {{"source", source}, {"shard", shard}})),
      stuck(metrics.MakeGauge("motcua_consumer_stuck_seconds",
                              "For how long a source's feed could not be followed; 0 while it is.",
                              {{"source", source}, {"shard", shard}})),
      bootstrap(metrics.MakeGauge("motcua_consumer_bootstrap_records",
                                  "Records taken so far of a source's snapshot, in the place of events that "
                                  "are no longer kept; 0 where none is being taken.",
                                  {{"source", source}, {"shard", shard}})),
      bootstraps(
          metrics.MakeCounter("motcua_consumer_bootstraps_total",
                              "Snapshots of a source that were begun, or gone on with, because the source "
                              "no longer kept the events to be applied.",
                              {{"source", source}, {"shard", shard}})),
      lost(metrics.MakeCounter("motcua_consumer_lost_positions_total",
                               "Events that were applied here and that the source has lost since.",
                               {{"source", source}, {"shard", shard}})) {}

Sampler::SourceCounters::SourceCounters(Metrics& metrics, const std::string& source)
    : events(metrics.MakeCounter("motcua_consumer_events_total", "Events of a source that were applied.",
                                 {{"source", source}})),
      batches(metrics.MakeCounter("motcua_consumer_batches_total",
                                  "Commits by which events of a source were applied.",
                                  {{"source", source}})) {}

Sampler::Sampler(Backend& backend)
    : backend_(backend),
      metrics_(backend.metrics()),
      loop_delay_(metrics_.MakeHistogram("motcua_loop_delay_seconds",
                                         "How late the loop ran a timer of 100 ms.", {}, DelayBuckets())),
      loop_ready_(metrics_.MakeGauge(
          "motcua_loop_ready",
          "Most coroutines and posted work that one turn of the loop had to run, of the turns "
          "of the last second.")),
      redis_round_trip_(metrics_.MakeHistogram(
          "motcua_redis_round_trip_seconds",
          "Time from a command's issue to its answer, of one command in sixteen.", {}, RoundTripBuckets())),
      redis_in_flight_(
          metrics_.MakeGauge("motcua_redis_in_flight", "Commands sent to Redis and not yet answered.")),
      redis_commands_(RedisCounter(metrics_, "motcua_redis_commands_total", "Commands sent to Redis.")),
      redis_connects_(
          RedisCounter(metrics_, "motcua_redis_connects_total", "Connections to Redis that came up.")),
      redis_disconnects_(
          RedisCounter(metrics_, "motcua_redis_disconnects_total", "Connections to Redis that were lost.")),
      redis_refused_(RedisCounter(metrics_, "motcua_redis_refused_total",
                                  "Commands not sent because too many waited for Redis already.")),
      redis_script_loads_(
          RedisCounter(metrics_, "motcua_redis_script_loads_total", "Scripts that Redis had to be sent.")),
      committed_(CommitCounter(metrics_, "committed")),
      conflicts_(CommitCounter(metrics_, "conflict")),
      stale_(CommitCounter(metrics_, "stale")),
      replayed_(CommitCounter(metrics_, "replayed")),
      cursor_moved_(CommitCounter(metrics_, "cursor_moved")),
      redefined_(CommitCounter(metrics_, "redefined")),
      cache_hits_(CacheCounter(metrics_, "hit")),
      cache_misses_(CacheCounter(metrics_, "miss")),
      cache_stale_(CacheCounter(metrics_, "stale")),
      cache_evicted_(CacheCounter(metrics_, "evicted")),
      cache_bytes_(
          metrics_.MakeGauge("motcua_record_cache_bytes", "Estimated size of the records remembered.")),
      definition_pending_(metrics_.MakeGauge(
          "motcua_definition_shards_pending",
          "Shards whose lists and counters are being brought to this version's definition; 0 at rest.")),
      definition_overtaken_(metrics_.MakeGauge(
          "motcua_definition_shards_overtaken",
          "Shards that a newer version has taken over, which this one can no longer write.")) {
  for (const std::string& source : backend_.description().sources)
    sources_.try_emplace(source, metrics_, source);
}

Task<void> Sampler::Run(CancelToken cancel) {
  backend_.redis().OnRoundTrip([&histogram = redis_round_trip_](absl::Duration taken) {
    histogram.Observe(absl::ToDoubleSeconds(taken));
  });
  std::vector<Task<void>> parts;
  parts.push_back(WatchLoop(cancel));
  parts.push_back(Sample(cancel));
  co_await async::WhenAll(std::move(parts));
}

Task<void> Sampler::WatchLoop(CancelToken cancel) {
  while (!cancel.cancelled()) {
    const auto before = std::chrono::steady_clock::now();
    absl::Status slept = co_await backend_.loop().Sleep(kLoopTick, cancel);
    if (!slept.ok()) break;
    const absl::Duration taken = absl::FromChrono(std::chrono::steady_clock::now() - before);
    loop_delay_.Observe(absl::ToDoubleSeconds(std::max(absl::ZeroDuration(), taken - kLoopTick)));
  }
}

Task<void> Sampler::Sample(CancelToken cancel) {
  while (!cancel.cancelled()) {
    loop_ready_.Set(static_cast<double>(backend_.loop().TakeBusiestTurn()));
    SampleFeeds();
    SampleConsumers();
    SampleRedis();
    SampleStore();
    for (size_t i = 0; i < probes_.size() && !cancel.cancelled(); ++i) {
      Task<void> probe = probes_[i]();
      co_await std::move(probe);
    }
    absl::Status slept = co_await backend_.loop().Sleep(kInterval, cancel);
    (void)slept;
  }
}

void Sampler::SampleFeeds() {
  const feed::Publisher& publisher = backend_.publisher();
  for (const std::string& shard : publisher.shards()) {
    FeedGauges& gauges = feeds_.try_emplace(shard, metrics_, shard).first->second;
    gauges.position.Set(static_cast<double>(publisher.position(shard)));
    gauges.watermark_age.Set(absl::ToDoubleSeconds(publisher.owed(shard)));
    gauges.readers.Set(static_cast<double>(publisher.readers(shard)));
  }
}

void Sampler::SampleConsumers() {
  const absl::Time now = absl::Now();
  std::map<std::string, std::pair<uint64_t, uint64_t>> totals;
  for (const auto& [key, consumer] : backend_.subscriptions().All()) {
    ConsumerGauges& gauges = consumers_.try_emplace(key, metrics_, key.first, key.second).first->second;
    const uint64_t ahead = consumer->seen() - std::min(consumer->seen(), consumer->applied());
    gauges.lag_events.Set(static_cast<double>(ahead));
    gauges.lag_seconds.Set(absl::ToDoubleSeconds(consumer->behind(now)));
    gauges.stuck.Set(std::max(0.0, absl::ToDoubleSeconds(now - std::min(now, consumer->troubled_since()))));
    gauges.lost.Follow(consumer->lost_positions());
    const bool taking = consumer->bootstrap().step == feed::Bootstrap::Step::kReading;
    gauges.bootstrap.Set(taking ? static_cast<double>(consumer->bootstrap().records) : 0);
    gauges.bootstraps.Follow(consumer->bootstraps());
    std::pair<uint64_t, uint64_t>& total = totals[key.first];
    total.first += consumer->events();
    total.second += consumer->batches();
  }
  for (const auto& [source, total] : totals) {
    SourceCounters& counters = sources_.try_emplace(source, metrics_, source).first->second;
    counters.events.Follow(total.first);
    counters.batches.Follow(total.second);
  }
}

void Sampler::SampleRedis() {
  const redis::ClientStats commands = backend_.redis().stats();
  // The connection that waits for new events has one blocking command in flight, always; it counts with its
  // life alone.
  const redis::ClientStats tail = backend_.tail().stats();
  redis_in_flight_.Set(static_cast<double>(commands.in_flight));
  redis_commands_.Follow(commands.commands);
  redis_connects_.Follow(commands.connects + tail.connects);
  redis_disconnects_.Follow(commands.disconnects + tail.disconnects);
  redis_refused_.Follow(commands.refused);
  redis_script_loads_.Follow(commands.script_loads);
}

void Sampler::SampleStore() {
  const store::Store::Tally& tally = backend_.store().tally();
  committed_.Follow(tally.committed);
  conflicts_.Follow(tally.conflicts);
  stale_.Follow(tally.stale);
  replayed_.Follow(tally.replayed);
  cursor_moved_.Follow(tally.cursor_moved);
  redefined_.Follow(tally.redefined);
  const store::RecordCache& cache = backend_.store().cache();
  cache_hits_.Follow(cache.tally().hits);
  cache_misses_.Follow(cache.tally().misses);
  cache_stale_.Follow(cache.tally().stale);
  cache_evicted_.Follow(cache.tally().evictions);
  cache_bytes_.Set(static_cast<double>(cache.bytes()));
  size_t pending = 0, overtaken = 0;
  for (const auto& [shard, state] : backend_.index_builder().states()) {
    ++(backend_.index_builder().Overtaken(state) ? overtaken : pending);
  }
  definition_pending_.Set(static_cast<double>(pending));
  definition_overtaken_.Set(static_cast<double>(overtaken));
}

}  // namespace motcua::service
