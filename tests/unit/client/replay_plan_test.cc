#include "clients/motcua/replay_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/reference/zone.h"

namespace motcua::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kHeader[] =
    "case:channel,case:concept:name,case:deadline,case:enddate,case:startdate,concept:name,org:group,org:"
    "resource,time:timestamp\n";

// A row of a dossier that starts on 2011-03-01 and is due 56 days later.
std::string Row(const std::string& name, const std::string& activity, const std::string& unit,
                const std::string& at, const std::string& end = "",
                const std::string& due = "2011-04-26 09:00:00+02:00",
                const std::string& start = "2011-03-01 09:00:00+01:00") {
  return absl::StrCat("Desk,", name, ",", due, ",", end, ",", start, ",", activity, ",", unit, ",R1,", at,
                      "\n");
}

Plan PlanOf(const std::string& rows, int limit = 0) {
  const auto table = ParseCsv(kHeader + rows);
  EXPECT_TRUE(table.ok()) << table.status();
  auto plan = MakePlan(*table, limit);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return *std::move(plan);
}

std::vector<ActionKind> KindsOf(const Plan& plan) {
  std::vector<ActionKind> kinds;
  for (const Action& action : plan.actions) kinds.push_back(action.kind);
  return kinds;
}

TEST(ReplayPlan, HandOverComesBeforeTheWorkOfAnotherUnit) {
  const Plan plan = PlanOf(Row("c", "a", "A", "2011-03-02 10:00:00+01:00") +
                           Row("c", "b", "B", "2011-03-03 10:00:00+01:00"));
  EXPECT_THAT(KindsOf(plan),
              ElementsAre(ActionKind::kFile, ActionKind::kWork, ActionKind::kHandOver, ActionKind::kWork));
  EXPECT_EQ(plan.actions[2].at, plan.actions[3].at);
  EXPECT_EQ(plan.units[plan.officers[plan.actions[2].giver].unit], "A");
  EXPECT_EQ(plan.units[plan.officers[plan.actions[2].officer].unit], "B");
}

TEST(ReplayPlan, EmptyUnitKeepsTheHolder) {
  const Plan plan = PlanOf(Row("c", "a", "EMPTY", "2011-03-02 10:00:00+01:00") +
                           Row("c", "b", "B", "2011-03-03 10:00:00+01:00") +
                           Row("c", "d", "EMPTY", "2011-03-04 10:00:00+01:00"));
  EXPECT_THAT(plan.units, ElementsAre("B"));
  EXPECT_THAT(KindsOf(plan),
              ElementsAre(ActionKind::kFile, ActionKind::kWork, ActionKind::kWork, ActionKind::kWork));
}

TEST(ReplayPlan, NobodysDossierIsUnassigned) {
  EXPECT_THAT(PlanOf(Row("c", "a", "EMPTY", "2011-03-02 10:00:00+01:00")).units, ElementsAre(kUnassigned));
}

TEST(ReplayPlan, WorkAtTheEndIsDoneAndAfterItRefused) {
  const std::string end = "2011-03-05 10:00:00.5+01:00";
  const Plan plan =
      PlanOf(Row("c", "a", "A", end, end) + Row("c", "b", "A", "2011-03-05 10:00:00.500001+01:00", end));
  EXPECT_THAT(KindsOf(plan), ElementsAre(ActionKind::kFile, ActionKind::kWork, ActionKind::kFinish,
                                         ActionKind::kWorkAfterEnd));
}

TEST(ReplayPlan, ReceivedIsTheEarlierOfStartAndFirstWorkAndNoEndIsBeforeIt) {
  const Plan plan = PlanOf(Row("c", "a", "A", "2011-02-27 10:00:00+01:00", "2011-02-20 10:00:00+01:00"));
  EXPECT_EQ(plan.dossiers[0].received, *ParseLogTime("2011-02-27 10:00:00+01:00"));
  EXPECT_EQ(*plan.dossiers[0].ended, plan.dossiers[0].received);
  EXPECT_EQ(plan.dossiers[0].started, *ParseLogTime("2011-03-01 09:00:00+01:00"));
}

// 56 days across the change to summer time are 56 dates, whatever the hours.
TEST(ReplayPlan, OnlyAnotherDateIsAChange) {
  EXPECT_THAT(
      KindsOf(PlanOf(Row("c", "a", "A", "2011-03-02 10:00:00+01:00", "", "2011-04-26 00:00:01+02:00"))),
      ElementsAre(ActionKind::kFile, ActionKind::kWork));
  EXPECT_THAT(
      KindsOf(PlanOf(Row("c", "a", "A", "2011-03-02 10:00:00+01:00", "", "2011-04-27 09:00:00+02:00"))),
      ElementsAre(ActionKind::kFile, ActionKind::kChangeDue, ActionKind::kWork));
}

TEST(ReplayPlan, ActsInTheOrderOfTimeOverAllDossiers) {
  const Plan plan = PlanOf(Row("c", "a", "A", "2011-03-04 10:00:00+01:00") +
                           Row("d", "a", "A", "2011-03-03 10:00:00+01:00", "", "2011-04-26 09:00:00+02:00",
                               "2011-03-01 08:00:00+01:00"));
  for (size_t i = 1; i < plan.actions.size(); ++i) EXPECT_LE(plan.actions[i - 1].at, plan.actions[i].at);
  EXPECT_EQ(plan.actions[0].dossier, 1);
}

TEST(ReplayPlan, KeysAreOfContentAndTellEqualRowsApart) {
  const std::string rows =
      Row("c", "a", "A", "2011-03-02 10:00:00+01:00") + Row("c", "a", "A", "2011-03-02 10:00:00+01:00");
  const Plan once = PlanOf(rows), again = PlanOf(Row("b", "a", "A", "2011-03-02 10:00:00+01:00") + rows);
  std::set<std::string> keys, others;
  for (const Action& action : once.actions)
    keys.insert(absl::StrCat(static_cast<int>(action.kind), action.key));
  for (const Action& action : again.actions)
    others.insert(absl::StrCat(static_cast<int>(action.kind), action.key));
  EXPECT_EQ(keys.size(), once.actions.size());
  EXPECT_EQ(others.size(), again.actions.size());
  for (const std::string& key : keys) EXPECT_EQ(others.count(key), 1u);
}

TEST(ReplayPlan, PartOfTheLogKeepsTheNumbersOfTheWhole) {
  const std::string rows =
      Row("c", "a", "B", "2011-03-02 10:00:00+01:00") + Row("d", "a", "A", "2011-03-02 10:00:00+01:00");
  const Plan whole = PlanOf(rows), part = PlanOf(rows, 1);
  EXPECT_EQ(part.units, whole.units);
  EXPECT_EQ(part.officers.size(), whole.officers.size());
  EXPECT_EQ(part.dossiers.size(), 1u);
  EXPECT_EQ(part.excerpt, kHeader + Row("c", "a", "B", "2011-03-02 10:00:00+01:00"));
}

TEST(ReplayPlan, NamesEveryViolationByItsLine) {
  const auto table = ParseCsv(kHeader + Row("c", "a", "A", "2011-03-02 10:00") +
                              Row("c", "", "A", "2011-02-30 10:00:00+01:00"));
  ASSERT_TRUE(table.ok());
  const std::string message(MakePlan(*table).status().message());
  EXPECT_THAT(message, HasSubstr("line 2: time:timestamp: \"2011-03-02 10:00\" is not a time"));
  EXPECT_THAT(message, HasSubstr("line 3: concept:name: must not be empty"));
  EXPECT_THAT(message, HasSubstr("line 3: time:timestamp: \"2011-02-30"));
}

TEST(ReplayPlan, RefusesMissingColumnsAndRowsThatDisagree) {
  const auto columns = ParseCsv("case:concept:name\nc\n");
  EXPECT_THAT(std::string(MakePlan(*columns).status().message()),
              HasSubstr("the column \"time:timestamp\" is missing"));
  const auto rows = ParseCsv(kHeader + Row("c", "a", "A", "2011-03-02 10:00:00+01:00") +
                             Row("c", "b", "A", "2011-03-03 10:00:00+01:00", "2011-03-09 10:00:00+01:00"));
  EXPECT_THAT(std::string(MakePlan(*rows).status().message()),
              HasSubstr("line 3: case:enddate: differs from line 2"));
}

TEST(LogTime, FractionsAndOffsets) {
  EXPECT_EQ(*ParseLogTime("1970-01-01 01:00:00.25+01:00"), absl::FromUnixMillis(250));
  EXPECT_EQ(*ParseLogTime("1970-01-01T00:00:00Z"), absl::UnixEpoch());
  EXPECT_EQ(*ParseLogTime("1970-01-01 00:00:00.000000001+00:00"), absl::UnixEpoch() + absl::Nanoseconds(1));
  for (const char* torn : {"", "2011", "2011-10-11 13:42", "2011-10-11 13:42:22", "2011-10-11 13:42:22.6",
                           "2011-10-11 13:42:22+02", "2011-10-11 13:42:22+02:0", "2011-10-11 25:00:00+02:00",
                           "2011-10-11 13:42:22+02:00x"}) {
    EXPECT_FALSE(ParseLogTime(torn).ok()) << torn;
  }
}

// What the plan does, counted as the oracle counts.
std::map<std::string, long> TotalsOf(const Plan& plan) {
  const absl::TimeZone zone = *reference::FindTimeZone(kLogZone);
  std::map<std::string, long> totals;
  totals["dossiers"] = static_cast<long>(plan.dossiers.size());
  for (const Action& action : plan.actions) {
    totals["hand_overs"] += action.kind == ActionKind::kHandOver;
    totals["activities_done"] += action.kind == ActionKind::kWork;
    totals["activities_refused"] += action.kind == ActionKind::kWorkAfterEnd;
    totals["due_date_changed"] += action.kind == ActionKind::kChangeDue;
    totals["ended"] += action.kind == ActionKind::kFinish;
  }
  for (const PlannedDossier& dossier : plan.dossiers) {
    const std::string day = absl::FormatTime("%Y-%m-%d", dossier.ended.value_or(plan.now), zone);
    totals[dossier.ended ? "ended_late" : "open_overdue"] += day > dossier.due;
    totals["open"] += !dossier.ended;
  }
  return totals;
}

// Defends the replay's figures at the root: the plan's totals are the oracle's, on the whole real log and on
// parts of it.
TEST(ReplayPlan, TotalsAreTheOraclesOnTheRealLog) {
  const std::string data = std::string(MOTCUA_SOURCE_DIR) + "/../shared/data/";
  std::ifstream file(data + "receipt.csv", std::ios::binary);
  if (!file || std::system("python3 --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no log, or no python3";
  std::ostringstream text;
  text << file.rdbuf();
  const auto table = ParseCsv(text.str());
  ASSERT_TRUE(table.ok()) << table.status();
  for (const int limit : {0, 1, 100, 777}) {
    const auto plan = MakePlan(*table, limit);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const std::string excerpt = testing::TempDir() + absl::StrCat("excerpt-", limit, ".csv");
    std::ofstream(excerpt, std::ios::binary) << plan->excerpt;
    std::FILE* pipe = popen(absl::StrCat("python3 ", data, "receipt_oracle.py ", excerpt).c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string json;
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) json.append(buffer, n);
    ASSERT_EQ(pclose(pipe), 0);
    std::remove(excerpt.c_str());
    for (const auto& [name, total] : TotalsOf(*plan)) {
      if (total == 0) continue;  // the oracle leaves out what never happened
      EXPECT_THAT(json, HasSubstr(absl::StrCat("\"", name, "\": ", total, ","))) << "limit " << limit;
    }
  }
}

}  // namespace
}  // namespace motcua::client
