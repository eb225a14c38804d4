// Durable consumers: what they have not applied is kept, until an operator retires them.
#include "tests/integration/feed/feed_fixture.h"

namespace motcua::feed {
namespace {

class DurableTest : public FeedTest {
 protected:
  std::vector<v1::FeedConsumer> Consumers() {
    v1::ListConsumersRequest request;
    request.set_shard("H30");
    const auto listed = SyncWait(loop_, publisher_.ListConsumers(std::move(request), Soon()));
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return std::vector<v1::FeedConsumer>();
    return std::vector<v1::FeedConsumer>(listed->consumers().begin(), listed->consumers().end());
  }
  absl::Status Acknowledge(const std::string& consumer, uint64_t position, uint64_t epoch = 0) {
    v1::AcknowledgeRequest request;
    request.set_shard("H30");
    request.set_consumer(consumer);
    request.set_position(position);
    request.set_epoch(epoch);
    return SyncWait(loop_, publisher_.Acknowledge(std::move(request), Soon()));
  }
  absl::StatusOr<v1::RemoveConsumerResponse> Remove(const std::string& shard, const std::string& consumer) {
    v1::RemoveConsumerRequest request;
    request.set_shard(shard);
    request.set_consumer(consumer);
    return SyncWait(loop_, publisher_.RemoveConsumer(std::move(request), Soon()));
  }
  std::string FirstKept() {
    redis::Command range("XRANGE");
    range.Arg(store_.Keys("H30").Feed()).Arg("-").Arg("+").Arg("COUNT").Arg(1);
    const auto reply = SyncWait(loop_, client_.Execute(std::move(range), Soon()));
    return reply->items()[0].items()[0].text();
  }
  uint64_t Epoch() {
    uint64_t epoch = 0;
    loop_.RunAndWait([&] { epoch = publisher_.history("H30")->epoch; });
    return epoch;
  }
};

TEST_F(DurableTest, ConsumersAreListedWithPositionLagAndSince) {
  const absl::Time before = absl::Now() - absl::Milliseconds(1);
  ASSERT_TRUE(Read("routing")->Take().ok());
  ASSERT_TRUE(Read("deadline-monitor")->Take().ok());
  Emit(20);
  ASSERT_TRUE(WaitUntil([&] {
    uint64_t position = 0;
    loop_.RunAndWait([&] { position = publisher_.position("H30"); });
    return position == 20;
  }));
  ASSERT_TRUE(Acknowledge("routing", 15).ok());
  ASSERT_TRUE(Acknowledge("routing", 12).ok());
  const std::vector<v1::FeedConsumer> consumers = Consumers();
  ASSERT_EQ(consumers.size(), 2u);
  EXPECT_EQ(consumers[0].consumer(), "deadline-monitor");
  EXPECT_EQ(consumers[0].position(), 0u);
  EXPECT_EQ(consumers[0].lag(), 20u);
  EXPECT_EQ(consumers[1].consumer(), "routing");
  EXPECT_EQ(consumers[1].position(), 15u) << "less than before changes nothing";
  EXPECT_EQ(consumers[1].lag(), 5u);
  const absl::Time since = time::FromTimestamp(consumers[1].since());
  EXPECT_GE(since, before);
  EXPECT_GT(time::FromTimestamp(consumers[1].moved_at()), since);
  EXPECT_LE(time::FromTimestamp(consumers[1].moved_at()), absl::Now());
}

TEST_F(DurableTest, OneThatIsRetiredHoldsUpTrimmingNoLonger) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  ASSERT_TRUE(Read("gone")->Take().ok());
  Emit(300);
  ASSERT_TRUE(WaitUntil([&] {
    EXPECT_TRUE(Acknowledge("routing", 300).ok());
    return Consumers()[1].position() == 300;
  }));
  (void)SyncWait(loop_, loop_.Sleep(absl::Milliseconds(200)));  // four times the pause between trims
  EXPECT_EQ(FirstKept(), "0-1") << "kept for the one that does not come";
  const auto removed = Remove("H30", "gone");
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->removed().consumer(), "gone");
  EXPECT_EQ(removed->removed().lag(), 300u);
  ASSERT_TRUE(WaitUntil([&] { return FirstKept() == "0-200"; })) << FirstKept();
  EXPECT_EQ(Consumers().size(), 1u);
  EXPECT_EQ(errors::Reason(Remove("H30", "gone").status()), "UNKNOWN_CONSUMER");
  EXPECT_EQ(errors::Reason(Remove("H99", "routing").status()), "UNKNOWN_SHARD");
}

TEST_F(DurableTest, AnAcknowledgementOfALostHistoryDoesNotTrimTheNewOne) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  Emit(7);
  redis_.KeepData();
  Emit(3);
  const uint64_t lost = Epoch();
  Restart(/*with_kept_data=*/true);
  emitted_ = 7;
  Emit(300);
  ASSERT_TRUE(WaitUntil([&] { return Epoch() > lost; }));
  ASSERT_TRUE(Acknowledge("routing", 10, lost).ok());
  EXPECT_EQ(Consumers()[0].position(), 7u) << "no more than what that epoch kept";
  ASSERT_TRUE(Acknowledge("routing", 9, Epoch()).ok());
  EXPECT_EQ(Consumers()[0].position(), 9u);
  // Of an epoch that nothing is known of.
  ASSERT_TRUE(Acknowledge("routing", 200, Epoch() + 1'000'000).ok());
  EXPECT_EQ(Consumers()[0].position(), 9u);
}

TEST_F(DurableTest, AnAcknowledgementThatKnowsNoEpochDoesNotReachBehindTheEnd) {
  ASSERT_TRUE(Read("routing")->Take().ok());
  Emit(5);
  ASSERT_TRUE(WaitUntil([&] {
    EXPECT_TRUE(Acknowledge("routing", 1000).ok());
    return Consumers()[0].position() == 5;
  }));
}

}  // namespace
}  // namespace motcua::feed
