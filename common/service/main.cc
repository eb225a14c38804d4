#include "common/service/main.h"

#include <grpc/grpc.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/auth/jwt_verifier.h"
#include "common/rpc/client.h"
#include "common/rpc/health.h"
#include "common/rpc/live_files.h"
#include "common/rpc/server.h"
#include "common/service/feed_service.h"
#include "common/service/grpc_source.h"
#include "common/status/errors.h"
#include "common/telemetry/build_info.h"
#include "common/telemetry/exposer.h"
#include "common/telemetry/log.h"
#include "google/protobuf/stubs/logging.h"

namespace motcua::service {

namespace {

using telemetry::Level;
using telemetry::Log;

constexpr char kRedis[] = "redis";
constexpr char kPeerToken[] = "peer_token_file";
constexpr char kRequestTtl[] = "request_ttl";
constexpr char kRecordCache[] = "record_cache_mib";
constexpr char kFeedRetention[] = "feed_retention";

// Signals are waited for, never handled: blocked before the first thread starts, so that all threads inherit it.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Fail(const absl::Status& status) {
  Log(Level::kError, "cannot start", {{"reason", errors::Reason(status)}, {"error", std::string(status.message())}});
  return kExitFailed;
}

std::vector<rpc::ExtraFlag> WithCommonFlags(std::vector<rpc::ExtraFlag> flags) {
  flags.emplace_back(kPeerToken,
                     "File with a bearer token that this service shows to its peers, where they are not reached by "
                     "mutual TLS; its kind must be `service`.");
  flags.emplace_back(kRequestTtl,
                     "How long the reply to a request id is kept, so that a repeated call has no second "
                     "effect; Tet is nine days.",
                     "336h", /*secret=*/false, rpc::PositiveDuration());
  flags.emplace_back(
      kRecordCache,
      "Memory for decoded records, in MiB: a record that is remembered is not read before it is changed. "
      "0 turns it off.",
      "64", /*secret=*/false, rpc::IntegerBetween(0, 65536));
  flags.emplace_back(
      kFeedRetention,
      "Events of each feed that are kept although every durable consumer has applied them, for readers "
      "that are none.",
      "10000", /*secret=*/false, rpc::IntegerBetween(0, 100'000'000));
  return flags;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return errors::NotFound("FILE_MISSING", "cannot read " + path);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

absl::StatusOr<rpc::Client> ConnectPeer(rpc::Loop& loop, const rpc::ServiceOptions& options,
                                        const std::string& name) {
  std::string token;
  if (const std::string& path = options.extra.at(kPeerToken); !path.empty()) {
    absl::StatusOr<std::string> read = ReadFile(path);
    if (!read.ok()) return read.status();
    token = *read;
  }
  rpc::ChannelOptions channel_options(options.peers.at(name));  // the options are refused without it
  channel_options.tls = options.server.tls;
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = rpc::MakeChannel(channel_options);
  if (!channel.ok()) return channel.status();
  return rpc::Client(loop, *channel, token);
}

// `options` outlives the sources.
absl::StatusOr<std::map<std::string, std::unique_ptr<feed::Source>>> ConnectSources(
    rpc::Loop& loop, const Description& description, const rpc::ServiceOptions& options) {
  const rpc::TlsFiles& tls = options.server.tls;
  std::map<std::string, std::unique_ptr<feed::Source>> sources;
  for (const std::string& name : description.sources) {
    rpc::LiveFiles files("peer", {options.extra.at(kPeerToken), tls.cert, tls.key, tls.ca});
    GrpcSource::MakeClient make = [&loop, &options, &tls, name] { return ConnectPeer(loop, options, name); };
    absl::StatusOr<rpc::Client> client = make();
    if (!client.ok()) return client.status();
    sources.emplace(name, std::make_unique<GrpcSource>(*std::move(client), std::move(files), [make, &tls] {
                      absl::Status good = rpc::CheckTlsFiles(tls);
                      return good.ok() ? make() : good;
                    }));
  }
  return sources;
}

absl::StatusOr<std::optional<auth::JwtVerifier>> MakeVerifier(const rpc::ServiceOptions& options) {
  std::optional<auth::JwtVerifier> verifier;
  if (!options.jwt_keys.empty()) {
    absl::StatusOr<auth::JwtKeys> keys = auth::JwtKeys::Load(options.jwt_keys);
    if (!keys.ok()) return keys.status();
    verifier.emplace(*std::move(keys), options.jwt_issuer, options.jwt_audience);
  }
  return verifier;
}

// What protobuf prints of a request that it cannot read is the caller's, and is answered; only what ends the
// process is told.
void QuietProtobuf() {
  google::protobuf::SetLogHandler(
      [](google::protobuf::LogLevel level, const char*, int, const std::string& text) {
        if (level == google::protobuf::LOGLEVEL_FATAL) std::fprintf(stderr, "%s\n", text.c_str());
      });
}

// The port is told by renaming a finished file into place: who reads it never reads half of it.
absl::Status WritePort(const std::string& path, int port) {
  const std::string temporary = absl::StrCat(path, ".", getpid());
  std::ofstream file(temporary);
  file << port << "\n";
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return errors::Unavailable("FILE_MISSING", absl::StrCat("cannot write ", path));
  }
  return absl::OkStatus();
}

// One running service: everything between the options and the end.
class Process {
 public:
  Process(Description description, rpc::ServiceOptions options)
      : description_(std::move(description)), options_(std::move(options)), loop_("motcua-loop"), health_(metrics_) {}

  absl::Status Start(const std::function<void(auth::Policy&)>& allow, const Factory& factory);
  void Stop();
  int port() const { return server_->port(); }
  // 0 = metrics are not served.
  int metrics_port() const { return exposer_ == nullptr ? 0 : exposer_->port(); }

 private:
  const Description description_;
  const rpc::ServiceOptions options_;
  telemetry::PrometheusMetrics metrics_;
  rpc::Loop loop_;
  rpc::Health health_;
  std::unique_ptr<telemetry::Exposer> exposer_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Sampler> sampler_;
  std::unique_ptr<rpc::Host> host_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<async::CancelSource> cancel_;
};

// Readiness follows Redis; the service is ready for the first time when its clock is known, too.
async::Task<void> TellHealth(Backend& backend, rpc::Host& host, rpc::Health& health, async::CancelToken cancel) {
  health.SetDependency(kRedis, backend.redis().connected());
  while (!backend.ready() && !cancel.cancelled()) {
    absl::Status slept = co_await backend.loop().Sleep(absl::Milliseconds(5), cancel);
    (void)slept;
  }
  if (cancel.cancelled()) co_return;
  health.SetDependency(kRedis, backend.redis().connected());
  host.Open();
  health.SetReady(true);
}

// Looks whether the keys of tokens have changed, and tells of credentials that were refused.
async::Task<void> FollowCredentials(rpc::Loop& loop, rpc::Host& host, const rpc::ServiceOptions& options,
                                    telemetry::Metrics& metrics, async::CancelToken cancel) {
  rpc::LiveFiles keys("jwt_keys", {options.jwt_keys});
  while (!cancel.cancelled()) {
    if (!options.jwt_keys.empty() && keys.Changed(absl::Now())) {
      absl::StatusOr<std::optional<auth::JwtVerifier>> verifier = MakeVerifier(options);
      keys.Tell(verifier.status());
      if (verifier.ok()) host.ReplaceVerifier(**std::move(verifier));
    }
    for (const auto& [what, refused] : rpc::RefusedFiles()) {
      metrics
          .MakeGauge("motcua_credentials_refused",
                     "1 while files of credentials are no good, so that what they held before is in force; "
                     "else 0.",
                     {{"what", what}})
          .Set(refused ? 1 : 0);
    }
    absl::Status slept = co_await loop.Sleep(rpc::LiveFiles::kLook, cancel);
    (void)slept;
  }
}

absl::Status Process::Start(const std::function<void(auth::Policy&)>& allow, const Factory& factory) {
  const telemetry::BuildInfo& build = telemetry::TheBuild();
  metrics_
      .MakeGauge("motcua_build_info", "Which build it is; always 1.",
                 {{"version", std::string(build.version)},
                  {"commit", std::string(build.commit)},
                  {"build_type", std::string(build.build_type)}})
      .Set(1);
  auto sources = ConnectSources(loop_, description_, options_);
  if (!sources.ok()) return sources.status();
  auto verifier = MakeVerifier(options_);
  if (!verifier.ok()) return verifier.status();
  if (!options_.metrics_listen.empty()) {
    auto exposer = telemetry::Exposer::Start(options_.metrics_listen, metrics_);
    if (!exposer.ok()) return exposer.status();
    exposer_ = *std::move(exposer);
  }
  BackendOptions backend_options;
  backend_options.redis.address = options_.redis;
  backend_options.redis.user = options_.redis_user;
  backend_options.redis.password_file = options_.redis_password_file;
  backend_options.redis.min_replicas = options_.min_replicas;
  absl::ParseDuration(options_.extra.at(kRequestTtl), &backend_options.request_ttl);  // checked with the flag
  int cache_mib = 0;
  if (absl::SimpleAtoi(options_.extra.at(kRecordCache), &cache_mib)) {
    backend_options.record_cache_bytes = static_cast<size_t>(cache_mib) << 20;
  }
  int retention = 0;
  if (absl::SimpleAtoi(options_.extra.at(kFeedRetention), &retention))
    backend_options.publisher.retention_events = static_cast<uint64_t>(retention);
  if (options_.simulated_time) backend_options.simulated_start = options_.simulated_start;
  Description prefixed = description_;
  prefixed.key_prefix = options_.key_prefix + description_.key_prefix;
  backend_ = std::make_unique<Backend>(loop_, prefixed, backend_options, *std::move(sources), metrics_);
  sampler_ = std::make_unique<Sampler>(*backend_);

  auth::Policy policy;
  AllowCommonMethods(policy);
  allow(policy);
  rpc::HostOptions host_options;
  host_options.max_in_flight = options_.max_in_flight;
  host_ = std::make_unique<rpc::Host>(loop_, std::move(policy), *std::move(verifier), metrics_, host_options);
  host_->SetBeforeHook(
      [this](std::shared_ptr<rpc::Call> call) { return backend_->BeforeCall(std::move(call)); },
      /*every_call=*/backend_->simulated());
  if (!description_.too_early.empty()) {
    host_->SetAgainHook(description_.too_early,
                        [this](std::shared_ptr<rpc::Call> call, const google::protobuf::Message& request,
                               absl::Status refusal) {
                          return backend_->HearSources(std::move(call), request, std::move(refusal));
                        });
  }
  AddCommonServices(*host_, *backend_);
  Environment environment(*backend_, *host_, options_, *sampler_);
  absl::StatusOr<std::unique_ptr<Service>> service = factory(environment);
  if (!service.ok()) return service.status();
  service_ = *std::move(service);

  health_.SetDependency(kRedis, false);
  backend_->redis().OnConnectionChange([this](bool connected) { health_.SetDependency(kRedis, connected); });
  // Who asks next is sent to a replica that can write; open calls are still answered.
  backend_->OnOvertaken([this] { health_.SetReady(false); });
  cancel_ = std::make_unique<async::CancelSource>(loop_);
  loop_.Spawn(backend_->Run(cancel_->token()));
  loop_.Spawn(service_->Run(cancel_->token()));
  if (exposer_ != nullptr) loop_.Spawn(sampler_->Run(cancel_->token()));
  loop_.Spawn(FollowCredentials(loop_, *host_, options_, metrics_, cancel_->token()));
  loop_.Spawn(TellHealth(*backend_, *host_, health_, cancel_->token()));

  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(options_.server, *host_, health_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  if (!options_.port_file.empty()) return WritePort(options_.port_file, server_->port());
  return absl::OkStatus();
}

void Process::Stop() {
  health_.SetReady(false);
  if (server_ != nullptr) server_->Shutdown(absl::Now() + options_.drain);
  if (cancel_ != nullptr) cancel_->Cancel();
  if (!loop_.Drain(absl::Seconds(10))) {
    // What still runs uses what would be taken down now. All state is durable: the safe end is the sudden one.
    Log(Level::kError, "work was still under way at the end");
    std::fflush(nullptr);
    _exit(kExitFailed);
  }
  // Everything on the loop has ended; clients and servers go before the loop does.
  server_.reset();
  service_.reset();
  loop_.Stop();
  sampler_.reset();
  backend_.reset();
}

// From the start to the end of everything that gRPC has to do with.
int Serve(const Description& description, const rpc::ServiceOptions& options, const sigset_t& signals,
          const std::function<void(auth::Policy&)>& allow, const Factory& factory) {
  Process process(description, options);
  absl::Status started = process.Start(allow, factory);
  int exit_code = kExitOk;
  if (started.ok()) {
    Log(Level::kInfo, "serving", {{"port", process.port()}, {"metrics_port", process.metrics_port()}});
    int received = 0;
    sigwait(&signals, &received);
    Log(Level::kInfo, "stopping", {{"signal", received}});
    // A second signal ends the process at once, the way the system does it.
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  } else {
    exit_code = Fail(started);
  }
  process.Stop();
  return exit_code;
}

}  // namespace

int Main(int argc, char** argv, Description description, const std::string& purpose,
         const std::function<void(auth::Policy&)>& allow, const std::vector<rpc::ExtraFlag>& extra_flags,
         const Factory& factory) {
  const sigset_t signals = BlockSignals();
  // Debian builds Abseil without NDEBUG, so that every lock of gRPC's would be entered into a graph of lock orders.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  QuietProtobuf();
  rpc::ParsedOptions parsed =
      rpc::ParseServiceOptions(description.name, purpose, WithCommonFlags(extra_flags), description.sources,
                               argc, argv, rpc::EnvironmentOfProcess());
  if (parsed.finished) {
    if (parsed.exit_code == kExitOk) {
      for (const std::string& warning : parsed.warnings)
        std::fprintf(stderr, "warning: %s\n", warning.c_str());
    }
    std::fputs(parsed.message.c_str(), parsed.exit_code == kExitOk ? stdout : stderr);
    return parsed.exit_code;
  }
  Level level = Level::kInfo;
  telemetry::ParseLevel(parsed.options.log_level, level);
  telemetry::StartLogging(description.name, level);
  for (const std::string& line : parsed.effective) Log(Level::kInfo, "option", {{"value", line}});
  for (const std::string& warning : parsed.warnings) Log(Level::kWarning, "option", {{"warning", warning}});

  // gRPC ends its threads when its last user goes, and not at once: without a user that stays to the end,
  // they would still be running while the process takes down what they use.
  grpc_init();
  const int exit_code = Serve(description, parsed.options, signals, allow, factory);
  grpc_shutdown_blocking();
  return exit_code;
}

}  // namespace motcua::service
