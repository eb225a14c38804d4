// An agency ends while clocks run with it: who is charged, who is late, and what is raised.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/deadline_monitor/domain/statistics/statistics.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr uint64_t kHour = 3600ULL * 1000 * 1000;
// Continues the work of the commune; of another province.
constexpr char kNew[] = "H13.01";

uint32_t LegsLate(const Life& life, const std::string& agency) {
  for (const v1::Held& held : life.clock().held()) {
    if (held.agency() == agency) return held.legs_late();
  }
  return 0;
}

std::vector<std::string> Running(const Life& life) {
  std::vector<std::string> running;
  for (const v1::PartClock& part : life.clock().parts()) {
    if (IsRunning(part)) running.push_back(absl::StrCat(part.item(), " ", part.agency()));
  }
  return running;
}

// Held by the district on a leg of one working day, which is over at midnight after the 7th.
Life OnALeg() {
  Life life;
  life.Accept("2025-01-06T08:00", "20wd");
  life.HandOver(At("2025-01-06T08:00"), kDistrict, "check", "1wd");
  return life;
}

TEST(Succession, TheTimeBeforeIsTheOldAgencysAndTheTimeAfterTheNewOnes) {
  Life life = OnALeg();
  EXPECT_TRUE(life.Succeed(At("2025-01-06T20:00"), kDistrict, kNew));
  EXPECT_EQ(life.clock().holder(), kNew);
  EXPECT_EQ(life.HeldMicros(kDistrict, At("2025-01-07T02:00")), 12 * kHour);
  EXPECT_EQ(life.HeldMicros(kNew, At("2025-01-07T02:00")), 6 * kHour);
  // Lists and figures of agencies go along.
  std::vector<std::string> lists;
  for (const store::IndexEntry& entry : store::IndexesOf<ClockModel>(*life.record()))
    lists.push_back(entry.index);
  EXPECT_THAT(lists, ::testing::Contains("h:H13.01"));
  EXPECT_THAT(lists, Each(Not("h:H30.18")));
  const store::Counters counters = store::CountersOf<ClockModel>(*life.record());
  EXPECT_EQ(counters.at("holding:H13.01"), 1);
  EXPECT_FALSE(counters.contains("holding:H30.18"));
}

TEST(Succession, WhatTheAgencyWasToDoIsTheSuccessorsWithTheSameDates) {
  Life life = OnALeg();
  life.Offer(At("2025-01-06T09:00"), kTax);
  life.Consult(At("2025-01-06T09:00"), 1, kTax);
  life.Consult(At("2025-01-06T09:00"), 2, kCommune);
  const common::v1::DueDate due = life.Part("check")->due();
  EXPECT_TRUE(life.Succeed(At("2025-01-06T20:00"), kTax, kNew));
  EXPECT_EQ(life.clock().holder(), kDistrict);
  EXPECT_THAT(Running(life),
              ElementsAre("check H30.18", "offer H13.01", "consult-1 H13.01", "consult-2 H30.18.05"));
  EXPECT_TRUE(life.Succeed(At("2025-01-06T21:00"), kDistrict, kNew));
  EXPECT_THAT(Running(life),
              ElementsAre("offer H13.01", "consult-1 H13.01", "consult-2 H30.18.05", "check H13.01"));
  EXPECT_EQ(life.clock().parts(life.clock().parts_size() - 1).due().SerializeAsString(),
            due.SerializeAsString());
}

TEST(Succession, ALegIsLateForWhoHadItWhenItsDuePassed) {
  struct Case {
    const char* succeeded;
    const char* handed_on;
    uint32_t old_late;
    uint32_t new_late;
  };
  for (const Case& c : {Case{"2025-01-07T08:00", "2025-01-07T16:00", 0, 0},
                        Case{"2025-01-07T08:00", "2025-01-09T08:00", 0, 1},
                        Case{"2025-01-09T08:00", "2025-01-10T08:00", 1, 0}}) {
    SCOPED_TRACE(c.handed_on);
    Life life = OnALeg();
    life.Succeed(At(c.succeeded), kDistrict, kNew);
    life.HandOver(At(c.handed_on), kTax, "sign", "5wd");
    EXPECT_EQ(LegsLate(life, kDistrict), c.old_late);
    EXPECT_EQ(LegsLate(life, kNew), c.new_late);
  }
}

TEST(Succession, ALegsOverdueIsRaisedOnce) {
  for (const char* succeeded : {"2025-01-07T08:00", "2025-01-09T08:00"}) {
    Life life = OnALeg();
    life.Succeed(At(succeeded), kDistrict, kNew);
    life.Sweep(At("2025-01-10T08:00"));
    EXPECT_THAT(life.Alerts(), ElementsAre("OVERDUE:check@2025-01-08T00:00"));
  }
}

TEST(Succession, TheTimeThatTheLegAllotsIsSharedByBothAndWhoLostMostIsAtFault) {
  // The district takes ten days for one, the successor the day that is left of nothing.
  Life slow = OnALeg();
  slow.Succeed(At("2025-01-16T08:00"), kDistrict, kNew);
  EXPECT_EQ(AgencyAtFault(slow.clock(), At("2025-01-17T08:00")), kDistrict);
  EXPECT_EQ(AgencyAtFault(slow.clock(), At("2025-02-17T08:00")), kNew);
  // The district hands on in time; the successor is slow.
  Life prompt = OnALeg();
  prompt.Succeed(At("2025-01-06T20:00"), kDistrict, kNew);
  EXPECT_EQ(AgencyAtFault(prompt.clock(), At("2025-01-20T08:00")), kNew);
  absl::Duration allotted;
  for (const v1::PartClock& part : prompt.clock().parts()) allotted += AllottedTo(part);
  EXPECT_EQ(allotted, At("2025-01-08T00:00") - At("2025-01-06T08:00"));
}

TEST(Succession, ChangesTheDueDateOnlyByWhoIsInCharge) {
  reference::v1::ReferenceSet set = TestCatalogue().set();
  for (reference::v1::Agency& agency : *set.mutable_agencies()) {
    if (agency.id() != kCommune) continue;
    agency.set_valid_until("2025-01-07");
    agency.set_successor(kTax);
  }
  const auto catalogue = reference::Catalogue::Compile(std::move(set));
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  const auto change = [&](const char* at, const char* agency) {
    Life life(**catalogue);
    life.Accept("2025-01-06T08:00", "20wd");
    return life.ChangeDue(At(at), "2025-03-03", feed::v1::DUE_CHANGE_KIND_AGREED, agency).ok();
  };
  EXPECT_TRUE(change("2025-01-06T23:59", kCommune));
  EXPECT_FALSE(change("2025-01-06T23:59", kTax));
  EXPECT_FALSE(change("2025-01-07T00:00", kCommune));
  EXPECT_TRUE(change("2025-01-07T00:00", kTax));
}

}  // namespace
}  // namespace motcua::deadline
