#include <random>

#include "tests/bench/floors.h"
#include "tests/bench/scenarios.h"

namespace motcua::bench {

namespace {

using async::SyncWait;

constexpr double kCallsOfWholeLife = 9;

// Runs a phase, waits until the feeds have caught up, and adds its row. `and_feeds`: the phase lasts until
// then.
template <class Make>
absl::StatusOr<double> Measure(Bench& bench, const std::string& key, const Bounds& bounds, bool and_feeds,
                               Report& report, Make make) {
  absl::StatusOr<Reading> before = bench.Read();
  if (!before.ok()) return before.status();
  const absl::Time start = absl::Now();
  Phase phase = bench.Run(key, bounds, std::move(make));
  if (!phase.status.ok()) return phase.status;
  absl::Status caught_up = bench.CaughtUp();
  if (!caught_up.ok()) return caught_up;
  if (and_feeds) phase.took = absl::Now() - start;
  absl::StatusOr<Reading> after = bench.Read();
  if (!after.ok()) return after.status();
  report[key] = RowOf(phase);
  AddCosts(*before, *after, phase.done, report[key]);
  return phase.rate();
}

void AddResident(const Processes& processes, const char* key, Report& report) {
  uint64_t services = 0;
  for (const auto& [name, bytes] : processes.Resident()) {
    report[key][name] = static_cast<double>(bytes) / (1 << 20);
    if (name != "redis") services += bytes;
  }
  report[key]["four services"] = static_cast<double>(services) / (1 << 20);
}

}  // namespace

absl::StatusOr<Codes> Load(Bench& bench, const Settings& settings, Report& report) {
  Codes codes;
  absl::StatusOr<Reading> before = bench.Read();
  if (!before.ok()) return before.status();
  Bounds bounds(settings.load_in_flight);
  bounds.count = settings.loaded;
  bounds.rate = settings.rate;
  Phase phase = bench.Run("loading", bounds, [&] { return bench.system.FileOne(&codes); });
  if (!phase.status.ok()) return phase.status;
  Bench::Tell("catching up");
  absl::Status caught_up = bench.CaughtUp();
  if (!caught_up.ok()) return caught_up;
  absl::StatusOr<Reading> after = bench.Read();
  if (!after.ok()) return after.status();
  const std::string key = "filed and accepted (load)";
  report[key] = RowOf(phase);
  AddCosts(*before, *after, phase.done, report[key]);
  report["redis_bytes_per_open_dossier"] = static_cast<int64_t>(after->redis.bytes - before->redis.bytes) /
                                           static_cast<int64_t>(std::max<uint64_t>(1, phase.done));
  Bench::Tell("rewriting the append-only file, so that no rewrite falls into what is measured");
  absl::Status settled = SettleRedis(bench.loop, bench.redis);
  if (!settled.ok()) return settled;
  return codes;
}

absl::Status MeasureSpeed(Bench& bench, const Settings& settings, Report& report) {
  System& system = bench.system;
  AddResident(bench.processes, "resident_mib_idle", report);
  absl::StatusOr<Codes> codes = Load(bench, settings, report);
  if (!codes.ok()) return codes.status();
  if (codes->size() == 0) return absl::InvalidArgumentError("--loaded: at least one dossier");

  Bench::Tell("floors");
  absl::StatusOr<double> commits = RedisCommits(bench.redis.options(), settings.in_flight, settings.time);
  if (!commits.ok()) return commits.status();
  report["floor: bare Redis commits"]["per_second"] = *commits;
  absl::StatusOr<double> calls = EmptyCalls(settings.in_flight, settings.time);
  if (!calls.ok()) return calls.status();
  report["floor: empty gRPC calls"]["per_second"] = *calls;

  Bounds bounds(settings.in_flight);
  bounds.time = settings.time;
  bounds.rate = settings.rate;
  std::mt19937_64 random(20260714);
  const std::string kTransitions = "durable transitions", kFour = "four-call lives",
                    kWhole = "whole lives, feeds caught up";
  absl::StatusOr<double> rate = Measure(bench, kTransitions, bounds, false, report,
                                        [&] { return system.Work((*codes)[random() % codes->size()]); });
  if (!rate.ok()) return rate.status();
  report[kTransitions]["ratio"] = *rate / *commits;

  for (const int in_flight : {4, 64}) {
    Bounds few(in_flight);
    few.time = settings.time / 2;
    const std::string key = "inbox page and counts, " + std::to_string(in_flight) + " in flight";
    rate = Measure(bench, key, few, false, report, [&] { return system.Inbox(); });
    if (!rate.ok()) return rate.status();
  }

  Bounds alone(1);
  alone.time = settings.time / 2;
  rate = Measure(bench, "transitions, one at a time", alone, false, report,
                 [&] { return system.Work((*codes)[random() % codes->size()]); });
  if (!rate.ok()) return rate.status();

  bounds.rate = settings.rate / 4;
  rate = Measure(bench, kFour, bounds, false, report, [&] { return system.FourCallLife(); });
  if (!rate.ok()) return rate.status();
  report[kFour]["ratio"] = *rate / *commits;
  if (settings.peer_lives > 0) {
    report["peer: four-call lives of BullMQ"]["per_second"] = settings.peer_lives;
    report["four_call_lives_to_peer"] = *rate / settings.peer_lives;
  }

  bounds.rate = settings.rate / kCallsOfWholeLife;
  rate = Measure(bench, kWhole, bounds, true, report, [&] { return system.WholeLife(); });
  if (!rate.ok()) return rate.status();
  report[kWhole]["ratio"] = *rate / *commits;

  AddResident(bench.processes, "resident_mib_loaded", report);
  return absl::OkStatus();
}

}  // namespace motcua::bench
