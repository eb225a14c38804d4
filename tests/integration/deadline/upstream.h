// Upstream: a service above deadline-monitor that only serves its feed, which the test writes, on simulated
// time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/rpc/health.h"
#include "common/rpc/host.h"
#include "common/rpc/server.h"
#include "common/service/backend.h"
#include "common/service/feed_service.h"
#include "common/telemetry/metrics.h"
#include "common/time/timestamp.h"
#include "gtest/gtest.h"

namespace motcua::deadline {

// Lets anybody read: what is tested is the reader.
class Upstream {
 public:
  Upstream(const std::string& name, const std::string& key_prefix, const std::string& redis, absl::Time begin)
      : loop_(name), health_(metrics_), cancel_(loop_) {
    service::BackendOptions options;
    options.redis.address = redis;
    options.redis.max_backoff = absl::Milliseconds(50);
    options.simulated_start = begin;
    backend_ = std::make_unique<service::Backend>(
        loop_, service::Description(name, key_prefix, {}, /*derives_events=*/false), options,
        std::map<std::string, std::unique_ptr<feed::Source>>(), metrics_);
    auth::Policy policy;
    for (const char* method : {"ListShards", "Read", "Acknowledge", "Reach"}) {
      policy.Allow(absl::StrCat("motcua.feed.v1.FeedService/", method), {auth::kAnyone});
    }
    host_ = std::make_unique<rpc::Host>(loop_, std::move(policy), std::nullopt, metrics_);
    service::AddCommonServices(*host_, *backend_);
    EXPECT_TRUE(async::SyncWait(loop_, backend_->redis().WaitConnected(Soon())).ok());
    EXPECT_TRUE(async::SyncWait(loop_, backend_->publisher().AddShard("H30", Soon())).ok());
    loop_.Spawn(backend_->Run(cancel_.token()));
    host_->Open();
    server_ = rpc::Server::Start(rpc::ServerOptions(), *host_, health_).value();
  }
  ~Upstream() {
    host_->Close();
    server_->Shutdown(absl::Now() + absl::Seconds(1));
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
    server_.reset();
    loop_.Stop();
    backend_.reset();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", server_->port()); }
  absl::Time now() const { return backend_->clock().Now(); }
  redis::Client& redis() { return backend_->redis(); }
  async::Loop& loop() { return loop_; }

  // All in one commit.
  void Emit(const std::vector<feed::v1::Event>& events) {
    store::Transaction tx(backend_->store().Keys("H30"));
    for (const feed::v1::Event& event : events) tx.Emit(event.SerializeAsString());
    const auto outcome = async::SyncWait(loop_, backend_->store().Commit(std::move(tx), Soon()));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
  }
  void Advance(absl::Time to) {
    admin::v1::AdvanceRequest request;
    *request.mutable_to() = time::ToTimestamp(to);
    const auto advanced = async::SyncWait(loop_, backend_->Advance(request, Soon()));
    ASSERT_TRUE(advanced.ok()) << advanced.status();
  }

 private:
  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  telemetry::PrometheusMetrics metrics_;
  rpc::Loop loop_;
  rpc::Health health_;
  std::unique_ptr<service::Backend> backend_;
  std::unique_ptr<rpc::Host> host_;
  std::unique_ptr<rpc::Server> server_;
  async::CancelSource cancel_;
};

}  // namespace motcua::deadline
