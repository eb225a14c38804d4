// Office: notification without its process and without gRPC, over a real redis-server: scripted feeds of the three services,
// the projections, the handlers, the delivery worker.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/sync_wait.h"
#include "common/feed/subscriptions.h"
#include "common/redis/client.h"
#include "common/service/catalogues.h"
#include "common/time/clock.h"
#include "services/notification/calls/inbox_watch.h"
#include "services/notification/calls/notifications.h"
#include "services/notification/projections/announcer.h"
#include "services/notification/projections/notification_projection.h"
#include "services/notification/workers/delivery_worker.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {

// A feed written by the test. Give on any thread; the rest is confined to the loop, which outlives it.
class ScriptedSource final : public feed::Source {
 public:
  explicit ScriptedSource(async::Loop& loop) : loop_(loop), grown_(loop) {}

  // Positions are set here: 1, 2, 3 ...
  void Give(feed::v1::Event event) {
    loop_.RunAndWait([&] {
      event.set_position(events_.size() + 1);
      events_.push_back(std::move(event));
      grown_.Set();
      grown_.Reset();
    });
  }
  uint64_t size() const { return events_.size(); }

  async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time) override {
    std::vector<std::string> shards;
    shards.push_back("H30");
    co_return shards;
  }
  std::unique_ptr<feed::SourceStream> Open(feed::v1::ReadRequest request) override {
    return std::make_unique<Stream>(*this, request.after());
  }
  async::Task<absl::Status> Acknowledge(feed::v1::AcknowledgeRequest, absl::Time) override { co_return absl::OkStatus(); }
  async::Task<absl::StatusOr<feed::v1::ReachResponse>> Reach(feed::v1::ReachRequest, absl::Time) override {
    co_return feed::v1::ReachResponse();
  }

 private:
  class Stream final : public feed::SourceStream {
   public:
    Stream(ScriptedSource& source, uint64_t after) : source_(source), after_(after) {}
    async::Task<absl::StatusOr<feed::Step>> Next(async::CancelToken cancel) override {
      while (after_ >= source_.events_.size()) {
        absl::Status grown = co_await source_.grown_.Wait(absl::InfiniteFuture(), cancel);
        if (!grown.ok()) co_return grown;
      }
      feed::v1::ReadResponse step;
      while (after_ < source_.events_.size() && step.events_size() < 16) *step.add_events() = source_.events_[after_++];
      step.set_position(after_);
      co_return *feed::Step::Parse(step.SerializeAsString());
    }

   private:
    ScriptedSource& source_;
    uint64_t after_;
  };

  async::Loop& loop_;
  std::vector<feed::v1::Event> events_;
  async::Event grown_;
};

class OfficeOptions {
 public:
  OfficeOptions() {}

  ProjectionOptions projection;
  DeliveryOptions delivery;
  TransportOptions transport;
};

// One replica. Start and Stop around its work; a second one may run on the same feeds and the same Redis.
class Replica {
 public:
  Replica(async::Loop& loop, const std::string& redis, const time::Clock& clock, OfficeOptions options,
          std::map<std::string, ScriptedSource*> sources)
      : loop_(loop),
        client_(loop, RedisOptions(redis)),
        store_(client_, clock, "no", absl::Hours(1)),
        catalogues_(loop_, store_),
        subscriptions_(loop, store_, "notification"),
        watch_(loop),
        transport_(loop, options.transport),
        worker_(loop, store_, catalogues_, transport_, options.delivery),
        notifications_(store_, catalogues_, watch_),
        cancel_(loop),
        announcer_(loop, subscriptions_, watch_, worker_) {
    for (const auto& [name, source] : sources) {
      projections_.push_back(std::make_unique<NotificationProjection>(
          SourceOf(name), catalogues_, options.projection,
          [this](Announcement announcement) { announcer_.Announce(std::move(announcement)); }));
      subscriptions_.Add(name, *source, *projections_.back());
    }
    subscriptions_.OnShard([this](std::string shard) {
      return store_.AddShard(std::move(shard), absl::Now() + absl::Seconds(10));
    });
    loop_.Spawn(subscriptions_.Run(cancel_.token()));
    loop_.Spawn(worker_.Run(cancel_.token()));
  }
  // Everything on the loop must have ended before the replica goes.
  void Cancel() { cancel_.Cancel(); }

  store::Store& store() { return store_; }
  Notifications& notifications() { return notifications_; }
  DeliveryWorker& worker() { return worker_; }
  // Of a source, zero before it is consumed.
  uint64_t applied(const std::string& source) {
    uint64_t applied = 0;
    loop_.RunAndWait([&] {
      feed::Consumer* consumer = subscriptions_.Find(source, "H30");
      applied = consumer == nullptr ? 0 : consumer->applied();
    });
    return applied;
  }

 private:
  static redis::Options RedisOptions(const std::string& address) {
    redis::Options options;
    options.address = address;
    options.max_backoff = absl::Milliseconds(50);
    return options;
  }

  async::Loop& loop_;
  redis::Client client_;
  store::Store store_;
  service::Catalogues catalogues_;
  feed::Subscriptions subscriptions_;
  std::vector<std::unique_ptr<NotificationProjection>> projections_;
  InboxWatch watch_;
  Transport transport_;
  DeliveryWorker worker_;
  Notifications notifications_;
  async::CancelSource cancel_;
  Announcer announcer_;
};

// Feeds, Redis, one replica, and calls to it.
class Office : public testing::Test {
 protected:
  void SetUp() override {
    feed::v1::Event reference;
    reference.set_subject("H30");
    *reference.mutable_at() = time::ToTimestamp(Morning());
    *reference.mutable_reference_applied()->mutable_set() = SmallSet();
    reference.mutable_reference_applied()->mutable_set()->set_version(1);
    intake_.Give(reference);
  }
  void TearDown() override {
    for (auto& replica : replicas_) replica->Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(30)));
    replicas_.clear();
  }

  // Returns when it has taken the reference data.
  Replica& Start(OfficeOptions options = OfficeOptions()) {
    std::map<std::string, ScriptedSource*> sources;
    sources["intake"] = &intake_;
    sources["routing"] = &routing_;
    sources["deadline-monitor"] = &monitor_;
    replicas_.push_back(std::make_unique<Replica>(loop_, redis_.address(), clock_, options, std::move(sources)));
    Replica& replica = *replicas_.back();
    EXPECT_TRUE(test::WaitUntil([&] { return replica.applied("intake") > 0; }));
    return replica;
  }
  // Waits until the replica has taken all that the feeds hold.
  void CatchUp(Replica& replica) {
    ASSERT_TRUE(test::WaitUntil([&] {
      return replica.applied("intake") == intake_.size() && replica.applied("routing") == routing_.size() &&
             replica.applied("deadline-monitor") == monitor_.size();
    }, absl::Seconds(20)));
  }

  std::shared_ptr<rpc::Call> By(const std::string& officer, const std::string& agency,
                                std::vector<std::string> roles = {"handler"}) {
    return std::make_shared<rpc::Call>(loop_, auth::Principal(auth::Kind::kOfficer, officer, agency, std::move(roles)),
                                       "test", absl::Now() + absl::Seconds(20));
  }
  std::shared_ptr<rpc::Call> ByService() {
    return std::make_shared<rpc::Call>(loop_, auth::Principal::Service("intake"), "test", absl::Now() + absl::Seconds(20));
  }

  v1::ListMessagesResponse List(Replica& replica, const std::string& recipient, bool unread = false, uint32_t page = 0,
                                const std::string& token = "") {
    v1::ListMessagesRequest request;
    request.set_shard("H30");
    request.set_recipient(recipient);
    request.set_unread_only(unread);
    request.set_page_size(page);
    request.set_page_token(token);
    auto response = async::SyncWait(loop_, replica.notifications().ListMessages(ByService(), std::move(request)));
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::ListMessagesResponse();
  }
  v1::ListDossierMessagesResponse OfDossier(Replica& replica, const std::string& code = kCode) {
    v1::ListDossierMessagesRequest request;
    request.set_dossier(code);
    auto response = async::SyncWait(loop_, replica.notifications().ListDossierMessages(ByService(), std::move(request)));
    return response.ok() ? *response : v1::ListDossierMessagesResponse();
  }
  v1::GetStatisticsResponse Figures(Replica& replica) {
    v1::GetStatisticsRequest request;
    request.set_shard("H30");
    auto response = async::SyncWait(loop_, replica.notifications().GetStatistics(ByService(), std::move(request)));
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::GetStatisticsResponse();
  }

  test::RedisProcess redis_;
  async::Loop loop_{"office"};
  time::SimulatedClock clock_{Morning()};
  ScriptedSource intake_{loop_};
  ScriptedSource routing_{loop_};
  ScriptedSource monitor_{loop_};
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace motcua::notification
