// Promises of start and stop: readiness, graceful shutdown of unary calls, a port taken.
#include <atomic>
#include <thread>

#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

TEST(Lifecycle, ACallBeforeTheServiceIsOpenIsUnavailable) {
  TestServer server;
  telemetry::InertMetrics metrics;
  Loop loop("closed-loop");
  Host closed(loop, TestPolicy(), std::nullopt, metrics);
  Behaviour behaviour;
  AddTestHandlers(closed, behaviour);
  Health health(metrics);
  auto second = Server::Start(ServerOptions(), closed, health).value();
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
  Bare bare;
  ServerOptions options;
  options.listen = absl::StrCat("127.0.0.1:", server.server->port());
  EXPECT_EQ(errors::Reason(Server::Start(options, bare.host, bare.health).status()), "ADDRESS_TAKEN");
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
