// Promises of the options: flag before environment before file before default; nothing unknown is let pass.
#include "common/rpc/service_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_split.h"

namespace motcua::rpc {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class ServiceOptionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/motcua-options-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string File(const std::string& content) {
    std::string path = directory_ + "/config.yaml";
    std::ofstream(path) << content;
    return path;
  }
  ParsedOptions Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "motcua-test");
    std::vector<const char*> argv;
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    std::vector<ExtraFlag> extra = {ExtraFlag("smtp_server", "Server that mail goes to.", "localhost:25"),
                                    ExtraFlag("smtp_password", "Password at that server.", "", /*secret=*/true)};
    extra.emplace_back("attempts", "How often.", "3", /*secret=*/false, IntegerBetween(1, 9));
    return ParseServiceOptions("test", "A service for tests.", extra, required_peers_,
                               static_cast<int>(argv.size()), argv.data(), environment_);
  }

  std::string directory_;
  Variables environment_;
  std::vector<std::string> required_peers_;
};

// A secret on a command line is seen by everybody on the machine, and a variable by `docker inspect`.
TEST_F(ServiceOptionsTest, SecretsMayStandInFilesOfTheirOwn) {
  const std::string path = directory_ + "/password";
  std::ofstream(path) << "s3cret\n";
  ParsedOptions parsed = Parse({"--smtp_password_file=" + path});
  ASSERT_FALSE(parsed.finished) << parsed.message;
  EXPECT_EQ(parsed.options.extra["smtp_password"], "s3cret");
  for (const std::string& line : parsed.effective) EXPECT_THAT(line, Not(HasSubstr("s3cret")));

  EXPECT_EQ(Parse({"--smtp_password_file=/dev/null"}).options.extra["smtp_password"], "");
  EXPECT_THAT(Parse({"--smtp_password_file=" + directory_ + "/missing"}).message,
              StartsWith("--smtp_password_file: cannot read"));
  EXPECT_THAT(Parse({"--smtp_password=a", "--smtp_password_file=" + path}).message,
              StartsWith("--smtp_password_file: --smtp_password is given, too"));
}

TEST_F(ServiceOptionsTest, DefaultsStand) {
  ParsedOptions parsed = Parse({});
  ASSERT_FALSE(parsed.finished) << parsed.message;
  EXPECT_EQ(parsed.options.server.listen, "127.0.0.1:0");
  EXPECT_EQ(parsed.options.extra["smtp_server"], "localhost:25");
  EXPECT_FALSE(parsed.options.simulated_time);
  EXPECT_EQ(parsed.options.drain, absl::Seconds(10));
  EXPECT_THAT(parsed.effective, Contains("listen=127.0.0.1:0 (default)"));
}

TEST_F(ServiceOptionsTest, AFlagWinsOverTheEnvironmentOverTheFileOverTheDefault) {
  std::string file = File("redis: from-file:1\nkey_prefix: from-file\njwt_issuer: from-file\nmax_in_flight: 7\n");
  environment_["MOTCUA_REDIS"] = "from-environment:1";
  environment_["MOTCUA_KEY_PREFIX"] = "from-environment";
  ParsedOptions parsed = Parse({"--config", file, "--redis", "from-flag:1"});
  ASSERT_FALSE(parsed.finished) << parsed.message;
  EXPECT_EQ(parsed.options.redis, "from-flag:1");
  EXPECT_EQ(parsed.options.key_prefix, "from-environment");
  EXPECT_EQ(parsed.options.jwt_issuer, "from-file");
  EXPECT_EQ(parsed.options.jwt_audience, "motcua");
  EXPECT_EQ(parsed.options.max_in_flight, 7);
  EXPECT_THAT(parsed.effective, Contains("redis=from-flag:1 (flag)"));
  EXPECT_THAT(parsed.effective, Contains("key_prefix=from-environment (environment)"));
  EXPECT_THAT(parsed.effective, Contains("jwt_issuer=from-file (file)"));
}

TEST_F(ServiceOptionsTest, ListsAndSwitchesWorkInEveryLayer) {
  auto peers = ElementsAre(Pair("intake", "a:1"), Pair("routing", "b:2"));
  EXPECT_THAT(Parse({"--peer", "intake=a:1", "--peer=routing=b:2"}).options.peers, peers);
  environment_["MOTCUA_PEER"] = "intake=a:1,routing=b:2";
  environment_["MOTCUA_SIMULATED_TIME"] = "true";
  ParsedOptions from_environment = Parse({});
  EXPECT_THAT(from_environment.options.peers, peers);
  EXPECT_TRUE(from_environment.options.simulated_time);
  environment_.clear();
  ParsedOptions from_file =
      Parse({"--config", File("peer: [intake=a:1, 'routing=b:2']\nsimulated_time: true\ninsecure: false\n")});
  ASSERT_FALSE(from_file.finished) << from_file.message;
  EXPECT_THAT(from_file.options.peers, peers);
  EXPECT_TRUE(from_file.options.simulated_time);
  EXPECT_FALSE(from_file.options.server.insecure);
  EXPECT_TRUE(Parse({"--simulated_time"}).options.simulated_time);
}

TEST_F(ServiceOptionsTest, WhatIsWrongIsSaidAllAtOnceWithItsPlace) {
  required_peers_ = {"intake", "routing"};
  environment_["MOTCUA_DRAIN"] = "soon";
  environment_["MOTCUA_REDIS"] = "nowhere";
  environment_["MOTCUA_ATTEMPTS"] = "10";
  std::string file = File(
      "lisen: x\nmax_in_flight: many\ntls_key: /no/key\npeer:\n  - intake=a:1\n  - nobody=b:2\n"
      "simulated_time: perhaps\n");
  ParsedOptions parsed = Parse({"--config", file, "--log_level", "loud", "--tls_cert", "/no/cert",
                                "--no_such=1", "--metrics_listen", "9100", "--simulated_start", "noon"});
  EXPECT_TRUE(parsed.finished);
  EXPECT_EQ(parsed.exit_code, 2);
  std::vector<std::string> lines = absl::StrSplit(parsed.message, '\n');
  EXPECT_THAT(
      lines,
      UnorderedElementsAre(
          file + ":1: lisen: unknown option; is listen meant?",
          file + ":2: max_in_flight: Value many not in range 1 to 1000000",
          file + ":3: tls_key: cannot read /no/key: No such file or directory",
          file + ":6: peer: there is no service nobody; they are intake, routing, deadline-monitor, "
                 "notification",
          file + ":5: peer: the address of routing is missing: routing=host:port",
          file + ":7: simulated_time: must be true or false", "MOTCUA_DRAIN: must be a duration such as 10s",
          "MOTCUA_REDIS: must be host:port, unix:/path, redis://, sentinel:// or cluster://",
          "MOTCUA_ATTEMPTS: must be a whole number from 1 to 9",
          "--log_level: must be debug, info, warning, error or off",
          "--tls_cert: cannot read /no/cert: No such file or directory",
          "--tls_ca: is missing: give all three of --tls_cert, --tls_key and --tls_ca, or none",
          "--no_such: unknown option", "--metrics_listen: must be host:port",
          StartsWith("--simulated_start: must be a time"), "Run with --help for the options.", ""));
}

TEST_F(ServiceOptionsTest, TheCommandLineIsCheckedToItsEnd) {
  ParsedOptions parsed =
      Parse({"--max_in_flight=0", "--lisen", "127.0.0.1:1", "loose", "--drain=never", "--insecure=perhaps"});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.message, HasSubstr("--max_in_flight: Value 0 not in range 1 to 1000000\n"));
  EXPECT_THAT(parsed.message, HasSubstr("--lisen: unknown option; is listen meant?\n"));
  EXPECT_THAT(parsed.message, HasSubstr("loose: arguments without a flag are not taken\n"));
  EXPECT_THAT(parsed.message, HasSubstr("--drain: must be a duration"));
  EXPECT_THAT(parsed.message, Not(HasSubstr("127.0.0.1:1: arg")));
}

TEST_F(ServiceOptionsTest, AStartFindsWhatCheckConfigFinds) {
  required_peers_ = {"intake"};
  ParsedOptions start = Parse({"--tls_ca=/no/ca", "--redis=x"});
  ParsedOptions check = Parse({"--tls_ca=/no/ca", "--redis=x", "--check_config"});
  EXPECT_EQ(start.exit_code, 2);
  EXPECT_EQ(check.exit_code, 2);
  EXPECT_EQ(start.message, check.message);
}

TEST_F(ServiceOptionsTest, AVariableThatIsNearlyAnOptionIsWarnedOf) {
  environment_["MOTCUA_LISTN"] = "127.0.0.1:1";
  environment_["MOTCUA_CONFG"] = "x";
  // The client's, the scripts' and another service's.
  for (const char* other :
       {"MOTCUA_INTAKE", "MOTCUA_ROUTING", "MOTCUA_DEADLINE", "MOTCUA_NOTIFICATION", "MOTCUA_TOKEN",
        "MOTCUA_TOKEN_FILE", "MOTCUA_SIGNING_KEY", "MOTCUA_SIGNING_KID", "MOTCUA_RUN", "MOTCUA_BIN",
        "MOTCUA_BUILT", "MOTCUA_JOBS", "MOTCUA_PLAINTEXT", "MOTCUA_BUILD_TYPE", "MOTCUA_SMTP_URL"}) {
    environment_[other] = "x";
  }
  ParsedOptions parsed = Parse({"--check_config"});
  EXPECT_EQ(parsed.exit_code, 0) << parsed.message;
  EXPECT_THAT(parsed.warnings, ElementsAre("MOTCUA_CONFG: has no effect here; is MOTCUA_CONFIG meant?",
                                           "MOTCUA_LISTN: has no effect here; is MOTCUA_LISTEN meant?"));
}

TEST_F(ServiceOptionsTest, AMissingConfigFileIsToldWithWhoNamedIt) {
  const std::string absent = directory_ + "/absent.yaml";
  EXPECT_THAT(Parse({"--config", absent}).message,
              StartsWith("--config: cannot read " + absent + ": No such file or directory\n"));
  environment_["MOTCUA_CONFIG"] = absent;
  EXPECT_THAT(Parse({}).message, StartsWith("MOTCUA_CONFIG: cannot read " + absent));
  environment_["MOTCUA_CONFIG"] = directory_;
  EXPECT_THAT(Parse({}).message, StartsWith("MOTCUA_CONFIG: cannot read " + directory_));
  environment_["MOTCUA_CONFIG"] = File("# nothing but this\n");
  EXPECT_FALSE(Parse({}).finished);
  environment_["MOTCUA_CONFIG"] = File("listen: 127.0.0.1:1\nredis: [a\n");
  EXPECT_THAT(Parse({}).message, StartsWith(directory_ + "/config.yaml:3: "));
}

TEST_F(ServiceOptionsTest, ConnectionsHaveAnAgeUnlessToldOtherwise) {
  EXPECT_EQ(Parse({}).options.server.max_connection_age, absl::Minutes(5));
  EXPECT_EQ(Parse({"--max_connection_age=30s"}).options.server.max_connection_age, absl::Seconds(30));
  EXPECT_EQ(Parse({"--max_connection_age=0"}).options.server.max_connection_age, absl::InfiniteDuration());
  for (const char* age : {"-1s", "10ms", "25h", "often"}) {
    EXPECT_EQ(Parse({"--max_connection_age", age}).exit_code, 2) << age;
  }
}

TEST_F(ServiceOptionsTest, AUserOfRedisNeedsAPasswordFile) {
  EXPECT_EQ(Parse({"--redis_user=routing"}).exit_code, 2);
  const std::string path = directory_ + "/redis.password";
  std::ofstream(path) << "s3cret\n";
  ParsedOptions parsed = Parse({"--redis_user=routing", "--redis_password_file=" + path});
  EXPECT_FALSE(parsed.finished) << parsed.message;
  EXPECT_EQ(parsed.options.redis_user, "routing");
  // The user may stand in the address, if it is the same.
  parsed = Parse({"--redis=redis://routing@redis", "--redis_password_file=" + path});
  EXPECT_EQ(parsed.exit_code, 0) << parsed.message;
  parsed = Parse({"--redis=redis://routing@redis"});
  EXPECT_THAT(parsed.message, HasSubstr("--redis: a user needs --redis_password_file\n"));
  parsed = Parse({"--redis=redis://routing@redis", "--redis_user=intake", "--redis_password_file=" + path});
  EXPECT_THAT(parsed.message, HasSubstr("--redis_user: is not the user in --redis\n"));
  EXPECT_EQ(Parse({"--min_replicas=17"}).exit_code, 2);
  EXPECT_EQ(parsed.options.redis_password_file, path);
}

TEST_F(ServiceOptionsTest, UnknownFlagsAndBadFilesAreRefused) {
  EXPECT_EQ(Parse({"--no_such_flag"}).exit_code, 2);
  EXPECT_EQ(Parse({"--config", directory_ + "/absent.yaml"}).exit_code, 2);
  for (const char* content : {"- a\n- b\n", "listen: {a: b}\n", "listen: [a, b]\n", "a: [\n", "listen: a\nlisten: b\n"}) {
    EXPECT_EQ(Parse({"--config", File(content)}).exit_code, 2) << content;
  }
}

TEST_F(ServiceOptionsTest, AnOpenAddressNeedsTlsOrConsent) {
  EXPECT_EQ(Parse({"--listen", "0.0.0.0:7000"}).exit_code, 2);
  EXPECT_FALSE(Parse({"--listen", "0.0.0.0:7000", "--insecure"}).finished);
  ParsedOptions with_tls =
      Parse({"--listen", "0.0.0.0:7000", "--tls_cert", "a", "--tls_key", "b", "--tls_ca", "c"});
  EXPECT_THAT(with_tls.message, Not(HasSubstr("--listen")));
}

TEST_F(ServiceOptionsTest, SecretsAreMasked) {
  ParsedOptions parsed = Parse({"--smtp_password", "hunter2", "--check_config"});
  EXPECT_TRUE(parsed.finished);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.message, HasSubstr("smtp_password=***"));
  EXPECT_THAT(parsed.message, Not(HasSubstr("hunter2")));
  EXPECT_EQ(parsed.options.extra["smtp_password"], "hunter2");
}

TEST_F(ServiceOptionsTest, HelpExplainsEveryFlagInASentence) {
  ParsedOptions version = Parse({"--version"});
  EXPECT_TRUE(version.finished);
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.message, ::testing::MatchesRegex(
                                   "motcua-[a-z-]+ [0-9]+\\.[0-9]+\\.[0-9]+ \\([0-9a-z]+, [A-Za-z]+\\)\n"));
  ParsedOptions parsed = Parse({"--help"});
  EXPECT_TRUE(parsed.finished);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.message, HasSubstr("A service for tests."));
  EXPECT_THAT(parsed.message, HasSubstr("--smtp_server"));
  EXPECT_THAT(parsed.message, HasSubstr("Exit codes: 0 "));
}

}  // namespace
}  // namespace motcua::rpc
