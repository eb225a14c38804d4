// What Redis tells of itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "common/async/loop.h"
#include "common/redis/client.h"

namespace motcua::bench {

class RedisReading {
 public:
  RedisReading() {}
  // Commands done so far by name, those of scripts too; without what the meter itself asks.
  std::map<std::string, uint64_t> calls;
  // Rewrites of the append-only file begun so far, and whether one is under way.
  uint64_t rewrites = 0;
  bool rewriting = false;
  // What the data take in bytes, with the hash tables of the key space (counted as overhead by Redis).
  uint64_t bytes = 0;
};

absl::StatusOr<RedisReading> ReadRedis(async::Loop& loop, redis::Client& redis);

// Rewrites the append-only file and lets Redis rewrite it no more by itself, so that no rewrite falls into
// what is measured; returns when it is done. For a server of the benchmark's own.
absl::Status SettleRedis(async::Loop& loop, redis::Client& redis);

}  // namespace motcua::bench
