#include "services/intake/domain/reference_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/intake/domain/due_question.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

using testing::Contains;
using testing::Pair;
using testing::SizeIs;

TEST(ReferenceChange, CountsVersionsAndIgnoresTheSameContent) {
  auto first = DecideReference(nullptr, JurisdictionSet(), At(MondayMorning()));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->record.set().version(), 1u);
  ASSERT_THAT(first->events, SizeIs(1));
  EXPECT_EQ(first->events[0].subject(), "H30");
  EXPECT_EQ(first->events[0].reference_applied().set().version(), 1u);

  reference::v1::ReferenceSet same = JurisdictionSet();
  same.set_version(99);  // ignored on input
  EXPECT_FALSE(DecideReference(&first->record, same, At(MondayMorning())).has_value());

  reference::v1::ReferenceSet other = JurisdictionSet();
  other.mutable_agencies(0)->set_name("Renamed");
  const auto second = DecideReference(&first->record, other, At(MondayMorning()));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->record.set().version(), 2u);
}

TEST(ReferenceChange, NamesEveryViolation) {
  EXPECT_TRUE(CheckReferenceSet(JurisdictionSet()).ok());
  reference::v1::ReferenceSet broken = JurisdictionSet();
  broken.mutable_agencies(1)->set_parent("H30.99");
  broken.mutable_officers(0)->set_agency("H30.98");
  const absl::Status status = CheckReferenceSet(broken);
  EXPECT_EQ(errors::Reason(status), "REFERENCE_INVALID");
  EXPECT_THAT(errors::FieldViolations(status), Contains(Pair("set.agencies[1].parent", testing::_)));
  EXPECT_THAT(errors::FieldViolations(status), Contains(Pair("set.officers[0].agency", testing::_)));
}

TEST(DueQuestion, AnswersByTheAgencysCalendar) {
  const auto catalogue = CompileJurisdiction();
  v1::ComputeDueRequest request;
  request.set_agency("000.05.18.H30");
  *request.mutable_received_at() = time::ToTimestamp(Local(2025, 1, 10, 15, 30));
  request.mutable_limit()->set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  request.mutable_limit()->set_tenths(30);
  EXPECT_EQ(AnswerDue(request, *catalogue)->due().date(), "2025-01-16");
  request.set_cutoff_policy(reference::v1::CUTOFF_POLICY_NONE);
  EXPECT_EQ(AnswerDue(request, *catalogue)->due().date(), "2025-01-15");

  request.set_agency("H30.99");
  request.set_cutoff("25:00");
  request.mutable_limit()->set_tenths(0);
  const absl::Status status = AnswerDue(request, *catalogue).status();
  EXPECT_THAT(errors::FieldViolations(status), SizeIs(3));
}

}  // namespace
}  // namespace motcua::intake::test
