#include "tests/bench/redis_meter.h"

#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/status/errors.h"

namespace motcua::bench {

namespace {

using async::SyncWait;

absl::StatusOr<redis::Reply> Ask(async::Loop& loop, redis::Client& redis, redis::Command command) {
  return SyncWait(loop, redis.Execute(std::move(command), absl::Now() + absl::Seconds(30)));
}

}  // namespace

absl::StatusOr<RedisReading> ReadRedis(async::Loop& loop, redis::Client& redis) {
  redis::Command info("INFO");
  info.Arg("commandstats").Arg("persistence").Arg("memory");
  absl::StatusOr<redis::Reply> reply = Ask(loop, redis, std::move(info));
  if (!reply.ok()) return reply.status();
  RedisReading reading;
  for (absl::string_view line : absl::StrSplit(reply->text(), absl::ByAnyChar("\r\n"), absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    uint64_t number = 0;
    if (absl::ConsumePrefix(&line, "cmdstat_")) {
      absl::string_view value = field.second;
      const std::string name(line.substr(0, line.find(':')));
      if (!absl::ConsumePrefix(&value, "calls=") ||
          !absl::SimpleAtoi(value.substr(0, value.find(',')), &number))
        continue;
      if (name != "info" && name != "config|set" && name != "bgrewriteaof") reading.calls[name] = number;
    } else if (!absl::SimpleAtoi(field.second, &number)) {
      continue;
    } else if (field.first == "aof_rewrites") {
      reading.rewrites = number;
    } else if (field.first == "aof_rewrite_in_progress" || field.first == "aof_rewrite_scheduled") {
      reading.rewriting = reading.rewriting || number != 0;
    } else if (field.first == "used_memory_dataset" || field.first == "used_memory_overhead") {
      reading.bytes += number;
    }
  }
  return reading;
}

absl::Status SettleRedis(async::Loop& loop, redis::Client& redis) {
  redis::Command config("CONFIG");
  config.Arg("SET").Arg("auto-aof-rewrite-percentage").Arg(0);
  absl::StatusOr<redis::Reply> reply = Ask(loop, redis, std::move(config));
  if (!reply.ok()) return reply.status();
  const absl::Time deadline = absl::Now() + absl::Minutes(10);
  bool rewritten = false;
  while (absl::Now() < deadline) {
    absl::StatusOr<RedisReading> reading = ReadRedis(loop, redis);
    if (!reading.ok()) return reading.status();
    if (!reading->rewriting && rewritten) return absl::OkStatus();
    if (!reading->rewriting) {
      reply = Ask(loop, redis, redis::Command("BGREWRITEAOF"));
      if (!reply.ok()) return reply.status();
      rewritten = true;
    }
    absl::Status slept = SyncWait(loop, loop.Sleep(absl::Milliseconds(100)));
    if (!slept.ok()) return slept;
  }
  return errors::DeadlineExceeded("BENCH", "Redis has not rewritten its file in time");
}

}  // namespace motcua::bench
