#include "clients/motcua/replay_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/motcua/log_time.h"
#include "clients/motcua/replay_file.h"
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

absl::TimeZone Zone(const char* name = "Europe/Amsterdam") { return *reference::FindTimeZone(name); }

Plan PlanOf(const std::string& rows, int limit = 0, const absl::TimeZone& zone = Zone()) {
  LogFaults faults(/*english=*/true);
  std::istringstream in(kHeader + rows);
  CsvReader csv(in, faults);
  Log log = ReadLog(csv, nullptr, faults);
  EXPECT_TRUE(faults.empty()) << faults.ToStatus();
  return MakePlan(std::move(log), zone, limit);
}

// What is told of a log, where Vietnam's dates count.
std::string FaultsOf(const std::string& text) {
  LogFaults faults(/*english=*/true);
  std::istringstream in(text);
  CsvReader csv(in, faults);
  const absl::TimeZone zone = Zone("Asia/Ho_Chi_Minh");
  ReadLog(csv, &zone, faults);
  return std::string(faults.ToStatus().message());
}

std::vector<std::string> TextsOf(const std::vector<LogText>& texts) {
  std::vector<std::string> all;
  for (const LogText& text : texts) all.push_back(text.text);
  return all;
}

absl::Time At(const std::string& text) { return ParseLogTime(text)->at; }

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
  EXPECT_EQ(plan.units[plan.officers[plan.actions[2].giver].unit].text, "A");
  EXPECT_EQ(plan.units[plan.officers[plan.actions[2].officer].unit].text, "B");
}

TEST(ReplayPlan, EmptyUnitKeepsTheHolder) {
  const Plan plan = PlanOf(Row("c", "a", "EMPTY", "2011-03-02 10:00:00+01:00") +
                           Row("c", "b", "B", "2011-03-03 10:00:00+01:00") +
                           Row("c", "d", "EMPTY", "2011-03-04 10:00:00+01:00"));
  EXPECT_THAT(TextsOf(plan.units), ElementsAre("B"));
  EXPECT_THAT(KindsOf(plan),
              ElementsAre(ActionKind::kFile, ActionKind::kWork, ActionKind::kWork, ActionKind::kWork));
}

TEST(ReplayPlan, NobodysDossierIsUnassigned) {
  for (const char* nobody : {"EMPTY", ""}) {
    EXPECT_THAT(TextsOf(PlanOf(Row("c", "a", nobody, "2011-03-02 10:00:00+01:00")).units),
                ElementsAre(kUnassigned));
  }
  // Also where a unit has that name.
  EXPECT_THAT(TextsOf(PlanOf(Row("c", "a", "", "2011-03-02 10:00:00+01:00") +
                             Row("d", "a", kUnassigned, "2011-03-02 10:00:00+01:00"))
                          .units),
              ElementsAre(kUnassigned));
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
  EXPECT_EQ(plan.dossiers[0].received, At("2011-02-27 10:00:00+01:00"));
  EXPECT_EQ(*plan.dossiers[0].ended, plan.dossiers[0].received);
  EXPECT_EQ(plan.dossiers[0].started, At("2011-03-01 09:00:00+01:00"));
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
    keys.insert(absl::StrCat(static_cast<int>(action.kind), KeyText(action.key)));
  for (const Action& action : again.actions)
    others.insert(absl::StrCat(static_cast<int>(action.kind), KeyText(action.key)));
  EXPECT_EQ(keys.size(), once.actions.size());
  EXPECT_EQ(others.size(), again.actions.size());
  for (const std::string& key : keys) EXPECT_EQ(others.count(key), 1u);
}

TEST(ReplayPlan, PartOfTheLogKeepsTheNumbersOfTheWhole) {
  const std::string rows =
      Row("c", "a", "B", "2011-03-02 10:00:00+01:00") + Row("d", "a", "A", "2011-03-02 10:00:00+01:00");
  const Plan whole = PlanOf(rows), part = PlanOf(rows, 1);
  EXPECT_EQ(TextsOf(part.units), TextsOf(whole.units));
  EXPECT_EQ(part.officers.size(), whole.officers.size());
  EXPECT_EQ(part.dossiers.size(), 1u);
  EXPECT_THAT(KindsOf(part), ElementsAre(ActionKind::kFile, ActionKind::kWork));
}

// A log may be written in another offset than the desk's: its dates are the desk's all the same.
TEST(ReplayPlan, DatesAreThoseOfTheZone) {
  // 2011-03-01 23:30 in Hà Nội; due on the 56th day there, which in UTC is the day before.
  const std::string row =
      Row("c", "a", "A", "2011-03-02 10:00:00Z", "", "2011-04-26 16:59:59Z", "2011-03-01 16:30:00Z");
  EXPECT_THAT(KindsOf(PlanOf(row, 0, Zone("Asia/Ho_Chi_Minh"))),
              ElementsAre(ActionKind::kFile, ActionKind::kWork));
  const std::string later =
      Row("c", "a", "A", "2011-03-02 10:00:00Z", "", "2011-04-26 17:00:00Z", "2011-03-01 16:30:00Z");
  const Plan plan = PlanOf(later, 0, Zone("Asia/Ho_Chi_Minh"));
  EXPECT_THAT(KindsOf(plan), ElementsAre(ActionKind::kFile, ActionKind::kChangeDue, ActionKind::kWork));
  EXPECT_EQ(plan.dossiers[0].due, "2011-04-27");
  EXPECT_EQ(plan.zone, "Asia/Ho_Chi_Minh");
  EXPECT_THAT(KindsOf(PlanOf(later, 0, Zone())), ElementsAre(ActionKind::kFile, ActionKind::kWork));
}

TEST(ReplayPlan, AnEndAfterTheLastActivityIsNotTheEndOfTheLog) {
  const Plan plan = PlanOf(Row("c", "a", "A", "2011-03-02 10:00:00+01:00", "2011-09-01 10:00:00+02:00"));
  EXPECT_EQ(plan.now, At("2011-03-02 10:00:00+01:00"));
  EXPECT_EQ(plan.actions.back().at, At("2011-09-01 10:00:00+02:00"));
}

TEST(ReplayPlan, NamesEveryViolationByItsLine) {
  const std::string message = FaultsOf(
      kHeader +
      Row("c", "a", "A", "2011-03-02 10:00", "", "2011-04-26 09:00:00+07:00", "2011-03-01 09:00:00+07:00") +
      "torn\n" +
      Row("c", "", "A", "2011-02-30 10:00:00+01:00", "", "2011-04-26 09:00:00+07:00",
          "2011-03-01 09:00:00+07:00"));
  EXPECT_THAT(message, HasSubstr("line 2: time:timestamp: \"2011-03-02 10:00\" is not a time"));
  EXPECT_THAT(message, HasSubstr("line 3: has 1 cells, the header has 9"));
  EXPECT_THAT(message, HasSubstr("line 4: concept:name: must not be empty"));
  EXPECT_THAT(message, HasSubstr("line 4: time:timestamp: \"2011-02-30"));
}

TEST(ReplayPlan, RefusesMissingColumnsAndRowsThatDisagree) {
  EXPECT_THAT(FaultsOf("case:concept:name,x\nc,y\n"),
              testing::AllOf(HasSubstr("the column \"time:timestamp\" is missing"),
                             HasSubstr("the column \"case:deadline\" is missing")));
  EXPECT_THAT(FaultsOf(kHeader), HasSubstr("the log has no rows"));
  EXPECT_THAT(FaultsOf(kHeader + Row("c", "a", "A", "2011-03-02 10:00:00+01:00") +
                       Row("c", "b", "A", "2011-03-03 10:00:00+01:00", "2011-03-09 10:00:00+01:00")),
              HasSubstr("line 3: case:enddate: differs from line 2"));
}

// Dates decide what is late: a log from elsewhere must say where it is from.
TEST(ReplayPlan, ATimeThatTheZoneDoesNotHaveIsTold) {
  EXPECT_THAT(
      FaultsOf(kHeader + Row("c", "a", "A", "2011-03-02 10:00:00+07:00", "", "2011-04-26 09:00:00Z",
                             "2011-03-01 09:00:00+01:00")),
      testing::AllOf(HasSubstr("line 2: case:startdate: \"2011-03-01 09:00:00+01:00\" is not the time of "
                               "Asia/Ho_Chi_Minh"),
                     HasSubstr("--zone")));
  EXPECT_EQ(FaultsOf(kHeader + Row("c", "a", "A", "2011-03-02 10:00:00+07:00", "", "2011-04-26 09:00:00Z",
                                   "2011-03-01 09:00:00+00:00")),
            "");
}

TEST(LogTime, FractionsAndOffsets) {
  EXPECT_EQ(At("1970-01-01 01:00:00.25+01:00"), absl::FromUnixMillis(250));
  EXPECT_EQ(At("1970-01-01T00:00:00Z"), absl::UnixEpoch());
  EXPECT_EQ(At("1970-01-01 00:00:00.000000001+00:00"), absl::UnixEpoch() + absl::Nanoseconds(1));
  for (const char* torn : {"", "2011", "2011-10-11 13:42", "2011-10-11 13:42:22", "2011-10-11 13:42:22.6",
                           "2011-10-11 13:42:22+02", "2011-10-11 13:42:22+02:0", "2011-10-11 25:00:00+02:00",
                           "2011-10-11 13:42:22+02:00x"}) {
    EXPECT_FALSE(ParseLogTime(torn).has_value()) << torn;
  }
}

// What the plan does, counted as the oracle counts.
std::map<std::string, long> TotalsOf(const Plan& plan) {
  const absl::TimeZone zone = Zone();
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
  LogFile log;
  log.path = data + "receipt.csv";
  log.zone = "Europe/Amsterdam";
  if (!std::ifstream(log.path) || std::system("python3 --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no log, or no python3";
  for (const int limit : {0, 1, 100, 777}) {
    log.limit = limit;
    const absl::StatusOr<Plan> plan = PlanOf(log, /*english=*/true);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const std::string excerpt = testing::TempDir() + absl::StrCat("excerpt-", limit, ".csv");
    {
      std::ofstream file(excerpt, std::ios::binary);
      ASSERT_TRUE(WriteExcerpt(log, *plan, file).ok());
    }
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
