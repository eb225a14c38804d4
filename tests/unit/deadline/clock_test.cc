// What each event does to a clock in each of its states.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kHour = 3600LL * 1000 * 1000;

TEST(Start, HeldByTheReceivingAgencySinceTheReceipt) {
  Life life;
  EXPECT_TRUE(life.Accept(At("2025-01-06T10:00"), "5wd", At("2025-01-06T09:00")));
  EXPECT_EQ(life.clock().holder(), kCommune);
  EXPECT_EQ(Local(time::FromTimestamp(life.clock().held_since())), "2025-01-06T09:00");
  EXPECT_EQ(life.HeldMicros(kCommune, At("2025-01-06T11:00")), 2u * kHour);
  EXPECT_EQ(life.clock().due_version(), 0u);
}

TEST(Start, ASecondAcceptanceChangesNothing) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  EXPECT_FALSE(life.Accept("2025-01-07T09:00", "9wd"));
  EXPECT_TRUE(life.status().ok());
  EXPECT_EQ(life.clock().due().date(), "2025-01-13");
}

// A clock in each of its states, and what each event does to it.
enum class State { kUnknown, kRunning, kOffered, kPaused, kEnded };
enum class Step { kOffer, kHandOver, kRefuse, kRecall, kConsult, kAnswer, kPause, kResume, kEnd };
enum class Expect { kWaits, kChanges, kIgnored };

struct Cell {
  State state;
  Step step;
  Expect expect;
};

class EventByState : public ::testing::TestWithParam<Cell> {};

bool Take(Life& life, Step step, absl::Time at) {
  feed::v1::Event event = Life::EventAt(at);
  switch (step) {
    case Step::kOffer:
      event.mutable_hand_over_offered()->set_receiver(kDistrict);
      break;
    case Step::kHandOver:
      event.mutable_hand_over_accepted()->set_receiver(kDistrict);
      break;
    case Step::kRefuse: event.mutable_hand_over_refused(); break;
    case Step::kRecall: event.mutable_hand_over_recalled(); break;
    case Step::kConsult:
      event.mutable_consultation_requested()->set_asked_agency(kTax);
      break;
    case Step::kAnswer: event.mutable_consultation_answered(); break;
    case Step::kPause: event.mutable_supplement_requested(); break;
    case Step::kResume: event.mutable_supplement_received(); break;
    case Step::kEnd: event.mutable_result_ready(); break;
  }
  return life.Apply(event);
}

TEST_P(EventByState, DoesWhatTheTableSays) {
  Life life;
  const State state = GetParam().state;
  if (state != State::kUnknown) life.Accept("2025-01-06T09:00", "5wd");
  if (state == State::kOffered) life.Offer(At("2025-01-06T10:00"), kDistrict);
  if (state == State::kPaused) life.Pause(At("2025-01-06T10:00"));
  if (state == State::kEnded) life.End(At("2025-01-06T10:00"));
  const bool changed = Take(life, GetParam().step, At("2025-01-07T09:00"));
  EXPECT_EQ(changed, GetParam().expect == Expect::kChanges);
  if (GetParam().expect == Expect::kWaits) {
    EXPECT_EQ(errors::Reason(life.status()), "WAITING_FOR_INTAKE");
    EXPECT_EQ(life.status().code(), absl::StatusCode::kUnavailable);
  } else {
    EXPECT_TRUE(life.status().ok()) << life.status();
  }
}

std::vector<Cell> Table() {
  std::vector<Cell> cells;
  for (Step step : {Step::kOffer, Step::kHandOver, Step::kRefuse, Step::kRecall, Step::kConsult, Step::kAnswer,
                    Step::kPause, Step::kResume, Step::kEnd}) {
    cells.push_back({State::kUnknown, step, Expect::kWaits});
    cells.push_back({State::kRunning, step, step == Step::kResume ? Expect::kIgnored : Expect::kChanges});
    cells.push_back({State::kOffered, step, step == Step::kResume ? Expect::kIgnored : Expect::kChanges});
    cells.push_back({State::kPaused, step, step == Step::kPause ? Expect::kIgnored : Expect::kChanges});
    cells.push_back({State::kEnded, step, Expect::kIgnored});
  }
  return cells;
}

INSTANTIATE_TEST_SUITE_P(All, EventByState, ::testing::ValuesIn(Table()));

TEST(Events, ThoseThatDoNotConcernClocksNeitherWaitNorAct) {
  Life life;
  for (int kind = 0; kind < 5; ++kind) {
    feed::v1::Event event = Life::EventAt(At("2025-01-06T09:00"));
    if (kind == 0) event.mutable_route_opened();
    if (kind == 1) event.mutable_work_completed();
    if (kind == 2) event.mutable_officer_assigned();
    if (kind == 3) event.mutable_result_returned();
    EXPECT_FALSE(life.Apply(event));
    EXPECT_TRUE(life.status().ok());
  }
}

TEST(Custody, MovesWithTheHandOverAndNotWithTheOffer) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.Offer(At("2025-01-06T10:00"), kDistrict);
  EXPECT_EQ(life.clock().holder(), kCommune);
  ASSERT_NE(life.Part("offer"), nullptr);
  EXPECT_EQ(life.Part("offer")->due().date(), "2025-01-07");
  EXPECT_EQ(life.Part("offer")->agency(), kDistrict);
  life.HandOver(At("2025-01-06T12:00"), kDistrict, "check", "2wd");
  EXPECT_EQ(life.Part("offer"), nullptr);
  EXPECT_EQ(life.clock().holder(), kDistrict);
  ASSERT_NE(life.Part("check"), nullptr);
  EXPECT_EQ(life.Part("check")->due().date(), "2025-01-08");
  EXPECT_EQ(life.HeldMicros(kCommune, At("2025-01-06T15:00")), 3u * kHour);
  EXPECT_EQ(life.HeldMicros(kDistrict, At("2025-01-06T15:00")), 3u * kHour);
}

TEST(Custody, AHandOverToItselfOnlyAdvancesTheLeg) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.HandOver(At("2025-01-06T10:00"), kCommune, "receive", "1wd");
  life.HandOver(At("2025-01-06T12:00"), kCommune, "sign", "1wd");
  EXPECT_EQ(Local(time::FromTimestamp(life.clock().held_since())), "2025-01-06T09:00");
  EXPECT_TRUE(life.Part("receive")->has_ended_at());
  EXPECT_FALSE(life.Part("sign")->has_ended_at());
}

TEST(Custody, ARefusedOrRecalledOfferLeavesTheHolder) {
  for (bool refuse : {true, false}) {
    Life life;
    life.Accept("2025-01-06T09:00", "5wd");
    life.Offer(At("2025-01-06T10:00"), kDistrict);
    refuse ? life.Refuse(At("2025-01-06T11:00")) : life.Recall(At("2025-01-06T11:00"));
    EXPECT_EQ(life.Part("offer"), nullptr);
    EXPECT_EQ(life.clock().holder(), kCommune);
  }
}

TEST(Custody, EveryMicrosecondIsCharged) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.HandOver(At("2025-01-07T09:00") + absl::Microseconds(1), kDistrict);
  life.HandOver(At("2025-01-08T09:00") + absl::Microseconds(3), kCommune);
  life.End(At("2025-01-08T10:00") + absl::Microseconds(7));
  const auto& ended = life.events().back().clock_ended();
  ASSERT_EQ(ended.charges_size(), 2);
  EXPECT_EQ(ended.charges(0).agency(), kDistrict);
  EXPECT_EQ(ended.charges(0).held_micros(), 24u * kHour + 2);
  EXPECT_EQ(ended.charges(1).held_micros(), 25u * kHour + 1 + 4);
}

TEST(Custody, ADossierThatEndsAtItsReceiptIsChargedNothing) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  life.End(At("2025-01-06T09:00"));
  EXPECT_EQ(life.HeldMicros(kCommune, At("2025-02-01T00:00")), 0u);
  EXPECT_FALSE(life.clock().late());
  EXPECT_TRUE(life.Alerts().empty());
}

TEST(Legs, EndedLateIsCountedForItsAgency) {
  Life life;
  life.Accept("2025-01-06T09:00", "20wd");
  life.HandOver(At("2025-01-06T10:00"), kCommune, "receive", "1wd");
  life.HandOver(At("2025-01-10T10:00"), kDistrict, "check", "5wd");
  EXPECT_TRUE(life.Part("receive")->late());
  EXPECT_EQ(HeldBy(const_cast<v1::Clock&>(life.clock()), kCommune).legs_late(), 1u);
  life.End(At("2025-01-13T10:00"));
  EXPECT_FALSE(life.Part("check")->late());
  EXPECT_EQ(HeldBy(const_cast<v1::Clock&>(life.clock()), kDistrict).legs_late(), 0u);
}

// Vector 33: a chain of legs, each accepted when the one before is due, ends with the dossier's own due.
TEST(Legs, ChainEqualsTheRoot) {
  Life life;
  life.Accept("2025-01-06T09:00", "32wd");
  EXPECT_EQ(life.clock().due().date(), "2025-02-26");
  absl::Time at = At("2025-01-06T09:00");
  std::vector<std::string> dues;
  int number = 0;
  for (const char* limit : {"1wd", "3wd", "5wd", "5wd", "5wd", "3wd", "3wd", "3wd", "1wd", "3wd"}) {
    const std::string leg = absl::StrCat("leg-", ++number);
    life.HandOver(at, number % 2 == 0 ? kDistrict : kCommune, leg, limit);
    dues.push_back(life.Part(leg)->due().date());
    at = time::FromTimestamp(life.Part(leg)->due().appointment());
  }
  EXPECT_THAT(dues, ElementsAre("2025-01-07", "2025-01-10", "2025-01-17", "2025-01-24", "2025-02-07", "2025-02-12",
                                "2025-02-17", "2025-02-20", "2025-02-21", "2025-02-26"));
}

TEST(Legs, AreBounded) {
  Life life;
  life.Accept("2025-01-06T09:00", "32wd");
  for (int i = 0; i < 200; ++i) {
    life.HandOver(At("2025-01-06T10:00") + absl::Minutes(i), i % 2 ? kDistrict : kCommune, absl::StrCat("l", i), "1wd");
  }
  EXPECT_EQ(life.clock().parts_size(), kMaxEndedParts + 1);
  EXPECT_EQ(life.clock().parts(kMaxEndedParts).item(), "l199");
}

TEST(Consultations, RunAndEndByThemselves) {
  Life life;
  life.Accept("2025-01-06T09:00", "10wd");
  life.Consult(At("2025-01-06T10:00"), 1, kTax);
  life.Consult(At("2025-01-06T10:00"), 2, kDistrict, "1wd");
  EXPECT_EQ(life.Part("consult-1")->due().date(), "2025-01-08");
  EXPECT_EQ(life.Part("consult-2")->due().date(), "2025-01-07");
  life.Answer(At("2025-01-09T10:00"), 1);
  EXPECT_TRUE(life.Part("consult-1")->late());
  EXPECT_FALSE(life.Part("consult-2")->has_ended_at());
  EXPECT_EQ(life.clock().holder(), kCommune);
}

struct PauseCase {
  reference::v1::PausePolicy policy;
  const char* due;
  uint32_t due_version;
};

class PausePolicies : public ::testing::TestWithParam<PauseCase> {};

// Vector 30: 10 working days from Mon 2025-07-07; stopped Thu 10/7 10:00, resumed Tue 15/7 09:00.
TEST_P(PausePolicies, MoveTheDue) {
  Life life;
  life.Accept("2025-07-07T09:00", "10wd", GetParam().policy);
  EXPECT_EQ(life.clock().due().date(), "2025-07-21");
  life.Pause(At("2025-07-10T10:00"));
  life.Resume(At("2025-07-15T09:00"));
  EXPECT_EQ(life.clock().due().date(), GetParam().due);
  EXPECT_EQ(life.clock().due_version(), GetParam().due_version);
  EXPECT_EQ(life.Count(feed::v1::Event::kDueChanged), static_cast<int>(GetParam().due_version));
  EXPECT_EQ(OriginalDue(life.clock()).date(), "2025-07-21");
  EXPECT_EQ(JudgedDue(life.clock()).date(), GetParam().due);
  EXPECT_FALSE(life.clock().has_paused_at());
}

INSTANTIATE_TEST_SUITE_P(All, PausePolicies,
                         ::testing::Values(PauseCase{reference::v1::PAUSE_POLICY_SHIFT, "2025-07-24", 1},
                                           PauseCase{reference::v1::PAUSE_POLICY_UNSPECIFIED, "2025-07-24", 1},
                                           PauseCase{reference::v1::PAUSE_POLICY_RESTART, "2025-07-29", 1},
                                           PauseCase{reference::v1::PAUSE_POLICY_CONTINUE, "2025-07-21", 0}));

TEST(Pause, AlertsAreRaisedAnewForTheNewDate) {
  Life life;
  life.Accept("2025-07-07T09:00", "10wd");
  life.Sweep(At("2025-07-18T00:00"));
  EXPECT_THAT(life.Alerts(), ElementsAre("NEARING@2025-07-17T07:00"));
  life.Pause(At("2025-07-18T10:00"));
  life.Resume(At("2025-07-23T09:00"));
  EXPECT_EQ(life.clock().due().date(), "2025-07-24");
  EXPECT_THAT(life.Alerts(), ElementsAre("NEARING@2025-07-17T07:00", "NEARING@2025-07-23T09:00"));
}

TEST(Pause, WhatFellIntoItIsRaisedWhenTheClockGoesOn) {
  Life life;
  life.Accept("2025-07-07T09:00", "10wd", reference::v1::PAUSE_POLICY_CONTINUE);
  life.Pause(At("2025-07-10T10:00"));
  life.Resume(At("2025-07-23T09:00"));
  EXPECT_THAT(life.Alerts(), ElementsAre("OVERDUE@2025-07-23T09:00"));
}

TEST(Pause, MovesTheRunningParts) {
  Life life;
  life.Accept("2025-07-07T09:00", "10wd");
  life.HandOver(At("2025-07-07T10:00"), kCommune, "check", "5wd");
  EXPECT_EQ(life.Part("check")->due().date(), "2025-07-14");
  life.Pause(At("2025-07-10T10:00"));
  life.Resume(At("2025-07-15T09:00"));
  EXPECT_EQ(life.Part("check")->due().date(), "2025-07-17");
}

TEST(Pause, AClockThatEndsWhileStoppedIsResumedFirst) {
  Life life;
  life.Accept("2025-07-07T09:00", "10wd");
  life.Pause(At("2025-07-10T10:00"));
  life.End(At("2025-07-23T09:00"));
  EXPECT_FALSE(life.clock().late());
  EXPECT_EQ(life.clock().due().date(), "2025-08-01");
  EXPECT_EQ(life.Count(feed::v1::Event::kDueChanged), 1);
}

TEST(End, TellsMonthAndLatenessInTheJurisdictionsZone) {
  Life life;
  life.Accept("2025-01-20T09:00", "1wd");
  life.End(At("2025-02-01T00:30"));  // still January in UTC
  EXPECT_EQ(life.clock().ended_month(), "2025-02");
  EXPECT_TRUE(life.clock().late());
  EXPECT_TRUE(life.events().back().clock_ended().late());
}

}  // namespace
}  // namespace motcua::deadline
