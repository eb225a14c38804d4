// Promises of unary calls: who is let in, what is refused, and that errors arrive as they were made.
#include <gmock/gmock.h>

#include <atomic>
#include <sstream>

#include "absl/synchronization/mutex.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"
#include "common/telemetry/trace.h"
#include "tests/integration/rpc/test_server.h"
#include "tests/support/violations.h"
#include "tests/support/wait.h"

namespace motcua::rpc::test {
namespace {

using async::SyncWait;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

AdvanceRequest ValidAdvance() {
  AdvanceRequest request;
  request.mutable_to()->set_seconds(1700000000);
  return request;
}

CallOptions WithToken(std::string token) {
  CallOptions options;
  options.bearer_token = std::move(token);
  return options;
}

TEST(Unary, AnswersTheCall) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  auto reply = SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest()));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(reply->ready());
}

TEST(Unary, ATokenNamesTheCaller) {
  TestServer server;
  std::string agency;
  server.behaviour.advance = [&agency](CallPtr call, const AdvanceRequest& request) {
    agency = call->principal().agency;
    return Echo(request);
  };
  auto reply = SyncWait(
      server.loop, server.plain().Call<AdvanceResponse>(ValidAdvance(), WithToken(server.Token({"admin"}))));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->now().seconds(), 1700000000);
  EXPECT_EQ(agency, "H30.18");
}

TEST(Unary, WhoeverHasNoRoleIsRefusedBeforeTheHandlerRuns) {
  TestServer server;
  server.behaviour.advance = [](CallPtr, const AdvanceRequest&) -> async::Task<absl::StatusOr<AdvanceResponse>> {
    ADD_FAILURE() << "the handler ran";
    co_return absl::InternalError("unreachable");
  };
  struct Case {
    std::string token;
    absl::StatusCode code;
    std::string reason;
  };
  for (const Case& c : {Case{"", absl::StatusCode::kUnauthenticated, "NO_CREDENTIALS"},
                        Case{server.Token({"handler"}), absl::StatusCode::kPermissionDenied, "ROLE_NOT_ALLOWED"},
                        Case{server.Token({"service"}), absl::StatusCode::kPermissionDenied, "ROLE_NOT_ALLOWED"},
                        Case{server.Token({"admin"}, -absl::Hours(1)), absl::StatusCode::kUnauthenticated,
                             "TOKEN_EXPIRED"},
                        Case{"garbage", absl::StatusCode::kUnauthenticated, "TOKEN_INVALID"}}) {
    auto reply = SyncWait(server.loop, server.plain().Call<AdvanceResponse>(ValidAdvance(), WithToken(c.token)));
    EXPECT_EQ(reply.status().code(), c.code) << c.token;
    EXPECT_EQ(errors::Reason(reply.status()), c.reason);
    EXPECT_FALSE(errors::VietnameseMessage(reply.status()).empty());
  }
}

TEST(Unary, AnInvalidRequestNeverReachesTheHandler) {
  TestServer server;
  server.behaviour.advance = [](CallPtr, const AdvanceRequest& request) {
    ADD_FAILURE() << "the handler ran";
    return Echo(request);
  };
  auto reply = SyncWait(
      server.loop, server.plain().Call<AdvanceResponse>(AdvanceRequest(), WithToken(server.Token({"admin"}))));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(motcua::test::Violations(reply.status()), ElementsAre(Pair("to", "must be set")));
}

async::Task<absl::StatusOr<GetStatusResponse>> Fail(absl::Status status) { co_return status; }

TEST(Unary, AnErrorArrivesWithItsDetails) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr) {
    return Fail(errors::FailedPrecondition("DOSSIER_ENDED", "the dossier has ended", {{"dossier", "H30-1"}}));
  };
  auto reply = SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest()));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(errors::Reason(reply.status()), "DOSSIER_ENDED");
  EXPECT_EQ(errors::MetadataValue(reply.status(), "dossier"), "H30-1");
  EXPECT_THAT(errors::VietnameseMessage(reply.status()), HasSubstr("đã kết thúc"));
}

TEST(Unary, TooManyCallsAreRefusedAtOnce) {
  HostOptions options;
  options.max_in_flight = 2;
  TestServer server(options);
  server.behaviour.get_status = [&server](CallPtr call) { return SleepUntilCancelled(std::move(call), &server.loop); };
  CallOptions cancellable;
  async::CancelSource give_up(server.loop);
  cancellable.cancel = give_up.token();
  std::vector<absl::Status> ended(2);
  for (int i = 0; i < 2; ++i) {
    auto keep = [](async::Task<absl::StatusOr<GetStatusResponse>> task, absl::Status* status) -> async::Task<void> {
      auto reply = co_await std::move(task);
      *status = reply.status();
    };
    server.loop.Spawn(keep(server.plain().Call<GetStatusResponse>(GetStatusRequest(), cancellable), &ended[i]));
  }
  ASSERT_TRUE(Eventually([&] { return server.host->in_flight() == 2; }));
  auto reply = SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest()));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::Reason(reply.status()), "TOO_MANY_CALLS");
  EXPECT_GT(errors::RetryDelay(reply.status()), absl::ZeroDuration());
  give_up.Cancel();
  EXPECT_TRUE(Eventually([&] { return server.host->in_flight() == 0; })) << "cancellation reached the handlers";
  ASSERT_TRUE(server.loop.Drain(absl::Seconds(10)));
  for (const absl::Status& status : ended) EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(Unary, TheCallersDeadlineReachesTheHandlerAndEndsIt) {
  TestServer server;
  std::atomic<bool> deadline_was_near{false};
  server.behaviour.get_status = [&](CallPtr call) {
    deadline_was_near = call->deadline() < absl::Now() + absl::Seconds(5);
    return SleepUntilCancelled(std::move(call), &server.loop);
  };
  CallOptions options;
  options.deadline = absl::Now() + absl::Milliseconds(100);
  auto reply = SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(deadline_was_near);
  EXPECT_TRUE(Eventually([&] { return server.host->in_flight() == 0; }));
}

TEST(Unary, AReadWaitsForTheWriteItsCallerHasSeen) {
  TestServer server;
  std::vector<AfterWrite> seen;
  server.host->SetBeforeHook([&seen](CallPtr call) -> async::Task<absl::Status> {
    seen = call->after();
    return [](bool reached) -> async::Task<absl::Status> {
      if (!reached) co_return errors::DeadlineExceeded("NOT_CAUGHT_UP", "not there yet");
      co_return absl::OkStatus();
    }(call->after().front().position <= 10);
  });
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  CallOptions options;
  options.after.emplace_back("intake", "H30", 7);
  options.after.emplace_back("deadline-monitor", "H30", 9);
  EXPECT_TRUE(SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options)).ok());
  EXPECT_THAT(seen, ElementsAre(AfterWrite("intake", "H30", 7), AfterWrite("deadline-monitor", "H30", 9)));
  options.after.front().position = 11;
  auto reply = SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options));
  EXPECT_EQ(errors::Reason(reply.status()), "NOT_CAUGHT_UP");
}

TEST(Unary, MalformedMetadataIsRefusedAndOversizedMetadataDoesNoHarm) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  auto stub = admin::v1::AdminService::NewStub(server.Channel());
  auto call = [&stub](std::vector<std::pair<std::string, std::string>> metadata) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    GetStatusResponse response;
    return stub->GetStatus(&context, GetStatusRequest(), &response);
  };
  for (const char* after : {"intake", "intake/H30", "intake/H30=", "intake/H30=-1", "intake/h30=1", "x=1/H30",
                            "INTAKE/H30=1", "intake/H30=99999999999999999999", "intake/H30=1,,", "/H30=1"}) {
    EXPECT_EQ(call({{"motcua-after", after}}).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << after;
  }
  for (const char* authorization : {"", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b", "Bearer a.b.c"}) {
    EXPECT_EQ(call({{"authorization", authorization}}).error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << authorization;
  }
  std::string token = "Bearer " + server.Token({"admin"});
  EXPECT_EQ(call({{"authorization", token}, {"authorization", token}}).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(call({{"traceparent", "not a trace"}, {"accept-language", std::string(300, 'x')}}).ok());
  EXPECT_FALSE(call({{"authorization", "Bearer " + std::string(100000, 'a')}}).ok());
  // gRPC may end the connection of a caller that sends that much; the caller's next calls go over a new one.
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return call({{"authorization", token}}).ok(); })) << "the server is as before";
}

TEST(Unary, AnOversizedRequestIsRefused) {
  ServerOptions small;
  small.max_message_bytes = 1000;
  TestServer server(HostOptions(), small);
  server.behaviour.read = nullptr;
  ReadRequest request;
  request.set_shard(std::string(2000, 'H'));
  auto open = [](Client* client, ReadRequest r) -> async::Task<absl::Status> {
    StreamReader<ReadResponse> reader = client->Open<ReadResponse>(std::move(r));
    auto step = co_await reader.Read();
    co_return step.status();
  };
  EXPECT_EQ(SyncWait(server.loop, open(&server.plain(), request)).code(), absl::StatusCode::kResourceExhausted);
}

TEST(Unary, ATraceIsContinuedNotRestarted) {
  TestServer server;
  std::string traceparent;
  server.behaviour.get_status = [&traceparent](CallPtr call) {
    traceparent = call->traceparent();
    return Answer(std::move(call));
  };
  CallOptions options;
  options.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_TRUE(SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options)).ok());
  EXPECT_EQ(telemetry::TraceId(traceparent), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(traceparent.substr(36, 16), "b7ad6b7169203331");
}

// Refused calls too: what a caller is told must be found by his trace.
TEST(Unary, EveryLineOfACallBearsItsTrace) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  absl::Mutex mutex;
  std::vector<std::string> lines;
  telemetry::StartLogging("test", telemetry::Level::kDebug);
  telemetry::CaptureLinesForTest([&](std::string_view line) {
    absl::MutexLock lock(&mutex);
    lines.emplace_back(line);
  });
  CallOptions options;
  options.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_TRUE(
      SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options)).ok());
  EXPECT_FALSE(SyncWait(server.loop, server.plain().Call<AdvanceResponse>(ValidAdvance(), options)).ok());
  options.bearer_token = "not a token";
  EXPECT_FALSE(
      SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest(), options)).ok());
  const auto logged = [&] {
    absl::MutexLock lock(&mutex);
    return lines;
  };
  // A line for each call, and one more for each that failed.
  EXPECT_TRUE(Eventually([&] { return logged().size() == 5; })) << logged().size();
  telemetry::CaptureLinesForTest(nullptr);
  telemetry::StartLogging("motcua", telemetry::Level::kInfo);
  size_t of_calls = 0;
  for (const std::string& line : lines) {
    EXPECT_THAT(line, HasSubstr("\"trace\":\"0af7651916cd43dd8448eb211c80319c\""));
    EXPECT_THAT(line, HasSubstr("\"code\":"));
    EXPECT_THAT(line, HasSubstr("\"ms\":"));
    of_calls += line.find("\"msg\":\"call\"") != std::string::npos;
  }
  EXPECT_EQ(of_calls, 3u);
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("\"msg\":\"call\""), HasSubstr("AdminService/GetStatus"),
                                    HasSubstr("\"code\":\"OK\""), HasSubstr("\"caller\":"))));
}

TEST(Unary, CallsAreCountedByMethodAndCode) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  ASSERT_TRUE(SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest())).ok());
  ASSERT_FALSE(SyncWait(server.loop, server.plain().Call<AdvanceResponse>(ValidAdvance())).ok());
  std::string text = server.metrics.Text();
  EXPECT_THAT(text, HasSubstr("motcua_rpc_calls_total{code=\"OK\",method=\"GetStatus\","
                              "service=\"motcua.admin.v1.AdminService\"} 1"));
  EXPECT_THAT(text, HasSubstr("motcua_rpc_calls_total{code=\"UNAUTHENTICATED\",method=\"Advance\","
                              "service=\"motcua.admin.v1.AdminService\"} 1"));
  EXPECT_THAT(text, HasSubstr("motcua_rpc_seconds_count"));
}

// Dashboards and alerts rest on these names: a change here is a change of the contract with operators.
TEST(Metrics, ExportedNames) {
  TestServer server;
  server.behaviour.get_status = [](CallPtr call) { return Answer(std::move(call)); };
  server.health.SetDependency("redis", true);
  ASSERT_TRUE(SyncWait(server.loop, server.plain().Call<GetStatusResponse>(GetStatusRequest())).ok());
  std::vector<std::string> names;
  std::istringstream text(server.metrics.Text());
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) names.push_back(line.substr(7));
  }
  EXPECT_THAT(names, UnorderedElementsAre("motcua_dependency_up gauge", "motcua_ready gauge",
                                          "motcua_rpc_calls_total counter", "motcua_rpc_in_flight gauge",
                                          "motcua_rpc_seconds histogram", "motcua_rpc_streams gauge"));
}

TEST(BlockingClient, RepeatsWhatMayHelpAndNothingElse) {
  TestServer server;
  std::atomic<int> attempts{0};
  server.behaviour.get_status = [&attempts](CallPtr call) {
    if (++attempts < 3) return Fail(errors::Unavailable("STORE_UNAVAILABLE", "gone for a moment"));
    return Answer(std::move(call));
  };
  BlockingClient client(server.Channel());
  EXPECT_TRUE(client.Call<GetStatusResponse>(GetStatusRequest()).ok());
  EXPECT_EQ(attempts, 3);

  attempts = 0;
  server.behaviour.get_status = [&attempts](CallPtr) {
    ++attempts;
    return Fail(errors::NotFound("DOSSIER_NOT_FOUND", "none"));
  };
  EXPECT_EQ(client.Call<GetStatusResponse>(GetStatusRequest()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(attempts, 1);

  CallOptions brief;
  brief.deadline = absl::Now() + absl::Milliseconds(300);
  server.behaviour.get_status = [](CallPtr) { return Fail(errors::Aborted("CONFLICT", "raced")); };
  EXPECT_EQ(client.Call<GetStatusResponse>(GetStatusRequest(), brief).status().code(), absl::StatusCode::kAborted);
  EXPECT_LT(absl::Now(), *brief.deadline + absl::Seconds(5));
}

TEST(Client, RetriesOnTheLoopUntilItSucceeds) {
  TestServer server;
  std::atomic<int> attempts{0};
  server.behaviour.get_status = [&attempts](CallPtr call) {
    if (++attempts < 3) return Fail(errors::ResourceExhausted("TOO_MANY_CALLS", "busy"));
    return Answer(std::move(call));
  };
  EXPECT_TRUE(SyncWait(server.loop, server.plain().CallRetrying<GetStatusResponse>(GetStatusRequest())).ok());
  EXPECT_EQ(attempts, 3);
}

TEST(Client, AConnectionThatFailsLeavesTheOutcomeUnknown) {
  Loop loop("test-loop");
  {
    // Port 1 of loopback: nobody listens there.
    Client client(loop, MakeChannel(ChannelOptions("127.0.0.1:1")).value());
    auto reply = SyncWait(loop, client.Call<GetStatusResponse>(GetStatusRequest()));
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(errors::Reason(reply.status()), "OUTCOME_UNKNOWN");
  }
  loop.Stop();
}

}  // namespace
}  // namespace motcua::rpc::test
