// A gRPC server on loopback with two of Motcua's services, whose handlers the test supplies.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/auth/jwt_signer.h"
#include "common/rpc/client.h"
#include "common/rpc/health.h"
#include "common/rpc/server.h"
#include "common/rpc/server_stream.h"
#include "common/rpc/unary.h"
#include "common/telemetry/metrics.h"
#include "motcua/admin/v1/admin.grpc.pb.h"
#include "motcua/feed/v1/feed.grpc.pb.h"

namespace motcua::rpc::test {

using admin::v1::AdvanceRequest;
using admin::v1::AdvanceResponse;
using admin::v1::GetStatusRequest;
using admin::v1::GetStatusResponse;
using feed::v1::ReadRequest;
using feed::v1::ReadResponse;
using CallPtr = std::shared_ptr<Call>;

inline std::string NewPrivateKey() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  long length = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<size_t>(length));
  BIO_free(memory);
  EVP_PKEY_free(key);
  return pem;
}

// What the handlers do; replaced by each test before the first call.
class Behaviour {
 public:
  Behaviour() {}
  std::function<async::Task<absl::StatusOr<GetStatusResponse>>(CallPtr)> get_status;
  std::function<async::Task<absl::StatusOr<AdvanceResponse>>(CallPtr, const AdvanceRequest&)> advance;
  std::function<async::Task<absl::Status>(CallPtr, ReadRequest, StreamWriter<ReadResponse>)> read;
};

// `behaviour` outlives the server of `host`.
inline void AddTestHandlers(Host& host, Behaviour& behaviour) {
  host.Unary<GetStatusRequest, GetStatusResponse>(
      [&behaviour](CallPtr call, const GetStatusRequest&) { return behaviour.get_status(std::move(call)); });
  host.Unary<AdvanceRequest, AdvanceResponse>([&behaviour](CallPtr call, const AdvanceRequest& request) {
    return behaviour.advance(std::move(call), request);
  });
  host.Stream<ReadRequest, ReadResponse>(
      [&behaviour](CallPtr call, const ReadRequest& request, StreamWriter<ReadResponse> writer) {
        return behaviour.read(std::move(call), request, std::move(writer));
      });
}

inline auth::Policy TestPolicy() {
  auth::Policy policy;
  policy.Allow("motcua.admin.v1.AdminService/GetStatus", {auth::kAnyone});
  policy.Allow("motcua.admin.v1.AdminService/Advance", {"admin", auth::kService});
  policy.Allow("motcua.feed.v1.FeedService/Read", {auth::kAnyone});
  return policy;
}

// What a server needs that has no handlers.
class Bare {
 public:
  Bare() : loop("bare-loop"), health(metrics), host(loop, TestPolicy(), std::nullopt, metrics) {}
  ~Bare() {
    EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
    loop.Stop();
  }
  telemetry::InertMetrics metrics;
  rpc::Loop loop;
  Health health;
  Host host;
};

class TestServer {
 public:
  explicit TestServer(HostOptions host_options = HostOptions(),
                      ServerOptions server_options = ServerOptions())
      : loop("test-loop"),
        signer(auth::JwtSigner::FromPem(NewPrivateKey(), "test", "motcua", "motcua").value()),
        health(metrics) {
    auth::JwtKeys keys;
    EXPECT_TRUE(keys.AddPem("test", signer.PublicPem()).ok());
    host = std::make_unique<Host>(loop, TestPolicy(), auth::JwtVerifier(keys, "motcua", "motcua"), metrics,
                                  host_options);
    AddTestHandlers(*host, behaviour);
    tls = server_options.tls;
    auto started = Server::Start(server_options, *host, health);
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
    host->Open();
    health.SetReady(true);
  }

  ~TestServer() {
    client.reset();
    server->Shutdown(absl::Now());
    EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
    server.reset();
    loop.Stop();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", server->port()); }

  std::shared_ptr<grpc::Channel> Channel(const TlsFiles& client_tls = TlsFiles()) const {
    ChannelOptions options(address());
    options.tls = client_tls;
    return MakeChannel(options).value();
  }

  // A client without credentials, on the test's loop.
  Client& plain() {
    if (client == nullptr) client = std::make_unique<Client>(loop, Channel());
    return *client;
  }

  std::string Token(std::vector<std::string> roles, absl::Duration lifetime = absl::Hours(1)) const {
    auth::Principal officer(auth::Kind::kOfficer, "H30.18-leader", "H30.18", std::move(roles));
    return signer.Mint(officer, absl::Now(), lifetime).value();
  }

  telemetry::PrometheusMetrics metrics;
  rpc::Loop loop;
  auth::JwtSigner signer;
  Health health;
  Behaviour behaviour;
  TlsFiles tls;
  std::unique_ptr<Host> host;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
};

inline async::Task<absl::StatusOr<GetStatusResponse>> Answer(CallPtr call) {
  GetStatusResponse response;
  response.set_service(call->principal().subject);
  response.set_ready(true);
  co_return std::move(response);
}

inline async::Task<absl::StatusOr<GetStatusResponse>> SleepUntilCancelled(CallPtr call, async::Loop* loop) {
  absl::Status slept = co_await loop->Sleep(absl::Minutes(5), call->cancel());
  if (!slept.ok()) co_return slept;
  co_return GetStatusResponse();
}

inline async::Task<absl::StatusOr<AdvanceResponse>> Echo(AdvanceRequest request) {
  AdvanceResponse response;
  *response.mutable_now() = request.to();
  co_return std::move(response);
}

// Waits for a condition that another thread brings about.
template <class Condition>
bool Eventually(Condition condition, absl::Duration timeout = absl::Seconds(10)) {
  absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

}  // namespace motcua::rpc::test
