// Promises of --check_config: files, certificates and addresses that will not do are found before the start.
#include "common/rpc/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/time/clock.h"
#include "tests/support/temp_dir.h"

namespace motcua::rpc {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

TEST(AddressProblem, TellsGoodFromBad) {
  struct Case {
    const char* address;
    const char* kinds;  // where it is good: l(isten) m(etrics) r(edis) p(eer)
  };
  constexpr Case kCases[] = {{"127.0.0.1:7001", "lmrp"},
                             {"localhost:1", "lmrp"},
                             {"motcua-intake:65535", "lmrp"},
                             {"[::1]:7001", "lmrp"},
                             {"redis_1.local:6379", "lmrp"},
                             {"0.0.0.0:0", "lm"},
                             {"unix:/run/redis.sock", "lrp"},
                             {"dns:///routing:7002", "p"},
                             {"dns:routing:7002", "p"},
                             {"", ""},
                             {"localhost", ""},
                             {":7001", ""},
                             {"localhost:", ""},
                             {"localhost:65536", ""},
                             {"localhost:-1", ""},
                             {"localhost:70 01", ""},
                             {"localhost:0x1", ""},
                             {"::1:7001", ""},
                             {"[::1", ""},
                             {"[::g]:7001", ""},
                             {"[]:7001", ""},
                             {"host name:1", ""},
                             {"unix:run.sock", ""},
                             {"unix:", ""},
                             {"http://intake:7001", ""},
                             {"redis://redis:6379", "r"},
                             {"redis://redis", "r"},
                             {"redis://user@[::1]:6379", "r"},
                             {"redis://redis:0", ""},
                             {"redis://re dis:6379", ""},
                             {"redis://[::g]:6379", ""},
                             {"redis://redis:6379/0", ""},
                             {"rediss://redis:6379", ""},
                             {"sentinel://motcua@a,b:26380,c", "r"},
                             {"sentinel://a,b,c", ""},
                             {"sentinel://motcua@a,b:x", ""},
                             {"cluster://a,b:6380,[::1]", "r"},
                             {"cluster://a,", ""},
                             {"ipv4:dns:a:1", ""},
                             {"dns:///routing", ""},
                             {"dns:///:1", ""},
                             {"localhost:99999999999999999999", ""},
                             {"ipv4:127.0.0.1:1,127.0.0.1:2", "p"},
                             {"ipv4:127.0.0.1:1,", ""},
                             {"ipv4:127.0.0.1:0", ""},
                             {"ipv4:", ""},
                             {"ipv4:unix:/x", ""}};
  for (const Case& each : kCases) {
    for (auto [letter, kind] : {std::pair('l', AddressKind::kListen), std::pair('m', AddressKind::kMetrics),
                                std::pair('r', AddressKind::kRedis), std::pair('p', AddressKind::kPeer)}) {
      bool good = std::string(each.kinds).find(letter) != std::string::npos;
      EXPECT_EQ(AddressProblem(each.address, kind).empty(), good)
          << each.address << " as " << letter << ": " << AddressProblem(each.address, kind);
    }
  }
}

TEST(AddressProblem, ASocketsPathHasABound) {
  EXPECT_EQ(AddressProblem("unix:/" + std::string(106, 'a'), AddressKind::kRedis), "");
  EXPECT_EQ(AddressProblem("unix:/" + std::string(107, 'a'), AddressKind::kRedis),
            "the path of a socket has at most 107 bytes");
}

// Made once: two sets of development credentials, of different authorities.
class Credentials : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new test::TempDir();
    for (const char* name : {"ours", "others"}) {
      const std::string make = std::string(MOTCUA_SOURCE_DIR "/deploy/credentials ") + directory_->File(name);
      ASSERT_EQ(std::system(make.c_str()), 0);
    }
  }
  static void TearDownTestSuite() { delete directory_; }

  static std::string Path(const std::string& name) { return directory_->File(name); }
  static std::string Pem(const std::string& name) { return ReadText(Path(name)); }
  static std::vector<std::pair<std::string, std::string>> Problems(const std::string& cert,
                                                                   const std::string& key,
                                                                   const std::string& ca,
                                                                   absl::Duration later = absl::Minutes(1)) {
    return CertificateProblems(Pem(cert), Pem(key), Pem(ca), absl::Now() + later);
  }
  static std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }

  static test::TempDir* directory_;
};
test::TempDir* Credentials::directory_ = nullptr;

TEST_F(Credentials, GoodOnesPass) {
  EXPECT_THAT(Problems("ours/intake.crt", "ours/intake.key", "ours/ca.crt"), IsEmpty());
}

TEST_F(Credentials, AKeyOfAnotherCertificateIsFound) {
  EXPECT_THAT(Problems("ours/intake.crt", "ours/routing.key", "ours/ca.crt"),
              ElementsAre(Pair("tls_key", "the key does not belong to the certificate of --tls_cert")));
}

TEST_F(Credentials, ACertificateOfAnotherAuthorityIsFound) {
  EXPECT_THAT(Problems("ours/intake.crt", "ours/intake.key", "others/ca.crt"),
              ElementsAre(Pair("tls_cert", StartsWith("the certificate does not come from --tls_ca: "))));
}

TEST_F(Credentials, ACertificateOutsideItsTimeIsFound) {
  // Certificates are good for 90 days, the authority for 3,650.
  EXPECT_THAT(Problems("ours/intake.crt", "ours/intake.key", "ours/ca.crt", absl::Hours(24 * 91)),
              ElementsAre(Pair("tls_cert", StartsWith("the certificate ended at 2"))));
  EXPECT_THAT(Problems("ours/intake.crt", "ours/intake.key", "ours/ca.crt", -absl::Hours(1)),
              ElementsAre(Pair("tls_ca", StartsWith("the certificate begins only at 2")),
                          Pair("tls_cert", StartsWith("the certificate begins only at 2"))));
  EXPECT_THAT(Problems("ours/intake.crt", "ours/intake.key", "ours/ca.crt", absl::Hours(24 * 3651)),
              Contains(Pair("tls_ca", StartsWith("the certificate ended at 2"))));
}

TEST_F(Credentials, WhatIsNoPemIsFound) {
  Write("text", "nothing of the kind\n");
  EXPECT_THAT(Problems("text", "text", "text"),
              ElementsAre(Pair("tls_cert", "holds no certificate in PEM"),
                          Pair("tls_ca", "holds no certificate in PEM"),
                          Pair("tls_key", "holds no private key in PEM, or one with a passphrase")));
  const std::string locked =
      "openssl pkey -in " + Path("ours/intake.key") + " -aes128 -passout pass:x -out " + Path("locked");
  ASSERT_EQ(std::system(locked.c_str()), 0);
  // It must not ask: a service has no terminal.
  EXPECT_THAT(Problems("ours/intake.crt", "locked", "ours/ca.crt"),
              ElementsAre(Pair("tls_key", HasSubstr("passphrase"))));
}

// What CheckSettings says of one option.
std::vector<std::string> Check(const std::string& option, const std::string& value) {
  Settings settings;
  settings[option].values = {value};
  settings[option].places = {"here: " + option};
  std::vector<std::string> problems;
  CheckSettings(settings, {}, {}, problems);
  return problems;
}

TEST_F(Credentials, EveryFileIsLookedAt) {
  const std::string absent = Path("absent/file"), empty = Write("empty", " \n");
  for (const char* option :
       {"tls_cert", "tls_key", "tls_ca", "jwt_keys", "peer_token_file", "redis_password_file"}) {
    EXPECT_THAT(Check(option, absent), ElementsAre(std::string("here: ") + option + ": cannot read " +
                                                   absent + ": No such file or directory"));
    EXPECT_THAT(Check(option, empty), ElementsAre(StartsWith(std::string("here: ") + option + ": " + empty)))
        << option;
  }
  for (const char* option : {"tls_cert", "peer_token_file"}) {
    EXPECT_THAT(Check(option, Path("ours")), ElementsAre(HasSubstr("Is a directory")));
  }
  EXPECT_THAT(Check("port_file", absent), ElementsAre("here: port_file: cannot write into " + Path("absent") +
                                                      ": No such file or directory"));
  EXPECT_THAT(Check("port_file", Path("port")), IsEmpty());
  EXPECT_THAT(Check("peer_token_file", Write("token", "abc\n")), IsEmpty());
  if (geteuid() != 0) {
    const std::string secret = Write("secret", "abc\n");
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    EXPECT_THAT(Check("peer_token_file", secret), ElementsAre(HasSubstr("Permission denied")));
  }
}

TEST_F(Credentials, TokenKeysMustBeOfUse) {
  EXPECT_THAT(Check("jwt_keys", Path("ours/jwt")), IsEmpty());
  EXPECT_THAT(Check("jwt_keys", Path("ours/jwt/dev.pem")), IsEmpty());
  std::filesystem::create_directory(Path("none"));
  EXPECT_THAT(Check("jwt_keys", Path("none")), ElementsAre(HasSubstr("no public key (*.pem)")));
  EXPECT_THAT(Check("jwt_keys", Path("ours/jwt-private")), ElementsAre(HasSubstr("not a P-256 public key")));
}

TEST(CheckSettings, PeersMustBeThereAndKnown) {
  std::vector<std::string> problems;
  Settings settings;
  settings["peer"].values = {"intake=a:1", "rooting=b:2", "notification=c"};
  settings["peer"].places = {"f:1: peer", "f:2: peer", "f:3: peer"};
  CheckSettings(settings, {{"intake", "a:1"}, {"rooting", "b:2"}, {"notification", "c"}},
                {"intake", "routing"}, problems);
  EXPECT_THAT(
      problems,
      ElementsAre("f:3: peer: notification=c: must be host:port or unix:/path",
                  "f:2: peer: there is no service rooting; they are intake, routing, deadline-monitor, "
                  "notification",
                  "f:1: peer: the address of routing is missing: routing=host:port"));
  problems.clear();
  CheckSettings({}, {}, {"intake"}, problems);
  EXPECT_THAT(problems, ElementsAre("--peer: the address of intake is missing: intake=host:port"));
}

}  // namespace
}  // namespace motcua::rpc
