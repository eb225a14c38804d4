// Promises of the options: flag before environment before file before default; nothing unknown is let pass.
#include "common/rpc/service_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace motcua::rpc {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

std::map<std::string, std::string>& Environment() {
  static auto* environment = new std::map<std::string, std::string>();
  return *environment;
}

const char* LookUp(const char* name) {
  auto found = Environment().find(name);
  return found == Environment().end() ? nullptr : found->second.c_str();
}

class ServiceOptionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Environment().clear();
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
    return ParseServiceOptions("test", "A service for tests.", extra, static_cast<int>(argv.size()), argv.data(),
                               LookUp);
  }

  std::string directory_;
};

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
  Environment()["MOTCUA_REDIS"] = "from-environment:1";
  Environment()["MOTCUA_KEY_PREFIX"] = "from-environment";
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
  Environment()["MOTCUA_PEER"] = "intake=a:1,routing=b:2";
  Environment()["MOTCUA_SIMULATED_TIME"] = "true";
  ParsedOptions from_environment = Parse({});
  EXPECT_THAT(from_environment.options.peers, peers);
  EXPECT_TRUE(from_environment.options.simulated_time);
  Environment().clear();
  ParsedOptions from_file =
      Parse({"--config", File("peer: [intake=a:1, 'routing=b:2']\nsimulated_time: true\ninsecure: false\n")});
  ASSERT_FALSE(from_file.finished) << from_file.message;
  EXPECT_THAT(from_file.options.peers, peers);
  EXPECT_TRUE(from_file.options.simulated_time);
  EXPECT_FALSE(from_file.options.server.insecure);
  EXPECT_TRUE(Parse({"--simulated_time"}).options.simulated_time);
}

TEST_F(ServiceOptionsTest, WhatIsWrongIsSaidAllAtOnce) {
  ParsedOptions parsed = Parse({"--config", File("lisen: x\nmax_in_flight: many\n\ndrain: soon\n"), "--peer", "intake",
                                "--log_level", "loud", "--tls_cert", "x.pem"});
  EXPECT_TRUE(parsed.finished);
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.message, HasSubstr("config.yaml:1: lisen: unknown option"));
  EXPECT_THAT(parsed.message, HasSubstr("config.yaml:2: max_in_flight"));
  EXPECT_THAT(parsed.message, HasSubstr("--drain"));
  EXPECT_THAT(parsed.message, HasSubstr("--peer"));
  EXPECT_THAT(parsed.message, HasSubstr("--log_level"));
  EXPECT_THAT(parsed.message, HasSubstr("--tls_cert"));
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
  EXPECT_FALSE(
      Parse({"--listen", "0.0.0.0:7000", "--tls_cert", "a", "--tls_key", "b", "--tls_ca", "c"}).finished);
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
  ParsedOptions parsed = Parse({"--help"});
  EXPECT_TRUE(parsed.finished);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.message, HasSubstr("A service for tests."));
  EXPECT_THAT(parsed.message, HasSubstr("--smtp_server"));
}

}  // namespace
}  // namespace motcua::rpc
