// Promises of the one loop: a call that comes alone is served at once, whatever the thread slept in; and
// nothing that one caller does (large messages, not reading, connecting by the hundred) keeps the others
// waiting for long.
#include <grpcpp/generic/generic_stub.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/async/when_all.h"
#include "common/redis/client.h"
#include "common/rpc/grpc_status.h"
#include "common/status/errors.h"
#include "google/protobuf/unknown_field_set.h"
#include "tests/integration/rpc/test_server.h"
#include "tests/support/redis_process.h"
#include "tests/support/temp_dir.h"

namespace motcua::rpc::test {
namespace {

using async::SyncWait;
using async::Task;

// Longer than a stall of the machine, shorter than any heartbeat or poll of gRPC's or Redis' client: a
// wake-up that was lost is found by one of these, a second or more later.
constexpr absl::Duration kLost = absl::Milliseconds(900);

class Latencies {
 public:
  void Add(absl::Duration taken) { taken_.push_back(taken); }
  absl::Duration Quantile(double q) {
    std::sort(taken_.begin(), taken_.end());
    return taken_.empty() ? absl::ZeroDuration() : taken_[static_cast<size_t>(q * (taken_.size() - 1))];
  }
  absl::Duration Longest() { return Quantile(1); }
  size_t size() const { return taken_.size(); }

 private:
  std::vector<absl::Duration> taken_;
};

Task<absl::Status> CallOneByOne(Client* client, int count, Latencies* latencies) {
  for (int i = 0; i < count; ++i) {
    const absl::Time start = absl::Now();
    auto call = client->Call<GetStatusResponse>(GetStatusRequest());
    absl::StatusOr<GetStatusResponse> reply = co_await std::move(call);
    if (!reply.ok()) co_return reply.status();
    latencies->Add(absl::Now() - start);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<GetStatusResponse>> AskRedis(redis::Client* redis) {
  redis::Command ping("PING");
  absl::StatusOr<redis::Reply> pong =
      co_await redis->Execute(std::move(ping), absl::Now() + absl::Seconds(10));
  if (!pong.ok()) co_return pong.status();
  co_return GetStatusResponse();
}

// MOTCUA_LONE_CALLS: how many; a million take some two minutes.
int LoneCalls() {
  const char* wanted = std::getenv("MOTCUA_LONE_CALLS");
  return wanted == nullptr ? 100'000 : std::atoi(wanted);
}

// Client, server and Redis' connection on one loop: each call sleeps in gRPC at least once and is woken by
// each kind of event, with nothing else in the process that would find what was missed.
TEST(OneLoop, NoLoneCallWaitsForAHeartbeat) {
  motcua::test::RedisProcess redis_process;
  TestServer server;
  redis::Options options;
  options.address = redis_process.address();
  options.ping_interval = absl::InfiniteDuration();
  redis::Client redis(server.loop, options);
  ASSERT_TRUE(SyncWait(server.loop, redis.WaitConnected(absl::Now() + absl::Seconds(10))).ok());
  server.behaviour.get_status = [&redis](CallPtr) { return AskRedis(&redis); };
  Latencies latencies;
  absl::Status done = SyncWait(server.loop, CallOneByOne(&server.plain(), LoneCalls(), &latencies));
  ASSERT_TRUE(done.ok()) << done;
  std::printf("%zu lone calls: p50 %.3f ms, p99 %.3f ms, longest %.3f ms\n", latencies.size(),
              absl::ToDoubleMilliseconds(latencies.Quantile(0.5)),
              absl::ToDoubleMilliseconds(latencies.Quantile(0.99)),
              absl::ToDoubleMilliseconds(latencies.Longest()));
  EXPECT_LT(latencies.Longest(), kLost);
}

// Work that other threads post wakes it, too.
TEST(OneLoop, NoPostWaitsForAHeartbeat) {
  Loop loop("posted-to");
  Latencies latencies;
  for (int i = 0; i < 50'000; ++i) {
    const absl::Time start = absl::Now();
    loop.RunAndWait([] {});
    latencies.Add(absl::Now() - start);
  }
  EXPECT_LT(latencies.Longest(), kLost);
  loop.Stop();
}

TEST(OneLoop, TimersFireWhileNothingElseHappens) {
  Loop loop("timers");
  auto sleep = [](async::Loop* on) -> Task<absl::Status> { return on->Sleep(absl::Milliseconds(20)); };
  for (int i = 0; i < 20; ++i) {
    const absl::Time start = absl::Now();
    EXPECT_TRUE(SyncWait(loop, sleep(&loop)).ok());
    EXPECT_GE(absl::Now() - start, absl::Milliseconds(20));
    EXPECT_LT(absl::Now() - start, kLost);
  }
  loop.Stop();
}

// The callback API of gRPC 1.51 let such calls wait for the rest of a nap of 100 ms.
TEST(OneLoop, ACallAfterAnIdleSecondIsNotDelayed) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  Latencies latencies;
  ASSERT_TRUE(SyncWait(server.loop, CallOneByOne(&server.plain(), 1, &latencies)).ok());
  Latencies after;
  for (int i = 0; i < 5; ++i) {
    absl::SleepFor(absl::Milliseconds(1005 + i * 20));  // what is tested is the idle time itself
    ASSERT_TRUE(SyncWait(server.loop, CallOneByOne(&server.plain(), 1, &after)).ok());
  }
  EXPECT_LT(after.Quantile(0.5), absl::Milliseconds(20)) << "the longest took " << after.Longest();
}

TEST(OneLoop, SleepsWhileThereIsNothingToDo) {
  TestServer server;
  server.loop.RunAndWait([] {});
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  absl::SleepFor(absl::Seconds(2));
  getrusage(RUSAGE_SELF, &after);
  const auto micros = [](const rusage& used) {
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000 + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
  };
  EXPECT_LT(micros(after) - micros(before), 100'000) << "microseconds of 2 s";
}

// Makes calls one after the other on a thread of its own until told to stop.
class Others {
 public:
  explicit Others(const TestServer& server, const TlsFiles& tls = TlsFiles()) : client_(server.Channel(tls)) {
    EXPECT_TRUE(client_.Call<GetStatusResponse>(GetStatusRequest()).ok());
    thread_ = std::thread([this] {
      while (!stop_) {
        const absl::Time start = absl::Now();
        absl::StatusOr<GetStatusResponse> reply = client_.Call<GetStatusResponse>(GetStatusRequest());
        EXPECT_TRUE(reply.ok()) << reply.status();
        latencies_.Add(absl::Now() - start);
        ++calls_;
      }
    });
  }
  ~Others() { Stop(); }
  Latencies& Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return latencies_;
  }
  int calls() const { return calls_; }

 private:
  BlockingClient client_;
  std::atomic<bool> stop_{false};
  std::atomic<int> calls_{0};
  Latencies latencies_;
  std::thread thread_;
};

Task<absl::Status> WriteLargeSteps(StreamWriter<ReadResponse> writer, std::atomic<int>* written) {
  ReadResponse step;
  step.add_events()->set_subject(std::string(64 * 1024, 'x'));
  while (true) {
    absl::Status status = co_await writer.Write(step);
    if (!status.ok()) co_return status;
    ++*written;
  }
}

TEST(OneLoop, AReaderThatDoesNotReadStallsNobody) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  std::atomic<int> written{0};
  server.behaviour.read = [&](CallPtr, ReadRequest, StreamWriter<ReadResponse> writer) {
    return WriteLargeSteps(std::move(writer), &written);
  };
  auto stub = feed::v1::FeedService::NewStub(server.Channel());
  grpc::ClientContext context;
  ReadRequest request;
  request.set_shard("H30");
  std::unique_ptr<grpc::ClientReader<ReadResponse>> reader = stub->Read(&context, request);
  ReadResponse step;
  ASSERT_TRUE(reader->Read(&step));
  Others others(server);
  ASSERT_TRUE(Eventually([&] { return others.calls() > 2'000; }, absl::Seconds(60)));
  EXPECT_LT(others.Stop().Longest(), absl::Milliseconds(500));
  EXPECT_LT(written, 1'000) << "the reader's window bounds what is written ahead";
  context.TryCancel();
  (void)reader->Finish();
}

// What a unary call of any method came to, sent as it is.
absl::Status CallWithBytes(const TestServer& server, const std::string& method, std::string bytes,
                           grpc::ByteBuffer* reply) {
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(server.Channel());
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + server.Token({"admin"}));
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, method, BytesOf(std::move(bytes)), &queue);
  grpc::Status end;
  call->StartCall();
  call->Finish(reply, &end, &end);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  return FromGrpc(end);
}

TEST(OneLoop, MessagesOfFourMebibytesStallNobody) {
  constexpr size_t kLarge = (4 << 20) - 64;
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) -> Task<absl::StatusOr<GetStatusResponse>> {
    GetStatusResponse response;
    if (call->request_bytes().size() > kLarge) response.set_service(std::string(kLarge, 's'));
    co_return response;
  };
  Others others(server);
  // A field that nobody knows: read and kept all the same.
  GetStatusRequest request;
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(1000, std::string(kLarge, 'x'));
  for (int i = 0; i < 30; ++i) {
    grpc::ByteBuffer reply;
    absl::Status status =
        CallWithBytes(server, "/motcua.admin.v1.AdminService/GetStatus", request.SerializeAsString(), &reply);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_GT(reply.Length(), kLarge);
  }
  EXPECT_LT(others.Stop().Longest(), absl::Milliseconds(500));
}

TEST(OneLoop, AStormOfHandshakesStallsNobody) {
  motcua::test::TempDir dir;
  const std::string command = absl::StrCat(MOTCUA_SOURCE_DIR, "/deploy/credentials ", dir.path());
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto of = [&dir](const std::string& name) {
    return TlsFiles(absl::StrCat(dir.path(), "/", name, ".crt"), absl::StrCat(dir.path(), "/", name, ".key"),
                    absl::StrCat(dir.path(), "/ca.crt"));
  };
  ServerOptions options;
  options.tls = of("intake");
  options.require_client_cert = true;
  TestServer server(HostOptions(), options);
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  Others others(server, of("routing"));
  constexpr int kConnections = 200;
  Loop loop("connecting");
  {
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<Task<absl::StatusOr<GetStatusResponse>>> calls;
    for (int i = 0; i < kConnections; ++i) {
      ChannelOptions channel_options(server.address());
      channel_options.tls = of("routing");
      grpc::ChannelArguments own;
      auto credentials = MakeChannelCredentials(channel_options.tls);
      own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
      clients.push_back(
          std::make_unique<Client>(loop, grpc::CreateCustomChannel(server.address(), *credentials, own)));
      calls.push_back(clients.back()->Call<GetStatusResponse>(GetStatusRequest()));
    }
    for (const auto& reply : SyncWait(loop, async::WhenAll(std::move(calls)))) {
      EXPECT_TRUE(reply.ok()) << reply.status();
    }
  }
  Latencies& latencies = others.Stop();
  std::printf("%d handshakes beside %zu calls, the longest of them %.0f ms\n", kConnections, latencies.size(),
              absl::ToDoubleMilliseconds(latencies.Longest()));
  EXPECT_LT(latencies.Longest(), absl::Seconds(1));
  EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
  loop.Stop();
}

TEST(OneLoop, ACallWhoseRequestCannotBeReadIsRefusedWithItsReason) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  struct Case {
    std::string method, bytes, reason;
    absl::StatusCode code;
  };
  const std::string admin = "/motcua.admin.v1.AdminService/";
  for (const Case& c :
       {Case{admin + "Advance", "\x0a\xff", "INVALID_REQUEST", absl::StatusCode::kInvalidArgument},
        Case{"/motcua.feed.v1.FeedService/Read", "\x0a\x02\xc3\x28", "INVALID_REQUEST",
             absl::StatusCode::kInvalidArgument},
        Case{admin + "NoSuch", "", "UNKNOWN_METHOD", absl::StatusCode::kUnimplemented},
        Case{"/no.such.Service/Method", "", "UNKNOWN_METHOD", absl::StatusCode::kUnimplemented},
        Case{"/motcua.feed.v1.FeedService/Read", std::string(5 << 20, 'x'), "REQUEST_TOO_LARGE",
             absl::StatusCode::kResourceExhausted}}) {
    grpc::ByteBuffer reply;
    const absl::Status status = CallWithBytes(server, c.method, c.bytes, &reply);
    EXPECT_EQ(status.code(), c.code) << c.method << ": " << status;
    EXPECT_EQ(errors::Reason(status), c.reason) << c.method;
    EXPECT_FALSE(errors::VietnameseMessage(status).empty()) << c.method;
  }
}

}  // namespace
}  // namespace motcua::rpc::test
