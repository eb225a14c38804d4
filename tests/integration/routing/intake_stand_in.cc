#include "intake_stand_in.h"

#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/time/timestamp.h"

namespace motcua::routing {

namespace {

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

}  // namespace

IntakeStandIn::IntakeStandIn(const std::string& redis, auth::JwtKeys keys)
    : loop_("intake"), health_(metrics_), cancel_(loop_) {
  service::BackendOptions options;
  options.redis.address = redis;
  service::Description description("intake", "motcua:in", {}, /*derives_events=*/false);
  backend_ = std::make_unique<service::Backend>(loop_, description, options,
                                                std::map<std::string, std::unique_ptr<feed::Source>>(), metrics_);
  auth::Policy policy;
  service::AllowCommonMethods(policy);
  host_ = std::make_unique<rpc::Host>(loop_, std::move(policy),
                                      auth::JwtVerifier(std::move(keys), "motcua", "motcua"), metrics_);
  service::AddCommonServices(*host_, *backend_);
  EXPECT_TRUE(async::SyncWait(loop_, backend_->redis().WaitConnected(Soon())).ok());
  EXPECT_TRUE(async::SyncWait(loop_, backend_->publisher().AddShard("H30", Soon())).ok());
  loop_.Spawn(backend_->Run(cancel_.token()));
  host_->Open();
  auto server = rpc::Server::Start(rpc::ServerOptions(), *host_, health_);
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

void IntakeStandIn::Stop() {
  if (std::exchange(stopped_, true)) return;
  host_->Close();
  server_->Shutdown(absl::Now() + absl::Seconds(1));
}

IntakeStandIn::~IntakeStandIn() {
  Stop();
  cancel_.Cancel();
  EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
  server_.reset();
  loop_.Stop();
  backend_.reset();
}

std::string IntakeStandIn::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

uint64_t IntakeStandIn::Emit(std::vector<feed::v1::Event> events) {
  store::Transaction tx(backend_->store().Keys("H30"));
  const absl::Time now = absl::Now();
  tx.TakesEffectAt(now);
  for (feed::v1::Event& event : events) {
    *event.mutable_at() = time::ToTimestamp(now);
    tx.Emit(event.SerializeAsString());
  }
  const auto outcome = async::SyncWait(loop_, backend_->store().Commit(std::move(tx), Soon()));
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? outcome->position : 0;
}

}  // namespace motcua::routing
