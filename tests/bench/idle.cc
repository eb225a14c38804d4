#include "absl/strings/str_format.h"
#include "tests/bench/scenarios.h"

namespace motcua::bench {

namespace {

using async::SyncWait;

constexpr int kMostShards = 63;
// For what an applied reference set sets off.
constexpr absl::Duration kSettle = absl::Seconds(5);

void AddRest(const Reading& before, const Reading& after, Report& row) {
  const double seconds = absl::ToDoubleSeconds(after.at - before.at);
  double services = 0;
  for (const auto& [name, used] : after.used) {
    const auto found = before.used.find(name);
    if (found == before.used.end() || name == "client") continue;
    const double percent = 100 * absl::ToDoubleSeconds(used.cpu - found->second.cpu) / seconds;
    row["cpu % " + name] = percent;
    row["switches/s " + name] = static_cast<double>(used.switches - found->second.switches) / seconds;
    if (name != "redis") services += percent;
  }
  row["cpu % four services"] = services;
  double scripts = 0, commands = 0;
  for (const auto& [name, calls] : after.redis.calls) {
    const auto found = before.redis.calls.find(name);
    const double more =
        static_cast<double>(calls - (found == before.redis.calls.end() ? 0 : found->second)) / seconds;
    (name == "evalsha" ? scripts : commands) += more;
  }
  row["scripts/s"] = scripts;
  row["commands/s"] = commands;
}

}  // namespace

absl::Status MeasureIdle(Bench& bench, const Settings& settings, Report& report) {
  absl::Status settled = SettleRedis(bench.loop, bench.redis);
  for (redis::Client* node : bench.further) settled.Update(SettleRedis(bench.loop, *node));
  if (!settled.ok()) return settled;
  int applied = 0;
  for (const int shards : {1, kMostShards}) {
    for (; applied < shards; ++applied) {
      absl::Status prepared =
          SyncWait(bench.loop, bench.system.Prepare(absl::StrFormat("B%02d", applied + 1)));
      if (!prepared.ok()) return prepared;
    }
    const std::string key = absl::StrFormat("at rest, %d shard%s", shards, shards == 1 ? "" : "s");
    Bench::Tell(key);
    absl::Status slept = SyncWait(bench.loop, bench.loop.Sleep(kSettle));
    if (!slept.ok()) return slept;
    absl::StatusOr<Reading> before = bench.Read();
    if (!before.ok()) return before.status();
    slept = SyncWait(bench.loop, bench.loop.Sleep(settings.time));
    if (!slept.ok()) return slept;
    absl::StatusOr<Reading> after = bench.Read();
    if (!after.ok()) return after.status();
    AddRest(*before, *after, report[key]);
    double services = 0;
    for (const auto& [name, bytes] : bench.processes.Resident()) {
      if (name != "redis") services += static_cast<double>(bytes) / (1 << 20);
    }
    report[key]["MiB four services"] = services;
  }
  return absl::OkStatus();
}

}  // namespace motcua::bench
