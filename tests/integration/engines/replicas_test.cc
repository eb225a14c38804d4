// What --min_replicas promises: acknowledged means that so many replicas have it.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/redis/client.h"
#include "common/status/errors.h"
#include "common/store/epochs.h"
#include "common/time/clock.h"
#include "tests/integration/engines/load.h"
#include "tests/support/redis_group.h"
#include "tests/support/wait.h"

namespace motcua {
namespace {

using async::SyncWait;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

class ReplicasTest : public testing::Test {
 protected:
  explicit ReplicasTest(absl::Duration patience = absl::Milliseconds(700)) : patience_(patience) {}

  redis::Options OptionsFor(const std::string& address, int min_replicas) const {
    redis::Options options;
    options.address = address;
    options.min_replicas = min_replicas;
    options.replica_patience = patience_;
    options.max_backoff = absl::Milliseconds(50);
    return options;
  }

  // Adds 1 to the account under the request id.
  absl::StatusOr<store::Load::Response> Add(const std::string& request) {
    return SyncWait(loop_,
                    store::Load::Add(&store_, "H30", "H30.18.05-260714-0001", request, absl::Seconds(20)));
  }
  // SET and WAIT of the connection that waits for replicas.
  uint64_t Calls(const std::string& command) { return test::CallsOf(command, servers_.server(0).port()); }
  void StopReplicas() {
    servers_.server(1).Pause();
    servers_.server(2).Pause();
  }

  const absl::Duration patience_;
  test::RedisReplicas servers_{/*replicas=*/2};
  async::Loop loop_{"test-loop"};
  time::SystemClock clock_;
  redis::Client client_{loop_, OptionsFor(servers_.server(0).address(), 1)};
  store::Store store_{client_, clock_, "ro", absl::Hours(1)};
};

class PatientReplicasTest : public ReplicasTest {
 protected:
  PatientReplicasTest() : ReplicasTest(absl::Seconds(60)) {}
};

// As one that was started again: the services are back before its replicas, whose coming changes its
// replication id. Connections from before and after that lead to the same history.
TEST(PrimaryTest, WhoseReplicasComeLaterIsTheSame) {
  test::RedisProcess primary;
  async::Loop loop("test-loop");
  redis::Options options;
  options.address = primary.address();
  options.min_replicas = 1;
  options.max_backoff = absl::Milliseconds(50);
  redis::Client client(loop, options);
  time::SystemClock clock;
  store::Store store(client, clock, "ro", absl::Hours(1));
  ASSERT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
  const auto look = [&] { return SyncWait(loop, store::Epochs::Look(client, store.Keys("H30"), Soon())); };
  const absl::StatusOr<store::FeedHistory> before = look();
  ASSERT_TRUE(before.ok()) << before.status();

  test::RedisProcess replica({"--replicaof", "127.0.0.1", std::to_string(primary.port())});
  const auto info = [&](const char* field) {
    const std::string text = test::RedisCli(primary.port(), "info replication");
    const size_t at = text.find(field);
    return at == std::string::npos ? std::string() : text.substr(at, text.find('\r', at) - at);
  };
  ASSERT_TRUE(WaitUntil([&] { return info("slave0:").find("state=online") != std::string::npos; },
                        absl::Seconds(60)));
  // One of the client's two connections is made anew.
  const std::string clients = test::RedisCli(primary.port(), "client list type normal");
  const size_t unix_socket = clients.find("flags=U");
  ASSERT_NE(unix_socket, std::string::npos) << clients;
  const size_t line = clients.rfind("id=", unix_socket);
  const std::string id = clients.substr(line + 3, clients.find(' ', line) - line - 3);
  ASSERT_EQ(test::RedisCli(primary.port(), "client kill id " + id), "1\n");
  EXPECT_TRUE(WaitUntil(
      [&] {
        return SyncWait(loop,
                        store::Load::Add(&store, "H30", "H30.18.05-260714-0001", "one", absl::Seconds(20)))
            .ok();
      },
      absl::Seconds(20)))
      << client.last_error();
  const absl::StatusOr<store::FeedHistory> after = look();
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->epoch, before->epoch);
  EXPECT_TRUE(after->ended.empty());
}

TEST_F(ReplicasTest, WhatNoReplicaHasIsNotAcknowledgedAndIsNotDoneTwice) {
  ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(Add("one").ok());
  StopReplicas();
  // Done, and not known to any replica: so it is not told, neither at first nor when it is asked for again.
  EXPECT_EQ(errors::Reason(Add("two").status()), "OUTCOME_UNKNOWN");
  EXPECT_EQ(errors::Reason(Add("two").status()), "OUTCOME_UNKNOWN");
  EXPECT_EQ(errors::Reason(SyncWait(loop_, store_.AddShard("H31", Soon()))), "OUTCOME_UNKNOWN");
  // One is enough.
  servers_.server(2).Resume();
  const absl::StatusOr<store::Load::Response> told = Add("two");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_TRUE(told->written().replayed());
  EXPECT_EQ(told->written().version(), 2u);
  servers_.server(1).Resume();
}

// All stand at the replicas' door before it opens, so the machine's speed has no say in how many come together.
TEST_F(PatientReplicasTest, ManyAreConfirmedByOneWait) {
  ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(Add("first").ok());
  StopReplicas();
  constexpr uint64_t kMany = 200;
  const uint64_t written = Calls("evalsha");
  std::vector<async::Task<absl::StatusOr<store::Load::Response>>> adds;
  for (uint64_t i = 0; i < kMany; ++i) {
    adds.push_back(store::Load::Add(&store_, "H30", absl::StrCat("H30.18.05-260714-", 1000 + i), "one",
                                    absl::Seconds(60)));
  }
  auto told = std::async(std::launch::async, [&] { return SyncWait(loop_, async::WhenAll(std::move(adds))); });
  EXPECT_TRUE(WaitUntil([&] { return Calls("evalsha") >= written + kMany; }, absl::Seconds(30)));
  // The WAIT that runs now began without the last of them, the next one has them all.
  const uint64_t waits = Calls("wait");
  EXPECT_TRUE(WaitUntil([&] { return Calls("wait") >= waits + 2; }, absl::Seconds(30)));
  const uint64_t before = Calls("wait");
  const absl::Time opened = absl::Now();
  servers_.server(1).Resume();
  servers_.server(2).Resume();
  for (const auto& add : told.get()) EXPECT_TRUE(add.ok()) << add.status();
  // Each WAIT that replicas were too late for took its 100 ms.
  const auto late = static_cast<uint64_t>(absl::ToInt64Milliseconds(absl::Now() - opened) / 100);
  EXPECT_LE(Calls("wait") - before, 2 + late);
}

TEST_F(ReplicasTest, WithNoneRequiredNothingIsAskedForThem) {
  redis::Client client(loop_, OptionsFor(servers_.server(0).address(), 0));
  store::Store store(client, clock_, "ro", absl::Hours(1));
  ASSERT_TRUE(SyncWait(loop_, client.WaitConnected(Soon())).ok());
  const uint64_t before = Calls("wait");
  StopReplicas();
  EXPECT_TRUE(
      SyncWait(loop_, store::Load::Add(&store, "H30", "H30.18.05-260714-0009", "one", absl::Seconds(20)))
          .ok());
  EXPECT_EQ(Calls("wait"), before);
}

// The other half of the promise: with min-replicas-to-write a primary that nobody follows takes nothing.
TEST_F(ReplicasTest, APrimaryCutOffFromItsReplicasRefuses) {
  ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(Add("one").ok());
  test::RedisCli(servers_.server(0).port(), "config set min-replicas-to-write 1 min-replicas-max-lag 1");
  StopReplicas();
  int tried = 0;
  const auto refused = [&] {
    return errors::Reason(Add(absl::StrCat("try-", ++tried)).status()) == "STORE_UNAVAILABLE";
  };
  ASSERT_TRUE(WaitUntil(refused, absl::Seconds(20)));
  servers_.server(1).Resume();
  servers_.server(2).Resume();
  // Refused: so it has not been done.
  absl::StatusOr<store::Load::Response> told = absl::UnavailableError("");
  const auto done = [&] {
    told = Add(absl::StrCat("try-", tried));
    return told.ok();
  };
  ASSERT_TRUE(WaitUntil(done, absl::Seconds(20)));
  EXPECT_FALSE(told->written().replayed());
}

}  // namespace
}  // namespace motcua
