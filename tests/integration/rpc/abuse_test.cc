// Promises towards clients that do not do their part: calls without requests, answers that nobody takes,
// names and messages beyond reason; and towards handlers and callers that hold on for too long.
#include <grpcpp/generic/generic_stub.h>

#include <optional>
#include <string>
#include <vector>

#include "common/async/when_all.h"
#include "common/rpc/grpc_status.h"
#include "common/status/errors.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

using async::SyncWait;
using async::Task;

constexpr char kGetStatus[] = "/motcua.admin.v1.AdminService/GetStatus";
constexpr char kReflection[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

// A call of any method, driven step by step.
class RawCall {
 public:
  RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) : stub_(channel) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    call_ = stub_.PrepareCall(&context_, method, &queue_);
    call_->StartCall(nullptr);
    EXPECT_TRUE(Ended());
  }
  ~RawCall() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  bool Write(const std::string& bytes) {
    call_->Write(BytesOf(bytes), nullptr);
    return Ended();
  }
  absl::Status End() {
    grpc::ByteBuffer answer;
    do {
      call_->Read(&answer, nullptr);
    } while (Ended());
    grpc::Status end;
    call_->Finish(&end, nullptr);
    EXPECT_TRUE(Ended());
    return FromGrpc(end);
  }

 private:
  bool Ended() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST(Abuse, ACallThatNeverSendsItsRequestIsEnded) {
  HostOptions options;
  options.request_patience = absl::Milliseconds(200);
  TestServer server(options);
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  RawCall silent(server.Channel(), kGetStatus);
  RawCall silent_stream(server.Channel(), "/motcua.feed.v1.FeedService/Read");
  const absl::Status end = silent.End();
  EXPECT_EQ(end.code(), absl::StatusCode::kDeadlineExceeded) << end;
  EXPECT_EQ(end.message(), "the request did not come in time");
  EXPECT_EQ(silent_stream.End().message(), "the request did not come in time");
  EXPECT_EQ(server.host->in_flight(), 0);
  EXPECT_EQ(server.host->streams(), 0);
}

TEST(Abuse, OfCallsWithoutRequestsTheOldestGivesWay) {
  HostOptions options;
  options.max_waiting = 3;
  TestServer server(options);
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  auto channel = server.Channel();
  std::vector<std::unique_ptr<RawCall>> silent;
  for (int i = 0; i < 6; ++i) silent.push_back(std::make_unique<RawCall>(channel, kGetStatus));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(errors::Reason(silent[static_cast<size_t>(i)]->End()), "TOO_MANY_CALLS") << i;
  // Those who do their part are served meanwhile, and what is within the bound may still go on.
  EXPECT_TRUE(SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest())).ok());
  EXPECT_TRUE(silent[5]->Write(""));
  EXPECT_TRUE(silent[5]->End().ok());
}

// The client's windows have room for a small part of each.
TEST(Abuse, OfAnswersThatNobodyTakesTheOldestGivesWay) {
  HostOptions options;
  options.max_waiting = 2;
  TestServer server(options);
  std::atomic<size_t> answered{0};
  server.behaviour.get_status = [&answered](CallPtr) -> Task<absl::StatusOr<GetStatusResponse>> {
    GetStatusResponse response;
    response.set_service(std::string(3 << 20, 's'));
    ++answered;
    co_return response;
  };
  auto channel = server.Channel();
  std::vector<std::unique_ptr<RawCall>> lazy;
  for (int i = 0; i < 6; ++i) {
    lazy.push_back(std::make_unique<RawCall>(channel, kGetStatus));
    EXPECT_TRUE(lazy.back()->Write(""));
    ASSERT_TRUE(Eventually([&] { return answered == lazy.size(); }));
  }
  int cancelled = 0;
  for (size_t i = 0; i < 4; ++i) cancelled += lazy[i]->End().ok() ? 0 : 1;
  EXPECT_EQ(cancelled, 4);
  EXPECT_TRUE(lazy[5]->End().ok());
}

// Thousands of calls at once, each with its request, are none of these.
TEST(Abuse, ABurstOfCallsIsNone) {
  HostOptions options;
  options.max_in_flight = 10'000;
  TestServer server(options);
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  std::vector<Task<absl::StatusOr<GetStatusResponse>>> calls;
  for (int i = 0; i < 5'000; ++i) calls.push_back(server.plain().Call<GetStatusResponse>(GetStatusRequest()));
  for (const auto& reply : SyncWait(server.loop, async::WhenAll(std::move(calls)))) {
    ASSERT_TRUE(reply.ok()) << reply.status();
  }
}

TEST(Abuse, ALongOrUnreadableNameIsAnUnknownMethodLikeAnyOther) {
  TestServer server;
  auto channel = server.Channel();
  for (const std::string& name : {"/" + std::string(7000, 'a'), std::string("/a\xff/b")}) {
    const absl::Status end = RawCall(channel, name).End();
    EXPECT_EQ(end.code(), absl::StatusCode::kUnimplemented) << end;
    EXPECT_EQ(errors::Reason(end), "UNKNOWN_METHOD");
  }
}

// The answer would repeat it twice.
TEST(Abuse, AQuestionToReflectionMayNotBeLong) {
  TestServer server;
  RawCall call(server.Channel(), kReflection);
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_host(std::string(1 << 20, 'x'));
  request.set_list_services("");
  EXPECT_TRUE(call.Write(request.SerializeAsString()));
  EXPECT_EQ(errors::Reason(call.End()), "REQUEST_TOO_LARGE");
}

// A copy of the writer that outlives the handler.
TEST(Abuse, AWriteAfterTheEndIsRefused) {
  TestServer server;
  std::optional<StreamWriter<ReadResponse>> kept;
  server.behaviour.read = [&kept](CallPtr, ReadRequest,
                                  StreamWriter<ReadResponse> writer) -> Task<absl::Status> {
    kept.emplace(writer);
    co_return absl::OkStatus();
  };
  RawCall call(server.Channel(), "/motcua.feed.v1.FeedService/Read");
  ReadRequest request;
  request.set_shard("H30");
  EXPECT_TRUE(call.Write(request.SerializeAsString()));
  EXPECT_TRUE(call.End().ok());
  EXPECT_EQ(errors::Reason(SyncWait(server.loop, kept->Write(ReadResponse()))), "STREAM_MISUSED");
  server.loop.RunAndWait([&kept] { kept.reset(); });
}

// Request and cancellation lie in gRPC's queue together.
TEST(Abuse, AStreamWhoseReaderWentAtOnceEnds) {
  TestServer server;
  server.behaviour.read = [&server](CallPtr call, ReadRequest, StreamWriter<ReadResponse>) {
    auto wait = [](CallPtr served, async::Loop* loop) -> Task<absl::Status> {
      absl::Status slept = co_await loop->Sleep(absl::Hours(1), served->cancel());
      co_return slept;
    };
    return wait(std::move(call), &server.loop);
  };
  auto channel = server.Channel();
  ReadRequest request;
  request.set_shard("H30");
  for (int i = 0; i < 50; ++i) {
    async::Notification go;
    server.loop.Post([&go] { go.WaitForNotification(); });
    {
      RawCall call(channel, "/motcua.feed.v1.FeedService/Read");
      EXPECT_TRUE(call.Write(request.SerializeAsString()));
    }
    go.Notify();
    server.loop.RunAndWait([] {});
  }
  EXPECT_TRUE(server.loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(server.host->streams(), 0);
}

// A token from a broken file, say.
TEST(Abuse, MetadataThatCannotBeSentIsAnErrorNotTheEnd) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  for (const std::string& token : {std::string("a\nb"), std::string("th\xe1\xba\xbb")}) {
    BlockingClient blocking(server.Channel(), token);
    EXPECT_EQ(errors::Reason(blocking.Call<GetStatusResponse>(GetStatusRequest()).status()), "TOKEN_INVALID");
    Client client(server.loop, server.Channel(), token);
    auto reply = SyncWait(server.loop, client.Call<GetStatusResponse>(GetStatusRequest()));
    EXPECT_EQ(errors::Reason(reply.status()), "TOKEN_INVALID");
    auto read = [](Client* opening) -> Task<absl::Status> {
      StreamReader<ReadResponse> reader = opening->Open<ReadResponse>(ReadRequest());
      absl::StatusOr<std::optional<ReadResponse>> step = co_await reader.Read();
      co_return step.status();
    };
    EXPECT_EQ(errors::Reason(SyncWait(server.loop, read(&client))), "TOKEN_INVALID");
  }
  CallOptions options;
  options.language = "vi\n";
  auto reply = SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options));
  EXPECT_EQ(errors::Reason(reply.status()), "METADATA_INVALID");
}

Task<void> Keep(Task<absl::StatusOr<GetStatusResponse>> call, std::optional<absl::Status>* end) {
  absl::StatusOr<GetStatusResponse> reply = co_await std::move(call);
  *end = reply.status();
}

TEST(Abuse, ACallBetweenTwoAttemptsEndsWithItsClient) {
  TestServer server;
  std::atomic<int> attempts{0};
  server.behaviour.get_status = [&attempts](CallPtr) -> Task<absl::StatusOr<GetStatusResponse>> {
    ++attempts;
    co_return errors::Unavailable("NOT_READY", "not yet");
  };
  for (int round = 0; round < 20; ++round) {
    attempts = 0;
    std::optional<absl::Status> end;
    auto client = std::make_unique<Client>(server.loop, server.Channel());
    CallOptions options;
    options.deadline = absl::Now() + absl::Hours(1);
    server.loop.Spawn(Keep(client->CallRetrying<GetStatusResponse>(GetStatusRequest(), options), &end));
    ASSERT_TRUE(Eventually([&attempts] { return attempts > 0; }));
    client.reset();
    ASSERT_TRUE(server.loop.Drain(absl::Seconds(10)));
    server.loop.RunAndWait([] {});
    EXPECT_TRUE(absl::IsCancelled(*end) || absl::IsUnavailable(*end)) << *end;
  }
}

}  // namespace
}  // namespace motcua::rpc::test
