#include "tests/bench/phase.h"

#include <cstdio>

#include "absl/strings/str_format.h"

namespace motcua::bench {

namespace {

constexpr absl::Duration kTellEvery = absl::Seconds(5);

}  // namespace

absl::StatusOr<Reading> Bench::Read() const {
  Reading reading;
  auto feeds = async::SyncWait(loop, system.FeedEnds());
  if (!feeds.ok()) return feeds.status();
  reading.feeds = *std::move(feeds);
  absl::StatusOr<RedisReading> stats = ReadRedis(loop, redis);
  if (!stats.ok()) return stats.status();
  reading.redis = *std::move(stats);
  for (redis::Client* node : further) {
    stats = ReadRedis(loop, *node);
    if (!stats.ok()) return stats.status();
    for (const auto& [name, calls] : stats->calls) reading.redis.calls[name] += calls;
    reading.redis.rewrites += stats->rewrites;
    reading.redis.rewriting = reading.redis.rewriting || stats->rewriting;
    reading.redis.bytes += stats->bytes;
  }
  reading.used = processes.Used();
  reading.at = absl::Now();
  return reading;
}

void Bench::Tell(const std::string& text) { std::fprintf(stderr, "  %s ...\n", text.c_str()); }

async::Task<void> Bench::All(std::vector<async::Task<void>> workers, async::CancelSource& over) {
  co_await async::WhenAll(std::move(workers));
  over.Cancel();
}

async::Task<void> Bench::Progress(std::string what, const Phase& phase, async::CancelToken cancel) {
  uint64_t before = 0;
  while (true) {
    absl::Status slept = co_await loop.Sleep(kTellEvery, cancel);
    if (!slept.ok()) co_return;
    const uint64_t done = phase.done;
    Tell(absl::StrFormat("%s: %d done, %.0f/s", what, done,
                         static_cast<double>(done - before) / absl::ToDoubleSeconds(kTellEvery)));
    before = done;
  }
}

}  // namespace motcua::bench
