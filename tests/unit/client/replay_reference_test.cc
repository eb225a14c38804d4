#include "clients/motcua/replay_reference.h"

#include <gtest/gtest.h>

#include <random>

#include "common/reference/catalogue.h"
#include "common/reference/validate.h"
#include "common/time/legal_clock.h"

namespace motcua::client {
namespace {

Plan SamplePlan() {
  Plan plan;
  plan.units = {"Group 1", "Group 2"};
  plan.channels = {"Desk", "e-mail", "fax & phone", "fax + phone"};
  plan.officers = {{0, "R1"}, {1, "R1"}, {1, "Mr. Ò"}, {1, "Mr. Ó"}};
  plan.dossiers.push_back(
      {"c", "Desk", absl::UnixEpoch(), absl::UnixEpoch() + absl::Hours(24 * 20), "1970-03-18", {}});
  return plan;
}

TEST(ReplayReference, IsValidWhateverTheNamesInTheLog) {
  const Plan plan = SamplePlan();
  const reference::v1::ReferenceSet set = ReplayReference(plan, NamesOf(plan));
  for (const reference::Violation& violation : reference::Validate(set)) {
    ADD_FAILURE() << violation.path << ": " << violation.description;
  }
  EXPECT_TRUE(reference::Catalogue::Compile(set).ok());
}

// A term of 56 calendar days never rolls, begins on any day at any hour, and passes summer time unharmed.
TEST(ReplayReference, FiftySixDaysAreFiftySixDates) {
  const Plan plan = SamplePlan();
  const auto catalogue = reference::Catalogue::Compile(ReplayReference(plan, NamesOf(plan)));
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  const absl::CivilDay any(2011, 3, 1);
  const reference::v1::Procedure& procedure = *(*catalogue)->ProcedureInForce(kReplayProcedure, any);
  const auto rule = time::ReceiptRuleOf(procedure);
  ASSERT_TRUE(rule.ok());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const absl::Time received = absl::FromUnixSeconds(1285900000 + static_cast<int64_t>(random() % 50000000));
    const auto due =
        time::ComputeDeadline(received, procedure.limit(), *rule, (*catalogue)->CalendarOf("R01.1"));
    ASSERT_TRUE(due.ok()) << due.status();
    EXPECT_EQ(due->date(), absl::FormatCivilTime((*catalogue)->DayOf(received) + kStandardDays)) << received;
  }
}

}  // namespace
}  // namespace motcua::client
