#include "clients/motcua/replay_reference.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/reference/catalogue.h"
#include "common/reference/validate.h"
#include "common/time/legal_clock.h"

namespace motcua::client {
namespace {

Plan SamplePlan() {
  Plan plan;
  plan.zone = "Europe/Amsterdam";
  plan.units = {{"Group 1", 2}, {"Group 2", 3}};
  plan.channels = {{"Bưu điện", 2}, {"Desk", 2},        {"Trực tiếp", 2},
                   {"e-mail", 2},   {"fax & phone", 3}, {"fax + phone", 4}};
  plan.officers = {{0, {"R1", 2}}, {1, {"R1", 2}}, {1, {"Mr. Ò", 3}}, {1, {"Mr. Ó", 3}}};
  PlannedDossier& dossier = plan.dossiers.emplace_back();
  dossier.name = "c";
  dossier.received = absl::UnixEpoch();
  dossier.started = absl::UnixEpoch() + absl::Hours(24 * 20);
  dossier.due = "1970-03-18";
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

// A group of an agency's id has three digits.
TEST(ReplayReference, ThousandsOfUnitsHaveIdsOfTheirOwn) {
  Plan plan = SamplePlan();
  for (int i = 0; i < 2500; ++i) plan.units.push_back({absl::StrCat("Unit ", i), i});
  const ReplayNames names = NamesOf(plan);
  EXPECT_EQ(names.agencies[0], "R01.1");
  EXPECT_EQ(std::set<std::string>(names.agencies.begin(), names.agencies.end()).size(), 2502u);
  EXPECT_TRUE(reference::Validate(ReplayReference(plan, names)).empty());
}

TEST(ReplayReference, ChannelsAreOfTheKindThatTheirNameTells) {
  const Plan plan = SamplePlan();
  const reference::v1::ReferenceSet set = ReplayReference(plan, NamesOf(plan));
  const auto& channels = set.jurisdiction().channels();
  EXPECT_EQ(channels[0].kind(), common::v1::CHANNEL_KIND_POSTAL);
  EXPECT_EQ(channels[1].kind(), common::v1::CHANNEL_KIND_DIRECT);
  EXPECT_EQ(channels[2].kind(), common::v1::CHANNEL_KIND_DIRECT);
  EXPECT_EQ(channels[3].kind(), common::v1::CHANNEL_KIND_ONLINE);
  EXPECT_EQ(set.jurisdiction().time_zone(), "Europe/Amsterdam");
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
