// Promises of several replicas behind one name: calls go to all, none is lost when one goes, TLS names hold.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/temp_dir.h"

namespace motcua::rpc::test {
namespace {

// Two servers under one target, each counting its calls.
class Replicas {
 public:
  explicit Replicas(const ServerOptions& options = ServerOptions()) {
    for (int i = 0; i < 2; ++i) {
      servers[i] = std::make_unique<TestServer>(HostOptions(), options);
      servers[i]->behaviour.get_status = [this, i](CallPtr call) {
        ++calls[i];
        return Answer(std::move(call));
      };
    }
  }
  std::string target() const {
    return absl::StrCat("ipv4:127.0.0.1:", servers[0]->server->port(),
                        ",127.0.0.1:", servers[1]->server->port());
  }
  std::shared_ptr<grpc::Channel> Channel(const TlsFiles& tls = TlsFiles()) const {
    ChannelOptions options(target());
    options.tls = tls;
    return MakeChannel(options).value();
  }

  std::unique_ptr<TestServer> servers[2];
  std::atomic<int> calls[2] = {0, 0};
};

absl::Status Ask(BlockingClient& client, absl::Duration patience = absl::Seconds(10)) {
  CallOptions options;
  options.deadline = absl::Now() + patience;
  return client.Call<GetStatusResponse>(GetStatusRequest(), options).status();
}

TEST(Balance, CallsReachEveryReplicaOfAName) {
  Replicas replicas;
  BlockingClient client(replicas.Channel());
  EXPECT_TRUE(Eventually([&] {
    EXPECT_TRUE(Ask(client).ok());
    return replicas.calls[0] > 10 && replicas.calls[1] > 10;
  }));
}

TEST(Balance, NoCallIsLostWhenAReplicaStopsUnderLoad) {
  Replicas replicas;
  auto channel = replicas.Channel();
  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      BlockingClient client(channel);
      while (!done) {
        absl::Status status = Ask(client);
        status.ok() ? ++answered : ++lost;
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return replicas.calls[0] > 50 && replicas.calls[1] > 50; }));
  replicas.servers[0]->server->Shutdown(absl::Now() + absl::Seconds(10));
  const int then = answered;
  EXPECT_TRUE(Eventually([&] { return answered > then + 500; }));
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(lost, 0);
}

TEST(Balance, ServicesCallEachOtherThroughAStopOfOneReplica) {
  Replicas replicas;
  Loop loop("caller");
  {
    Client client(loop, replicas.Channel());
    auto many = [](Client* c, int count) -> async::Task<absl::Status> {
      for (int i = 0; i < count; ++i) {
        auto reply = co_await c->CallRetrying<GetStatusResponse>(GetStatusRequest());
        if (!reply.ok()) co_return reply.status();
      }
      co_return absl::OkStatus();
    };
    absl::Status status;
    std::atomic<bool> ended{false};
    std::thread calling([&] {
      status = async::SyncWait(loop, many(&client, 3000));
      ended = true;
    });
    EXPECT_TRUE(Eventually([&] { return replicas.calls[0] > 20 && replicas.calls[1] > 20; }));
    EXPECT_FALSE(ended);
    replicas.servers[1]->server->Shutdown(absl::Now() + absl::Seconds(10));
    calling.join();
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
  loop.Stop();
}

TEST(Balance, TheNameIsVerifiedForOneAddressAndForSeveral) {
  motcua::test::TempDir dir;
  const std::string make = absl::StrCat(MOTCUA_SOURCE_DIR, "/deploy/credentials ", dir.path());
  ASSERT_EQ(std::system(make.c_str()), 0);
  ServerOptions options;
  options.tls = TlsFiles(dir.File("intake.crt"), dir.File("intake.key"), dir.File("ca.crt"));
  Replicas replicas(options);
  const TlsFiles client_tls("", "", dir.File("ca.crt"));
  BlockingClient several(replicas.Channel(client_tls));
  EXPECT_TRUE(Ask(several).ok());
  const int port = replicas.servers[0]->server->port();
  for (const std::string& target : {absl::StrCat("127.0.0.1:", port), absl::StrCat("localhost:", port),
                                    absl::StrCat("dns:///localhost:", port)}) {
    ChannelOptions one(target);
    one.tls = client_tls;
    BlockingClient client(MakeChannel(one).value());
    absl::Status status = Ask(client);
    EXPECT_TRUE(status.ok()) << target << ": " << status;
  }
  // An address that the certificate does not bear.
  ChannelOptions wrong(absl::StrCat("127.0.0.2:", port));
  wrong.tls = client_tls;
  TestServer other(HostOptions(), [&] {
    ServerOptions elsewhere = options;
    elsewhere.listen = "127.0.0.2:0";
    return elsewhere;
  }());
  wrong.target = absl::StrCat("127.0.0.2:", other.server->port());
  BlockingClient deceived(MakeChannel(wrong).value());
  EXPECT_EQ(Ask(deceived, absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
}

// The connection is told to go; the stream on it stays, and no call fails meanwhile.
TEST(Balance, ConnectionsEndByAgeWithoutCuttingStreamsOrLosingCalls) {
  ServerOptions options;
  options.max_connection_age = absl::Seconds(1);
  TestServer server(HostOptions(), options);
  server.behaviour.get_status = Answer;
  std::atomic<bool> end{false};
  server.behaviour.read = [&](CallPtr call, ReadRequest, StreamWriter<ReadResponse> writer) {
    auto serve = [](CallPtr c, StreamWriter<ReadResponse> w, async::Loop* loop,
                    std::atomic<bool>* stop) -> async::Task<absl::Status> {
      for (uint64_t i = 1;; ++i) {
        ReadResponse step;
        step.set_position(i);
        absl::Status status = co_await w.Write(std::move(step));
        if (!status.ok() || *stop) co_return status;
        status = co_await loop->Sleep(absl::Milliseconds(20), c->cancel());
        if (!status.ok()) co_return status;
      }
    };
    return serve(std::move(call), std::move(writer), &server.loop, &end);
  };
  motcua::test::TcpGate gate(server.address());
  auto channel = MakeChannel(ChannelOptions(gate.address())).value();
  auto stub = feed::v1::FeedService::NewStub(channel);
  grpc::ClientContext stream_context;
  stream_context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  ReadRequest request;
  request.set_shard("H30");
  auto stream = stub->Read(&stream_context, request);
  ReadResponse step;
  ASSERT_TRUE(stream->Read(&step));
  auto calls = admin::v1::AdminService::NewStub(channel);
  const bool renewed = Eventually(
      [&] {
        grpc::ClientContext context;
        context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
        GetStatusResponse response;
        grpc::Status status = calls->GetStatus(&context, GetStatusRequest(), &response);
        EXPECT_TRUE(status.ok()) << status.error_message();
        EXPECT_TRUE(stream->Read(&step));
        return gate.accepted() >= 3 && step.position() > 150;
      },
      absl::Seconds(30));
  EXPECT_TRUE(renewed) << gate.accepted() << " connections, step " << step.position();
  EXPECT_EQ(gate.connections(), 2u) << "the stream's, and the one of the latest calls";
  end = true;
  while (stream->Read(&step)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
}

}  // namespace
}  // namespace motcua::rpc::test
