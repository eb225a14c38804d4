// Random mutations, repetitions and restarts against a model, by processes that remember records and by some
// that do not.
#include <map>
#include <random>
#include <tuple>

#include "tests/integration/store/store_fixture.h"
#include "tests/support/wait.h"

namespace motcua::store {
namespace {

class StorePropertyTest : public StoreTest {
 protected:
  using RequestKey = std::tuple<std::string, std::string, int>;  // caller, account, request

  // Each process and Redis itself start anew.
  std::vector<std::string> Run(uint32_t seed, size_t cache_bytes) {
    test::RedisProcess redis;
    time::SimulatedClock clock(absl::FromUnixSeconds(1'752'480'000));
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < 2; ++i) {
      processes.push_back(std::make_unique<Process>(loop_, redis, clock, absl::Hours(1), cache_bytes));
      EXPECT_TRUE(Wait(processes.back()->client.WaitConnected(Soon())).ok());
    }
    std::mt19937 random(seed);
    std::map<RequestKey, Response> answered;
    std::map<std::string, uint32_t> balances;
    std::map<std::string, int> lines;
    std::vector<std::string> transcript;
    uint64_t disconnects = 0;
    for (int step = 0; step < 500; ++step) {
      Store& store = processes[random() % 2]->store;
      const uint32_t what = random() % 100;
      if (what < 3) {
        clock.AdvanceTo(clock.Now() + absl::Seconds(1 + random() % 5));
        Transaction tx(store.Keys("H30"));
        tx.MoveWatermark(clock.Now() + absl::Milliseconds(random() % 3), /*bounded=*/false);
        EXPECT_TRUE(Wait(store.Commit(tx, Soon())).ok());
      } else if (what < 4) {
        redis.Restart();
        ++disconnects;
        for (auto& process : processes) {
          EXPECT_TRUE(test::WaitUntil([&] { return process->client.stats().disconnects == disconnects; }));
          EXPECT_TRUE(Wait(process->client.WaitConnected(Soon())).ok());
        }
      }
      const std::string id = "H30.18.05-260714-000" + std::to_string(1 + random() % 3);
      const std::string caller = "H30.18.0" + std::to_string(random() % 2);
      const std::string officer = "officer-" + std::to_string(random() % 2);
      const int request = static_cast<int>(random() % 60);
      const uint32_t amount = static_cast<uint32_t>(request % 9);
      auto result = Wait(AddBy(store, Officer(officer, caller), id, "request-" + std::to_string(request),
                               amount, "box-" + std::to_string(request % 4)));
      const auto known = answered.find(RequestKey(caller, id, request));
      if (known != answered.end()) {
        Response expected = known->second;
        expected.mutable_written()->set_replayed(true);
        EXPECT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->SerializeAsString(), expected.SerializeAsString()) << step;
      } else {
        EXPECT_TRUE(result.ok()) << result.status();
        EXPECT_FALSE(result->written().replayed());
        answered.emplace(RequestKey(caller, id, request), *result);
        balances[id] += amount;
        ++lines[id];
        EXPECT_EQ(result->written().version(), static_cast<uint64_t>(lines[id])) << step;
      }
      transcript.push_back(result->SerializeAsString());
    }
    uint32_t sum = 0;
    Store& store = processes[0]->store;
    for (const auto& [id, balance] : balances) {
      Session session(store, "H30");
      EXPECT_TRUE(Wait(session.Fetch({store.Keys("H30").Record("d", id)}, Soon())).ok());
      EXPECT_EQ(session.Find<Ledger>(id)->route().work_done(), balance);
      auto history = Wait(session.ReadHistory<Ledger>(id, 10000, Soon()));
      EXPECT_TRUE(history->verified());
      EXPECT_EQ(history->entries_size(), lines[id]);
      sum += balance;
      // Listed once, where it is.
      for (int box = 0; box < 4; ++box) {
        const std::string name = "box-" + std::to_string(box);
        auto page = Wait(store.ReadIndex("H30", "box:" + name, Order::kAscending, 10, "", Soon()));
        const bool here = session.Find<Ledger>(id)->route().holder() == name;
        EXPECT_EQ(std::count(page->members.begin(), page->members.end(), id), here ? 1 : 0);
      }
    }
    auto counters = Wait(store.ReadCounters("H30", Soon()));
    EXPECT_EQ((*counters)["sum"], sum);
    EXPECT_EQ((*counters)["accounts"], static_cast<int64_t>(balances.size()));
    return transcript;
  }
};

TEST_F(StorePropertyTest, WhatIsRememberedChangesNoAnswer) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const std::vector<std::string> remembering = Run(seed, Store::kDefaultCacheBytes);
  EXPECT_EQ(Run(seed, 0), remembering);
  EXPECT_EQ(Run(seed, 5'000), remembering) << "hardly any room";
}

}  // namespace
}  // namespace motcua::store
