// Losing Redis' tail is seen, never guessed: a source whose Redis came back without its last
// events, and the service that had applied them, which has a Redis of its own.
#include <filesystem>
#include <optional>

#include "absl/synchronization/mutex.h"
#include "common/telemetry/log.h"
#include "gmock/gmock.h"
#include "tests/integration/feed/feed_fixture.h"

namespace motcua::feed {
namespace {

using ::testing::HasSubstr;

// The lines that tell of losses and of trouble, while it lives.
class Lines {
 public:
  Lines() {
    telemetry::CaptureLinesForTest([this](std::string_view line) {
      absl::MutexLock lock(&mutex_);
      if (line.find("\"level\":\"warning\"") != std::string_view::npos ||
          line.find("\"level\":\"error\"") != std::string_view::npos) {
        lines_.emplace_back(line);
      }
    });
  }
  ~Lines() { telemetry::CaptureLinesForTest(nullptr); }
  std::vector<std::string> lines() const {
    absl::MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> lines_;
};

// A replica of the source on the Redis of the fixture.
class SourceReplica {
 public:
  SourceReplica(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock)
      : loop_(loop),
        client_(loop, RedisOptions(redis)),
        tail_(loop, RedisOptions(redis)),
        store_(client_, clock, "in", absl::Hours(1)),
        publisher_(loop, store_, tail_, FeedOptions()),
        cancel_(loop),
        running_(loop) {}
  void Start() {
    ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, publisher_.AddShard("H30", Soon())).ok());
    loop_.RunAndWait([&] { running_.Spawn(publisher_.Run(cancel_.token())); });
  }
  // Returns when nothing of it runs any more.
  void Stop() {
    cancel_.Cancel();
    SyncWait(loop_, running_.Ended());
  }

  async::Loop& loop_;
  redis::Client client_;
  redis::Client tail_;
  store::Store store_;
  Publisher publisher_;
  async::CancelSource cancel_;
  async::Children running_;
};

redis::Command Words(std::initializer_list<std::string_view> words) {
  redis::Command command(*words.begin());
  for (auto word = words.begin() + 1; word != words.end(); ++word) command.Arg(*word);
  return command;
}

class EpochTest : public FeedTest {
 protected:
  store::FeedHistory History(Publisher& publisher) {
    store::FeedHistory history;
    loop_.RunAndWait([&] {
      const store::FeedHistory* known = publisher.history("H30");
      if (known != nullptr) history = *known;
    });
    return history;
  }
  // Waits until the source's end of the feed knows of a later epoch.
  uint64_t AwaitEpochAfter(uint64_t before) {
    EXPECT_TRUE(WaitUntil([&] { return History(publisher_).epoch > before; }));
    return History(publisher_).epoch;
  }
  // Emits seven events, lets the source lose the three after them, and emits six more. `between`: when it is
  // lost.
  void LoseThree(Replica& replica) {
    emitted_trace_ = "old";
    Emit(7);
    redis_.KeepData();
    Emit(3);
    ASSERT_TRUE(WaitUntil([&] { return Counted(replica)["old:10"] == 1; })) << replica.Standing();
  }
  void GoBackToSeven() {
    Restart(/*with_kept_data=*/true);
    emitted_ = 7;
    emitted_trace_ = "new";
  }
  void ExpectSixNewAndTenOld(Replica& replica) {
    ASSERT_TRUE(WaitUntil([&] { return Counted(replica)["new:13"] > 0; })) << replica.Standing();
    store::Counters counters = Counted(replica);
    for (int i = 1; i <= 10; ++i)
      EXPECT_EQ(counters[absl::StrCat("old:", i)], 1) << i << ": what was confirmed is kept";
    for (int i = 8; i <= 13; ++i)
      EXPECT_EQ(counters[absl::StrCat("new:", i)], 1) << i << ": nothing is skipped";
    EXPECT_EQ(counters["events"], 16) << "and nothing comes twice";
  }
  void ExpectThreeReported(Replica& replica, const Lines& lines) {
    Losses losses = LossesOf(replica);
    EXPECT_EQ(losses.total, 3u);
    EXPECT_EQ(losses.first, 8u);
    EXPECT_EQ(losses.last, 10u);
    size_t told = 0;
    for (const std::string& line : lines.lines()) {
      if (line.find("has lost events") == std::string::npos) continue;
      ++told;
      EXPECT_THAT(line, HasSubstr("\"first\":8"));
      EXPECT_THAT(line, HasSubstr("\"last\":10"));
    }
    EXPECT_EQ(told, 1u) << "once";
  }
  Losses LossesOf(Replica& replica) {
    Losses losses;
    loop_.RunAndWait([&] {
      const Consumer* consumer = replica.subscriptions_.Find("intake", "H30");
      if (consumer != nullptr) losses = consumer->losses();
    });
    return losses;
  }
  store::Cursor CursorOf(Replica& replica) {
    std::vector<std::string> keys;
    keys.push_back(replica.store_.Keys("H30").Cursor("intake"));
    const auto held = SyncWait(loop_, replica.store_.Get(std::move(keys), Soon()));
    return *store::Cursor::Parse(held->front().value_or("0"));
  }

  test::RedisProcess consumers_;
};

TEST_F(EpochTest, ThreeOfTenAreLostAndSixNewOnesAreAppliedAndEightToTenOfTheOldReported) {
  Lines lines;
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  LoseThree(replica);
  const uint64_t before = History(publisher_).epoch;
  EXPECT_EQ(CursorOf(replica), store::Cursor(before, 10));
  GoBackToSeven();
  Emit(6);
  ExpectSixNewAndTenOld(replica);
  ExpectThreeReported(replica, lines);
  const store::FeedHistory history = History(publisher_);
  ASSERT_EQ(history.ended.size(), 1u);
  EXPECT_EQ(history.ended[0], std::make_pair(before, uint64_t{7}));
  ASSERT_TRUE(WaitUntil([&] { return CursorOf(replica) == store::Cursor(history.epoch, 13); }));
  replica.Stop();
}

TEST_F(EpochTest, ALossWhileNothingIsWrittenIsToldToOpenStreamsAtOnce) {
  Lines lines;
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  LoseThree(replica);
  GoBackToSeven();
  ASSERT_TRUE(WaitUntil([&] { return LossesOf(replica).total == 3; })) << replica.Standing();
  EXPECT_EQ(replica.applied(), 7u);
  Emit(6);
  ExpectSixNewAndTenOld(replica);
  ExpectThreeReported(replica, lines);
  replica.Stop();
}

TEST_F(EpochTest, ALossWhileTheConsumerWasDownIsFoundByItsCursor) {
  Lines lines;
  {
    Replica replica(loop_, consumers_, clock_, publisher_);
    replica.Start();
    LoseThree(replica);
  }
  GoBackToSeven();
  Emit(6);
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  ExpectSixNewAndTenOld(replica);
  ExpectThreeReported(replica, lines);
  replica.Stop();
  // And is remembered by the next one.
  Replica later(loop_, consumers_, clock_, publisher_);
  later.Start();
  ASSERT_TRUE(WaitUntil([&] { return LossesOf(later).total == 3; }));
  later.Stop();
}

TEST_F(EpochTest, ALossWhileTheSourceWasDownIsFoundByTheNextOne) {
  Lines lines;
  std::optional<SourceReplica> first(std::in_place, loop_, redis_, clock_);
  first->Start();
  std::optional<Replica> replica(std::in_place, loop_, consumers_, clock_, first->publisher_);
  replica->Start();
  LoseThree(*replica);
  replica.reset();
  first->Stop();
  first.reset();
  GoBackToSeven();
  Emit(6);
  SourceReplica second(loop_, redis_, clock_);
  second.Start();
  {
    Replica again(loop_, consumers_, clock_, second.publisher_);
    again.Start();
    ExpectSixNewAndTenOld(again);
    ExpectThreeReported(again, lines);
  }
  second.Stop();
}

// A replica that had the first seven alone is promoted.
TEST_F(EpochTest, APromotedReplicaThatLaggedBehindIsAnotherHistory) {
  test::RedisProcess other(
      {"--replicaof", absl::StrCat("127.0.0.1 ", redis_.port()), "--repl-diskless-sync-delay", "0"});
  Lines lines;
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  emitted_trace_ = "old";
  Emit(7);
  const std::string length = absl::StrCat("XLEN ", store_.Keys("H30").Feed());
  ASSERT_TRUE(WaitUntil([&] { return other.Ask(length) == ":7"; }));
  ASSERT_EQ(other.Ask("REPLICAOF NO ONE"), "+OK");
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] { return Counted(replica)["old:10"] == 1; })) << replica.Standing();
  Replace([&] {
    redis_.Kill9();
    // The name leads to the other one now.
    const std::string name = redis_.address().substr(5);
    std::filesystem::remove(name);
    std::filesystem::create_symlink(other.address().substr(5), name);
  });
  emitted_ = 7;
  emitted_trace_ = "new";
  Emit(6);
  ExpectSixNewAndTenOld(replica);
  ExpectThreeReported(replica, lines);
  replica.Stop();
  cancel_.Cancel();
  EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
}

TEST_F(EpochTest, ARestartWithoutLossIsSilent) {
  Lines lines;
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  emitted_trace_ = "old";
  Emit(10);
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == 10; })) << replica.Standing();
  const int opened = replica.source_.opened_;
  uint64_t epoch = History(publisher_).epoch;
  for (int round = 0; round < 3; ++round) {
    Restart();
    epoch = AwaitEpochAfter(epoch);
    Emit(5);
    ASSERT_TRUE(WaitUntil([&] { return replica.applied() == emitted_; })) << replica.Standing();
  }
  ASSERT_TRUE(WaitUntil([&] { return CursorOf(replica) == store::Cursor(epoch, 25); }));
  store::Counters counters = Counted(replica);
  EXPECT_EQ(counters["events"], 25);
  for (int i = 1; i <= 25; ++i) EXPECT_EQ(counters[absl::StrCat("old:", i)], 1) << i;
  EXPECT_EQ(LossesOf(replica).total, 0u);
  EXPECT_EQ(replica.source_.opened_, opened) << "the stream goes on";
  EXPECT_TRUE(lines.lines().empty()) << lines.lines()[0];
  replica.Stop();
}

// A consumer that rests follows the number, too: of an epoch that is long past nobody could say what became
// of it.
TEST_F(EpochTest, ACursorThatRestsFollowsTheEpoch) {
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == 3; }));
  const uint64_t before = History(publisher_).epoch;
  Restart();
  const uint64_t epoch = AwaitEpochAfter(before);
  ASSERT_TRUE(WaitUntil([&] {
    clock_.AdvanceTo(clock_.Now() + absl::Milliseconds(10));  // watermarks wake the applier
    loop_.RunAndWait([&] { publisher_.Kick(); });
    return CursorOf(replica) == store::Cursor(epoch, 3);
  }));
  replica.Stop();
}

// Data that go back to an earlier state would give the number of an epoch a second time, were it counted.
TEST_F(EpochTest, AnEpochThatWasLostAsAWholeIsToldFromTheOneThatTookItsPlace) {
  Lines lines;
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  emitted_trace_ = "old";
  Emit(7);
  const uint64_t first = History(publisher_).epoch;
  redis_.KeepData();
  Restart();
  const uint64_t lost = AwaitEpochAfter(first);
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] { return CursorOf(replica) == store::Cursor(lost, 10); })) << replica.Standing();
  GoBackToSeven();
  Emit(6);
  ExpectSixNewAndTenOld(replica);
  ExpectThreeReported(replica, lines);
  const store::FeedHistory history = History(publisher_);
  EXPECT_GT(history.epoch, lost);
  ASSERT_EQ(history.ended.size(), 1u);
  EXPECT_EQ(history.ended[0], std::make_pair(first, uint64_t{7}));
  replica.Stop();
}

TEST_F(EpochTest, ReplicasOfTheSourceBeginAnEpochOnce) {
  SourceReplica one(loop_, redis_, clock_);
  SourceReplica two(loop_, redis_, clock_);
  one.Start();
  two.Start();
  Emit(4);
  uint64_t epoch = History(publisher_).epoch;
  for (size_t round = 1; round <= 3; ++round) {
    Restart();
    epoch = AwaitEpochAfter(epoch);
    for (Publisher* publisher : {&one.publisher_, &two.publisher_}) {
      ASSERT_TRUE(WaitUntil([&] { return History(*publisher).epoch == epoch; }));
      EXPECT_EQ(History(*publisher).ended.size(), round);
    }
    EXPECT_EQ(History(publisher_).ended.size(), round);
  }
  two.cancel_.Cancel();
  one.Stop();
}

// In a cluster a shard goes to another node and comes back, and an epoch begins at each; whoever sent nothing
// meanwhile has the connection that it had, and what it found there before.
TEST_F(EpochTest, WhatTheTailAloneWasToldOfIsLookedForByTheRest) {
  Emit(4);
  ASSERT_TRUE(Read("routing")->Take().ok());
  const uint64_t before = History(publisher_).epoch;
  const auto tail_id = SyncWait(loop_, tail_.Execute(Words({"CLIENT", "ID"}), Soon()));
  ASSERT_TRUE(tail_id.ok()) << tail_id.status();
  const std::string epochs = store_.Keys("H30").Epochs();
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(Words({"HSET", epochs, "server", "another"}), Soon())).ok());
  const std::string id = absl::StrCat(tail_id->integer());
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(Words({"CLIENT", "KILL", "ID", id}), Soon())).ok());
  const uint64_t later = AwaitEpochAfter(before);

  v1::AcknowledgeRequest request;
  request.set_shard("H30");
  request.set_consumer("routing");
  request.set_position(2);
  request.set_epoch(later);
  const absl::Status done = SyncWait(loop_, publisher_.Acknowledge(request, Soon()));
  EXPECT_TRUE(done.ok()) << done;
  EXPECT_TRUE(Read("routing")->Take().ok());
  Emit(1);
}

// The first commit that reaches a server comes behind the end of the epoch before it, whoever sends it.
TEST_F(EpochTest, NoCommitComesBeforeTheEndOfTheEpochIsNoted) {
  SourceReplica silent(loop_, redis_, clock_);  // commits, and does not publish
  ASSERT_TRUE(SyncWait(loop_, silent.client_.WaitConnected(Soon())).ok());
  Emit(7);
  redis_.KeepData();
  Emit(3);
  cancel_.Cancel();
  ASSERT_TRUE(loop_.Drain(absl::Seconds(10)));
  Restart(/*with_kept_data=*/true);
  ASSERT_TRUE(SyncWait(loop_, silent.client_.WaitConnected(Soon())).ok());
  std::vector<Task<absl::StatusOr<store::CommitOutcome>>> commits;
  for (int i = 0; i < 20; ++i) {
    store::Transaction tx(silent.store_.Keys("H30"));
    tx.Emit(std::string());
    commits.push_back(silent.store_.Commit(std::move(tx), Soon()));
  }
  for (auto& commit : commits) ASSERT_TRUE(SyncWait(loop_, std::move(commit)).ok());
  const auto history =
      SyncWait(loop_, store::Epochs::Look(silent.client_, silent.store_.Keys("H30"), Soon()));
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->ended.size(), 1u);
  EXPECT_EQ(history->ended[0].second, 7u);
  EXPECT_EQ(history->end, 27u);
}

// Events that wait are not applied once it is known that they are lost.
TEST_F(EpochTest, WhatWasLostBeforeItTookEffectNeverDoesAndIsNoLoss) {
  Lines lines;
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  emitted_trace_ = "old";
  Emit(5);
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == 5; }));
  loop_.RunAndWait([&] { replica.projection_.failing_ = true; });
  Emit(2);
  redis_.KeepData();
  Emit(3);
  const auto seen = [&] {
    uint64_t seen = 0;
    loop_.RunAndWait([&] { seen = replica.subscriptions_.Find("intake", "H30")->seen(); });
    return seen;
  };
  ASSERT_TRUE(WaitUntil([&] { return seen() == 10; }));
  GoBackToSeven();
  ASSERT_TRUE(WaitUntil([&] { return seen() == 7; })) << replica.Standing();
  loop_.RunAndWait([&] { replica.projection_.failing_ = false; });
  Emit(6);
  ASSERT_TRUE(WaitUntil([&] { return Counted(replica)["new:13"] == 1; })) << replica.Standing();
  store::Counters counters = Counted(replica);
  EXPECT_EQ(counters["events"], 13);
  EXPECT_EQ(counters["old:7"], 1);
  EXPECT_EQ(counters["old:8"], 0);
  EXPECT_EQ(LossesOf(replica).total, 0u);
  replica.Stop();
}

TEST_F(EpochTest, WhoWaitsForAPositionThatIsLostIsToldSo) {
  Replica replica(loop_, consumers_, clock_, publisher_);
  replica.Start();
  emitted_trace_ = "old";
  Emit(7);
  ASSERT_TRUE(WaitUntil([&] { return replica.applied() == 7; }));
  redis_.KeepData();
  loop_.RunAndWait([&] { replica.projection_.failing_ = true; });
  Emit(3);
  Consumer* consumer = nullptr;
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t seen = 0;
    loop_.RunAndWait([&] {
      consumer = replica.subscriptions_.Find("intake", "H30");
      seen = consumer->seen();
    });
    return seen == 10;
  }));
  absl::Status end;
  bool ended = false;
  loop_.RunAndWait([&] {
    loop_.Spawn([](Consumer* waited, absl::Status* status, bool* done) -> Task<void> {
      *status = co_await waited->AwaitApplied(10, absl::Now() + absl::Minutes(5), async::CancelToken());
      *done = true;
    }(consumer, &end, &ended));
  });
  GoBackToSeven();
  ASSERT_TRUE(WaitUntil([&] {
    bool done = false;
    loop_.RunAndWait([&] { done = ended; });
    return done;
  })) << "not until the deadline";
  EXPECT_EQ(errors::Reason(end), "POSITION_UNKNOWN") << end;
  loop_.RunAndWait([&] { replica.projection_.failing_ = false; });
  replica.Stop();
}

// A reader that keeps no epoch is not led on in silence.
TEST_F(EpochTest, AReaderWithoutAnEpochIsToldThatWhatItReadIsLost) {
  Emit(7);
  redis_.KeepData();
  Emit(3);
  std::unique_ptr<Reader> reader = Read("");
  uint64_t position = 0;
  while (position < 10) {
    const absl::StatusOr<v1::ReadResponse> step = reader->Take();
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_EQ(step->epoch(), History(publisher_).epoch);
    position = step->position();
  }
  GoBackToSeven();
  absl::StatusOr<v1::ReadResponse> step = reader->Take();
  while (step.ok()) step = reader->Take();  // watermarks of before
  EXPECT_EQ(errors::Reason(step.status()), "FEED_BEHIND") << step.status();
  EXPECT_EQ(errors::MetadataValue(step.status(), "end"), "7");
}

TEST_F(EpochTest, AnEpochOfWhichNothingIsKnownIsToldApart) {
  Emit(3);
  const uint64_t epoch = History(publisher_).epoch;
  v1::ReadRequest request;
  request.set_shard("H30");
  request.set_after(2);
  request.set_epoch(epoch + 1'000'000);
  EXPECT_EQ(errors::Reason(Reader(loop_, publisher_, request).Take().status()), "FEED_EPOCH_UNKNOWN");
  // Of data that were here before these: all is lost.
  request.set_epoch(epoch - 1'000'000);
  const absl::StatusOr<v1::ReadResponse> step = Reader(loop_, publisher_, request).Take();
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(step->ended().epoch(), epoch - 1'000'000);
  EXPECT_EQ(step->ended().position(), 0u);
  EXPECT_EQ(step->epoch(), epoch);
}

TEST(FeedHistoryTest, WhatIsCommonEndsAtTheLeastEnd) {
  store::FeedHistory history;
  history.epoch = 500;
  history.ended = {{100, 10}, {200, 7}, {300, 9}, {400, 20}};
  EXPECT_EQ(history.CommonEnd(500), UINT64_MAX);
  EXPECT_EQ(history.CommonEnd(100), 7u);
  EXPECT_EQ(history.CommonEnd(200), 7u);
  EXPECT_EQ(history.CommonEnd(300), 9u);
  EXPECT_EQ(history.CommonEnd(400), 20u);
  EXPECT_EQ(history.CommonEnd(250), 7u) << "one that was lost as a whole began in the one before it";
  EXPECT_EQ(history.CommonEnd(450), 20u);
  EXPECT_EQ(history.CommonEnd(50), 0u);
  EXPECT_EQ(history.CommonEnd(600), std::nullopt);
  history.cut = true;
  EXPECT_EQ(history.CommonEnd(50), std::nullopt);
}

TEST_F(EpochTest, SoManyEndsAreKeptAndNoMore) {
  cancel_.Cancel();
  ASSERT_TRUE(loop_.Drain(absl::Seconds(10)));
  Emit(2);
  absl::StatusOr<store::FeedHistory> history;
  for (int i = 0; i < store::Epochs::kKept + 3; ++i) {
    redis::Command other("HSET");  // as if the server had been another one
    other.Arg(store_.Keys("H30").Epochs()).Arg("server").Arg(i);
    ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(other), Soon())).ok());
    const uint64_t before = history.ok() ? history->epoch : 0;
    history = SyncWait(loop_, store::Epochs::Look(client_, store_.Keys("H30"), Soon()));
    ASSERT_TRUE(history.ok()) << history.status();
    EXPECT_GT(history->epoch, before) << "also within a millisecond";
  }
  EXPECT_EQ(history->ended.size(), static_cast<size_t>(store::Epochs::kKept));
  EXPECT_TRUE(history->cut);
  EXPECT_EQ(history->CommonEnd(history->ended.front().first - 1), std::nullopt);
}

}  // namespace
}  // namespace motcua::feed
