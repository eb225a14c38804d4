// Feeds (DESIGN 3.3) against a real redis-server: in order, without gaps, applied exactly once.
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/feed/publisher.h"
#include "common/feed/subscriptions.h"
#include "common/status/errors.h"
#include "common/telemetry/log.h"
#include "common/time/clock.h"
#include "common/time/timestamp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/local_source.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::feed {
namespace {

using async::SyncWait;
using async::Task;
using test::WaitUntil;
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

redis::Options RedisOptions(const test::RedisProcess& redis) {
  redis::Options options;
  options.address = redis.address();
  options.max_backoff = absl::Milliseconds(50);
  return options;
}

PublisherOptions FeedOptions() {
  PublisherOptions options;
  options.grace = absl::ZeroDuration();
  options.watermark_interval = absl::Milliseconds(20);
  options.ring_events = 64;  // so that readers far behind read from Redis
  options.retention_events = 100;  // of what every consumer has applied
  options.trim_interval = absl::Milliseconds(50);
  return options;
}

// Counts the events that took effect, in counters that are committed with the cursor.
class CountingProjection final : public Projection {
 public:
  Task<absl::Status> Apply(store::Session& session, const std::vector<v1::Event>& events, absl::Time) override {
    if (failing_) co_return errors::Unavailable("WAITING_FOR_INTAKE", "not yet");
    if (pause_ != nullptr) co_await pause_->Schedule();  // gives the other replica its turn
    for (const v1::Event& event : events) {
      session.extra().Count(session.keys().Counters(), "events", 1);
      int64_t number = 0;
      if (!absl::SimpleAtoi(event.work_completed().activity(), &number)) co_return absl::OkStatus();
      session.extra().Count(session.keys().Counters(), "sum", number);
      in_order_ = in_order_ && event.position() == static_cast<uint64_t>(number);
    }
    co_return absl::OkStatus();
  }
  std::vector<v1::Event::BodyCase> Wanted() const override { return wanted_; }

  std::vector<v1::Event::BodyCase> wanted_;
  bool in_order_ = true;
  async::Loop* pause_ = nullptr;
  bool failing_ = false;
};

// Another's feeds until it goes away.
class FickleSource final : public Source {
 public:
  explicit FickleSource(Source& source) : source_(source) {}

  Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline) override {
    return source_.ListShards(deadline);
  }
  std::unique_ptr<SourceStream> Open(v1::ReadRequest request) override {
    if (gone_) return std::make_unique<NoStream>();
    return source_.Open(std::move(request));
  }
  Task<absl::Status> Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) override {
    return source_.Acknowledge(std::move(request), deadline);
  }

  bool gone_ = false;

 private:
  class NoStream final : public SourceStream {
   public:
    Task<absl::StatusOr<v1::ReadResponse>> Next(async::CancelToken) override {
      co_return errors::Unavailable("PEER_UNAVAILABLE", "nobody is there");
    }
  };

  Source& source_;
};

ConsumerOptions SoonStuck() {
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
        cancel_(loop) {
    subscriptions_.Add("intake", source_, projection_);
  }
  ~Replica() { Stop(); }
  void Start() {
    before_ = loop_.spawned();
    loop_.Spawn(subscriptions_.Run(cancel_.token()));
  }
  // Returns when nothing of it runs any more (of replicas started one after the other, the first one waits for all).
  void Stop() {
    cancel_.Cancel();
    ASSERT_TRUE(WaitUntil([&] { return loop_.spawned() <= before_; }));
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
      standing = absl::StrCat("applied ", consumer->applied(), ", seen ", consumer->seen(), ", trouble: ",
                              consumer->trouble());
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
  size_t before_ = 0;
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
    auto counters = SyncWait(loop_, replica.store_.ReadCounters(replica.store_.Keys("H30").Counters(), Soon()));
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
    Reader(async::Loop& loop, Publisher& publisher, v1::ReadRequest request) : loop_(loop), source_(loop, publisher) {
      loop_.RunAndWait([&] { stream_ = source_.Open(std::move(request)); });
    }
    ~Reader() {
      loop_.RunAndWait([&] { stream_.reset(); });
    }
    absl::StatusOr<v1::ReadResponse> Take() { return SyncWait(loop_, stream_->Next(async::CancelToken())); }

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

TEST_F(FeedTest, EventsAreAppliedOnceInOrderFromTheBeginningAndLive) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  Emit(200);  // more than the ring and the retention hold: a consumer that is away loses nothing
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  ExpectAppliedOnce(replica);
  Emit(50);
  ExpectAppliedOnce(replica);
}

TEST_F(FeedTest, AConsumerResumesWhereItsCommittedCursorStands) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  Emit(30);
  {
    Replica first(loop_, redis_, clock_, publisher_);
    first.Start();
    ExpectAppliedOnce(first);
  }
  Emit(30);
  Replica second(loop_, redis_, clock_, publisher_);
  second.Start();
  ExpectAppliedOnce(second);
}

TEST_F(FeedTest, TwoRacingReplicasApplyEachEventOnce) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  Replica one(loop_, redis_, clock_, publisher_);
  Replica two(loop_, redis_, clock_, publisher_);
  one.projection_.pause_ = &loop_;
  two.projection_.pause_ = &loop_;
  one.Start();
  two.Start();
  for (int i = 0; i < 10; ++i) Emit(20);
  ExpectAppliedOnce(one);
  ASSERT_TRUE(WaitUntil([&] { return one.applied() == emitted_ && two.applied() == emitted_; }));
  two.cancel_.Cancel();
  one.Stop();
}

TEST_F(FeedTest, KilledRedisNeitherLosesNorDoublesAnEvent) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  for (int round = 0; round < 3; ++round) {
    Emit(40);
    redis_.Restart();  // kill -9 in the middle of the consumer's work
    ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
  }
  ExpectAppliedOnce(replica);
}

TEST_F(FeedTest, TheWatermarkFollowsTheClockAndHoldsBackEarlierEvents) {
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  Emit(3);
  const absl::Time later = clock_.Now() + absl::Hours(24);
  clock_.AdvanceTo(later);
  ASSERT_TRUE(SyncWait(loop_, publisher_.AwaitWatermark(later, Soon())).ok());
  ASSERT_TRUE(WaitUntil([&] { return replica.watermark() >= later; }));
  EXPECT_EQ(replica.applied(), 3) << "a watermark is told only after what lies before it";
  // A commit that is earlier than the watermark is refused.
  store::Transaction tx(store_.Keys("H30"));
  tx.TakesEffectAt(later - absl::Seconds(1));
  tx.Emit("");
  EXPECT_EQ(SyncWait(loop_, store_.Commit(tx, Soon()))->kind, store::CommitOutcome::Kind::kStale);
}

TEST_F(FeedTest, EventsThatAreNotWantedAreNotSentButKnownToBePast) {
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.projection_.wanted_ = {v1::Event::kDossierAccepted};
  replica.Start();
  Emit(30);  // of another kind
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == emitted_; }));
  EXPECT_EQ(Counted(replica)["events"], 0);
  replica.Stop();
}

TEST_F(FeedTest, OnlyWhatEveryConsumerHasAppliedIsTrimmed) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // reading once under a name is what makes a consumer durable
  Emit(300);
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_shard("H30");
  acknowledge.set_consumer("routing");
  acknowledge.set_position(50);
  ASSERT_TRUE(SyncWait(loop_, publisher_.Acknowledge(acknowledge, Soon())).ok());
  auto first_kept = [&] {
    redis::Command range("XRANGE");
    range.Arg(store_.Keys("H30").Feed()).Arg("-").Arg("+").Arg("COUNT").Arg(1);
    auto reply = SyncWait(loop_, client_.Execute(std::move(range), Soon()));
    return reply->items()[0].items()[0].text();
  };
  ASSERT_TRUE(WaitUntil([&] { return first_kept() == "0-51"; })) << first_kept();
  acknowledge.set_position(290);
  ASSERT_TRUE(SyncWait(loop_, publisher_.Acknowledge(acknowledge, Soon())).ok());
  // 300 - retention of 100
  ASSERT_TRUE(WaitUntil([&] { return first_kept() == "0-200"; })) << first_kept();

  absl::StatusOr<v1::ReadResponse> step = Read("", 10)->Take();
  EXPECT_EQ(errors::Reason(step.status()), "FEED_TRIMMED") << step.status();
  EXPECT_EQ(errors::MetadataValue(step.status(), "first"), "200");
}

// The lines that tell of feeds that are not followed, while it lives.
class StuckLines {
 public:
  StuckLines() {
    telemetry::CaptureLinesForTest([this](std::string_view line) {
      absl::MutexLock lock(&mutex_);
      if (line.find("\"a feed is ") != std::string_view::npos) lines_.emplace_back(line);
    });
  }
  ~StuckLines() { telemetry::CaptureLinesForTest(nullptr); }
  std::vector<std::string> lines() const {
    absl::MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(FeedTest, AProjectionThatFailsIsStuckAndSaysSoOnceUntilItGoesOn) {
  StuckLines stuck;
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.projection_.failing_ = true;
  replica.Start();
  const absl::Time before = absl::Now();
  emitted_trace_ = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 1; })) << replica.Standing();
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"level\":\"warning\""));
  for (const char* field : {"\"source\":\"intake\"", "\"shard\":\"H30\"", "\"reason\":\"WAITING_FOR_INTAKE\"",
                            "\"trace\":\"0af7651916cd43dd8448eb211c80319c\""}) {
    EXPECT_THAT(stuck.lines()[0], HasSubstr(field));
  }
  const absl::Time since = replica.troubled_since();
  EXPECT_GE(since, before);
  EXPECT_LE(since, absl::Now());
  loop_.RunAndWait([&] { replica.projection_.failing_ = false; });
  ExpectAppliedOnce(replica);
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 2; }));
  EXPECT_THAT(stuck.lines()[1], HasSubstr("\"level\":\"info\""));
  EXPECT_EQ(replica.troubled_since(), absl::InfiniteFuture());
  replica.Stop();
  EXPECT_EQ(stuck.lines().size(), 2u) << "to stop is no trouble";
}

TEST_F(FeedTest, ASourceThatIsGoneIsStuckAndSaysSoOnceUntilItIsBack) {
  StuckLines stuck;
  Replica replica(loop_, redis_, clock_, publisher_);
  loop_.RunAndWait([&] { replica.source_.gone_ = true; });
  replica.Start();
  ASSERT_TRUE(WaitUntil([&] { return stuck.lines().size() == 1; }));
  EXPECT_THAT(stuck.lines()[0], HasSubstr("\"reason\":\"PEER_UNAVAILABLE\""));
  EXPECT_LT(replica.troubled_since(), absl::Now());
  loop_.RunAndWait([&] { replica.source_.gone_ = false; });
  Emit(5);
  ExpectAppliedOnce(replica);
  ASSERT_TRUE(WaitUntil([&] { return replica.troubled_since() == absl::InfiniteFuture(); }));
  EXPECT_EQ(stuck.lines().size(), 2u);
}

TEST_F(FeedTest, WhatWasAppliedIsCountedAndReadersAre) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  Emit(20);
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  ExpectAppliedOnce(replica);
  const auto readers = [&] {
    size_t count = 0;
    loop_.RunAndWait([&] { count = publisher_.readers("H30"); });
    return count;
  };
  ASSERT_TRUE(WaitUntil([&] { return readers() == 1; })) << "the one of before has gone";
  loop_.RunAndWait([&] {
    const Consumer* consumer = replica.subscriptions_.Find("intake", "H30");
    EXPECT_EQ(consumer->events(), 20u);
    EXPECT_GE(consumer->batches(), 1u);
    EXPECT_LE(consumer->batches(), 20u);
  });
  replica.Stop();
  EXPECT_TRUE(WaitUntil([&] { return readers() == 0; }));
}

TEST_F(FeedTest, ASlowReaderHoldsUpNobody) {
  ASSERT_TRUE(Read("routing")->Take().ok());  // durable from here on, however late the replica starts
  std::unique_ptr<Reader> slow = Read("slow", 0, 10);
  Replica replica(loop_, redis_, clock_, publisher_);
  replica.Start();
  Emit(500);
  ExpectAppliedOnce(replica);  // while the slow one has taken nothing
  uint64_t seen = 0;
  while (seen < 500) {
    absl::StatusOr<v1::ReadResponse> step = slow->Take();
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_LE(step->events_size(), 10);
    for (const v1::Event& event : step->events()) EXPECT_EQ(event.position(), ++seen);
  }
}

}  // namespace
}  // namespace motcua::feed
