// What the Redis client promises about users and passwords.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "common/async/sync_wait.h"
#include "common/redis/client.h"
#include "common/redis/script.h"
#include "common/status/errors.h"
#include "tests/support/redis_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace motcua::redis {
namespace {

using async::SyncWait;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

class AuthTest : public testing::Test {
 protected:
  AuthTest() : server_({"--aclfile", AclFile()}) {}

  std::string AclFile() {
    std::ofstream(dir_.File("users.acl"))
        << "user default off\n"
           "user admin on >admin-secret ~* &* +@all\n"
           "user routing on >first ~ro:* -@all +ping +role +get +set +evalsha +eval\n";
    return dir_.File("users.acl");
  }
  void WritePassword(const std::string& text) { std::ofstream(dir_.File("password")) << text; }
  Options As(const std::string& user) {
    Options options;
    options.address = server_.address();
    options.user = user;
    options.password_file = dir_.File("password");
    return options;
  }
  absl::StatusOr<Reply> Run(Client& client, Command command) {
    return SyncWait(loop_, client.Execute(std::move(command), Soon()));
  }
  bool Connected(Client& client, absl::Duration patience = absl::Seconds(20)) {
    return SyncWait(loop_, client.WaitConnected(absl::Now() + patience)).ok();
  }
  // As the administrator.
  void Administer(Command command) {
    Options options;
    options.address = server_.address();
    options.user = "admin";
    options.password = "admin-secret";
    Client admin(loop_, options);
    ASSERT_TRUE(Connected(admin));
    absl::StatusOr<Reply> reply = Run(admin, std::move(command));
    ASSERT_TRUE(reply.ok()) << reply.status() << ErrorText(reply.status());
  }

  test::TempDir dir_;
  test::RedisProcess server_;
  async::Loop loop_{"test-loop"};
};

TEST_F(AuthTest, AUserIsLetInByThePasswordOfTheFileWithoutItsLineEnd) {
  WritePassword("first\n");
  Client client(loop_, As("routing"));
  ASSERT_TRUE(Connected(client)) << client.last_error();
  EXPECT_TRUE(Run(client, Command("SET").Arg("ro:a").Arg("1")).ok());
}

TEST_F(AuthTest, AWrongPasswordOrNoneIsNamedAndTriedAgain) {
  WritePassword("wrong\n");
  Client client(loop_, As("routing"));
  EXPECT_TRUE(test::WaitUntil([&] { return errors::Reason(client.last_error()) == "STORE_AUTH"; }));
  EXPECT_TRUE(absl::IsUnavailable(client.last_error()));
  EXPECT_FALSE(client.connected());
  Options options;
  options.address = server_.address();
  Client nobody(loop_, options);
  EXPECT_TRUE(test::WaitUntil([&] { return errors::Reason(nobody.last_error()) == "STORE_AUTH"; }));
  WritePassword("first");
  EXPECT_TRUE(Connected(client)) << "the file is read at every attempt";
}

TEST_F(AuthTest, AMissingPasswordFileIsNamed) {
  Client client(loop_, As("routing"));
  EXPECT_TRUE(test::WaitUntil([&] { return errors::Reason(client.last_error()) == "STORE_AUTH"; }));
  EXPECT_EQ(errors::Reason(ReadPasswordFile(dir_.File("password")).status()), "FILE_MISSING");
  WritePassword("\n");
  EXPECT_EQ(errors::Reason(ReadPasswordFile(dir_.File("password")).status()), "FILE_MISSING") << "empty";
}

TEST_F(AuthTest, APasswordMayBeChangedWithoutARestart) {
  WritePassword("first\n");
  Client client(loop_, As("routing"));
  ASSERT_TRUE(Connected(client));
  Administer(Command("ACL").Arg("SETUSER").Arg("routing").Arg("resetpass").Arg(">second"));
  EXPECT_TRUE(Run(client, Command("GET").Arg("ro:a")).ok()) << "who is in, stays in";
  WritePassword("second\n");
  const uint64_t connects = client.stats().connects;
  Administer(Command("CLIENT").Arg("KILL").Arg("USER").Arg("routing"));
  ASSERT_TRUE(test::WaitUntil([&] { return client.stats().connects > connects && client.connected(); }));
  EXPECT_TRUE(Run(client, Command("GET").Arg("ro:a")).ok());
}

TEST_F(AuthTest, WhatTheRulesForbidIsAnErrorThatIsNotRepeated) {
  WritePassword("first\n");
  Client client(loop_, As("routing"));
  ASSERT_TRUE(Connected(client));
  const Script script("return redis.call('SET', KEYS[1], 'x')");
  const Script forbidden("return redis.call('DEL', KEYS[1])");
  std::vector<absl::Status> refused;
  refused.push_back(Run(client, Command("GET").Arg("in:a")).status());
  refused.push_back(Run(client, Command("DEL").Arg("ro:a")).status());
  refused.push_back(SyncWait(loop_, client.Eval(script, {"in:a"}, {}, Soon())).status());
  refused.push_back(SyncWait(loop_, client.Eval(forbidden, {"ro:a"}, {}, Soon())).status());
  for (const absl::Status& status : refused) {
    EXPECT_EQ(errors::Reason(status), "STORE_NOT_ALLOWED") << status << ErrorText(status);
    EXPECT_FALSE(errors::IsRetryable(status));
    EXPECT_EQ(status.message().find("in:a"), std::string::npos);
  }
  EXPECT_TRUE(SyncWait(loop_, client.Eval(script, {"ro:a"}, {}, Soon())).ok());
  EXPECT_TRUE(client.connected());
}

}  // namespace
}  // namespace motcua::redis
