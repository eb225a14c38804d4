// Another due date: who may set it, what it moves, and what lateness is judged by afterwards.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/violations.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

using feed::v1::DUE_CHANGE_KIND_AGREED;
using feed::v1::DUE_CHANGE_KIND_PAUSE;
using feed::v1::DUE_CHANGE_KIND_REAPPOINTMENT;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class ChangeDueTest : public ::testing::Test {
 protected:
  ChangeDueTest() { life_.Accept("2025-01-06T09:00", "5wd"); }  // due Mon 2025-01-13

  std::string Reason(const std::string& at, const std::string& date, feed::v1::DueChangeKind kind,
                     const std::string& agency = kCommune) {
    return errors::Reason(life_.ChangeDue(At(at), date, kind, agency));
  }

  Life life_;
};

TEST_F(ChangeDueTest, AgreedMovesTheDateAndWhatIsJudged) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-07T09:00"), "2025-01-20", DUE_CHANGE_KIND_AGREED).ok());
  EXPECT_EQ(life_.clock().due().date(), "2025-01-20");
  EXPECT_EQ(Local(time::FromTimestamp(life_.clock().due().appointment())), "2025-01-20T17:00");
  EXPECT_EQ(Local(time::FromTimestamp(life_.clock().due().late_from())), "2025-01-21T00:00");
  EXPECT_EQ(OriginalDue(life_.clock()).date(), "2025-01-13");
  EXPECT_EQ(life_.clock().due_version(), 1u);
  EXPECT_TRUE(life_.clock().due_changed());
  const auto& changed = life_.events().back().due_changed();
  EXPECT_EQ(changed.previous_due().date(), "2025-01-13");
  EXPECT_EQ(changed.due().date(), "2025-01-20");
  EXPECT_EQ(changed.due_version(), 1u);
  life_.End(At("2025-01-20T10:00"));
  EXPECT_FALSE(life_.clock().late());
}

TEST_F(ChangeDueTest, ADateAlreadyPastIsOverdueAtOnce) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-08T09:00"), "2025-01-03", DUE_CHANGE_KIND_AGREED).ok());
  EXPECT_THAT(life_.Alerts(), ElementsAre("OVERDUE@2025-01-08T09:00", "ESCALATED@2025-01-08T09:00"));
  EXPECT_EQ(life_.events().front().body_case(), feed::v1::Event::kDueChanged);
}

TEST_F(ChangeDueTest, AlertsOfTheOldDateThatWereDueAreRaisedFirst) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-10T09:00"), "2025-01-24", DUE_CHANGE_KIND_AGREED).ok());
  life_.Sweep(At("2025-02-15T00:00"));
  EXPECT_THAT(life_.Alerts(),
              ElementsAre("NEARING@2025-01-09T07:00", "NEARING@2025-01-22T07:00", "DUE_TODAY@2025-01-24T07:00",
                          "OVERDUE@2025-01-25T00:00", "ESCALATED@2025-02-05T07:00"));
}

TEST_F(ChangeDueTest, AReappointmentNeverMakesALateDossierTimely) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-10T09:00"), "2025-01-20", DUE_CHANGE_KIND_REAPPOINTMENT).ok());
  EXPECT_EQ(JudgedDue(life_.clock()).date(), "2025-01-13");
  EXPECT_EQ(life_.clock().reappointments(), 1u);
  EXPECT_FALSE(life_.clock().due_changed());
  life_.End(At("2025-01-16T10:00"));
  EXPECT_TRUE(life_.clock().late());
}

TEST_F(ChangeDueTest, AtMostOneReappointment) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-10T09:00"), "2025-01-20", DUE_CHANGE_KIND_REAPPOINTMENT).ok());
  EXPECT_EQ(Reason("2025-01-10T10:00", "2025-02-20", DUE_CHANGE_KIND_REAPPOINTMENT), "TOO_MANY_REAPPOINTMENTS");
  EXPECT_EQ(life_.clock().due().date(), "2025-01-20");
}

TEST_F(ChangeDueTest, AnAgreementAfterAReappointmentCountsOnlyWhereNotYetLate) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-10T09:00"), "2025-01-20", DUE_CHANGE_KIND_REAPPOINTMENT).ok());
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-10T11:00"), "2025-01-22", DUE_CHANGE_KIND_AGREED).ok());
  EXPECT_EQ(JudgedDue(life_.clock()).date(), "2025-01-22");
}

TEST_F(ChangeDueTest, AnAgreementDoesNotExcuseWhatWasLateByTheFirstPromise) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-10T09:00"), "2025-01-20", DUE_CHANGE_KIND_REAPPOINTMENT).ok());
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-15T11:00"), "2025-01-22", DUE_CHANGE_KIND_AGREED).ok());
  EXPECT_EQ(JudgedDue(life_.clock()).date(), "2025-01-13");
}

TEST_F(ChangeDueTest, APauseMovesTheJudgedDateWithTheOther) {
  ASSERT_TRUE(life_.ChangeDue(At("2025-01-07T09:00"), "2025-01-20", DUE_CHANGE_KIND_REAPPOINTMENT).ok());
  life_.Pause(At("2025-01-08T09:00"));
  life_.Resume(At("2025-01-10T09:00"));
  EXPECT_EQ(life_.clock().due().date(), "2025-01-22");
  EXPECT_EQ(JudgedDue(life_.clock()).date(), "2025-01-15");
}

TEST_F(ChangeDueTest, WhoMayChange) {
  EXPECT_EQ(Reason("2025-01-07T09:00", "2025-01-20", DUE_CHANGE_KIND_AGREED, kTax), "NOT_YOUR_AGENCY");
  life_.HandOver(At("2025-01-07T10:00"), kDistrict);
  EXPECT_EQ(Reason("2025-01-07T11:00", "2025-01-20", DUE_CHANGE_KIND_AGREED, kDistrict), "");
  EXPECT_EQ(Reason("2025-01-07T11:00", "2025-01-21", DUE_CHANGE_KIND_AGREED, kCommune), "");
}

TEST_F(ChangeDueTest, AfterTheEndNothingMoves) {
  life_.End(At("2025-01-07T09:00"));
  EXPECT_EQ(Reason("2025-01-07T10:00", "2025-01-20", DUE_CHANGE_KIND_AGREED), "DOSSIER_ENDED");
}

TEST(ChangeDue, OfNothing) {
  Life life;
  EXPECT_EQ(errors::Reason(life.ChangeDue(At("2025-01-07T10:00"), "2025-01-20", DUE_CHANGE_KIND_AGREED)),
            "DOSSIER_NOT_FOUND");
  life.Accept("2025-01-06T09:00", "");
  EXPECT_EQ(errors::Reason(life.ChangeDue(At("2025-01-07T10:00"), "2025-01-20", DUE_CHANGE_KIND_AGREED)), "NO_DUE_DATE");
}

TEST_F(ChangeDueTest, AllThatIsWrongIsToldAtOnce) {
  const auto violations = [&](const std::string& date, feed::v1::DueChangeKind kind) {
    return motcua::test::Violations(life_.ChangeDue(At("2025-01-07T09:00"), date, kind));
  };
  EXPECT_THAT(violations("2025-02-30", DUE_CHANGE_KIND_PAUSE), SizeIs(2));
  EXPECT_THAT(violations("2025-01-13", DUE_CHANGE_KIND_AGREED), SizeIs(1));
  EXPECT_THAT(violations("2025-01-10", DUE_CHANGE_KIND_REAPPOINTMENT), SizeIs(1));
  EXPECT_THAT(violations("2025-01-02", DUE_CHANGE_KIND_REAPPOINTMENT), SizeIs(2));
  EXPECT_THAT(violations("2250-01-02", DUE_CHANGE_KIND_AGREED), SizeIs(1));
  EXPECT_EQ(life_.clock().due_version(), 0u);
}

TEST_F(ChangeDueTest, AnAlertThatIsBeingSettledIsWaitedFor) {
  const absl::Time settled = At("2025-01-13T23:59");
  EXPECT_EQ(errors::Reason(life_.ChangeDue(At("2025-01-14T00:00"), "2025-01-20", DUE_CHANGE_KIND_AGREED, kCommune,
                                           At("2025-01-09T06:59"))),
            "NOT_CAUGHT_UP");
  life_.Sweep(settled);
  EXPECT_EQ(errors::Reason(life_.ChangeDue(At("2025-01-14T00:00"), "2025-01-20", DUE_CHANGE_KIND_AGREED, kCommune, settled)),
            "NOT_CAUGHT_UP");
  EXPECT_TRUE(life_.ChangeDue(At("2025-01-13T23:59"), "2025-01-20", DUE_CHANGE_KIND_AGREED, kCommune, settled).ok());
}

}  // namespace
}  // namespace motcua::deadline
