// Guards two facts about gRPC 1.51's callback API: it naps when idle, unless kept awake; and it is fast.
#include <algorithm>
#include <atomic>
#include <cstdio>

#include "absl/synchronization/notification.h"
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

// A call that arrives 1.00 to 1.10 s after the last one would, without the keep-alive, wait for the rest of a nap of
// 100 ms: half of them longer than 50 ms.
TEST(KeepAlive, ACallAfterAnIdleSecondIsNotDelayed) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  BlockingClient client(server.Channel());
  ASSERT_TRUE(client.Call<GetStatusResponse>(GetStatusRequest()).ok());
  std::vector<absl::Duration> taken;
  for (int i = 0; i < 8; ++i) {
    absl::SleepFor(absl::Milliseconds(1005 + i * 10));
    absl::Time start = absl::Now();
    ASSERT_TRUE(client.Call<GetStatusResponse>(GetStatusRequest()).ok());
    taken.push_back(absl::Now() - start);
  }
  std::sort(taken.begin(), taken.end());
  EXPECT_LT(taken[taken.size() / 2], absl::Milliseconds(20)) << "median; the longest took " << taken.back();
}

// Calls from one window after another; a figure for the log, and a floor that only a real mistake falls below.
TEST(Throughput, EmptyCalls) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  constexpr int kCalls = 60000;
  constexpr int kWindow = 64;
  auto stub = admin::v1::AdminService::NewStub(server.Channel());
  std::string token = "Bearer " + server.Token({"admin"});
  std::atomic<int> started{0};
  std::atomic<int> ended{0};
  std::atomic<int> failed{0};
  absl::Notification done;
  struct Exchange {
    grpc::ClientContext context;
    GetStatusRequest request;
    GetStatusResponse response;
  };
  std::function<void()> next = [&] {
    if (started.fetch_add(1) >= kCalls) return;
    auto* exchange = new Exchange();
    exchange->context.AddMetadata("authorization", token);
    stub->async()->GetStatus(&exchange->context, &exchange->request, &exchange->response,
                             [&, exchange](grpc::Status status) {
                               if (!status.ok()) ++failed;
                               delete exchange;
                               next();
                               if (ended.fetch_add(1) + 1 == kCalls) done.Notify();
                             });
  };
  absl::Time start = absl::Now();
  for (int i = 0; i < kWindow; ++i) next();
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(100)));
  double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  std::printf("empty calls with a token: %.0f/s, %d in flight\n", kCalls / seconds, kWindow);
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace motcua::rpc::test
