// What the Redis client promises of each connection: only to a server that takes writes.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "common/async/sync_wait.h"
#include "common/redis/client.h"
#include "common/status/errors.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::redis {
namespace {

using async::Loop;
using async::SyncWait;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

Options OptionsFor(const test::RedisProcess& server) {
  Options options;
  options.address = server.address();
  options.min_backoff = absl::Milliseconds(1);
  options.max_backoff = absl::Milliseconds(20);
  options.ping_interval = absl::Milliseconds(50);
  return options;
}

absl::StatusOr<Reply> Ask(Loop& loop, Client& client, Command command) {
  return SyncWait(loop, client.Execute(std::move(command), Soon()));
}

bool Connected(Loop& loop, Client& client) { return SyncWait(loop, client.WaitConnected(Soon())).ok(); }

TEST(RoleTest, AReplicaIsNeverConnected) {
  test::RedisProcess primary;
  test::RedisProcess replica({"--replicaof", "127.0.0.1", absl::StrCat(primary.port())});
  Loop loop("test-loop");
  Client client(loop, OptionsFor(replica));
  ASSERT_TRUE(
      WaitUntil([&] { return client.last_error().message().find("role is slave") != std::string::npos; }));
  EXPECT_EQ(client.stats().connects, 0u);
  EXPECT_EQ(errors::Reason(Ask(loop, client, Command("GET").Arg("k")).status()), "STORE_UNAVAILABLE");
  // Promoted, it is.
  EXPECT_EQ(replica.Ask("REPLICAOF NO ONE"), "+OK");
  EXPECT_TRUE(Connected(loop, client));
}

// Nobody writes: the heartbeat alone tells.
TEST(RoleTest, APrimaryThatIsDemotedWhileConnectedIsGivenUp) {
  test::RedisProcess other;
  test::RedisProcess server;
  Loop loop("test-loop");
  Client client(loop, OptionsFor(server));
  ASSERT_TRUE(Connected(loop, client));
  EXPECT_EQ(server.Ask(absl::StrCat("REPLICAOF 127.0.0.1 ", other.port())), "+OK");
  EXPECT_TRUE(WaitUntil([&] { return !client.connected(); }));
  EXPECT_EQ(server.Ask("REPLICAOF NO ONE"), "+OK");
  EXPECT_TRUE(Connected(loop, client));
}

}  // namespace
}  // namespace motcua::redis
