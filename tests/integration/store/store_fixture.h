#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/store/create.h"
#include "common/store/mutate.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "motcua/routing/v1/routing.pb.h"
#include "tests/integration/store/ledger.h"
#include "tests/support/redis_process.h"

namespace motcua::store {

inline constexpr char kId[] = "H30.18.05-260714-0001";

// One process that works with the state in Redis: its connection and what it remembers.
class Process {
 public:
  Process(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock,
          absl::Duration ttl = absl::Hours(1), size_t cache_bytes = Store::kDefaultCacheBytes)
      : client(loop, Options(redis)), store(client, clock, "ro", ttl, cache_bytes) {}

  static redis::Options Options(const test::RedisProcess& redis) {
    redis::Options options;
    options.address = redis.address();
    return options;
  }

  redis::Client client;
  Store store;
};

class StoreTest : public testing::Test {
 protected:
  using Response = routing::v1::CompleteWorkResponse;

  void SetUp() override { ASSERT_TRUE(Wait(client_.WaitConnected(Soon())).ok()); }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

  template <class T>
  T Wait(async::Task<T> task) {
    return async::SyncWait(loop_, std::move(task));
  }

  static Caller Officer(std::string name = "officer-1", std::string agency = "H30.18.05") {
    common::v1::Actor actor;
    actor.set_id(std::move(name));
    actor.set_agency(std::move(agency));
    return Caller(std::move(actor), "", Soon());
  }

  // Adds to an account: see Ledger.
  async::Task<absl::StatusOr<Response>> AddBy(Store& store, Caller caller, std::string id,
                                              std::string request_id, uint32_t amount, std::string box = "a",
                                              uint64_t expected_version = 0);
  async::Task<absl::StatusOr<Response>> Add(std::string id, std::string request_id, uint32_t amount,
                                            std::string box = "a", uint64_t expected_version = 0) {
    return AddBy(store_, Officer(), std::move(id), std::move(request_id), amount, std::move(box),
                 expected_version);
  }

  // Opens an account under the next number of the day.
  async::Task<absl::StatusOr<Response>> OpenBy(Store& store, Caller caller, std::string request_id,
                                               uint32_t amount, std::string sequence = "day");
  // Adds 1, and is answered with an error: an attempt that is counted.
  async::Task<absl::StatusOr<Response>> AddRefused(std::string request_id);

  std::string KeyOf(const std::string& id) { return store_.Keys("H30").Record("d", id); }

  redis::Reply Ask(redis::Command command) {
    absl::StatusOr<redis::Reply> reply = Wait(client_.Execute(std::move(command), Soon()));
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : redis::Reply();
  }
  redis::Reply Ask(const char* name, const std::string& key) {
    redis::Command command(name);
    command.Arg(key);
    return Ask(std::move(command));
  }

  Ledger::Record Load(const std::string& id) {
    auto values = Wait(store_.Get({KeyOf(id)}, Soon()));
    Ledger::Record record;
    if (!values.ok() || !values->front().has_value()) return record;
    uint64_t version = 0;
    std::string_view bytes;
    EXPECT_TRUE(DecodeRecord(*values->front(), version, bytes));
    EXPECT_TRUE(record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    return record;
  }
  common::v1::History History(const std::string& id) {
    Session session(store_, "H30");
    EXPECT_TRUE(Wait(session.Fetch({KeyOf(id)}, Soon())).ok());
    EXPECT_NE(session.Find<Ledger>(id), nullptr);
    auto history = Wait(session.ReadHistory<Ledger>(id, 10000, Soon()));
    EXPECT_TRUE(history.ok()) << history.status();
    return history.value_or(common::v1::History());
  }
  Counters ReadCounters() { return *Wait(store_.ReadCounters("H30", Soon())); }
  IndexPage ReadBox(const std::string& box, uint32_t size = 100, std::string token = "",
                    Order order = Order::kAscending) {
    return *Wait(store_.ReadIndex("H30", "box:" + box, order, size, token, Soon()));
  }
  uint64_t FeedLength() { return Ask("XLEN", store_.Keys("H30").Feed()).integer(); }

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  time::SimulatedClock clock_{absl::FromUnixSeconds(1'752'480'000)};
  Process first_{loop_, redis_, clock_};
  redis::Client& client_ = first_.client;
  Store& store_ = first_.store;
};

}  // namespace motcua::store
