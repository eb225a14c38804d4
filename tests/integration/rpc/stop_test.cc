// Promises of the stop: every kind of stream ends within two seconds with UNAVAILABLE, what is in hand ends
// first.
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <thread>

#include "common/rpc/grpc_status.h"
#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"
#include "tests/integration/rpc/watch.h"

namespace motcua::rpc::test {
namespace {

using grpc::health::v1::HealthCheckResponse;

constexpr absl::Duration kDrain = absl::Seconds(30);  // that nothing here may wait for
constexpr absl::Duration kSoon = absl::Seconds(2);

// Writes one step, then waits as a feed without news does.
async::Task<absl::Status> OneThenNothing(CallPtr call, StreamWriter<ReadResponse> writer, async::Loop* loop) {
  absl::Status written = co_await writer.Write(ReadResponse());
  if (!written.ok()) co_return written;
  absl::Status slept = co_await loop->Sleep(absl::Hours(1), call->cancel());
  co_return slept;
}

async::Task<absl::Status> WriteWithoutEnd(StreamWriter<ReadResponse> writer, std::atomic<int>* written) {
  while (true) {
    ReadResponse step;
    step.add_events()->set_subject(std::string(64 * 1024, 'x'));
    absl::Status status = co_await writer.Write(std::move(step));
    if (!status.ok()) co_return status;
    ++*written;
  }
}

async::Task<absl::StatusOr<GetStatusResponse>> Take(absl::Duration time, CallPtr call, async::Loop* loop,
                                                    std::atomic<bool>* begun) {
  *begun = true;
  absl::Status slept = co_await loop->Sleep(time, call->cancel());
  if (!slept.ok()) co_return slept;
  co_return GetStatusResponse();
}

// A stream of FeedService/Read, or of any method by its name, on a plain stub.
class OpenStream {
 public:
  explicit OpenStream(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(feed::v1::FeedService::NewStub(channel)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    ReadRequest request;
    request.set_shard("H30");
    reader_ = stub_->Read(&context_, request);
  }
  bool Next() {
    ReadResponse step;
    return reader_->Read(&step);
  }
  absl::Status End() {
    while (Next()) {
    }
    return FromGrpc(reader_->Finish());
  }

 private:
  std::unique_ptr<feed::v1::FeedService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<ReadResponse>> reader_;
};

absl::Duration TimeToStop(TestServer& server) {
  const absl::Time start = absl::Now();
  server.health.SetReady(false);
  server.server->Shutdown(absl::Now() + kDrain);
  return absl::Now() - start;
}

TEST(Stop, AnOpenStreamEndsUnavailableWithItsReason) {
  TestServer server;
  server.behaviour.read = [&](CallPtr call, ReadRequest, StreamWriter<ReadResponse> writer) {
    return OneThenNothing(std::move(call), std::move(writer), &server.loop);
  };
  OpenStream stream(server.Channel());
  ASSERT_TRUE(stream.Next());
  EXPECT_LT(TimeToStop(server), kSoon);
  absl::Status end = stream.End();
  EXPECT_EQ(end.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::Reason(end), "SHUTTING_DOWN");
  EXPECT_GT(errors::RetryDelay(end), absl::ZeroDuration());
}

TEST(Stop, AWatchOfHealthIsToldAndThenEnds) {
  TestServer server;
  Watch watch(server.Channel(), "");
  ASSERT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  EXPECT_LT(TimeToStop(server), kSoon);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(errors::Reason(watch.End()), "SHUTTING_DOWN");
}

TEST(Stop, AStreamThatIsNotReadDoesNotHoldIt) {
  TestServer server;
  std::atomic<int> written{0};
  server.behaviour.read = [&](CallPtr, ReadRequest, StreamWriter<ReadResponse> writer) {
    return WriteWithoutEnd(std::move(writer), &written);
  };
  OpenStream stream(server.Channel());
  ASSERT_TRUE(stream.Next());
  // Until the windows are full.
  ASSERT_TRUE(Eventually([&] {
    const int before = written;
    absl::SleepFor(absl::Milliseconds(100));
    return written == before;
  }));
  EXPECT_LT(TimeToStop(server), kSoon);
  EXPECT_EQ(stream.End().code(), absl::StatusCode::kUnavailable);
}

TEST(Stop, AnOpenReflectionStreamDoesNotHoldIt) {
  TestServer server;
  auto channel = server.Channel();
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto call =
      stub.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  void* tag;
  bool ok = false;
  call->StartCall(nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  // ServerReflectionRequest{list_services = 7: ""}
  grpc::Slice slice(std::string("\x3a\x00", 2));
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(answer.Dump(&slices).ok());
  std::string text;
  for (const auto& part : slices) text.append(reinterpret_cast<const char*>(part.begin()), part.size());
  EXPECT_NE(text.find("grpc.health.v1.Health"), std::string::npos);

  EXPECT_LT(TimeToStop(server), kSoon);
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

TEST(Stop, CallsInHandEndAndNewOnesAreRefusedMeanwhile) {
  TestServer server;
  std::atomic<bool> begun{false};
  server.behaviour.get_status = [&](CallPtr call) {
    return Take(absl::Milliseconds(700), std::move(call), &server.loop, &begun);
  };
  auto channel = server.Channel();
  absl::StatusOr<GetStatusResponse> in_hand = absl::UnknownError("none yet");
  std::thread caller([&] {
    BlockingClient client(channel);
    in_hand = client.Call<GetStatusResponse>(GetStatusRequest(), CallOptions(), /*retry=*/false);
  });
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  std::atomic<bool> stopped{false};
  absl::Duration taken;
  std::thread stopping([&] {
    taken = TimeToStop(server);
    stopped = true;
  });
  BlockingClient late(server.Channel());
  absl::Status refused;
  EXPECT_TRUE(Eventually([&] {
    begun = false;
    CallOptions options;
    options.deadline = absl::Now() + absl::Seconds(1);
    refused = late.Call<GetStatusResponse>(GetStatusRequest(), options, /*retry=*/false).status();
    return !begun;
  }));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  stopping.join();
  caller.join();
  EXPECT_TRUE(in_hand.ok()) << in_hand.status();
  EXPECT_LT(taken, kSoon);
}

TEST(Stop, StreamsAreToldWhatCallsInHandBringAbout) {
  TestServer server;
  std::atomic<bool> begun{false};
  std::atomic<bool> changed{false};
  server.behaviour.get_status = [&](CallPtr call) {
    auto serve = [](CallPtr c, async::Loop* loop, std::atomic<bool>* b,
                    std::atomic<bool>* done) -> async::Task<absl::StatusOr<GetStatusResponse>> {
      *b = true;
      absl::Status slept = co_await loop->Sleep(absl::Milliseconds(100), c->cancel());
      *done = true;
      slept = co_await loop->Sleep(absl::Milliseconds(50), c->cancel());
      co_return GetStatusResponse();
    };
    return serve(std::move(call), &server.loop, &begun, &changed);
  };
  server.behaviour.read = [&](CallPtr call, ReadRequest, StreamWriter<ReadResponse> writer) {
    auto serve = [](CallPtr c, StreamWriter<ReadResponse> w, async::Loop* loop,
                    std::atomic<bool>* done) -> async::Task<absl::Status> {
      absl::Status status = co_await w.Write(ReadResponse());
      while (status.ok() && !*done) status = co_await loop->Sleep(absl::Milliseconds(1), c->cancel());
      if (!status.ok()) co_return status;
      ReadResponse news;
      news.set_position(7);
      status = co_await w.Write(std::move(news));
      if (!status.ok()) co_return status;
      status = co_await loop->Sleep(absl::Hours(1), c->cancel());
      co_return status;
    };
    return serve(std::move(call), std::move(writer), &server.loop, &changed);
  };
  auto channel = server.Channel();
  OpenStream stream(channel);
  ASSERT_TRUE(stream.Next());
  std::thread caller([&] {
    BlockingClient client(channel);
    EXPECT_TRUE(client.Call<GetStatusResponse>(GetStatusRequest(), CallOptions(), /*retry=*/false).ok());
  });
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  EXPECT_LT(TimeToStop(server), kSoon);
  caller.join();
  EXPECT_TRUE(stream.Next()) << "what the call in hand did";
  EXPECT_EQ(errors::Reason(stream.End()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace motcua::rpc::test
