// What the Redis client promises when the server dies or the network misbehaves.
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/redis/client.h"
#include "common/status/errors.h"
#include "tests/support/redis_process.h"
#include "tests/support/tcp_gate.h"
#include "tests/support/wait.h"

namespace motcua::redis {
namespace {

using async::Loop;
using async::SyncWait;
using async::Task;
using async::WhenAll;
using test::RedisProcess;
using test::TcpGate;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

Options OptionsFor(std::string address) {
  Options options;
  options.address = std::move(address);
  options.min_backoff = absl::Milliseconds(1);
  options.max_backoff = absl::Milliseconds(20);
  return options;
}

absl::StatusOr<Reply> Ask(Loop& loop, Client& client, Command command, absl::Time deadline = Soon()) {
  return SyncWait(loop, client.Execute(std::move(command), deadline));
}

bool Connected(Loop& loop, Client& client) { return SyncWait(loop, client.WaitConnected(Soon())).ok(); }

TEST(ClientFaultTest, KillingTheServerFailsWhatIsPendingAndTheClientComesBackByItself) {
  RedisProcess server;
  Loop loop("test-loop");
  Client client(loop, OptionsFor(server.address()));
  std::vector<bool> seen;  // loop-confined
  client.OnConnectionChange([&seen](bool connected) { seen.push_back(connected); });
  ASSERT_TRUE(Connected(loop, client));
  ASSERT_TRUE(Ask(loop, client, Command("SET").Arg("k").Arg("kept")).ok());
  const auto connection_of = [&] {
    uint64_t number = 0;
    loop.RunAndWait([&] { number = client.connection("k"); });
    return number;
  };
  const uint64_t connection = connection_of();

  std::vector<Task<absl::StatusOr<Reply>>> pending;
  for (int i = 0; i < 50; ++i) pending.push_back(client.Execute(Command("BLPOP").Arg("none").Arg(0), Soon()));
  std::optional<std::vector<absl::StatusOr<Reply>>> replies;
  loop.Spawn(async::internal::StoreResult(WhenAll(std::move(pending)), &replies));
  ASSERT_TRUE(WaitUntil([&] { return client.stats().in_flight >= 50; }));
  server.Kill9();
  ASSERT_TRUE(loop.Drain(absl::Seconds(10)));
  for (const absl::StatusOr<Reply>& reply : *replies) {
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(errors::Reason(reply.status()), "OUTCOME_UNKNOWN");
  }
  EXPECT_FALSE(client.connected());

  const absl::Time start = absl::Now();
  const absl::StatusOr<Reply> refused = Ask(loop, client, Command("PING"));
  EXPECT_EQ(errors::Reason(refused.status()), "STORE_UNAVAILABLE");
  EXPECT_LT(absl::Now() - start, absl::Milliseconds(200));

  server.Restart();
  ASSERT_TRUE(Connected(loop, client));
  EXPECT_EQ(*Ask(loop, client, Command("GET").Arg("k")), Reply::String("kept"));
  EXPECT_NE(connection_of(), connection) << "what is known of the server is to be found out anew";
  loop.RunAndWait([&] { EXPECT_EQ(seen, (std::vector<bool>{true, false, true})); });
}

TEST(ClientFaultTest, AClientStartedBeforeItsServerConnectsWhenItComes) {
  RedisProcess server;
  server.Kill9();
  Loop loop("test-loop");
  Client by_socket(loop, OptionsFor(server.address()));
  Client by_port(loop, OptionsFor(server.tcp_address()));
  ASSERT_TRUE(WaitUntil([&] { return !by_socket.last_error().ok() && !by_port.last_error().ok(); }));
  server.Start();
  EXPECT_TRUE(Connected(loop, by_socket));
  EXPECT_TRUE(Connected(loop, by_port));
}

// A client that writes one counter, and knows what it was told.
struct Tally {
  int acknowledged = 0;
  int unknown = 0;
  int not_done = 0;
  int other = 0;
};

Task<void> Write(Loop* loop, Client* client, std::string key, absl::Time end, Tally* tally) {
  while (absl::Now() < end) {
    Command incr("INCR");
    incr.Arg(key);
    absl::StatusOr<Reply> reply = co_await client->Execute(std::move(incr), Soon());
    const std::string reason = errors::Reason(reply.status());
    if (reply.ok()) {
      ++tally->acknowledged;
    } else if (reason == "OUTCOME_UNKNOWN") {
      ++tally->unknown;
    } else if (reason == "STORE_UNAVAILABLE") {
      ++tally->not_done;
      absl::Status slept = co_await loop->Sleep(absl::Milliseconds(2));
      slept.IgnoreError();
    } else {
      ++tally->other;
    }
  }
}

TEST(ClientFaultTest, NoAcknowledgedWriteIsLostAndNoRefusedOneIsMade) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RedisProcess server;
  Loop loop("test-loop");
  Client client(loop, OptionsFor(server.address()));
  ASSERT_TRUE(Connected(loop, client));
  constexpr int kWriters = 20;
  std::vector<Tally> tallies(kWriters);
  const absl::Time end = absl::Now() + absl::Seconds(2);
  for (int i = 0; i < kWriters; ++i) loop.Spawn(Write(&loop, &client, "n" + std::to_string(i), end, &tallies[i]));
  for (int kill = 0; kill < 6; ++kill) {
    absl::SleepFor(absl::Milliseconds(random() % 250));
    server.Kill9();
    absl::SleepFor(absl::Milliseconds(random() % 50));
    server.Start();
  }
  ASSERT_TRUE(loop.Drain(absl::Seconds(30)));
  ASSERT_TRUE(Connected(loop, client));
  int acknowledged = 0;
  int unknown = 0;
  for (int i = 0; i < kWriters; ++i) {
    const Tally& tally = tallies[i];
    const int64_t value = *Ask(loop, client, Command("INCRBY").Arg("n" + std::to_string(i)).Arg(0))->AsInteger();
    EXPECT_GE(value, tally.acknowledged);
    EXPECT_LE(value, tally.acknowledged + tally.unknown);
    EXPECT_EQ(tally.other, 0);
    acknowledged += tally.acknowledged;
    unknown += tally.unknown;
  }
  EXPECT_GT(acknowledged, 100);
  EXPECT_GT(unknown, 0);
}

TEST(ClientFaultTest, AServerThatHangsIsNoticedByItsHeartbeat) {
  RedisProcess server;
  Loop loop("test-loop");
  Options options = OptionsFor(server.address());
  options.ping_interval = absl::Milliseconds(50);
  options.connect_timeout = absl::Milliseconds(200);
  Client client(loop, options);
  ASSERT_TRUE(Connected(loop, client));
  server.Pause();
  const absl::StatusOr<Reply> reply = Ask(loop, client, Command("PING"));
  EXPECT_EQ(errors::Reason(reply.status()), "OUTCOME_UNKNOWN");
  EXPECT_FALSE(client.connected());
  server.Resume();
  EXPECT_TRUE(Connected(loop, client));
  EXPECT_TRUE(Ask(loop, client, Command("PING")).ok());
}

TEST(ClientFaultTest, AnswersSlicedIntoSingleBytesAreWhole) {
  RedisProcess server;
  TcpGate gate(server.tcp_address());
  gate.Slice(1);
  Loop loop("test-loop");
  Client client(loop, OptionsFor(gate.address()));
  ASSERT_TRUE(Connected(loop, client));
  std::string value(3000, 'x');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 7);
  ASSERT_TRUE(Ask(loop, client, Command("SET").Arg("k").Arg(value)).ok());
  const absl::StatusOr<Reply> reply = Ask(loop, client, Command("MGET").Arg("k").Arg("none").Arg("k"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, Reply::Array({Reply::String(value), Reply(), Reply::String(value)}));
  EXPECT_EQ(client.stats().connects, 1u);
}

TEST(ClientFaultTest, ADelayedAnswerAfterTheDeadlineIsConsumed) {
  RedisProcess server;
  TcpGate gate(server.tcp_address());
  Loop loop("test-loop");
  Client client(loop, OptionsFor(gate.address()));
  ASSERT_TRUE(Connected(loop, client));
  gate.Delay(absl::Milliseconds(150));
  const absl::StatusOr<Reply> late =
      Ask(loop, client, Command("ECHO").Arg("late"), absl::Now() + absl::Milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status()));
  EXPECT_EQ(*Ask(loop, client, Command("ECHO").Arg("mine")), Reply::String("mine"));
  EXPECT_EQ(client.stats().late_replies, 1u);
  EXPECT_EQ(client.stats().connects, 1u);
}

TEST(ClientFaultTest, ALostAnswerIsAnUnknownOutcomeAndTheWriteMayHaveHappened) {
  RedisProcess server;
  TcpGate gate(server.tcp_address());
  Loop loop("test-loop");
  Client client(loop, OptionsFor(gate.address()));
  ASSERT_TRUE(Connected(loop, client));
  gate.DropReplies();
  std::optional<absl::StatusOr<Reply>> reply;
  loop.Spawn(async::internal::StoreResult(client.Execute(Command("INCR").Arg("n"), Soon()), &reply));
  ASSERT_TRUE(WaitUntil([&] { return server.Ask("EXISTS n") == ":1"; }));
  gate.CloseAll();
  ASSERT_TRUE(loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(errors::Reason(reply->status()), "OUTCOME_UNKNOWN");
  gate.Pass();
  ASSERT_TRUE(Connected(loop, client));
  EXPECT_EQ(*Ask(loop, client, Command("GET").Arg("n")), Reply::String("1"));
}

TEST(ClientFaultTest, WhatNeverLeftTheProcessIsKnownNotToBeDone) {
  RedisProcess server;
  TcpGate gate(server.tcp_address());
  Loop loop("test-loop");
  Client client(loop, OptionsFor(gate.address()));
  ASSERT_TRUE(Connected(loop, client));
  gate.Stall();
  // More than the sockets' buffers hold: the first command is on its way for good.
  const std::string large(16 << 20, 'x');
  std::vector<Task<absl::StatusOr<Reply>>> tasks;
  tasks.push_back(client.Execute(Command("SET").Arg("large").Arg(large), Soon()));
  std::optional<std::vector<absl::StatusOr<Reply>>> first;
  loop.Spawn(async::internal::StoreResult(WhenAll(std::move(tasks)), &first));
  ASSERT_TRUE(WaitUntil([&] { return client.stats().in_flight >= 1; }));
  loop.RunAndWait([] {});
  std::optional<absl::StatusOr<Reply>> second;
  loop.Spawn(async::internal::StoreResult(client.Execute(Command("INCR").Arg("n"), Soon()), &second));
  ASSERT_TRUE(WaitUntil([&] { return client.stats().in_flight >= 2; }));
  gate.Pass();
  gate.CloseAll();
  ASSERT_TRUE(loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(errors::Reason(first->at(0).status()), "OUTCOME_UNKNOWN");
  EXPECT_EQ(errors::Reason(second->status()), "STORE_UNAVAILABLE");
  EXPECT_EQ(server.Ask("EXISTS n"), ":0");
}

TEST(ClientFaultTest, RefusedConnectionsAreRetriedWithABoundedPace) {
  RedisProcess server;
  TcpGate gate(server.tcp_address());
  gate.Refuse();
  Loop loop("test-loop");
  Options options = OptionsFor(gate.address());
  options.min_backoff = absl::Milliseconds(20);
  options.max_backoff = absl::Milliseconds(100);
  Client client(loop, options);
  ASSERT_TRUE(WaitUntil([&] { return gate.accepted() >= 10; }));
  gate.Pass();
  EXPECT_TRUE(Connected(loop, client));
  EXPECT_EQ(gate.connections(), 1u);
}

TEST(ClientFaultTest, AScriptLoadsItselfAgainAfterARestart) {
  RedisProcess server;
  Loop loop("test-loop");
  Client client(loop, OptionsFor(server.address()));
  ASSERT_TRUE(Connected(loop, client));
  const Script script("return redis.call('INCR', KEYS[1])");
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(*SyncWait(loop, client.Eval(script, {"n"}, {}, Soon())), Reply::Integer(i));
    server.Restart();
    ASSERT_TRUE(WaitUntil([&] { return client.stats().connects == static_cast<uint64_t>(i) + 1; }));
  }
  EXPECT_EQ(client.stats().script_loads, 3u);
}

}  // namespace
}  // namespace motcua::redis
