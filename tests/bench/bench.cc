// motcua-bench: how fast and how small the system is, as ratios to what the same machine does at best in the
// same run. Started by tests/bench/run, which starts the system under test.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tests/bench/scenarios.h"

namespace motcua::bench {
namespace {

int Main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // see common/service/main.cc
  CLI::App app("Measures a running Motcua; see tests/bench/run.");
  std::map<Service, std::string> addresses;
  std::string scenario = "speed", key_file, pids;
  std::vector<std::string> redis_addresses;
  redis::Options redis_options;
  rpc::TlsFiles tls;
  Settings settings;
  std::optional<double> seconds;
  bool json = false;
  app.add_option("scenario", scenario)->check(CLI::IsMember({"speed", "storm", "idle"}));
  app.add_option("--intake", addresses[Service::kIntake])->required();
  app.add_option("--routing", addresses[Service::kRouting])->required();
  app.add_option("--deadline", addresses[Service::kDeadlineMonitor])->required();
  app.add_option("--notification", addresses[Service::kNotification])->required();
  app.add_option("--redis", redis_addresses, "one server, or idle: the primaries of a cluster")
      ->required()
      ->delimiter(',');
  app.add_option("--redis_user", redis_options.user);
  app.add_option("--redis_password_file", redis_options.password_file);
  app.add_option("--signing_key", key_file)->required();
  app.add_option("--tls_ca", tls.ca, "CA of the services' certificates; none = no TLS");
  app.add_option("--tls_cert", tls.cert);
  app.add_option("--tls_key", tls.key);
  app.add_option("--pids", pids, "name=pid,... of the processes whose time and memory are read");
  app.add_option("--loaded", settings.loaded, "open dossiers to load first");
  app.add_option("--seconds", seconds, "length of each timed phase");
  app.add_option("--in_flight", settings.in_flight, "calls at a time")->check(CLI::Range(1, 4096));
  app.add_option("--rate", settings.rate, "calls a second; default: as many as it takes")
      ->check(CLI::PositiveNumber);
  app.add_option("--load_in_flight", settings.load_in_flight, "calls at a time while loading")
      ->check(CLI::Range(1, 4096));
  app.add_option("--due", settings.due, "storm: clocks that fall due in one moment")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--peer_lives", settings.peer_lives,
                 "four-call lives a second of a peer measured beside it");
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);
  settings.time = absl::Seconds(seconds.value_or(scenario == "idle" ? 20 : 5));

  auto fail = [](const absl::Status& status) {
    std::fprintf(stderr, "motcua-bench: %s\n", status.ToString().c_str());
    return 1;
  };
  rpc::Loop loop("bench");
  std::ifstream key_stream(key_file);
  const std::string pem(std::istreambuf_iterator<char>(key_stream), {});
  absl::StatusOr<auth::JwtSigner> signer = auth::JwtSigner::FromPem(pem, "dev", "motcua", "motcua");
  if (!signer.ok()) return fail(signer.status());
  System::Channels channels;
  for (const auto& [service, address] : addresses) {
    rpc::ChannelOptions channel_options(address);
    channel_options.tls = tls;
    auto channel = rpc::MakeChannel(channel_options);
    if (!channel.ok()) return fail(channel.status());
    channels[service] = *channel;
  }
  std::vector<std::unique_ptr<redis::Client>> clients;
  absl::Status status;
  for (const std::string& address : redis_addresses) {
    redis_options.address = address;
    clients.push_back(std::make_unique<redis::Client>(loop, redis_options));
    status = async::SyncWait(loop, clients.back()->WaitConnected(absl::Now() + absl::Seconds(10)));
    if (!status.ok()) return fail(status);
  }
  System system(loop, *signer, channels);
  Bench bench(loop, *clients.front(), system, Processes::Parse(pids));
  for (size_t i = 1; i < clients.size(); ++i) bench.further.push_back(clients[i].get());
  status = async::SyncWait(loop, system.Prepare(kShard));
  if (!status.ok()) return fail(status);

  Report report;
  if (scenario == "storm") {
    status = MeasureStorm(bench, settings, report);
  } else if (scenario == "idle") {
    status = MeasureIdle(bench, settings, report);
  } else {
    status = MeasureSpeed(bench, settings, report);
  }
  if (json) {
    std::printf("%s\n", report.dump(1).c_str());
  } else {
    Print(report);
  }
  return status.ok() ? 0 : fail(status);
}

}  // namespace
}  // namespace motcua::bench

int main(int argc, char** argv) { return motcua::bench::Main(argc, argv); }
