#include "tests/bench/report.h"

#include <cstdio>

namespace motcua::bench {

namespace {

constexpr const char* kProcesses[] = {"intake",       "routing", "deadline-monitor",
                                      "notification", "redis",   "client"};

uint64_t Since(const std::map<std::string, uint64_t>& before, const std::string& name, uint64_t now) {
  const auto found = before.find(name);
  return now - (found == before.end() ? 0 : std::min(now, found->second));
}

double Of(const Report& row, const char* key) { return row.contains(key) ? row[key].get<double>() : 0; }

void PrintRates(const Report& report) {
  std::printf("%-38s %11s %9s %9s %7s\n", "what", "per second", "p50 ms", "p99 ms", "ratio");
  for (const auto& [key, row] : report.items()) {
    if (!row.is_object() || !row.contains("per_second")) continue;
    std::printf("%-38s %11.0f", key.c_str(), Of(row, "per_second"));
    if (row.contains("p50_ms")) {
      std::printf(" %9.2f %9.2f", Of(row, "p50_ms"), Of(row, "p99_ms"));
    } else {
      std::printf(" %9s %9s", "", "");
    }
    if (row.contains("ratio")) std::printf(" %7.3f", Of(row, "ratio"));
    if (Of(row, "aof_rewrites") > 0) std::printf("  (an AOF rewrite fell into it)");
    std::printf("\n");
  }
}

void PrintCosts(const Report& report) {
  std::printf("\n%-38s", "for each operation: processor, us");
  for (const char* name : {"intake", "routing", "monitor", "notific.", "redis", "client", "all"})
    std::printf(" %8s", name);
  std::printf("\n");
  for (const auto& [key, row] : report.items()) {
    if (!row.is_object() || !row.contains("per_operation")) continue;
    std::printf("%-38s", key.c_str());
    double sum = 0;
    for (const char* name : kProcesses) {
      const double used = Of(row["per_operation"]["cpu_micros"], name);
      std::printf(" %8.1f", used);
      sum += used;
    }
    std::printf(" %8.1f\n", sum);
  }
  std::printf("\n%-38s %9s %9s %9s %9s %9s\n", "for each operation", "switches", "of client", "scripts",
              "commands", "events");
  for (const auto& [key, row] : report.items()) {
    if (!row.is_object() || !row.contains("per_operation")) continue;
    const Report& costs = row["per_operation"];
    double services = 0;
    for (const char* name : kProcesses) services += Of(costs["switches"], name);
    const double client = Of(costs["switches"], "client");
    services -= client + Of(costs["switches"], "redis");
    std::printf("%-38s %9.2f %9.2f %9.2f %9.2f %9.2f\n", key.c_str(), services, client, Of(costs, "scripts"),
                Of(costs, "commands"), Of(costs, "events"));
  }
  std::printf(
      "\nratio: to the floor of bare Redis commits. switches: of threads, of the four services and of the "
      "client.\n"
      "scripts: calls of EVALSHA (commits, pages of lists). commands: all else that Redis did, in scripts "
      "too.\n"
      "events: in the four feeds. Costs are counted until the feeds have caught up.\n\n");
}

void PrintFigures(const Report& report) {
  for (const auto& [key, value] : report.items()) {
    if (value.is_number() || value.is_string()) {
      std::printf("%s: %s\n", key.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    } else if (value.is_object() && !value.contains("per_second")) {
      std::printf("%s:", key.c_str());
      for (const auto& [name, figure] : value.items()) {
        if (figure.is_number_float()) std::printf(" %s %.1f", name.c_str(), figure.get<double>());
        if (figure.is_number_integer())
          std::printf(" %s %lld", name.c_str(), static_cast<long long>(figure.get<int64_t>()));
      }
      std::printf("\n");
    }
  }
}

}  // namespace

Report RowOf(const Phase& phase) {
  Report row;
  row["per_second"] = phase.rate();
  row["count"] = phase.done;
  row["p50_ms"] = absl::ToDoubleMilliseconds(phase.latencies.Quantile(0.5));
  row["p99_ms"] = absl::ToDoubleMilliseconds(phase.latencies.Quantile(0.99));
  return row;
}

void AddCosts(const Reading& before, const Reading& after, uint64_t operations, Report& row) {
  const double each = 1.0 / static_cast<double>(std::max<uint64_t>(1, operations));
  Report costs;
  for (const auto& [name, used] : after.used) {
    const auto found = before.used.find(name);
    if (found == before.used.end()) continue;
    costs["cpu_micros"][name] = absl::ToDoubleMicroseconds(used.cpu - found->second.cpu) * each;
    costs["switches"][name] =
        static_cast<double>(used.switches - std::min(used.switches, found->second.switches)) * each;
  }
  double scripts = 0, commands = 0, events = 0;
  for (const auto& [name, now] : after.redis.calls) {
    const double calls = static_cast<double>(Since(before.redis.calls, name, now)) * each;
    if (calls == 0) continue;
    costs["redis_calls"][name] = calls;
    (name == "evalsha" ? scripts : commands) += calls;
  }
  for (const auto& [service, end] : after.feeds) {
    const double emitted = static_cast<double>(Since(before.feeds, service, end)) * each;
    costs["feed_events"][service] = emitted;
    events += emitted;
  }
  costs["scripts"] = scripts;
  costs["commands"] = commands;
  costs["events"] = events;
  row["aof_rewrites"] = after.redis.rewrites - before.redis.rewrites + (before.redis.rewriting ? 1 : 0);
  row["per_operation"] = costs;
}

void Print(const Report& report) {
  bool rates = false, costs = false;
  for (const auto& [key, row] : report.items()) {
    rates = rates || (row.is_object() && row.contains("per_second"));
    costs = costs || (row.is_object() && row.contains("per_operation"));
  }
  if (rates) PrintRates(report);
  if (costs) PrintCosts(report);
  PrintFigures(report);
}

}  // namespace motcua::bench
