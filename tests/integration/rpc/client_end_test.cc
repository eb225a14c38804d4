// Promise of the client's end: whatever gRPC still holds of its calls, the last of the channel is let go of
// by the thread that destroys the client. Where that fell to one of gRPC's callback threads, that thread
// waited for its own end, and gRPC ended the process: rarely, at the stop of a service with streams to its
// peers.
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

constexpr int kRounds = 300;

// No server runs in this process meanwhile: gRPC's callback threads end with the last client.
TEST(ClientEnd, IsNeverLeftToAThreadOfGrpc) {
  for (int i = 0; i < kRounds; ++i) {
    Loop loop("ending");
    {
      Client client(loop, MakeChannel(ChannelOptions("127.0.0.1:1")).value());
      loop.RunAndWait([&] {
        ReadRequest request;
        request.set_shard("H30");
        StreamReader<ReadResponse> reader = client.Open<ReadResponse>(std::move(request));
      });
      loop.Stop();  // what gRPC tells from here on is dropped where it is told
    }
  }
}

TEST(ClientEnd, NeitherAfterACall) {
  for (int i = 0; i < kRounds; ++i) {
    Loop loop("ending");
    {
      Client client(loop, MakeChannel(ChannelOptions("127.0.0.1:1")).value());
      auto forget = [](async::Task<absl::StatusOr<GetStatusResponse>> task) -> async::Task<void> {
        (void)co_await std::move(task);
      };
      CallOptions options;
      async::CancelSource cancel(loop);
      options.cancel = cancel.token();
      loop.Spawn(forget(client.Call<GetStatusResponse>(GetStatusRequest(), options)));
      loop.RunAndWait([&] { cancel.Cancel(); });
      EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
      loop.Stop();
    }
  }
}

}  // namespace
}  // namespace motcua::rpc::test
