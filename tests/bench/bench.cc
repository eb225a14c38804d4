// motcua-bench: how fast and how small the system is, as ratios to what the same machine does at best in the same run.
// Started by tests/bench/run, which starts the system under test.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "tests/bench/floors.h"
#include "tests/bench/load.h"
#include "tests/bench/meter.h"

namespace motcua::bench {
namespace {

using async::SyncWait;
using async::Task;

// What one phase came to.
class Phase {
 public:
  Phase() {}
  uint64_t done = 0;
  absl::Duration took;
  Latencies latencies;
  absl::Status status;
  double rate() const { return static_cast<double>(done) / std::max(1e-9, absl::ToDoubleSeconds(took)); }
};

using Operation = std::function<Task<absl::Status>()>;

// Does `operation` one after the other until `end`, or until `budget` operations have been started by all workers.
Task<void> Work(Operation& operation, absl::Time end, uint64_t* budget, Phase* phase) {
  while (phase->status.ok() && absl::Now() < end && *budget > 0) {
    --*budget;
    const absl::Time start = absl::Now();
    absl::Status status = co_await operation();
    if (!status.ok()) {
      phase->status = status;
      co_return;
    }
    phase->latencies.Add(absl::Now() - start);
    ++phase->done;
  }
}

class Bench {
 public:
  Bench(std::string title, bool quiet) : quiet_(quiet) { Say(title); }

  rpc::Loop loop{"bench"};
  nlohmann::ordered_json report;

  void Say(const std::string& text) const {
    if (!quiet_) std::fprintf(stderr, "%s\n", text.c_str());
  }

  // Runs a phase for `time`, or for `count` operations.
  Phase Run(const std::string& what, int in_flight, absl::Duration time, uint64_t count, Operation operation) {
    Say(absl::StrCat("  ", what, " ..."));
    Phase phase;
    const absl::Time start = absl::Now();
    std::vector<Task<void>> workers;
    for (int i = 0; i < in_flight; ++i) workers.push_back(Work(operation, start + time, &count, &phase));
    SyncWait(loop, async::WhenAll(std::move(workers)));
    phase.took = absl::Now() - start;
    return phase;
  }

  void Report(const std::string& key, const Phase& phase) {
    nlohmann::ordered_json line;
    line["per_second"] = phase.rate();
    line["count"] = phase.done;
    line["p50_ms"] = absl::ToDoubleMilliseconds(phase.latencies.Quantile(0.5));
    line["p99_ms"] = absl::ToDoubleMilliseconds(phase.latencies.Quantile(0.99));
    report[key] = line;
  }

 private:
  const bool quiet_;
};

absl::StatusOr<uint64_t> RedisMemory(async::Loop& loop, redis::Client& redis) {
  redis::Command info("INFO");
  info.Arg("memory");
  absl::StatusOr<redis::Reply> reply = SyncWait(loop, redis.Execute(std::move(info), absl::Now() + absl::Seconds(10)));
  if (!reply.ok()) return reply.status();
  const std::string& text = reply->text();
  const size_t at = text.find("used_memory_dataset:");
  uint64_t bytes = 0;
  if (at == std::string::npos || std::sscanf(text.c_str() + at, "used_memory_dataset:%lu", &bytes) != 1) {
    return absl::InternalError("INFO memory has no used_memory_dataset");
  }
  // The dataset and what the hash tables of the key space take (counted as overhead by Redis).
  const size_t overhead = text.find("used_memory_overhead:");
  uint64_t more = 0;
  if (overhead != std::string::npos) std::sscanf(text.c_str() + overhead, "used_memory_overhead:%lu", &more);
  return bytes + more;
}

void PrintTable(const nlohmann::ordered_json& report) {
  std::printf("%-44s %12s %10s %10s %8s\n", "what", "per second", "p50 ms", "p99 ms", "ratio");
  for (const auto& [key, line] : report.items()) {
    if (!line.is_object() || !line.contains("per_second")) continue;
    std::printf("%-44s %12.0f", key.c_str(), line["per_second"].get<double>());
    if (line.contains("p50_ms")) {
      std::printf(" %10.2f %10.2f", line["p50_ms"].get<double>(), line["p99_ms"].get<double>());
    } else {
      std::printf(" %10s %10s", "", "");
    }
    if (line.contains("ratio")) std::printf(" %8.2f", line["ratio"].get<double>());
    std::printf("\n");
  }
}

int Main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // see common/service/main.cc
  CLI::App app("Measures a running Motcua; see tests/bench/run.");
  std::string intake, routing, deadline, notification, redis_address, key_file, pids;
  rpc::TlsFiles tls;
  uint64_t loaded = 10000;
  double seconds = 5;
  int in_flight = 64;
  bool json = false;
  app.add_option("--intake", intake)->required();
  app.add_option("--routing", routing)->required();
  app.add_option("--deadline", deadline)->required();
  app.add_option("--notification", notification)->required();
  app.add_option("--redis", redis_address)->required();
  app.add_option("--signing_key", key_file)->required();
  app.add_option("--tls_ca", tls.ca, "CA of the services' certificates; none = no TLS");
  app.add_option("--tls_cert", tls.cert);
  app.add_option("--tls_key", tls.key);
  app.add_option("--pids", pids, "name=pid,... of the processes whose time and memory are read");
  app.add_option("--loaded", loaded, "open dossiers to load first");
  app.add_option("--seconds", seconds, "length of each timed phase");
  app.add_option("--in_flight", in_flight, "calls at a time");
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);

  Bench bench("Benchmark: " + std::to_string(loaded) + " open dossiers", false);
  rpc::Loop& loop = bench.loop;
  std::ifstream key_stream(key_file);
  std::stringstream pem;
  pem << key_stream.rdbuf();
  absl::StatusOr<auth::JwtSigner> signer = auth::JwtSigner::FromPem(pem.str(), "dev", "motcua", "motcua");
  auto fail = [](const absl::Status& status) {
    std::fprintf(stderr, "motcua-bench: %s\n", status.ToString().c_str());
    return 1;
  };
  if (!signer.ok()) return fail(signer.status());
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels;
  for (const auto& [name, address] : std::map<std::string, std::string>{{"intake", intake},
                                                                        {"routing", routing},
                                                                        {"deadline-monitor", deadline},
                                                                        {"notification", notification}}) {
    rpc::ChannelOptions channel_options(address);
    channel_options.tls = tls;
    auto channel = rpc::MakeChannel(channel_options);
    if (!channel.ok()) return fail(channel.status());
    channels[name] = *channel;
  }
  redis::Options redis_options;
  redis_options.address = redis_address;
  redis::Client redis(loop, redis_options);
  absl::Status connected = SyncWait(loop, redis.WaitConnected(absl::Now() + absl::Seconds(10)));
  if (!connected.ok()) return fail(connected);
  System system(loop, *signer, std::move(channels));
  const Processes processes = Processes::Parse(pids);
  const absl::Duration time = absl::Seconds(seconds);
  const uint64_t unlimited = std::numeric_limits<uint64_t>::max();
  auto& report = bench.report;

  absl::Status prepared = SyncWait(loop, system.Prepare());
  if (!prepared.ok()) return fail(prepared);
  auto idle = processes.Resident();

  // Load: open dossiers, each held by the commune.
  absl::StatusOr<uint64_t> memory_before = RedisMemory(loop, redis);
  if (!memory_before.ok()) return fail(memory_before.status());
  std::vector<std::string> dossiers;
  Phase load = bench.Run("loading", in_flight, absl::InfiniteDuration(), loaded, [&]() -> Task<absl::Status> {
    return [](System& s, std::vector<std::string>& codes) -> Task<absl::Status> {
      absl::StatusOr<common::v1::Written> filed = co_await s.FileAndAccept(kOneLeg);
      if (filed.ok()) codes.push_back(filed->subject());
      co_return filed.status();
    }(system, dossiers);
  });
  if (!load.status.ok()) return fail(load.status);
  absl::Status caught_up = SyncWait(loop, system.CaughtUp(absl::Minutes(10)));
  if (!caught_up.ok()) return fail(caught_up);
  absl::StatusOr<uint64_t> memory_after = RedisMemory(loop, redis);
  if (!memory_after.ok()) return fail(memory_after.status());
  bench.Report("dossiers filed and accepted (load)", load);

  bench.Say("  floors ...");
  absl::StatusOr<double> commits = RedisCommits(loop, redis, in_flight, time);
  if (!commits.ok()) return fail(commits.status());
  report["floor: bare Redis commits"]["per_second"] = *commits;
  absl::StatusOr<double> calls = EmptyCalls(loop, in_flight, time);
  if (!calls.ok()) return fail(calls.status());
  report["floor: empty gRPC calls"]["per_second"] = *calls;

  std::mt19937_64 random(20260714);
  auto cpu_before = processes.CpuTimes();
  Phase transitions = bench.Run("durable transitions", in_flight, time, unlimited, [&]() -> Task<absl::Status> {
    return [](System& s, std::string code) -> Task<absl::Status> {
      absl::StatusOr<common::v1::Written> worked = co_await s.Work(std::move(code));
      co_return worked.status();
    }(system, dossiers[random() % dossiers.size()]);
  });
  auto cpu_after = processes.CpuTimes();
  if (!transitions.status.ok()) return fail(transitions.status);
  bench.Report("durable transitions", transitions);
  report["durable transitions"]["ratio"] = transitions.rate() / *commits;
  for (const auto& [name, used] : cpu_after) {
    report["cpu_micros_per_transition"][name] =
        absl::ToDoubleMicroseconds(used - cpu_before[name]) / static_cast<double>(std::max<uint64_t>(1, transitions.done));
  }
  caught_up = SyncWait(loop, system.CaughtUp(absl::Minutes(5)));
  if (!caught_up.ok()) return fail(caught_up);

  Phase inbox = bench.Run("inbox pages", 4, time / 2, unlimited, [&] { return system.Inbox(kCommune); });
  if (!inbox.status.ok()) return fail(inbox.status);
  bench.Report("inbox page and counts", inbox);

  Phase four = bench.Run("four-call lives", in_flight, time, unlimited, [&] { return system.FourCallLife(); });
  if (!four.status.ok()) return fail(four.status);
  bench.Report("four-call lives", four);
  caught_up = SyncWait(loop, system.CaughtUp(absl::Minutes(5)));
  if (!caught_up.ok()) return fail(caught_up);

  const absl::Time start = absl::Now();
  Phase whole = bench.Run("whole lives", in_flight, time, unlimited, [&] { return system.WholeLife(); });
  if (!whole.status.ok()) return fail(whole.status);
  caught_up = SyncWait(loop, system.CaughtUp(absl::Minutes(5)));
  if (!caught_up.ok()) return fail(caught_up);
  whole.took = absl::Now() - start;
  bench.Report("whole lives, feeds caught up", whole);

  uint64_t idle_sum = 0;
  for (const auto& [name, bytes] : idle) {
    report["resident_mib_idle"][name] = static_cast<double>(bytes) / (1 << 20);
    if (name != "redis") idle_sum += bytes;
  }
  report["resident_mib_idle"]["four services"] = static_cast<double>(idle_sum) / (1 << 20);
  for (const auto& [name, bytes] : processes.Resident()) {
    report["resident_mib_loaded"][name] = static_cast<double>(bytes) / (1 << 20);
  }
  report["redis_bytes_per_open_dossier"] =
      static_cast<double>(*memory_after - *memory_before) / static_cast<double>(std::max<uint64_t>(1, loaded));

  if (json) {
    std::printf("%s\n", report.dump(1).c_str());
  } else {
    PrintTable(report);
    for (const char* key : {"cpu_micros_per_transition", "resident_mib_idle", "resident_mib_loaded"}) {
      std::printf("%s:", key);
      for (const auto& [name, value] : report[key].items()) std::printf(" %s %.1f", name.c_str(), value.get<double>());
      std::printf("\n");
    }
    std::printf("redis_bytes_per_open_dossier: %.0f\n", report["redis_bytes_per_open_dossier"].get<double>());
  }
  return 0;
}

}  // namespace
}  // namespace motcua::bench

int main(int argc, char** argv) { return motcua::bench::Main(argc, argv); }
