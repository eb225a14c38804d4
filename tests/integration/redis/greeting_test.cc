// What the Redis client promises of each new connection: only to a server that takes writes, and greeted
// before use.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <atomic>
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
using async::Task;
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

TEST(GreetingTest, AReplicaIsNeverConnected) {
  test::RedisProcess primary;
  test::RedisProcess replica({"--replicaof", "127.0.0.1", absl::StrCat(primary.port())});
  Loop loop("test-loop");
  Client client(loop, OptionsFor(replica));
  ASSERT_TRUE(
      WaitUntil([&] { return client.last_error().message().find("role is slave") != std::string::npos; }));
  EXPECT_EQ(client.stats().connects, 0u);
  EXPECT_EQ(errors::Reason(Ask(loop, client, Command("GET").Arg("k")).status()), "REDIS_UNAVAILABLE");
  // Promoted, it is.
  EXPECT_EQ(replica.Ask("REPLICAOF NO ONE"), "+OK");
  EXPECT_TRUE(Connected(loop, client));
}

// Nobody writes: the heartbeat alone tells.
TEST(GreetingTest, APrimaryThatIsDemotedWhileConnectedIsGivenUp) {
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

TEST(GreetingTest, NothingIsSentBeforeTheGreetingHasEnded) {
  test::RedisProcess server;
  Loop loop("test-loop");
  const Script script("return redis.call('INCR', KEYS[1])");
  std::string node;
  Client client(loop, OptionsFor(server));
  Greeting greeting = [&](GreetingLink& link) {
    node = link.node();
    EXPECT_TRUE(link.Serves("k"));
    EXPECT_FALSE(client.connected());
    // A coroutine that captures nothing.
    const auto run = [](GreetingLink* to, const Script* count) -> Task<absl::Status> {
      ScriptCall call(*count);
      call.Key("greeted");
      absl::StatusOr<Reply> counted = co_await to->Eval(std::move(call), Soon());
      if (!counted.ok()) co_return counted.status();
      absl::StatusOr<Reply> copied = co_await to->Execute(Command("SET").Arg("seen").Arg("0"), Soon());
      co_return copied.status();
    };
    return run(&link, &script);
  };
  client.SetGreeting(std::move(greeting));
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(Connected(loop, client));
    EXPECT_EQ(node, server.address());
    EXPECT_GE((*Ask(loop, client, Command("GET").Arg("greeted"))).AsInteger().value_or(0), round);
    // What the greeting does is done before what callers do: never the other way round.
    EXPECT_EQ((*Ask(loop, client, Command("INCR").Arg("seen"))).integer(), 1);
    const uint64_t lost = client.stats().disconnects;
    server.Restart();
    ASSERT_TRUE(WaitUntil([&] { return client.stats().disconnects > lost; }));
  }
}

TEST(GreetingTest, AGreetingThatFailsDropsTheConnection) {
  test::RedisProcess server;
  Loop loop("test-loop");
  std::atomic<int> greeted{0};
  Client client(loop, OptionsFor(server));
  client.SetGreeting([&greeted](GreetingLink&) -> Task<absl::Status> {
    absl::Status status;
    if (++greeted < 3) status = errors::Unavailable("NOT_YET", "not yet");
    const auto answer = [](absl::Status given) -> Task<absl::Status> { co_return given; };
    return answer(std::move(status));
  });
  ASSERT_TRUE(WaitUntil([&] { return greeted.load() >= 3; }));
  ASSERT_TRUE(Connected(loop, client));
  EXPECT_EQ(errors::Reason(client.last_error()), "NOT_YET");
  EXPECT_TRUE(Ask(loop, client, Command("GET").Arg("k")).ok());
}

TEST(GreetingTest, AGreetingWhoseConnectionIsLostIsRunAgainOnTheNext) {
  test::RedisProcess server;
  Loop loop("test-loop");
  std::atomic<int> begun{0};
  std::atomic<int> failed{0};
  Client client(loop, OptionsFor(server));
  client.SetGreeting([&](GreetingLink& link) {
    const auto run = [](GreetingLink* to, std::atomic<int>* begins,
                        std::atomic<int>* fails) -> Task<absl::Status> {
      const int number = ++*begins;
      Command command(number == 1 ? "BLPOP" : "PING");
      if (number == 1) command.Arg("nothing").Arg(0);
      absl::StatusOr<Reply> reply = co_await to->Execute(std::move(command), Soon());
      if (!reply.ok()) ++*fails;
      co_return reply.status();
    };
    return run(&link, &begun, &failed);
  });
  ASSERT_TRUE(WaitUntil([&] { return begun.load() == 1; }));
  server.Restart();
  ASSERT_TRUE(Connected(loop, client));
  EXPECT_EQ(failed.load(), 1);
  EXPECT_GE(begun.load(), 2);
}

}  // namespace
}  // namespace motcua::redis
