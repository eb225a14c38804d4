// What the benchmark prints: a table for people, or JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/bench/phase.h"

namespace motcua::bench {

// Rows in the order in which they were added:
//   {"durable transitions": {"per_second": .., "count": .., "p50_ms": .., "p99_ms": .., "ratio": ..,
//     "aof_rewrites": 0,
//     "per_operation": {"cpu_micros": {process: ..}, "switches": {process: ..}, "scripts": .., "commands":
//     ..,
//                       "redis_calls": {command: ..}, "events": .., "feed_events": {service: ..}}}}
using Report = nlohmann::ordered_json;

Report RowOf(const Phase& phase);

// Adds what every process, Redis and the feeds did between two readings, for each of `operations`; `scripts`
// are the calls of EVALSHA, `commands` all others, those inside of scripts included.
void AddCosts(const Reading& before, const Reading& after, uint64_t operations, Report& row);

// The rows of `report` as tables, with a paragraph on what the columns mean.
void Print(const Report& report);

}  // namespace motcua::bench
