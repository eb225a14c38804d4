// Intake's feed becomes routes, each event once: with repeated acceptances, racing replicas, and Redis killed between.
#include <iostream>
#include <map>

#include "gmock/gmock.h"
#include "test_bed.h"
#include "tests/support/reconnected.h"
#include "tests/support/wait.h"

namespace motcua::routing {
namespace {

class ProjectionTest : public TestBed {
 protected:
  // Every dossier 0..count-1 was opened once, and routing told so once.
  void ExpectOpenedOnce(int count) {
    AwaitRoutes(static_cast<uint64_t>(count));
    std::map<std::string, int> opened;
    std::map<std::string, int> offered;
    for (const feed::v1::Event& event : RoutingEvents()) {
      if (event.has_route_opened()) ++opened[event.subject()];
      if (event.has_hand_over_offered()) ++offered[event.subject()];
    }
    EXPECT_EQ(opened.size(), static_cast<size_t>(count));
    for (const auto& [code, times] : opened) EXPECT_EQ(times, 1) << code;
    for (const auto& [code, times] : offered) EXPECT_EQ(times, 1) << code;
    EXPECT_EQ(Statistics().routes(), static_cast<uint64_t>(count));
    EXPECT_EQ(Statistics().open(), static_cast<uint64_t>(count));
  }
};

TEST_F(ProjectionTest, AnAcceptanceToldTwiceOpensOneRoute) {
  Accept(Code(0), {kDistrict});
  Accept(Code(0), {kTax});
  Accept(Code(1), {});
  ExpectOpenedOnce(2);
  EXPECT_EQ(Route(Code(0)).offer().receiver(), kDistrict);
}

TEST_F(ProjectionTest, WhatMakesNoSenseIsSkipped) {
  feed::v1::Event foreign;
  foreign.set_subject("H31.18-260714-0001");
  foreign.mutable_dossier_accepted()->set_receiving_agency("H31.18");
  feed::v1::Event empty;
  empty.set_subject(Code(7));
  empty.mutable_dossier_accepted();
  std::vector<feed::v1::Event> events;
  events.push_back(foreign);
  events.push_back(empty);
  EmitFromIntake(std::move(events));
  Accept(Code(0), {});
  ExpectOpenedOnce(1);
}

TEST_F(ProjectionTest, ReplicasThatRaceApplyEachEventOnce) {
  AddReplica();
  AddReplica();
  constexpr int kDossiers = 200;
  for (int i = 0; i < kDossiers; ++i) Accept(Code(i), {kDistrict});
  ExpectOpenedOnce(kDossiers);
}

TEST_F(ProjectionTest, ALostRedisDelaysEventsAndLosesNone) {
  for (int i = 0; i < 20; ++i) Accept(Code(i), {kDistrict});
  ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.Restart(); }));
  for (int i = 20; i < 40; ++i) Accept(Code(i), {kDistrict});
  ExpectOpenedOnce(40);
}

TEST_F(ProjectionTest, AnOpenRouteCostsLittleMemory) {
  const auto used = [this] {
    redis::Command eval("EVAL");
    eval.Arg(
        "local sum = 0 for _, key in ipairs(redis.call('KEYS', 'ro:{H30}:*')) do "
        "if not string.find(key, ':feed$') then sum = sum + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0) end end "
        "return sum");
    eval.Arg(0);
    auto reply = async::SyncWait(loop_, client_.Execute(std::move(eval), Soon()));
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->integer() : 0;
  };
  Accept(Code(0), {kDistrict});
  AwaitRoutes(1);
  const int64_t before = used();
  constexpr int kDossiers = 500;
  for (int i = 1; i <= kDossiers; ++i) Accept(Code(i), {kDistrict, kTax, kDistrict, kDesk});
  AwaitRoutes(kDossiers + 1);
  const int64_t each = (used() - before) / kDossiers;
  RecordProperty("bytes_per_open_route", static_cast<int>(each));
  std::cout << "bytes per open route in Redis: " << each << std::endl;
  EXPECT_LE(each, 1300);
}

TEST_F(ProjectionTest, ACallAndTheProjectionMayMeet) {
  // Calls change routes of the same shard while the projection writes: nobody loses anything.
  constexpr int kDossiers = 50;
  for (int i = 0; i < kDossiers; ++i) {
    Accept(Code(i), {kDistrict});
    if (i == 0) AwaitRoutes(1);
    auto work = For<v1::CompleteWorkRequest>(Code(0));
    work.set_activity("a");
    ASSERT_TRUE(Call(&Routing::CompleteWork, kDesk, work).ok());
  }
  ExpectOpenedOnce(kDossiers);
  EXPECT_EQ(Statistics().work_done(), static_cast<uint64_t>(kDossiers));
}

}  // namespace
}  // namespace motcua::routing
