// What is promised of a primary with replicas and Sentinels, the real ones.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/async/sync_wait.h"
#include "common/redis/client.h"
#include "common/status/errors.h"
#include "common/time/clock.h"
#include "tests/integration/engines/load.h"
#include "tests/support/redis_group.h"
#include "tests/support/scripted_server.h"
#include "tests/support/wait.h"

namespace motcua {
namespace {

using async::SyncWait;
using redis::Command;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

redis::Options OptionsFor(const test::RedisReplicas& servers, int min_replicas) {
  redis::Options options;
  options.address = servers.address();
  options.min_replicas = min_replicas;
  options.max_backoff = absl::Milliseconds(200);
  return options;
}

// Three servers, three Sentinels; one test, because they take seconds to come up.
TEST(SentinelTest, AFailOverUnderLoadLosesNothingAcknowledgedAndDoesNothingTwice) {
  test::RedisReplicas servers(/*replicas=*/2, /*sentinels=*/3);
  async::Loop loop("test-loop");
  redis::Client client(loop, OptionsFor(servers, 1));
  ASSERT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
  const time::SystemClock clock;
  store::Store store(client, clock, "ro", absl::Hours(1));
  store::Load load(loop, store, {"H30"}, 6);
  load.Start();
  ASSERT_TRUE(WaitUntil([&] { return load.acknowledged() >= 100; }, absl::Seconds(30))) << load.repeated();

  const size_t old = servers.primary();
  ASSERT_LT(old, servers.size());
  servers.server(old).Kill9();
  ASSERT_TRUE(WaitUntil([&] { return !client.connected(); }));
  ASSERT_TRUE(WaitUntil([&] { return client.connected(); }, absl::Seconds(60))) << client.last_error();
  uint64_t before = load.acknowledged();
  EXPECT_TRUE(WaitUntil([&] { return load.acknowledged() >= before + 100; }, absl::Seconds(60)))
      << load.repeated();

  // The old one comes back believing that it is the primary. Nobody listens to it.
  servers.server(old).Restart();
  before = load.acknowledged();
  EXPECT_TRUE(WaitUntil([&] { return load.acknowledged() >= before + 50; }, absl::Seconds(60)));
  EXPECT_TRUE(
      WaitUntil([&] { return test::RedisCli(servers.server(old).port(), "role").rfind("slave", 0) == 0; },
                absl::Seconds(60)));

  load.Stop();
  EXPECT_TRUE(load.Check().ok()) << load.Check();
}

// The old primary is silent, and its connections stand: only the Sentinels tell.
TEST(SentinelTest, AFailOverIsFollowedThatLeavesTheOldConnectionsStanding) {
  test::RedisReplicas servers(/*replicas=*/1, /*sentinels=*/3);
  async::Loop loop("test-loop");
  redis::Options options = OptionsFor(servers, 0);
  options.ping_interval = absl::InfiniteDuration();
  redis::Client client(loop, options);
  ASSERT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
  servers.server(0).Pause();
  const auto write = [&] {
    Command set("SET");
    set.Arg("k").Arg("new");
    return SyncWait(loop, client.Execute(std::move(set), absl::Now() + absl::Milliseconds(200))).ok();
  };
  EXPECT_TRUE(
      WaitUntil([&] { return write() && servers.server(1).Ask("EXISTS k") == ":1"; }, absl::Seconds(60)));
}

// One that is cut off together with an old primary, which believes in itself: it does not lead back there.
TEST(SentinelTest, TheSentinelThatKnowsOfTheLatestPromotionIsBelieved) {
  test::RedisProcess old;
  test::RedisProcess promoted;
  const auto naming = [](const test::RedisProcess& primary, int epoch) {
    return [port = primary.port(), epoch](test::ScriptedServer::Conversation& peer) {
      while (auto command = peer.Next()) {
        const std::string text = absl::StrCat(port);
        const std::string number = absl::StrCat(epoch);
        if (command->front() == "PING") {
          peer.Send("+PONG\r\n");
        } else if (command->at(1) == "MASTER") {
          peer.Send(absl::StrCat("*2\r\n$12\r\nconfig-epoch\r\n$", number.size(), "\r\n", number, "\r\n"));
        } else {
          peer.Send(absl::StrCat("*2\r\n$9\r\n127.0.0.1\r\n$", text.size(), "\r\n", text, "\r\n"));
        }
      }
    };
  };
  test::ScriptedServer first(naming(old, 1));
  test::ScriptedServer second(naming(promoted, 2));
  test::ScriptedServer third(naming(promoted, 2));
  for (int round = 0; round < 5; ++round) {
    async::Loop loop("test-loop");
    redis::Options options;
    options.address =
        absl::StrCat("sentinel://motcua@", first.address(), ",", second.address(), ",", third.address());
    redis::Client client(loop, options);
    ASSERT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop, client.Execute(Command("INCR").Arg("k"), Soon())).ok());
  }
  EXPECT_EQ(promoted.Ask("STRLEN k"), ":1");
  EXPECT_EQ(old.Ask("EXISTS k"), ":0");
}

}  // namespace
}  // namespace motcua
