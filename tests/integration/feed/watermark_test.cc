// What readers of a feed are told: watermarks never before the events below them, at whatever pace they go;
// and that something is missing.
#include <map>

#include "tests/integration/feed/feed_fixture.h"
#include "tests/support/tcp_gate.h"

namespace motcua::feed {
namespace {

TEST_F(FeedTest, AWatermarkIsToldWithTheLastEventBelowIt) {
  std::vector<absl::Time> moments;
  for (int i = 0; i < 4; ++i) {
    Emit(3);
    moments.push_back(clock_.AdvanceTo(clock_.Now() + absl::Seconds(10)));
    ASSERT_TRUE(SyncWait(loop_, publisher_.AwaitWatermark(moments.back(), Soon())).ok());
  }
  // One that reads an event at a time; it works off a backlog, from Redis and from the ring.
  std::unique_ptr<Reader> reader = Read("", 0, 1);
  std::map<uint64_t, absl::Time> told;
  uint64_t position = 0;
  while (position < 12 || !told.contains(12)) {
    absl::StatusOr<v1::ReadResponse> step = reader->Take();
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_LE(step->events_size(), 1);
    position = step->position();
    if (step->has_watermark()) told[position] = time::FromTimestamp(step->watermark());
  }
  for (int i = 0; i < 4; ++i) {
    const uint64_t last = 3 * static_cast<uint64_t>(i + 1);
    ASSERT_TRUE(told.contains(last)) << "told while it works off the backlog";
    EXPECT_EQ(told[last], moments[static_cast<size_t>(i)]);
  }
  for (const auto& [at, watermark] : told) EXPECT_LE(watermark, moments[(at - 1) / 3]) << "at " << at;
}

TEST_F(FeedTest, AStepIsBoundedByBytes) {
  emitted_trace_ = std::string(300'000, 'x');
  Emit(12);
  std::unique_ptr<Reader> reader = Read("");
  uint64_t seen = 0;
  while (seen < 12) {
    absl::StatusOr<v1::ReadResponse> step = reader->Take();
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_LE(step->ByteSizeLong(), size_t{1} << 21) << "a megabyte, and the event that passes it";
    EXPECT_LE(step->events_size(), 4);
    for (const v1::Event& event : step->events()) EXPECT_EQ(event.position(), ++seen);
  }
}

// A replica that was cut off while the feed was trimmed tells no event under another one's position.
TEST_F(FeedTest, AReplicaThatMissedTrimmedEventsTellsOfTheGap) {
  test::TcpGate gate(redis_.address());
  redis::Options options = RedisOptions(redis_);
  options.address = gate.address();
  redis::Client tail(loop_, options);
  async::CancelSource cancel(loop_);
  Publisher other(loop_, store_, tail, FeedOptions());
  ASSERT_TRUE(SyncWait(loop_, other.AddShard("H30", Soon())).ok());
  loop_.Spawn(other.Run(cancel.token()));
  Emit(20);
  const auto position = [&] {
    uint64_t at = 0;
    loop_.RunAndWait([&] { at = other.position("H30"); });
    return at;
  };
  ASSERT_TRUE(WaitUntil([&] { return position() == 20; }));
  gate.Refuse();
  gate.CloseAll();
  Emit(60);
  redis::Command trim("XTRIM");
  trim.Arg(store_.Keys("H30").Feed()).Arg("MINID").Arg("0-61");
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(trim), Soon())).ok());
  EXPECT_EQ(position(), 20u);
  gate.Pass();
  ASSERT_TRUE(WaitUntil([&] { return position() == 80; }));
  for (const uint64_t after : {5, 20, 59, 60, 70}) {
    v1::ReadRequest request;
    request.set_shard("H30");
    request.set_after(after);
    Reader reader(loop_, other, request);
    absl::StatusOr<v1::ReadResponse> step = reader.Take();
    if (after < 60) {
      EXPECT_EQ(errors::Reason(step.status()), "FEED_TRIMMED") << after;
      continue;
    }
    ASSERT_TRUE(step.ok()) << step.status();
    ASSERT_GT(step->events_size(), 0);
    EXPECT_EQ(step->events(0).position(), after + 1);
    EXPECT_EQ(step->events(0).work_completed().activity(), absl::StrCat(after + 1));
  }
  cancel.Cancel();
  ASSERT_TRUE(WaitUntil([&] { return loop_.spawned() <= 1; })) << "all but the fixture's";
}

// Redis came back without what this replica has told of: the reader hears of it, and Redis is not asked again
// and again.
TEST_F(FeedTest, AFeedThatLostWhatIsAskedForSaysSo) {
  Emit(100);
  redis::Command gone("DEL");
  gone.Arg(store_.Keys("H30").Feed());
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(gone), Soon())).ok());
  for (const char* consumer : {"", "routing"}) {
    absl::StatusOr<v1::ReadResponse> step = Read(consumer)->Take();
    EXPECT_EQ(errors::Reason(step.status()), "FEED_BEHIND") << consumer << step.status();
  }
}

// What cannot be read of one feed is no reason to tell nothing of the others.
TEST_F(FeedTest, AnEntryThatIsNoEventHoldsUpItsOwnShardAlone) {
  ASSERT_TRUE(SyncWait(loop_, publisher_.AddShard("H01", Soon())).ok());
  redis::Command junk("XADD");
  junk.Arg(store_.Keys("H01").Feed()).Arg("0-*").Arg("e").Arg("\x0f junk");
  ASSERT_TRUE(SyncWait(loop_, client_.Execute(std::move(junk), Soon())).ok());
  Emit(3);
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t position = 0;
    loop_.RunAndWait([&] { position = publisher_.position("H30"); });
    return position == 3;
  }));
  loop_.RunAndWait([&] { EXPECT_EQ(publisher_.position("H01"), 0u); });
}

}  // namespace
}  // namespace motcua::feed
