// Calls that must not fall behind a write (`motcua-after`): what they wait for exists, they wait a bounded
// time and in a bounded number, and anonymous callers not at all.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/service/backend.h"
#include "common/status/errors.h"
#include "common/telemetry/metrics.h"
#include "gtest/gtest.h"
#include "tests/support/local_source.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::service {
namespace {

using async::SyncWait;
using async::Task;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// Takes events once it is let.
class Gate final : public feed::Projection {
 public:
  explicit Gate(async::Loop& loop) : open_(loop) {}
  Task<absl::Status> Apply(store::Session&, feed::Events, absl::Time) override {
    co_return co_await open_.Wait(absl::InfiniteFuture());
  }
  async::Event open_;
};

class AfterTest : public testing::Test {
 protected:
  void SetUp() override {
    intake_ = std::make_unique<Backend>(loop_, Description("intake", "in", {}, false), Options(),
                                        std::map<std::string, std::unique_ptr<feed::Source>>(), metrics_);
    std::map<std::string, std::unique_ptr<feed::Source>> sources;
    sources["intake"] = std::make_unique<test::LocalSource>(loop_, intake_->publisher());
    routing_ = std::make_unique<Backend>(loop_, Description("routing", "ro", {"intake"}, true), Options(),
                                         std::move(sources), more_metrics_);
    routing_->Consume("intake", gate_);
    ASSERT_TRUE(SyncWait(loop_, intake_->redis().WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, routing_->redis().WaitConnected(Soon())).ok());
    ASSERT_TRUE(SyncWait(loop_, intake_->publisher().AddShard("H30", Soon())).ok());
    loop_.Spawn(intake_->Run(cancel_.token()));
    loop_.Spawn(routing_->Run(cancel_.token()));
    Emit();
    ASSERT_TRUE(test::WaitUntil([&] { return Seen() == 1; }));
  }
  void TearDown() override {
    loop_.RunAndWait([&] { gate_.open_.Set(); });
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
    loop_.RunAndWait([&] {
      routing_.reset();
      intake_.reset();
    });
  }
  BackendOptions Options() {
    BackendOptions options;
    options.redis.address = redis_.address();
    return options;
  }
  void Emit() {
    store::Transaction tx(intake_->store().Keys("H30"));
    feed::v1::Event event;
    event.set_subject("H30.18.05-260714-0001");
    tx.Emit(event.SerializeAsString());
    ASSERT_TRUE(SyncWait(loop_, intake_->store().Commit(std::move(tx), Soon())).ok());
  }
  uint64_t Seen() {
    uint64_t seen = 0;
    loop_.RunAndWait([&] {
      const feed::Consumer* consumer = routing_->subscriptions().Find("intake", "H30");
      seen = consumer == nullptr ? 0 : consumer->seen();
    });
    return seen;
  }
  std::shared_ptr<rpc::Call> MakeCall(auth::Principal who, rpc::AfterWrite after,
                                      absl::Duration patience = absl::Seconds(20)) {
    auto call = std::make_shared<rpc::Call>(loop_, std::move(who), "test", absl::Now() + patience);
    std::vector<rpc::AfterWrite> writes;
    writes.push_back(std::move(after));
    call->set_after(std::move(writes));
    return call;
  }
  static auth::Principal Officer() {
    return auth::Principal(auth::Kind::kOfficer, "an", "H30.18.05", {"handler"});
  }
  absl::Status Ask(auth::Principal who, rpc::AfterWrite after) {
    return SyncWait(loop_, routing_->BeforeCall(MakeCall(std::move(who), std::move(after))));
  }

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  telemetry::PrometheusMetrics metrics_, more_metrics_;
  Gate gate_{loop_};
  std::unique_ptr<Backend> intake_, routing_;
  async::CancelSource cancel_{loop_};
};

TEST_F(AfterTest, AThousandAnonymousCallsHoldUpNoOfficer) {
  const absl::Time before = absl::Now();
  std::vector<Task<absl::Status>> calls;
  for (int i = 0; i < 1000; ++i) {
    auth::Principal nobody;
    calls.push_back(routing_->BeforeCall(MakeCall(nobody, rpc::AfterWrite("intake", "H30", 1 + i % 2))));
  }
  const std::vector<absl::Status> ends = SyncWait(loop_, async::WhenAll(std::move(calls)));
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
  for (const absl::Status& end : ends) EXPECT_EQ(errors::Reason(end), "METADATA_INVALID") << end;
  loop_.RunAndWait([&] { gate_.open_.Set(); });
  EXPECT_TRUE(Ask(Officer(), rpc::AfterWrite("intake", "H30", 1)).ok());
  EXPECT_TRUE(Ask(auth::Principal(), rpc::AfterWrite("intake", "H30", 1)).ok()) << "nothing to wait for";
}

TEST_F(AfterTest, SoManyWaitAndNoMore) {
  std::vector<Task<absl::Status>> calls;
  for (int i = 0; i < 1000; ++i) {
    calls.push_back(
        routing_->BeforeCall(MakeCall(Officer(), rpc::AfterWrite("intake", "H30", 1), absl::Seconds(1))));
  }
  const std::vector<absl::Status> ends = SyncWait(loop_, async::WhenAll(std::move(calls)));
  int refused = 0, gave_up = 0;
  for (const absl::Status& end : ends) {
    refused += errors::Reason(end) == "TOO_MANY_CALLS";
    gave_up += absl::IsDeadlineExceeded(end);
  }
  EXPECT_EQ(gave_up, Backend::kMostWaiting);
  EXPECT_EQ(refused, 1000 - Backend::kMostWaiting);
  loop_.RunAndWait([&] { gate_.open_.Set(); });
  EXPECT_TRUE(Ask(Officer(), rpc::AfterWrite("intake", "H30", 1)).ok()) << "all room was given back";
}

TEST_F(AfterTest, WhatDoesNotExistIsRefused) {
  EXPECT_EQ(errors::Reason(Ask(Officer(), rpc::AfterWrite("post-office", "H30", 1))), "UNKNOWN_SERVICE");
  EXPECT_EQ(errors::Reason(Ask(Officer(), rpc::AfterWrite("intake", "H99", 1))), "POSITION_UNKNOWN");
  const absl::Time before = absl::Now();
  EXPECT_EQ(errors::Reason(Ask(Officer(), rpc::AfterWrite("intake", "H30", 999'999))), "POSITION_UNKNOWN");
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
  EXPECT_TRUE(Ask(Officer(), rpc::AfterWrite("notification", "H30", 999)).ok()) << "not consumed: cannot lag";
  EXPECT_TRUE(Ask(Officer(), rpc::AfterWrite("routing", "H30", 999)).ok()) << "the own one";
}

TEST_F(AfterTest, AWriteThatIsOnItsWayIsWaitedFor) {
  Task<absl::Status> waiting = routing_->BeforeCall(MakeCall(Officer(), rpc::AfterWrite("intake", "H30", 2)));
  loop_.RunAndWait([&] { gate_.open_.Set(); });
  Emit();
  EXPECT_TRUE(SyncWait(loop_, std::move(waiting)).ok());
}

}  // namespace
}  // namespace motcua::service
