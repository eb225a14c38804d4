#include "services/intake/domain/receipt/filing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/dossier/view.h"
#include "tests/support/violations.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class Filing : public testing::Test {
 protected:
  absl::StatusOr<store::Decision<internal::intake::DossierRecord>> File(
      const v1::FileRequest& request, absl::Time now = MondayMorning(),
      const std::string& agency = kCommune) {
    return DecideFile(request, kCode, kSecret, At(now, agency), *catalogue_, Standing::kOwnAgency);
  }

  std::shared_ptr<const reference::Catalogue> catalogue_ = CompileJurisdiction();
};

TEST_F(Filing, IssuesACodeAndTellsOfTheApplication) {
  const auto decision = File(Application());
  ASSERT_TRUE(decision.ok()) << decision.status();
  const v1::Dossier dossier = ViewOf(decision->record, 1);
  EXPECT_EQ(dossier.code(), kCode);
  EXPECT_EQ(dossier.status(), common::v1::DOSSIER_STATUS_NEW);
  EXPECT_EQ(dossier.channel(), "direct");
  EXPECT_EQ(dossier.reference_version(), 7u);
  EXPECT_EQ(time::FromTimestamp(dossier.submitted_at()), MondayMorning());
  EXPECT_FALSE(dossier.has_due());
  ASSERT_THAT(decision->events, SizeIs(1));
  EXPECT_EQ(decision->events[0].dossier_filed().applicant().email(), "a@example.org");
  ASSERT_THAT(decision->history, SizeIs(1));
  EXPECT_EQ(decision->history[0].action(), "DossierFiled");
}

TEST_F(Filing, AcceptedAtOnceEmitsTheAcceptanceAlone) {
  const auto decision = File(Application("1.000002", true));
  ASSERT_TRUE(decision.ok()) << decision.status();
  ASSERT_THAT(decision->events, SizeIs(1));
  const feed::v1::DossierAccepted& accepted = decision->events[0].dossier_accepted();
  EXPECT_EQ(accepted.procedure_name(), "Interlinked");
  EXPECT_EQ(accepted.competent_agency(), "H30.18");
  EXPECT_EQ(accepted.due().date(), "2025-01-27");
  EXPECT_EQ(accepted.pause_policy(), reference::v1::PAUSE_POLICY_RESTART);
  EXPECT_EQ(accepted.ladder(), "strict");
  EXPECT_EQ(accepted.max_supplements(), 2u);
  EXPECT_EQ(accepted.reference_version(), 7u);
  ASSERT_THAT(accepted.legs(), SizeIs(3));
  EXPECT_EQ(accepted.legs(0).agency(), kCommune);
  EXPECT_EQ(accepted.legs(1).agency(), "H30.18.LR");
  EXPECT_EQ(accepted.legs(2).agency(), "H30.18");
  const v1::Dossier dossier = ViewOf(decision->record, 1);
  EXPECT_EQ(dossier.status(), common::v1::DOSSIER_STATUS_ACCEPTED);
  EXPECT_EQ(dossier.due().date(), "2025-01-27");
  EXPECT_EQ(dossier.original_due().date(), "2025-01-27");
}

TEST_F(Filing, AProcedureWithoutLegsHasOneAtTheCompetentAgency) {
  const auto decision = File(Application("1.000004", true), Local(2025, 3, 3, 9, 0));
  ASSERT_TRUE(decision.ok()) << decision.status();
  const feed::v1::DossierAccepted& accepted = decision->events[0].dossier_accepted();
  // Commune seven was merged into five on 1 March.
  EXPECT_EQ(accepted.competent_agency(), kCommune);
  ASSERT_THAT(accepted.legs(), SizeIs(1));
  EXPECT_EQ(accepted.legs(0).agency(), kCommune);
  EXPECT_EQ(accepted.legs(0).limit().tenths(), 50u);
}

TEST_F(Filing, AfterTheCutOffTheTermCountsFromTheNextWorkingDay) {
  EXPECT_EQ(ViewOf(File(Application("1.000001", true), Local(2025, 1, 13, 15, 0))->record, 1).due().date(), "2025-01-16");
  EXPECT_EQ(ViewOf(File(Application("1.000001", true), Local(2025, 1, 13, 15, 1))->record, 1).due().date(), "2025-01-17");
}

TEST_F(Filing, TheOldFormOfAnAgencyIdIsUnderstood) {
  v1::FileRequest request = Application();
  request.set_receiving_agency("000.05.18.H30");
  const auto decision = File(request);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->record.dossier().receiving_agency(), kCommune);
}

TEST_F(Filing, AllThatIsWrongIsToldAtOnce) {
  v1::FileRequest request = Application("9.999999");
  request.set_channel("pigeon");
  request.mutable_applicant()->set_language("fr");
  *request.mutable_submitted_at() = time::ToTimestamp(MondayMorning() + absl::Minutes(1));
  *request.mutable_counted_from() = time::ToTimestamp(MondayMorning());
  request.add_components()->set_name("Form");
  request.add_components()->set_name("Form ");
  const absl::Status status = File(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(errors::Reason(status), "INVALID_REQUEST");
  EXPECT_THAT(motcua::test::ViolationReasons(status),
              UnorderedElementsAre(Pair("procedure", "UNKNOWN_PROCEDURE"), Pair("channel", "UNKNOWN_CHANNEL"),
                                   Pair("applicant.language", testing::_),
                                   Pair("submitted_at", "IN_THE_FUTURE"), Pair("counted_from", testing::_),
                                   Pair("components[1].name", "COMPONENT_REPEATED")));
}

struct BadCase {
  const char* name;
  const char* agency;
  const char* procedure;
  absl::Time now;
  const char* field;
  const char* reason;
};

class BadFiling : public Filing, public testing::WithParamInterface<BadCase> {};

TEST_P(BadFiling, IsRefusedWithItsReason) {
  const BadCase& bad = GetParam();
  v1::FileRequest request = Application(bad.procedure, true);
  request.set_receiving_agency(bad.agency);
  const absl::Status status = File(request, bad.now, bad.agency).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(errors::Reason(status), bad.reason) << status;
  EXPECT_THAT(motcua::test::ViolationReasons(status), Contains(Pair(bad.field, bad.reason)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadFiling,
    testing::Values(
        BadCase{"UnknownAgency", "H30.99", "1.000001", MondayMorning(), "receiving_agency", "UNKNOWN_AGENCY"},
        BadCase{"UnknownProcedure", kCommune, "9.999999", MondayMorning(), "procedure", "UNKNOWN_PROCEDURE"},
        BadCase{"MergedAgency", "H30.18.07", "1.000001", Local(2025, 3, 3, 9, 0), "receiving_agency", "AGENCY_INACTIVE"},
        BadCase{"AbolishedProcedure", kCommune, "1.000003", Local(2025, 2, 1, 0, 0), "procedure", "PROCEDURE_NOT_IN_FORCE"},
        BadCase{"WrongLevel", "H30.18", "1.000002", MondayMorning(), "receiving_agency", "NOT_RECEIVABLE_HERE"},
        BadCase{"NobodyCompetent", "H30", "1.000005", MondayMorning(), "procedure", "COMPETENCE_UNRESOLVED"},
        BadCase{"BeyondTheCalendar", kCommune, "1.000001", Local(2100, 12, 31, 9, 0), "procedure", "CALENDAR_MISSING"}),
    [](const auto& info) { return info.param.name; });

TEST_F(Filing, ThePreviousDayOfAnAbolishedProcedureStillCounts) {
  EXPECT_TRUE(File(Application("1.000003", true), Local(2025, 1, 31, 23, 59)).ok());
}

TEST_F(Filing, OnlyTheReceivingAgencyFiles) {
  EXPECT_EQ(errors::Reason(File(Application(), MondayMorning(), "H30.18.06").status()), "NOT_RECEIVING_AGENCY");
  EXPECT_TRUE(DecideFile(Application(), kCode, kSecret, At(MondayMorning(), ""), *catalogue_, Standing::kJurisdiction).ok());
}

TEST_F(Filing, PapersThatAreStatedMustBeComplete) {
  v1::FileRequest request = Application("1.000001", true);
  request.add_components()->set_name("Form");
  EXPECT_THAT(motcua::test::Violations(File(request).status()),
              ElementsAre(Pair("components", HasSubstr("Proof"))));
  // As people read it, whatever bytes a form sends.
  request.add_components()->set_name(" Proof\u00A0 ");
  const auto decision = File(request);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->record.dossier().components(0).count(), 1u);
}

struct Window {
  const char* procedure;
  absl::Duration from_receipt;
  bool allowed;
};

TEST_F(Filing, ATermCountsFromAnotherMomentOnlyWithinTheWindow) {
  for (const Window& window : {Window{"1.000002", -absl::Hours(24 * 5), true}, Window{"1.000002", absl::Hours(24 * 5), true},
                               Window{"1.000002", -absl::Hours(24 * 6), false}, Window{"1.000002", absl::Hours(24 * 6), false},
                               Window{"1.000001", absl::ZeroDuration(), true}, Window{"1.000001", -absl::Minutes(1), false}}) {
    v1::FileRequest request = Application(window.procedure, true);
    *request.mutable_counted_from() = time::ToTimestamp(MondayMorning() + window.from_receipt);
    const auto decision = File(request);
    EXPECT_EQ(decision.ok(), window.allowed) << window.procedure << " " << window.from_receipt;
    if (!decision.ok()) {
      EXPECT_EQ(errors::Reason(decision.status()), "COUNTED_FROM_OUT_OF_WINDOW");
    } else {
      const feed::v1::DossierAccepted& accepted = decision->events[0].dossier_accepted();
      EXPECT_EQ(time::FromTimestamp(accepted.received_at()), MondayMorning());
      EXPECT_EQ(time::FromTimestamp(accepted.counted_from()), MondayMorning() + window.from_receipt);
    }
  }
}

}  // namespace
}  // namespace motcua::intake::test
