// Intake's calls over a real Redis, without gRPC: fixtures of the tests in this directory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/feed/publisher.h"
#include "common/redis/client.h"
#include "common/service/catalogues.h"
#include "common/time/clock.h"
#include "services/intake/calls/intake.h"
#include "tests/support/redis_process.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {

inline auth::Principal Officer(const std::string& id, const std::string& agency, const std::string& role = "intake") {
  return auth::Principal(auth::Kind::kOfficer, id, agency, {role});
}

class Office : public testing::Test {
 protected:
  static redis::Options RedisOptions(const motcua::test::RedisProcess& redis) {
    redis::Options options;
    options.address = redis.address();
    return options;
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

  store::Caller CallerOf(const auth::Principal& who, absl::Duration patience = absl::Seconds(10)) {
    common::v1::Actor actor;
    actor.set_id(who.subject);
    actor.set_agency(who.agency);
    return store::Caller(actor, "", absl::Now() + patience);
  }

  template <class T>
  T Wait(async::Task<T> task) {
    return async::SyncWait(loop_, std::move(task));
  }

  void SetUp() override {
    ASSERT_TRUE(Wait(client_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(Wait(tail_.WaitConnected(Soon())).ok());
    v1::ApplyReferenceRequest request;
    *request.mutable_set() = JurisdictionSet();
    auto applied = Wait(intake_.ApplyReference(admin_, CallerOf(admin_), request));
    ASSERT_TRUE(applied.ok()) << applied.status();
    EXPECT_EQ(applied->version(), 1u);
  }

  absl::StatusOr<v1::FileResponse> File(const std::string& request_id, bool accept = false) {
    v1::FileRequest request = Application("1.000001", accept);
    request.set_request_id(request_id);
    return Wait(intake_.File(an_, CallerOf(an_), request));
  }

  v1::Dossier Get(const std::string& code) {
    v1::GetDossierRequest request;
    request.set_dossier(code);
    auto dossier = Wait(intake_.GetDossier(an_, CallerOf(an_), request));
    EXPECT_TRUE(dossier.ok()) << dossier.status();
    return dossier.ok() ? dossier->dossier() : v1::Dossier();
  }

  v1::GetStatisticsResponse Statistics() {
    v1::GetStatisticsRequest request;
    request.set_shard("H30");
    return *Wait(intake_.GetStatistics(an_, CallerOf(an_), request));
  }

  uint64_t FeedLength() {
    redis::Command length("XLEN");
    length.Arg(store_.Keys("H30").Feed());
    return Wait(client_.Execute(std::move(length), Soon()))->integer();
  }

  // As the consumers of routing's and deadline-monitor's feeds would.
  void Project(std::vector<feed::v1::Event> events);

  auth::Principal an_ = Officer("an", kCommune);
  auth::Principal admin_ = Officer("root", "H30", "admin");
  motcua::test::RedisProcess redis_;
  async::Loop loop_{"test"};
  redis::Client client_{loop_, RedisOptions(redis_)};
  redis::Client tail_{loop_, RedisOptions(redis_)};
  time::SimulatedClock clock_{MondayMorning()};
  store::Store store_{client_, clock_, "in", absl::Hours(1)};
  feed::Publisher publisher_{loop_, store_, tail_, feed::PublisherOptions()};
  service::Catalogues catalogues_{loop_, store_};
  Intake intake_{store_, catalogues_, publisher_};
};

}  // namespace motcua::intake::test
