#include "clients/motcua/replay_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/motcua/replay_requests.h"
#include "clients/motcua/text.h"
#include "common/rpc/validator.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::client {
namespace {

using testing::HasSubstr;

// What routing refuses half-way is refused here before.
static_assert(kMostSpells == routing::kMaxCustodySpans);
static_assert(kMostHistoryLines == routing::kMaxHistoryLines);

const absl::Time kStart = absl::FromCivil(absl::CivilDay(2022, 3, 1), absl::UTCTimeZone());

// A dossier that is filed and worked on once.
Plan SamplePlan() {
  Plan plan;
  plan.zone = "Asia/Ho_Chi_Minh";
  plan.units = {{"Xã", 2}};
  plan.channels = {{"Trực tiếp", 2}};
  plan.officers = {{0, {"An", 2}}};
  plan.activities = {{"Tiếp nhận", 2}};
  PlannedDossier& dossier = plan.dossiers.emplace_back();
  dossier.name = "A";
  dossier.line = 2;
  dossier.received = kStart;
  dossier.started = kStart;
  dossier.due = "2022-04-26";
  plan.actions.resize(2);
  plan.actions[1].kind = ActionKind::kWork;
  plan.actions[1].activity = 0;
  for (Action& action : plan.actions) action.at = kStart;
  plan.now = kStart;
  return plan;
}

std::string FaultsOf(const Plan& plan) {
  LogFaults faults(/*english=*/true);
  CheckPlan(plan, NamesOf(plan), faults);
  return std::string(faults.ToStatus().message());
}

TEST(ReplayCheck, WhatTheServicesTakeIsNoFault) { EXPECT_EQ(FaultsOf(SamplePlan()), ""); }

TEST(ReplayCheck, AnActivityIsAsLongAsTheContractAllows) {
  Plan plan = SamplePlan();
  std::string& activity = plan.activities[0].text;
  activity.clear();
  for (int i = 0; i < 200; ++i) activity += "ệ";
  EXPECT_EQ(FaultsOf(plan), "");
  activity += "x";
  plan.activities[0].line = 7;
  EXPECT_THAT(FaultsOf(plan), HasSubstr("line 7: concept:name: \"ệệệ"));
  EXPECT_THAT(FaultsOf(plan), HasSubstr("at most 200 characters"));
}

TEST(ReplayCheck, ControlCharactersAreToldWhereverTheyStand) {
  const std::string nul("a\0b", 3);
  Plan plan = SamplePlan();
  plan.activities[0] = {nul, 3};
  plan.units[0] = {nul, 4};
  plan.officers[0].name = {nul, 5};
  plan.dossiers[0].name = nul;
  plan.dossiers[0].line = 6;
  const std::string told = FaultsOf(plan);
  for (const char* where :
       {"line 3: concept:name", "line 4: org:group", "line 5: org:resource", "line 6: case:concept:name"}) {
    EXPECT_THAT(told, HasSubstr(where));
  }
}

// Names of dossiers are only shown: of a long one as much is sent as fits.
TEST(ReplayCheck, ALongNameIsCutBetweenCharacters) {
  Plan plan = SamplePlan();
  for (int i = 0; i < 1500; ++i) plan.dossiers[0].name += "ệ";
  EXPECT_EQ(FaultsOf(plan), "");
  const intake::v1::FileRequest filing = FilingOf(plan, NamesOf(plan), plan.actions[0]);
  EXPECT_TRUE(rpc::Validate(filing).ok()) << rpc::Validate(filing);
  EXPECT_EQ(FirstCharacters(filing.subject(), 999), filing.subject().substr(0, filing.subject().size() - 3));
  EXPECT_GT(filing.applicant().name().size(), 500u);
}

TEST(ReplayCheck, CustodyAndHistoryHaveBounds) {
  Plan plan = SamplePlan();
  plan.dossiers[0].hand_overs = kMostSpells - 1;
  plan.dossiers[0].works = kMostHistoryLines - 1 - 2 * (kMostSpells - 1);
  EXPECT_EQ(FaultsOf(plan), "");
  ++plan.dossiers[0].works;
  EXPECT_THAT(FaultsOf(plan), HasSubstr("line 2: the dossier's history has 10001 lines: at most 10000"));
  plan.dossiers[0].works = 0;
  ++plan.dossiers[0].hand_overs;
  EXPECT_THAT(FaultsOf(plan), HasSubstr("line 2: the dossier is handed over 1000 times: at most 999"));
}

TEST(ReplayCheck, CalendarsCoverTheYears2000To2100) {
  for (const int year : {1999, 2101}) {
    Plan plan = SamplePlan();
    plan.dossiers[0].started = absl::FromCivil(absl::CivilDay(year, 6, 1), absl::UTCTimeZone());
    EXPECT_THAT(FaultsOf(plan),
                HasSubstr(absl::StrCat("line 2: case:startdate: ", year, "-06-01 is outside the years")));
  }
  Plan plan = SamplePlan();
  plan.dossiers[0].due = "1999-12-31";
  EXPECT_THAT(FaultsOf(plan),
              HasSubstr("line 2: case:deadline: 1999-12-31 is outside the years 2000 to 2100"));
  // The promise of 56 days lies outside, too.
  plan = SamplePlan();
  plan.dossiers[0].started = absl::FromCivil(absl::CivilDay(2100, 12, 1), absl::UTCTimeZone());
  EXPECT_THAT(FaultsOf(plan), HasSubstr("is outside the years"));
}

TEST(ReplayCheck, WorkTenYearsBeforeTheStartIsTold) {
  Plan plan = SamplePlan();
  plan.dossiers[0].received = kStart - absl::Hours(24 * 3649);
  EXPECT_EQ(FaultsOf(plan), "");
  plan.dossiers[0].received -= absl::Hours(1);
  EXPECT_THAT(FaultsOf(plan),
              HasSubstr("line 2: case:startdate: more than 3650 days after the first activity"));
}

TEST(ReplayCheck, TooManyChannelsAreTold) {
  Plan plan = SamplePlan();
  for (int i = 0; i < 50; ++i) plan.channels.push_back({absl::StrCat("channel ", i), i});
  EXPECT_THAT(FaultsOf(plan), HasSubstr("jurisdiction.channels: "));
}

// All at once, and no more than can be read.
TEST(ReplayCheck, ListsWhatIsWrongUpToItsBound) {
  Plan plan = SamplePlan();
  for (int i = 0; i < 100; ++i) {
    plan.dossiers.push_back(plan.dossiers[0]);
    plan.dossiers.back().due = "1999-12-31";
    plan.dossiers.back().line = 200 - i;
  }
  const std::string told = FaultsOf(plan);
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 20);
  EXPECT_THAT(told, testing::StartsWith("line 181: "));
  EXPECT_THAT(told, testing::EndsWith("there may be more"));
}

}  // namespace
}  // namespace motcua::client
