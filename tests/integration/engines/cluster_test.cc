// What is promised of a Redis Cluster, a real one of three primaries with a replica each.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/async/sync_wait.h"
#include "common/feed/publisher.h"
#include "common/redis/client.h"
#include "common/redis/slots.h"
#include "common/status/errors.h"
#include "common/time/clock.h"
#include "tests/integration/engines/load.h"
#include "tests/support/redis_group.h"
#include "tests/support/wait.h"

namespace motcua {
namespace {

using async::SyncWait;
using async::Task;
using redis::Command;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

int SlotOfShard(const std::string& shard) { return redis::internal::SlotOf("{" + shard + "}"); }

// Made once, because it takes seconds to come up.
class ClusterTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = new test::RedisCluster(3); }
  static void TearDownTestSuite() { delete cluster_; }

  static redis::Options OptionsFor(int min_replicas = 0) {
    redis::Options options;
    options.address = cluster_->address();
    options.min_replicas = min_replicas;
    options.max_backoff = absl::Milliseconds(200);
    return options;
  }

  // A shard of each primary, the first one's first.
  static std::vector<std::string> ShardsOfEach() {
    std::map<size_t, std::string> by_owner;
    for (int i = 10; i < 100 && by_owner.size() < 3; ++i) {
      const std::string shard = absl::StrCat("H", i);
      by_owner.emplace(cluster_->OwnerOf(SlotOfShard(shard)), shard);
    }
    std::vector<std::string> shards;
    for (const auto& [owner, shard] : by_owner) shards.push_back(shard);
    return shards;
  }

  // As redis-cli does it: all keys of the slot, a few at a time, while they are in use.
  static void MoveSlot(int slot, size_t from, size_t to) {
    const std::string id_from = cluster_->IdOf(from);
    const std::string id_to = cluster_->IdOf(to);
    const int source = cluster_->server(from).port();
    const int target = cluster_->server(to).port();
    EXPECT_EQ(test::RedisCli(target, absl::StrCat("cluster setslot ", slot, " importing ", id_from)), "OK\n");
    EXPECT_EQ(test::RedisCli(source, absl::StrCat("cluster setslot ", slot, " migrating ", id_to)), "OK\n");
    async::Loop loop("mover");
    redis::Options options;
    options.address = cluster_->server(from).address();
    redis::Client mover(loop, options);
    ASSERT_TRUE(SyncWait(loop, mover.WaitConnected(Soon())).ok());
    while (true) {
      Command get("CLUSTER");
      get.Arg("GETKEYSINSLOT").Arg(slot).Arg(5);
      absl::StatusOr<redis::Reply> keys = SyncWait(loop, mover.Execute(std::move(get), Soon()));
      ASSERT_TRUE(keys.ok()) << redis::ErrorText(keys.status());
      if (keys->items().empty()) break;
      Command migrate("MIGRATE");
      migrate.Arg("127.0.0.1").Arg(target).Arg("").Arg(0).Arg(5000).Arg("KEYS");
      for (const redis::Reply& key : keys->items()) migrate.Arg(key.text());
      absl::StatusOr<redis::Reply> moved = SyncWait(loop, mover.Execute(std::move(migrate), Soon()));
      ASSERT_TRUE(moved.ok()) << redis::ErrorText(moved.status());
    }
    for (const int port : {target, source}) {
      EXPECT_EQ(test::RedisCli(port, absl::StrCat("cluster setslot ", slot, " node ", id_to)), "OK\n");
    }
  }

  static test::RedisCluster* cluster_;
  async::Loop loop_{"test-loop"};
  time::SystemClock clock_;
};

test::RedisCluster* ClusterTest::cluster_ = nullptr;

TEST_F(ClusterTest, EachCommandGoesToTheNodeOfItsKey) {
  redis::Client client(loop_, OptionsFor());
  ASSERT_TRUE(SyncWait(loop_, client.WaitConnected(Soon())).ok());
  EXPECT_TRUE(client.clustered());
  EXPECT_EQ(client.stats().connects, 3u);
  const redis::Script script("return {KEYS[1], redis.call('INCR', KEYS[1])}");
  std::set<std::string> nodes;
  for (int i = 0; i < 60; ++i) {
    const std::string key = absl::StrCat("k:{", i, "}");
    ASSERT_TRUE(SyncWait(loop_, client.Execute(Command("SET").Arg(key).Arg(i), Soon())).ok());
    redis::ScriptCall call(script);
    call.Key(key);
    absl::StatusOr<redis::Reply> counted = SyncWait(loop_, client.Eval(std::move(call), Soon()));
    ASSERT_TRUE(counted.ok()) << redis::ErrorText(counted.status());
    EXPECT_EQ(counted->items()[1].integer(), i + 1);
  }
  EXPECT_TRUE(SyncWait(loop_, client.Execute(Command("PING"), Soon())).ok());
  // Of different slots: refused, and nothing is done.
  EXPECT_EQ(errors::Reason(
                SyncWait(loop_, client.Execute(Command("DEL").Arg("k:{1}").Arg("k:{2}"), Soon())).status()),
            "STORE_ERROR");
}

TEST_F(ClusterTest, SlotsAreMovedUnderLoadAndNothingIsLostOrDoneTwice) {
  const std::vector<std::string> shards = ShardsOfEach();
  ASSERT_EQ(shards.size(), 3u);
  redis::Client client(loop_, OptionsFor(1));
  ASSERT_TRUE(SyncWait(loop_, client.WaitConnected(Soon())).ok());
  store::Store store(client, clock_, "mv", absl::Hours(1));
  store::Load load(loop_, store, shards, 3);
  load.Start();
  const int slot = SlotOfShard(shards[0]);
  ASSERT_TRUE(WaitUntil([&] { return load.acknowledged(shards[0]) >= 20; }, absl::Seconds(30)));
  size_t at = cluster_->OwnerOf(slot);
  for (const size_t to :
       {cluster_->OwnerOf(SlotOfShard(shards[1])), cluster_->OwnerOf(SlotOfShard(shards[2])), at}) {
    MoveSlot(slot, at, to);
    at = to;
    const uint64_t before = load.acknowledged(shards[0]);
    EXPECT_TRUE(WaitUntil([&] { return load.acknowledged(shards[0]) >= before + 15; }, absl::Seconds(30)));
  }
  load.Stop();
  EXPECT_TRUE(load.Check().ok()) << load.Check();
  EXPECT_TRUE(client.connected());
}

// The blocking reads of many shards do not wait for each other, also not those of one node.
TEST_F(ClusterTest, AFeedOfEachShardIsTailed) {
  std::vector<std::string> shards = ShardsOfEach();
  for (int i = 10; i < 16; ++i) shards.push_back(absl::StrCat("K", i));
  redis::Client client(loop_, OptionsFor());
  redis::Client tail(loop_, OptionsFor());
  ASSERT_TRUE(SyncWait(loop_, client.WaitConnected(Soon())).ok());
  store::Store store(client, clock_, "fd", absl::Hours(1));
  feed::Publisher publisher(loop_, store, tail, feed::PublisherOptions());
  async::CancelSource cancel(loop_);
  loop_.Spawn(publisher.Run(cancel.token()));
  for (const std::string& shard : shards) {
    ASSERT_TRUE(SyncWait(loop_, publisher.AddShard(shard, Soon())).ok());
  }
  const auto position = [&](const std::string& shard) {
    uint64_t found = 0;
    loop_.RunAndWait([&] { found = publisher.position(shard); });
    return found;
  };
  for (uint64_t round = 1; round <= 3; ++round) {
    for (const std::string& shard : shards) {
      ASSERT_TRUE(SyncWait(loop_, store::Load::Add(&store, shard, shard + ".18.05-260714-0001",
                                                   absl::StrCat(round), absl::Seconds(20)))
                      .ok());
    }
    // Well before the blocking reads would end by themselves and be repeated.
    for (const std::string& shard : shards) {
      EXPECT_TRUE(WaitUntil([&] { return position(shard) == round; }, absl::Seconds(20))) << shard;
    }
  }
  cancel.Cancel();
  EXPECT_TRUE(loop_.Drain(absl::Seconds(20)));
}

// Last: it leaves the cluster with other primaries.
TEST_F(ClusterTest, APrimaryIsKilledUnderLoadAndNothingAcknowledgedIsLost) {
  const std::vector<std::string> shards = ShardsOfEach();
  redis::Client client(loop_, OptionsFor(1));
  ASSERT_TRUE(SyncWait(loop_, client.WaitConnected(Soon())).ok());
  store::Store store(client, clock_, "kl", absl::Hours(1));
  store::Load load(loop_, store, shards, 3);
  load.Start();
  ASSERT_TRUE(WaitUntil([&] { return load.acknowledged(shards[0]) >= 20; }, absl::Seconds(30)));
  const int slot = SlotOfShard(shards[0]);
  const size_t killed = cluster_->OwnerOf(slot);
  cluster_->server(killed).Kill9();
  EXPECT_TRUE(WaitUntil([&] { return !client.connected(); }));
  ASSERT_TRUE(WaitUntil([&] { return cluster_->OwnerOf(slot) != killed; }, absl::Seconds(60)));
  // The new primary has a replica when the old one comes back as that.
  cluster_->server(killed).Restart();
  const uint64_t before = load.acknowledged(shards[0]);
  EXPECT_TRUE(WaitUntil([&] { return load.acknowledged(shards[0]) >= before + 15; }, absl::Seconds(60)));
  EXPECT_TRUE(WaitUntil([&] { return client.connected(); }, absl::Seconds(60))) << client.last_error();
  load.Stop();
  EXPECT_TRUE(load.Check().ok()) << load.Check();
}

}  // namespace
}  // namespace motcua
