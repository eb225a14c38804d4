// A source loses events that a snapshot had: it is told by position, and what comes under these
// positions is applied.
#include "tests/integration/feed/bootstrap_fixture.h"

namespace motcua::feed {
namespace {

// The source's Redis comes back without its last events, which the records that were taken had.
class LostSnapshotTest : public BootstrapTest {
 protected:
  void Keep() {
    redis_.KeepData();
    kept_done_ = done_;
    kept_end_ = end_;
  }
  void GoBack() {
    ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.RestartWithKeptData(); }));
    done_ = kept_done_;
    end_ = kept_end_;
  }
  uint64_t Lost(Follower& follower) {
    return follower.Of<uint64_t>([](const Consumer& consumer) { return consumer.losses().total; });
  }

  // The follower has taken the records, of which the last five have something that was not in its reading,
  // and waits for what its stream tells.
  void TakeSnapshotWithNews(Follower& follower) {
    follower.HoldAfter(1);
    follower.Start();
    ASSERT_TRUE(WaitUntil([&] { return follower.source_.held_.load(); })) << follower.Standing();
    ActOnAll(240, 245);  // in the last page, which is not read ahead yet
    loop_.RunAndWait([&] { follower.source_.Mute(); });
    follower.LetGo();
    ASSERT_TRUE(WaitUntil([&] { return follower.bootstrap().step == Bootstrap::Step::kKnown; }))
        << follower.Standing();
  }

  test::RedisProcess own_;
  std::map<std::string, uint32_t> kept_done_;
  uint64_t kept_end_ = 0;
};

TEST_F(LostSnapshotTest, OneThatIsUnderWayBeginsAnewAndTellsWhatWasLost) {
  FillAndTrim();
  Keep();
  Follower follower(loop_, own_, clock_, publisher_);
  follower.HoldAfter(1);
  follower.Start();
  ASSERT_TRUE(WaitUntil([&] { return follower.source_.held_.load(); })) << follower.Standing();
  ActOnAll(240, 245);  // in the last page, which is not read ahead yet
  follower.Give(3);
  ASSERT_TRUE(WaitUntil([&] { return follower.bootstrap().records == 250; })) << follower.Standing();
  GoBack();
  loop_.RunAndWait([&] { follower.source_.Break(); });
  follower.LetGo();
  ASSERT_TRUE(WaitUntil([&] { return Lost(follower) > 0; })) << follower.Standing();
  ExpectTheSame(follower);
  EXPECT_EQ(Lost(follower), 5u);
  ActOnAll(235, 250);
  ExpectTheSame(follower);
}

TEST_F(LostSnapshotTest, EventsUnderPositionsThatAreGivenAnewAreNotLeftOut) {
  FillAndTrim();
  Keep();
  Follower follower(loop_, own_, clock_, publisher_);
  ASSERT_NO_FATAL_FAILURE(TakeSnapshotWithNews(follower));
  GoBack();
  ActOnAll(230, 235);  // of the same page
  loop_.RunAndWait([&] { follower.source_.Speak(); });
  ASSERT_TRUE(WaitUntil([&] { return Lost(follower) > 0; })) << follower.Standing();
  for (int number = 240; number < 245; ++number) done_.erase(Subject(number));  // what was confirmed stays
  ExpectTheSame(follower);
  EXPECT_EQ(Lost(follower), 5u);
}

// The other way about: what the records had is known still in the epoch that begins with another process.
TEST_F(LostSnapshotTest, WhatTheRecordsHadIsLeftOutAfterARestartThatLosesNothing) {
  FillAndTrim();
  Follower follower(loop_, own_, clock_, publisher_);
  ASSERT_NO_FATAL_FAILURE(TakeSnapshotWithNews(follower));
  ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.Restart(); }));
  loop_.RunAndWait([&] { follower.source_.Speak(); });
  ExpectTheSame(follower);
  ActOnAll(238, 250);
  ExpectTheSame(follower);
  EXPECT_EQ(Lost(follower), 0u);
}

}  // namespace
}  // namespace motcua::feed
