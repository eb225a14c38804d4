// Promises of mutual TLS with the development credentials of deploy/credentials.
#include <cstdlib>
#include <filesystem>

#include "common/rpc/live_files.h"
#include "common/status/errors.h"
#include "tests/integration/rpc/test_server.h"
#include "tests/support/temp_dir.h"

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

// Credentials of a server that are renewed while it runs.
class RenewalTest : public TlsTest {
 protected:
  RenewalTest() : now_(dir_.path()) {
    Make("first");
    Make("second");
    Install("first");
  }
  void Make(const std::string& name) {
    const std::string command = absl::StrCat(MOTCUA_SOURCE_DIR, "/deploy/credentials ", now_, "/", name);
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  TlsFiles In(const std::string& name, const std::string& who = "intake") const {
    const std::string base = absl::StrCat(now_, "/", name, "/");
    return TlsFiles(base + who + ".crt", base + who + ".key", base + "ca.crt");
  }
  // By renaming, as tools do that renew certificates.
  void Install(const std::string& name, const std::string& file) {
    const std::string to = absl::StrCat(now_, "/", file);
    std::filesystem::copy_file(absl::StrCat(now_, "/", name, "/", file), to + ".new");
    std::filesystem::rename(to + ".new", to);
  }
  void Install(const std::string& name) {
    for (const char* file : {"intake.crt", "intake.key", "ca.crt"}) Install(name, file);
  }
  static ServerOptions Of(const TlsFiles& files) {
    ServerOptions options;
    options.tls = files;
    options.require_client_cert = true;
    return options;
  }
  // Over a new connection.
  static bool Reaches(TestServer& server, const TlsFiles& files) { return Advance(server, files).ok(); }

  motcua::test::TempDir dir_;
  const std::string now_;
  const TlsFiles installed_{now_ + "/intake.crt", now_ + "/intake.key", now_ + "/ca.crt"};
};

TEST_F(RenewalTest, ANewConnectionSeesTheNewCertificateAndOldOnesLiveOn) {
  TestServer server(HostOptions(), Of(installed_));
  server.behaviour.advance = [](CallPtr, const AdvanceRequest& request) { return Echo(request); };
  BlockingClient before(server.Channel(In("first", "routing")));
  ASSERT_TRUE(before.Call<AdvanceResponse>(ValidAdvance(), CallOptions(), /*retry=*/false).ok());
  EXPECT_FALSE(Reaches(server, In("second", "routing")));
  Install("second");
  EXPECT_TRUE(Eventually([&] { return Reaches(server, In("second", "routing")); }));
  EXPECT_FALSE(Reaches(server, In("first", "routing"))) << "who trusts, and shows, the old ones alone";
  EXPECT_TRUE(before.Call<AdvanceResponse>(ValidAdvance(), CallOptions(), /*retry=*/false).ok());
  EXPECT_FALSE(RefusedFiles().at("tls"));
}

TEST_F(RenewalTest, BrokenFilesLeaveTheOldOnesInForceAndAreTold) {
  TestServer server(HostOptions(), Of(installed_));
  server.behaviour.advance = [](CallPtr, const AdvanceRequest& request) { return Echo(request); };
  ASSERT_TRUE(Reaches(server, In("first", "routing")));
  Install("second", "intake.key");  // does not belong to the certificate
  EXPECT_TRUE(Eventually([&] {
    EXPECT_TRUE(Reaches(server, In("first", "routing")));
    return RefusedFiles().at("tls");
  }));
  Install("second");
  EXPECT_TRUE(Eventually([&] { return Reaches(server, In("second", "routing")); }));
  EXPECT_FALSE(RefusedFiles().at("tls"));
}

TEST_F(RenewalTest, ATokensKeyIsRenewedWithoutARestart) {
  TestServer server(HostOptions(), Of(installed_));
  server.behaviour.advance = [](CallPtr, const AdvanceRequest& request) { return Echo(request); };
  const auto other = auth::JwtSigner::FromPem(NewPrivateKey(), "other", "motcua", "motcua").value();
  const auth::Principal admin(auth::Kind::kOfficer, "H30.18-leader", "H30.18", {"admin"});
  const std::string old_token = server.Token({"admin"});
  const std::string new_token = other.Mint(admin, absl::Now(), absl::Hours(1)).value();
  const TlsFiles client = In("first", "client");
  EXPECT_TRUE(Advance(server, client, old_token).ok());
  EXPECT_EQ(errors::Reason(Advance(server, client, new_token).status()), "TOKEN_INVALID");
  auth::JwtKeys both;
  ASSERT_TRUE(both.AddPem("test", server.signer.PublicPem()).ok());
  ASSERT_TRUE(both.AddPem("other", other.PublicPem()).ok());
  server.host->ReplaceVerifier(auth::JwtVerifier(both, "motcua", "motcua"));
  EXPECT_TRUE(Advance(server, client, old_token).ok());
  EXPECT_TRUE(Advance(server, client, new_token).ok());
  auth::JwtKeys last;
  ASSERT_TRUE(last.AddPem("other", other.PublicPem()).ok());
  server.host->ReplaceVerifier(auth::JwtVerifier(last, "motcua", "motcua"));
  EXPECT_EQ(errors::Reason(Advance(server, client, old_token).status()), "TOKEN_INVALID")
      << "also one remembered";
  EXPECT_TRUE(Advance(server, client, new_token).ok());
}

TEST_F(RenewalTest, FilesAreReadAgainWhenTheyAreOthers) {
  LiveFiles files("test", {now_ + "/intake.crt", "", now_ + "/first"});
  absl::Time now = absl::Now();
  const auto changed = [&] { return files.Changed(now += LiveFiles::kLook); };
  EXPECT_FALSE(changed());
  Install("second", "intake.crt");
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
  std::filesystem::remove(now_ + "/first/routing.crt");
  EXPECT_TRUE(changed()) << "a file in a directory";
  std::filesystem::remove(now_ + "/intake.crt");
  EXPECT_FALSE(files.Changed(now)) << "not looked at so soon";
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
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
