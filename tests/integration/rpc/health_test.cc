// Promises of grpc.health.v1: who is told what, at once and at each change, and that nobody can be locked out
// by it.
#include "common/status/errors.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/rpc/test_server.h"
#include "tests/integration/rpc/watch.h"

namespace motcua::rpc::test {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthCheckResponse::ServingStatus Check(const std::shared_ptr<grpc::Channel>& channel,
                                         const std::string& service, absl::Status* error = nullptr,
                                         const std::string& authorization = "") {
  auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
  if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  absl::Status status = FromGrpc(stub->Check(&context, request, &response));
  if (error != nullptr) *error = status;
  return status.ok() ? response.status() : HealthCheckResponse::UNKNOWN;
}

TEST(Health, FollowsReadinessAndEachDependency) {
  TestServer server;
  auto channel = server.Channel();
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(channel, "motcua.admin.v1.AdminService"), HealthCheckResponse::SERVING);
  server.health.SetDependency("redis", false);
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(channel, "redis"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(channel, "motcua.admin.v1.AdminService"), HealthCheckResponse::NOT_SERVING);
  server.health.SetDependency("redis", true);
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(channel, "redis"), HealthCheckResponse::SERVING);
  server.health.SetReady(false);
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(channel, "redis"), HealthCheckResponse::SERVING) << "the dependency itself is well";
}

TEST(Health, AnUnknownNameIsNotFound) {
  TestServer server;
  absl::Status error;
  Check(server.Channel(), "no.such.Service", &error);
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(errors::Reason(error), "UNKNOWN_SERVICE");
}

TEST(Health, AServerIsNotServingUntilItIsReady) {
  Bare bare;
  auto server = Server::Start(ServerOptions(), bare.host, bare.health).value();
  auto channel = MakeChannel(ChannelOptions(absl::StrCat("127.0.0.1:", server->port()))).value();
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::NOT_SERVING) << "answered, though the host is not open";
  bare.health.SetReady(true);
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::SERVING);
}

TEST(Health, IsToldToWhoeverAsksWhateverHeShows) {
  TestServer server;
  EXPECT_EQ(Check(server.Channel(), "", nullptr, "Bearer nonsense"), HealthCheckResponse::SERVING);
}

TEST(Health, AWatchIsToldTheStateAtOnceAndEachChange) {
  TestServer server;
  Watch watch(server.Channel(), "");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
  server.health.SetReady(false);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::NOT_SERVING);
  server.health.SetReady(true);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
}

TEST(Health, AWatchOfAnUnknownNameStaysAndIsToldWhenTheNameIsKnown) {
  TestServer server;
  Watch watch(server.Channel(), "redis");
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  server.health.SetDependency("redis", true);
  EXPECT_EQ(watch.Next(), HealthCheckResponse::SERVING);
}

TEST(Health, WatchesHaveABudgetOfTheirOwn) {
  HostOptions options;
  options.max_public_streams = 2;
  options.max_streams = 1;
  TestServer server(options);
  server.behaviour.read = [](CallPtr, ReadRequest, StreamWriter<ReadResponse>) {
    return [](absl::Status status) -> async::Task<absl::Status> { co_return status; }(absl::OkStatus());
  };
  auto channel = server.Channel();
  Watch first(channel, ""), second(channel, "");
  ASSERT_EQ(first.Next(), HealthCheckResponse::SERVING);
  ASSERT_EQ(second.Next(), HealthCheckResponse::SERVING);
  Watch third(channel, "");
  EXPECT_EQ(errors::Reason(third.End()), "TOO_MANY_CALLS");
  EXPECT_EQ(server.host->streams(), 0) << "streams are not touched";
  EXPECT_EQ(Check(channel, ""), HealthCheckResponse::SERVING) << "nor are checks";
  second.Leave();
  EXPECT_TRUE(Eventually([&] { return Watch(channel, "").Next() == HealthCheckResponse::SERVING; }));
}

TEST(Health, ServicesThatAreFullStillAnswerChecks) {
  HostOptions options;
  options.max_in_flight = 0;
  TestServer server(options);
  EXPECT_EQ(Check(server.Channel(), ""), HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace motcua::rpc::test
