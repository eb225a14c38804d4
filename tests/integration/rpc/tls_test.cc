// Promises of mutual TLS with the development credentials of deploy/credentials.
#include <cstdlib>
#include <filesystem>

#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"

namespace motcua::rpc::test {
namespace {

using async::SyncWait;

class TlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/motcua-tls-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = new std::string(name);
    std::string command = absl::StrCat(MOTCUA_SOURCE_DIR, "/deploy/credentials ", *directory_);
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() {
    std::filesystem::remove_all(*directory_);
    delete directory_;
  }

  static std::string File(const std::string& name) { return absl::StrCat(*directory_, "/", name); }
  static TlsFiles Of(const std::string& name) {
    return TlsFiles(File(name + ".crt"), File(name + ".key"), File("ca.crt"));
  }
  static ServerOptions Tls(bool require_client_cert) {
    ServerOptions options;
    options.tls = Of("intake");
    options.require_client_cert = require_client_cert;
    return options;
  }
  static AdvanceRequest ValidAdvance() {
    AdvanceRequest request;
    request.mutable_to()->set_seconds(1);
    return request;
  }
  static absl::StatusOr<AdvanceResponse> Advance(TestServer& server, const TlsFiles& files, std::string token = "") {
    BlockingClient client(server.Channel(files), std::move(token));
    CallOptions options;
    options.deadline = absl::Now() + absl::Seconds(10);
    return client.Call<AdvanceResponse>(ValidAdvance(), options, /*retry=*/false);
  }

  static std::string* directory_;
};

std::string* TlsTest::directory_ = nullptr;

TEST_F(TlsTest, ACertificateNamesAService) {
  TestServer server(HostOptions(), Tls(true));
  std::string subject;
  bool is_service = false;
  server.behaviour.advance = [&](CallPtr call, const AdvanceRequest& request) {
    subject = call->principal().subject;
    is_service = call->principal().is_service();
    return Echo(request);
  };
  auto reply = Advance(server, Of("routing"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(subject, "routing");
  EXPECT_TRUE(is_service);
}

TEST_F(TlsTest, ACallerWithATokenNeedsNoCertificate) {
  TestServer server(HostOptions(), Tls(false));
  server.behaviour.advance = [](CallPtr, const AdvanceRequest& request) { return Echo(request); };
  TlsFiles only_ca("", "", File("ca.crt"));
  auto reply = Advance(server, only_ca, server.Token({"admin"}));
  EXPECT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(errors::Reason(Advance(server, only_ca).status()), "NO_CREDENTIALS");
}

TEST_F(TlsTest, ACertificateWithoutAServiceNameProvesNothing) {
  TestServer server(HostOptions(), Tls(true));
  EXPECT_EQ(errors::Reason(Advance(server, Of("client")).status()), "NO_CREDENTIALS");
}

TEST_F(TlsTest, StrictServersLetNobodyInWithoutACertificate) {
  TestServer server(HostOptions(), Tls(true));
  auto reply = Advance(server, TlsFiles("", "", File("ca.crt")), server.Token({"admin"}));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, AStrangersCertificateIsRefusedEvenWhereNoneIsNeeded) {
  std::string stranger = File("stranger");
  std::string command = absl::StrCat(MOTCUA_SOURCE_DIR, "/deploy/credentials ", stranger);
  ASSERT_EQ(std::system(command.c_str()), 0);
  TestServer server(HostOptions(), Tls(false));
  TlsFiles forged(stranger + "/routing.crt", stranger + "/routing.key", File("ca.crt"));
  EXPECT_EQ(Advance(server, forged).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Advance(server, TlsFiles()).status().code(), absl::StatusCode::kUnavailable) << "plain text";
}

TEST_F(TlsTest, CredentialsAreMadeOnce) {
  auto before = std::filesystem::last_write_time(File("intake.crt"));
  std::string command = absl::StrCat(MOTCUA_SOURCE_DIR, "/deploy/credentials ", *directory_);
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(std::filesystem::last_write_time(File("intake.crt")), before);
}

TEST_F(TlsTest, MissingOrHalfCredentialsAreNamed) {
  Bare bare;
  ServerOptions options;
  options.tls = TlsFiles(File("intake.crt"), "", "");
  EXPECT_EQ(errors::Reason(Server::Start(options, bare.host, bare.health).status()), "TLS_INCOMPLETE");
  options.tls = TlsFiles(File("intake.crt"), File("absent.key"), File("ca.crt"));
  EXPECT_EQ(errors::Reason(Server::Start(options, bare.host, bare.health).status()), "FILE_MISSING");
}

TEST(OpenAddress, IsRefusedWithoutTlsUnlessTold) {
  Bare bare;
  ServerOptions options;
  options.listen = "0.0.0.0:0";
  EXPECT_EQ(errors::Reason(Server::Start(options, bare.host, bare.health).status()), "ADDRESS_NOT_LOOPBACK");
  options.insecure = true;
  EXPECT_TRUE(Server::Start(options, bare.host, bare.health).ok());
  for (const char* address : {"127.0.0.1:0", "127.8.9.10:80", "[::1]:80", "localhost:80", "unix:/run/m.sock"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:0", "[::]:80", "10.0.0.1:80", "example.org:80", "127.0.0.1.evil:80", ":80"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace motcua::rpc::test
