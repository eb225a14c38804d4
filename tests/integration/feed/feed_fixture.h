// A service with a feed, and replicas of a service that follows it, on one loop and a real redis-server.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/feed/publisher.h"
#include "common/feed/subscriptions.h"
#include "common/status/errors.h"
#include "common/time/clock.h"
#include "common/time/timestamp.h"
#include "gtest/gtest.h"
#include "tests/support/local_source.h"
#include "tests/support/reconnected.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::feed {

using async::SyncWait;
using async::Task;
using test::WaitUntil;

inline absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

inline redis::Options RedisOptions(const test::RedisProcess& redis) {
  redis::Options options;
  options.address = redis.address();
  options.max_backoff = absl::Milliseconds(50);
  return options;
}

inline PublisherOptions FeedOptions() {
  PublisherOptions options;
  options.grace = absl::ZeroDuration();
  options.eager = true;  // as on simulated time
  options.watermark_interval = absl::Milliseconds(20);
  options.ring_events = 64;        // so that readers far behind read from Redis
  options.retention_events = 100;  // of what every consumer has applied
  options.trim_interval = absl::Milliseconds(50);
  return options;
}

// Counts the events that took effect, in counters that are committed with the cursor.
class CountingProjection final : public Projection {
 public:
  Task<absl::Status> Apply(store::Session& session, Events events, absl::Time) override {
    ++attempts_;
    if (failing_) co_return errors::Unavailable("WAITING_FOR_INTAKE", "not yet");
    if (pause_ != nullptr) co_await pause_->Schedule();  // gives the other replica its turn
    for (const v1::Event* const entry : events) {
      const v1::Event& event = *entry;
      session.extra().Count(session.keys().Sequence("counters"), "events", 1);
      int64_t number = 0;
      if (!absl::SimpleAtoi(event.work_completed().activity(), &number)) co_return absl::OkStatus();
      session.extra().Count(session.keys().Sequence("counters"), "sum", number);
      // What is which, where two events had the same position.
      const std::string& mark = event.traceparent();
      if (!mark.empty()) {
        session.extra().Count(session.keys().Sequence("counters"), absl::StrCat(mark, ":", event.position()),
                              1);
      }
      in_order_ = in_order_ && event.position() == static_cast<uint64_t>(number);
    }
    co_return absl::OkStatus();
  }
  std::vector<v1::Event::BodyCase> Wanted() const override { return wanted_; }
  void Committed(const std::string& shard, Events events) override {
    if (shard == "H30") committed_ += events.size();
  }

  std::vector<v1::Event::BodyCase> wanted_;
  bool in_order_ = true;
  async::Loop* pause_ = nullptr;
  bool failing_ = false;
  std::atomic<int> attempts_{0};
  std::atomic<uint64_t> committed_{0};
};

// Another's feeds until it goes away.
class FickleSource final : public Source {
 public:
  explicit FickleSource(Source& source) : source_(source) {}

  Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline) override {
    return source_.ListShards(deadline);
  }
  std::unique_ptr<SourceStream> Open(v1::ReadRequest request) override {
    ++opened_;
    if (gone_) return std::make_unique<NoStream>();
    return source_.Open(std::move(request));
  }
  Task<absl::Status> Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) override {
    return source_.Acknowledge(std::move(request), deadline);
  }
  Task<absl::StatusOr<v1::ReachResponse>> Reach(v1::ReachRequest request, absl::Time deadline) override {
    return source_.Reach(std::move(request), deadline);
  }

  bool gone_ = false;
  std::atomic<int> opened_{0};

 private:
  class NoStream final : public SourceStream {
   public:
    Task<absl::StatusOr<Step>> Next(async::CancelToken) override {
      co_return errors::Unavailable("PEER_UNAVAILABLE", "nobody is there");
    }
  };

  Source& source_;
};

inline ConsumerOptions SoonStuck() {
  ConsumerOptions options;
  options.stuck_after = absl::Milliseconds(50);
  return options;
}

// One replica of a consuming service.
class Replica {
 public:
  Replica(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock, Publisher& publisher)
      : loop_(loop),
        client_(loop, RedisOptions(redis)),
        store_(client_, clock, "ro", absl::Hours(1)),
        local_(loop, publisher),
        source_(local_),
        subscriptions_(loop, store_, "routing", SoonStuck()),
        cancel_(loop),
        running_(loop) {
    subscriptions_.Add("intake", source_, projection_);
  }
  ~Replica() { Stop(); }
  void Start() {
    loop_.RunAndWait([&] { running_.Spawn(subscriptions_.Run(cancel_.token())); });
  }
  // Returns when nothing of it runs any more.
  void Stop() {
    cancel_.Cancel();
    SyncWait(loop_, running_.Ended());
  }

  uint64_t applied() {
    uint64_t applied = 0;
    loop_.RunAndWait([&] {
      Consumer* consumer = subscriptions_.Find("intake", "H30");
      applied = consumer == nullptr ? 0 : consumer->applied();
    });
    return applied;
  }
  // For failures: how far it has come, and why not further.
  std::string Standing() {
    std::string standing = "no consumer";
    loop_.RunAndWait([&] {
      Consumer* consumer = subscriptions_.Find("intake", "H30");
      if (consumer == nullptr) return;
      standing = absl::StrCat("applied ", consumer->applied(), ", seen ", consumer->seen(),
                              ", trouble: ", consumer->trouble());
    });
    return standing;
  }
  absl::Time watermark() {
    absl::Time watermark;
    loop_.RunAndWait([&] { watermark = subscriptions_.Watermark("H30"); });
    return watermark;
  }

  async::Loop& loop_;
  redis::Client client_;
  store::Store store_;
  // In trouble since when; InfiniteFuture while it goes on.
  absl::Time troubled_since() {
    absl::Time since = absl::InfiniteFuture();
    loop_.RunAndWait([&] {
      Consumer* consumer = subscriptions_.Find("intake", "H30");
      if (consumer != nullptr) since = consumer->troubled_since();
    });
    return since;
  }

  test::LocalSource local_;
  FickleSource source_;
  CountingProjection projection_;
  Subscriptions subscriptions_;
  async::CancelSource cancel_;
  async::Children running_;
};

class FeedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, tail_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, publisher_.AddShard("H30", Soon())).ok());
    loop_.Spawn(publisher_.Run(cancel_.token()));
  }
  void TearDown() override {
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
  }

  // Emits events numbered like their positions.
  void Restart(bool with_kept_data = false) {
    Replace([&] { with_kept_data ? redis_.RestartWithKeptData() : redis_.Restart(); });
  }
  // Puts another server in the place of Redis, to which the fixture's client then has come.
  void Replace(absl::FunctionRef<void()> server) { ASSERT_TRUE(test::Reconnected(client_, server)); }
  void Emit(int count) {
    for (int i = 0; i < count; ++i) {
      store::Transaction tx(store_.Keys("H30"));
      v1::Event event;
      *event.mutable_at() = time::ToTimestamp(clock_.Now());
      event.set_subject("H30-260714-0001");
      event.set_traceparent(emitted_trace_);
      event.mutable_work_completed()->set_activity(absl::StrCat(++emitted_));
      tx.Emit(event.SerializeAsString());
      absl::StatusOr<store::CommitOutcome> outcome = SyncWait(loop_, store_.Commit(tx, Soon()));
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      ASSERT_EQ(outcome->position, emitted_);
    }
  }
  // What the consuming service has counted.
  store::Counters Counted(Replica& replica) {
    auto counters =
        SyncWait(loop_, replica.store_.ReadHash(replica.store_.Keys("H30").Sequence("counters"), Soon()));
    return counters.ok() ? *counters : store::Counters();
  }
  void ExpectAppliedOnce(Replica& replica) {
    ASSERT_TRUE(WaitUntil([&] { return Counted(replica)["events"] >= static_cast<int64_t>(emitted_); }))
        << replica.Standing();
    store::Counters counters = Counted(replica);
    EXPECT_EQ(counters["events"], emitted_);
    EXPECT_EQ(counters["sum"], emitted_ * (emitted_ + 1) / 2);
    EXPECT_TRUE(replica.projection_.in_order_);
  }

  // A reader that takes steps by hand.
  class Reader {
   public:
    Reader(async::Loop& loop, Publisher& publisher, v1::ReadRequest request)
        : loop_(loop), source_(loop, publisher) {
      loop_.RunAndWait([&] { stream_ = source_.Open(std::move(request)); });
    }
    ~Reader() {
      loop_.RunAndWait([&] { stream_.reset(); });
    }
    absl::StatusOr<v1::ReadResponse> Take() {
      // Nothing comes for ever: the test fails rather than waits.
      async::CancelSource enough(loop_);
      async::TimerId timer;
      loop_.RunAndWait([&] { timer = loop_.StartTimer(absl::Seconds(10), [&enough] { enough.Cancel(); }); });
      absl::StatusOr<Step> step = SyncWait(loop_, stream_->Next(enough.token()));
      loop_.RunAndWait([&] { loop_.CancelTimer(timer); });
      if (!step.ok()) return step.status();
      return **step;
    }

   private:
    async::Loop& loop_;
    test::LocalSource source_;
    std::unique_ptr<SourceStream> stream_;
  };
  std::unique_ptr<Reader> Read(std::string consumer, uint64_t after = 0, uint32_t max_batch = 0) {
    v1::ReadRequest request;
    request.set_shard("H30");
    request.set_consumer(consumer);
    request.set_after(after);
    request.set_max_batch(max_batch);
    return std::make_unique<Reader>(loop_, publisher_, request);
  }

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  time::SimulatedClock clock_{absl::FromUnixSeconds(1'752'480'000)};
  redis::Client client_{loop_, RedisOptions(redis_)};
  redis::Client tail_{loop_, RedisOptions(redis_)};
  store::Store store_{client_, clock_, "in", absl::Hours(1)};
  Publisher publisher_{loop_, store_, tail_, FeedOptions()};
  async::CancelSource cancel_{loop_};
  uint64_t emitted_ = 0;
  std::string emitted_trace_;
};

}  // namespace motcua::feed
