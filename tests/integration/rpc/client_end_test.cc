// Promise of the client's end: whatever gRPC still holds of its calls, client and loop may go. What a call
// still has to ask gRPC for (how its stream ended) comes before the end of the queue; asked for later, gRPC
// would end the process.
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

constexpr int kRounds = 300;

TEST(ClientEnd, AStreamUnderWayEndsWithIt) {
  for (int i = 0; i < kRounds; ++i) {
    Loop loop("ending");
    {
      Client client(loop, MakeChannel(ChannelOptions("127.0.0.1:1")).value());
      loop.RunAndWait([&] {
        ReadRequest request;
        request.set_shard("H30");
        StreamReader<ReadResponse> reader = client.Open<ReadResponse>(std::move(request));
      });
      loop.Stop();  // what gRPC tells from here on is taken at the loop's end
    }
  }
}

TEST(ClientEnd, ACallThatWasGivenUpEndsWithIt) {
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
