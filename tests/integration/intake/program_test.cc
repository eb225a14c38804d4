// The real program: what it acknowledged survives kill -9; without Redis it says so fast, and recovers by itself.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "common/rpc/client.h"
#include "motcua/intake/v1/intake.pb.h"
#include "tests/integration/intake/credentials.h"
#include "tests/integration/intake/program.h"
#include "tests/support/redis_process.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Asks grpc.health.v1 about the whole service. Its messages are one field each: no name, and status 1 = SERVING.
bool IsServing(const std::string& address) {
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  context.set_wait_for_ready(true);
  grpc::CompletionQueue queue;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  grpc::Status status;
  grpc::Slice nothing;
  request = grpc::ByteBuffer(&nothing, 1);
  auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  grpc::Slice bytes;
  return status.ok() && response.DumpToSingleSlice(&bytes).ok() && bytes.size() == 2 && bytes.begin()[1] == 1;
}

class ProgramTest : public testing::Test {
 protected:
  static std::vector<std::string> Arguments(const motcua::test::RedisProcess& redis, const motcua::test::TempDir& dir,
                                            const Credentials& credentials) {
    std::ofstream(dir.File("test.pem")) << credentials.public_pem();
    // Nobody listens at the peers' port: a service whose neighbours are down goes on with its own work.
    const std::string nobody = "127.0.0.1:" + std::to_string(motcua::test::FreePort());
    return {"--redis",         redis.address(),       "--jwt_keys", dir.File("test.pem"),
            "--simulated_time", "--simulated_start=2025-01-13T02:00:00Z", "--peer",     "routing=" + nobody,
            "--peer",          "deadline-monitor=" + nobody};
  }

  void SetUp() override {
    ASSERT_TRUE(program_.Start()) << program_.Log();
    auto channel = rpc::MakeChannel(rpc::ChannelOptions(program_.address()));
    ASSERT_TRUE(channel.ok()) << channel.status();
    client_ = std::make_unique<rpc::BlockingClient>(*channel);
    v1::ApplyReferenceRequest request;
    *request.mutable_set() = JurisdictionSet();
    const auto applied = Call<v1::ApplyReferenceResponse>(request, admin_, /*retry=*/true);
    ASSERT_TRUE(applied.ok()) << applied.status() << program_.Log();
  }

  template <class Response, class Request>
  absl::StatusOr<Response> Call(const Request& request, const std::string& token, bool retry = false) {
    rpc::CallOptions options;
    options.bearer_token = token;
    options.deadline = absl::Now() + absl::Seconds(10);
    return client_->Call<Response>(request, options, retry);
  }

  absl::StatusOr<v1::FileResponse> File(int number, bool retry = false) {
    v1::FileRequest request = Application("1.000001", true);
    request.set_request_id("request-" + std::to_string(number));
    return Call<v1::FileResponse>(request, an_, retry);
  }

  uint64_t Dossiers() {
    v1::GetStatisticsRequest request;
    request.set_shard("H30");
    return Call<v1::GetStatisticsResponse>(request, an_)->dossiers();
  }

  motcua::test::RedisProcess redis_;
  motcua::test::TempDir dir_;
  Credentials credentials_;
  const std::string an_ = credentials_.Officer("an", kCommune, {"intake"});
  const std::string admin_ = credentials_.Officer("root", "H30", {"admin"});
  Program program_{Arguments(redis_, dir_, credentials_)};
  std::unique_ptr<rpc::BlockingClient> client_;
};

TEST_F(ProgramTest, AcknowledgedDossiersSurviveKill9) {
  std::map<int, v1::FileResponse> acknowledged;
  int number = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i, ++number) {
      auto filed = File(number, /*retry=*/true);
      ASSERT_TRUE(filed.ok()) << filed.status();
      acknowledged[number] = *std::move(filed);
    }
    program_.Kill9();
    if (round == 1) redis_.Restart();
    ASSERT_TRUE(program_.Start()) << program_.Log();
  }
  for (const auto& [request, response] : acknowledged) {
    v1::GetDossierRequest get;
    get.set_dossier(response.dossier().code());
    const auto dossier = Call<v1::GetDossierResponse>(get, an_, /*retry=*/true);
    ASSERT_TRUE(dossier.ok()) << dossier.status();
    EXPECT_EQ(dossier->dossier().SerializeAsString(), response.dossier().SerializeAsString());
    const auto again = File(request);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->written().replayed());
    EXPECT_EQ(again->dossier().code(), response.dossier().code());
  }
  EXPECT_EQ(Dossiers(), acknowledged.size());
}

TEST_F(ProgramTest, WithoutRedisItFailsFastTurnsRedAndRecovers) {
  ASSERT_TRUE(File(1).ok());
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return IsServing(program_.address()); }));
  redis_.Kill9();
  const absl::Time before = absl::Now();
  EXPECT_EQ(File(2).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return !IsServing(program_.address()); })) << "readiness is red";
  redis_.Restart();
  EXPECT_TRUE(File(2, /*retry=*/true).ok());
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return IsServing(program_.address()); }));
  EXPECT_EQ(Dossiers(), 2u);
}

TEST_F(ProgramTest, StopsGracefullyAndWritesNoPersonalData) {
  ASSERT_TRUE(File(1).ok());
  v1::FileRequest bad = Application("9.999999");
  EXPECT_FALSE(Call<v1::FileResponse>(bad, an_).ok());
  EXPECT_EQ(program_.Stop(), 0) << program_.Log();
  EXPECT_THAT(program_.Log(), Not(HasSubstr("Nguyễn")));
  EXPECT_THAT(program_.Log(), Not(HasSubstr("a@example.org")));
}

}  // namespace
}  // namespace motcua::intake::test
