// Promises of start and stop: health, readiness by dependency, reflection, graceful shutdown, a port taken.
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

using async::SyncWait;

// HealthCheckRequest{service = 1} and HealthCheckResponse{status = 1} by hand: their proto file is not packaged.
// 1 SERVING, 2 NOT_SERVING, -1 an error (NOT_FOUND for an unknown name).
int CheckHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  std::string encoded;
  if (!service.empty()) encoded = std::string("\x0a") + static_cast<char>(service.size()) + service;
  grpc::Slice slice(encoded);
  grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::GenericStub stub(channel);
  absl::Notification done;
  grpc::Status status;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status result) {
                   status = std::move(result);
                   done.Notify();
                 });
  done.WaitForNotification();
  std::vector<grpc::Slice> slices;
  if (!status.ok() || !response.Dump(&slices).ok()) return -1;
  std::string bytes;
  for (const auto& part : slices) bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  return bytes.size() == 2 && bytes[0] == '\x08' ? bytes[1] : -1;
}

TEST(Health, FollowsReadinessAndEachDependency) {
  TestServer server;
  auto channel = server.Channel();
  EXPECT_EQ(CheckHealth(channel, ""), 1);
  EXPECT_EQ(CheckHealth(channel, "motcua.admin.v1.AdminService"), 1);
  EXPECT_EQ(CheckHealth(channel, "no.such.Service"), -1);
  server.health.SetDependency("redis", false);
  EXPECT_EQ(CheckHealth(channel, ""), 2);
  EXPECT_EQ(CheckHealth(channel, "redis"), 2);
  EXPECT_EQ(CheckHealth(channel, "motcua.admin.v1.AdminService"), 2);
  server.health.SetDependency("redis", true);
  EXPECT_EQ(CheckHealth(channel, ""), 1);
  EXPECT_EQ(CheckHealth(channel, "redis"), 1);
  server.health.SetReady(false);
  EXPECT_EQ(CheckHealth(channel, ""), 2);
  EXPECT_EQ(CheckHealth(channel, "redis"), 1) << "the dependency itself is well";
}

TEST(Health, AServerIsNotServingUntilItIsReady) {
  telemetry::InertMetrics metrics;
  Health health(metrics);
  auto server = Server::Start(ServerOptions(), {}, health).value();
  ChannelOptions options(absl::StrCat("127.0.0.1:", server->port()));
  auto channel = MakeChannel(options).value();
  EXPECT_EQ(CheckHealth(channel, ""), 2);
  health.SetReady(true);
  EXPECT_EQ(CheckHealth(channel, ""), 1);
}

TEST(Lifecycle, ACallBeforeTheServiceIsOpenIsUnavailable) {
  TestServer server;
  telemetry::InertMetrics metrics;
  Host closed(server.loop, TestPolicy(), std::nullopt, metrics);
  Behaviour behaviour;
  TestAdmin admin_service(closed, behaviour);
  Health health(metrics);
  auto second = Server::Start(ServerOptions(), {&admin_service}, health).value();
  BlockingClient client(MakeChannel(ChannelOptions(absl::StrCat("127.0.0.1:", second->port()))).value());
  auto reply = client.Call<GetStatusResponse>(GetStatusRequest(), CallOptions(), /*retry=*/false);
  EXPECT_EQ(errors::Reason(reply.status()), "NOT_READY");
  second->Shutdown(absl::Now());
}

TEST(Lifecycle, ShutdownLetsCallsInHandEnd) {
  TestServer server;
  std::atomic<bool> begun{false};
  server.behaviour.get_status = [&](CallPtr call) {
    auto serve = [](CallPtr c, async::Loop* loop, std::atomic<bool>* flag) -> async::Task<absl::StatusOr<GetStatusResponse>> {
      *flag = true;
      absl::Status slept = co_await loop->Sleep(absl::Milliseconds(200), c->cancel());
      if (!slept.ok()) co_return slept;
      GetStatusResponse response;
      response.set_ready(true);
      co_return std::move(response);
    };
    return serve(std::move(call), &server.loop, &begun);
  };
  absl::StatusOr<GetStatusResponse> reply = absl::UnknownError("none yet");
  std::thread caller([&] {
    BlockingClient client(server.Channel());
    reply = client.Call<GetStatusResponse>(GetStatusRequest(), CallOptions(), /*retry=*/false);
  });
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  server.host->Close();
  server.server->Shutdown(absl::Now() + absl::Seconds(10));
  caller.join();
  EXPECT_TRUE(reply.ok()) << reply.status();
}

TEST(Lifecycle, ShutdownCancelsWhatOutlastsTheDrain) {
  TestServer server;
  std::atomic<bool> begun{false};
  server.behaviour.get_status = [&](CallPtr call) {
    begun = true;
    return SleepUntilCancelled(std::move(call), &server.loop);
  };
  absl::StatusOr<GetStatusResponse> reply = GetStatusResponse();
  std::thread caller([&] {
    BlockingClient client(server.Channel());
    reply = client.Call<GetStatusResponse>(GetStatusRequest(), CallOptions(), /*retry=*/false);
  });
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  absl::Time start = absl::Now();
  server.server->Shutdown(absl::Now() + absl::Milliseconds(100));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  caller.join();
  EXPECT_FALSE(reply.ok());
}

TEST(Lifecycle, APortThatIsTakenIsAnError) {
  TestServer server;
  telemetry::InertMetrics metrics;
  Health health(metrics);
  ServerOptions options;
  options.listen = absl::StrCat("127.0.0.1:", server.server->port());
  EXPECT_EQ(errors::Reason(Server::Start(options, {}, health).status()), "ADDRESS_TAKEN");
}

TEST(Lifecycle, AClientThatGoesAwayCancelsItsCalls) {
  TestServer server;
  std::atomic<bool> begun{false};
  server.behaviour.get_status = [&](CallPtr call) {
    begun = true;
    return SleepUntilCancelled(std::move(call), &server.loop);
  };
  server.loop.RunAndWait([&] { (void)server.plain(); });
  absl::Status ended;
  auto keep = [](async::Task<absl::StatusOr<GetStatusResponse>> task, absl::Status* status) -> async::Task<void> {
    auto reply = co_await std::move(task);
    *status = reply.status();
  };
  server.loop.Spawn(keep(server.plain().Call<GetStatusResponse>(GetStatusRequest()), &ended));
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  server.client.reset();
  ASSERT_TRUE(server.loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(Eventually([&] { return server.host->in_flight() == 0; }));
}

}  // namespace
}  // namespace motcua::rpc::test
