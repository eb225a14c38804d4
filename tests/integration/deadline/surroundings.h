// Deadline-monitor's surroundings in one process: the feeds of intake and routing, written by the test, and
// any number of replicas of the monitor that follow them, all on one real redis-server and on simulated time.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/loop.h"
#include "common/async/sync_wait.h"
#include "common/feed/publisher.h"
#include "common/feed/subscriptions.h"
#include "common/service/catalogues.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "common/time/timestamp.h"
#include "gtest/gtest.h"
#include "services/deadline_monitor/calls/monitor.h"
#include "services/deadline_monitor/projections/clock_projection.h"
#include "services/deadline_monitor/workers/sweeper.h"
#include "tests/support/local_source.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {

using async::SyncWait;
using test::WaitUntil;

inline constexpr char kShard[] = "H30";
inline absl::Time Soon() { return absl::Now() + absl::Seconds(20); }
inline absl::Time Begin() { return At("2025-01-06T07:00"); }

inline redis::Options RedisOptions(const test::RedisProcess& redis) {
  redis::Options options;
  options.address = redis.address();
  options.max_backoff = absl::Milliseconds(50);
  return options;
}

inline feed::PublisherOptions FeedOptions() {
  feed::PublisherOptions options;
  options.grace = absl::ZeroDuration();
  options.eager = true;  // as on simulated time
  options.watermark_interval = absl::Milliseconds(10);
  options.retention_events = 1'000'000;
  return options;
}

// A service with a feed: store, clock, publisher.
class Publishing {
 public:
  Publishing(async::Loop& loop, const test::RedisProcess& redis, std::string prefix)
      : clock(Begin()),
        loop_(loop),
        client_(loop, RedisOptions(redis)),
        tail_(loop, RedisOptions(redis)),
        store(client_, clock, std::move(prefix), absl::Hours(1)),
        publisher(loop, store, tail_, FeedOptions()),
        running_(loop) {}

  void Start(async::CancelToken cancel) {
    ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, tail_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, publisher.AddShard(kShard, Soon())).ok());
    Run(publisher.Run(std::move(cancel)));
  }
  void Run(async::Task<void> task) {
    loop_.RunAndWait([&] { running_.Spawn(std::move(task)); });
  }
  // Returns when nothing runs any more that Run was told to.
  void Ended() { SyncWait(loop_, running_.Ended()); }
  void Emit(const std::vector<feed::v1::Event>& events) {
    store::Transaction tx(store.Keys(kShard));
    for (const feed::v1::Event& event : events) tx.Emit(event.SerializeAsString());
    auto outcome = SyncWait(loop_, store.Commit(tx, Soon()));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->kind, store::CommitOutcome::Kind::kCommitted);
  }
  // Returns when the watermark has reached `t`.
  absl::Status Advance(absl::Time t, absl::Time deadline) {
    clock.AdvanceTo(t);
    loop_.RunAndWait([this] { publisher.Kick(); });
    return SyncWait(loop_, publisher.AwaitWatermark(t, deadline));
  }

  time::SimulatedClock clock;

 private:
  async::Loop& loop_;
  redis::Client client_;
  redis::Client tail_;

 public:
  store::Store store;
  feed::Publisher publisher;

 private:
  async::Children running_;
};

// One replica of deadline-monitor.
class Replica {
 public:
  Replica(async::Loop& loop, const test::RedisProcess& redis, Publishing& intake, Publishing& routing)
      : own(loop, redis, "dm"),
        catalogues_(loop, own.store),
        projection_(catalogues_),
        intake_(loop, intake.publisher),
        routing_(loop, routing.publisher),
        subscriptions(loop, own.store, "deadline-monitor"),
        sweeper(loop, own.store, catalogues_, subscriptions, own.publisher),
        monitor(own.store, catalogues_, subscriptions, own.publisher),
        cancel_(loop) {
    subscriptions.Add("intake", intake_, projection_);
    subscriptions.Add("routing", routing_, projection_);
    subscriptions.OnProgress([this](const std::string& shard) { own.publisher.Kick(shard); });
    own.publisher.SetBound([this](const std::string& shard) { return sweeper.SettledUntil(shard); });
    own.Start(cancel_.token());
    own.Run(subscriptions.Run(cancel_.token()));
    own.Run(sweeper.Run(cancel_.token()));
  }
  // Begins to stop, whatever it is doing.
  void Stop() { cancel_.Cancel(); }

  Publishing own;

 private:
  service::Catalogues catalogues_;
  ClockProjection projection_;
  test::LocalSource intake_;
  test::LocalSource routing_;

 public:
  feed::Subscriptions subscriptions;
  Sweeper sweeper;
  Monitor monitor;

 private:
  async::CancelSource cancel_;
};

class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() : intake_(loop_, redis_, "in"), routing_(loop_, redis_, "ro"), cancel_(loop_) {}

  void SetUp() override {
    intake_.Start(cancel_.token());
    routing_.Start(cancel_.token());
    feed::v1::Event reference;
    *reference.mutable_at() = time::ToTimestamp(Begin());
    reference.set_subject(kShard);
    *reference.mutable_reference_applied()->mutable_set() = TestCatalogue().set();
    reference.mutable_reference_applied()->mutable_set()->set_version(1);
    intake_.Emit({reference});
  }
  void TearDown() override {
    StopReplicas();
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
  }

  Replica& StartReplica() {
    replicas_.push_back(std::make_unique<Replica>(loop_, redis_, intake_, routing_));
    return *replicas_.back();
  }

  void StopReplicas() {
    for (auto& replica : replicas_) replica->Stop();
    for (auto& replica : replicas_) replica->own.Ended();
    replicas_.clear();
  }

  static std::string Code(int number) { return absl::StrCat("H30.18.05-250106-", absl::Dec(number, absl::kZeroPad4)); }

  // Intake accepts a dossier at its present time.
  feed::v1::Event Accepted(int number, const std::string& limit) {
    feed::v1::Event event;
    const absl::Time now = intake_.clock.Now();
    *event.mutable_at() = time::ToTimestamp(now);
    event.set_subject(Code(number));
    auto& accepted = *event.mutable_dossier_accepted();
    accepted.set_procedure("1.000000");
    accepted.set_receiving_agency(kCommune);
    *accepted.mutable_received_at() = event.at();
    *accepted.mutable_limit() = LimitOf(limit);
    *accepted.mutable_due() =
        *time::ComputeDeadline(now, accepted.limit(), {}, TestCatalogue().CalendarOf(kCommune));
    return event;
  }
  // An event of routing at its present time; the caller sets the body.
  feed::v1::Event Routed(int number) {
    feed::v1::Event event;
    *event.mutable_at() = time::ToTimestamp(routing_.clock.Now());
    event.set_subject(Code(number));
    return event;
  }

  // Advances the services in the order of their dependence; the replicas side by side.
  void Advance(absl::Time t) {
    ASSERT_TRUE(intake_.Advance(t, Soon()).ok());
    ASSERT_TRUE(routing_.Advance(t, Soon()).ok());
    for (auto& replica : replicas_) replica->own.clock.AdvanceTo(t);
    for (auto& replica : replicas_) ASSERT_TRUE(replica->own.Advance(t, Soon()).ok());
  }

  // Everything in the monitor's feed.
  std::vector<feed::v1::Event> Told() {
    redis::Command range("XRANGE");
    range.Arg(intake_.store.Keys(kShard).Feed().replace(0, 2, "dm")).Arg("-").Arg("+");
    auto reply = SyncWait(loop_, intake_.store.redis().Execute(std::move(range), Soon()));
    EXPECT_TRUE(reply.ok()) << reply.status();
    std::vector<feed::v1::Event> events;
    if (!reply.ok()) return events;
    for (const redis::Reply& entry : reply->items()) {
      EXPECT_TRUE(events.emplace_back().ParseFromString(entry.items()[1].items()[1].text()));
    }
    return events;
  }

  static store::Caller CallerAt(const std::string& agency) {
    common::v1::Actor actor;
    actor.set_id("officer");
    actor.set_agency(agency);
    return store::Caller(actor, "", Soon());
  }
  static auth::Principal Officer(const std::string& agency) {
    return auth::Principal(auth::Kind::kOfficer, "officer", agency, {"leader"});
  }

  test::RedisProcess redis_;
  async::Loop loop_{"test-loop"};
  Publishing intake_;
  Publishing routing_;
  async::CancelSource cancel_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  // Tasks of the surroundings alone.
};

}  // namespace motcua::deadline
