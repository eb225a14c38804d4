// Phases of the benchmark: operations done side by side for a time, and what they cost every process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/sync_wait.h"
#include "common/async/task.h"
#include "common/async/when_all.h"
#include "common/redis/client.h"
#include "tests/bench/load.h"
#include "tests/bench/meter.h"
#include "tests/bench/redis_meter.h"

namespace motcua::bench {

// What one phase came to.
class Phase {
 public:
  Phase() {}
  uint64_t started = 0;
  uint64_t done = 0;
  absl::Duration took;
  // When the last operation ended.
  absl::Time ended = absl::Now();
  Latencies latencies;
  // The first error; it ends the phase.
  absl::Status status;

  double rate() const { return static_cast<double>(done) / std::max(1e-9, absl::ToDoubleSeconds(took)); }
};

// How long a phase lasts: whichever comes first.
class Bounds {
 public:
  explicit Bounds(int in_flight) : in_flight(in_flight) {}
  int in_flight;
  absl::Duration time = absl::InfiniteDuration();
  uint64_t count = UINT64_MAX;
  // Operations begun a second; a late one is measured from when it should have begun. 0 = as many as it
  // takes.
  double rate = 0;
};

// The state of everything that is counted, at one moment.
class Reading {
 public:
  Reading() {}
  absl::Time at;
  std::map<std::string, Usage> used;
  RedisReading redis;
  std::map<std::string, uint64_t> feeds;
};

// The system under test with its meters.
class Bench {
 public:
  Bench(async::Loop& loop, redis::Client& redis, System& system, Processes processes)
      : loop(loop), redis(redis), system(system), processes(std::move(processes)) {}

  async::Loop& loop;
  redis::Client& redis;
  // The other primaries of a cluster, whose commands are counted, too.
  std::vector<redis::Client*> further;
  System& system;
  const Processes processes;

  absl::StatusOr<Reading> Read() const;
  absl::Status CaughtUp() const { return async::SyncWait(loop, system.CaughtUp(kShard, absl::Minutes(1))); }

  // Does the tasks that `make()` gives, `bounds.in_flight` at a time; tells on stderr how far it has come.
  template <class Make>
  Phase Run(const std::string& what, const Bounds& bounds, Make make) {
    Phase phase;
    const absl::Time start = absl::Now();
    const absl::Time end = start + bounds.time;
    Tell(what);
    async::CancelSource over(loop);
    std::vector<async::Task<void>> workers, both;
    for (int i = 0; i < bounds.in_flight; ++i) workers.push_back(Work(make, start, end, bounds, phase));
    both.push_back(All(std::move(workers), over));
    both.push_back(Progress(what, phase, over.token()));
    async::SyncWait(loop, async::WhenAll(std::move(both)));
    phase.took = phase.ended - start;
    return phase;
  }

  static void Tell(const std::string& text);

 private:
  // Reads the clock once for each operation, unless it keeps to a rate: the end of one is the beginning of
  // the next.
  template <class Make>
  async::Task<void> Work(Make& make, absl::Time start, absl::Time end, Bounds bounds, Phase& phase) {
    absl::Time now = absl::Now();
    while (phase.status.ok() && now < end && phase.started < bounds.count) {
      if (bounds.rate > 0) {
        now = start + absl::Seconds(static_cast<double>(phase.started) / bounds.rate);
        if (now >= end) co_return;
      }
      ++phase.started;
      if (now > absl::Now()) {
        absl::Status slept = co_await loop.Sleep(now - absl::Now());
        if (!slept.ok()) co_return;
      }
      system.SetNow(now);
      absl::Status status = co_await make();
      const absl::Time after = absl::Now();
      if (!status.ok()) {
        phase.status = status;
        co_return;
      }
      phase.latencies.Add(after - now);
      phase.ended = after;
      ++phase.done;
      now = after;
    }
  }
  static async::Task<void> All(std::vector<async::Task<void>> workers, async::CancelSource& over);
  async::Task<void> Progress(std::string what, const Phase& phase, async::CancelToken cancel);
};

}  // namespace motcua::bench
