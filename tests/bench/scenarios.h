// The runs of the benchmark.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/phase.h"
#include "tests/bench/report.h"

namespace motcua::bench {

class Settings {
 public:
  Settings() {}
  uint64_t loaded = 10000;
  absl::Duration time = absl::Seconds(5);
  int in_flight = 64;
  // Calls a second; 0 = as many as it takes.
  double rate = 0;
  // Of the loading.
  int load_in_flight = 256;
  // Clocks of the storm.
  uint64_t due = 20000;
  // Four-call lives a second of a peer measured beside it; 0 = none.
  double peer_lives = 0;
};

// Files and accepts settings.loaded dossiers and waits until every service has applied them and the
// append-only file is rewritten. Adds a row; and the bytes that one takes in Redis.
absl::StatusOr<Codes> Load(Bench& bench, const Settings& settings, Report& report);

// What is fast: floors, transitions, inbox pages, lives.
absl::Status MeasureSpeed(Bench& bench, const Settings& settings, Report& report);

// settings.due clocks fall due in one moment while filing goes on at half of its peak rate. Not OK where not
// all are flagged exactly once.
absl::Status MeasureStorm(Bench& bench, const Settings& settings, Report& report);

// What the system does at rest, with one shard and with 63.
absl::Status MeasureIdle(Bench& bench, const Settings& settings, Report& report);

}  // namespace motcua::bench
