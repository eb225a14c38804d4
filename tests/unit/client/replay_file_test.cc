#include "clients/motcua/replay_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/temp_dir.h"

namespace motcua::client {
namespace {

using testing::HasSubstr;

constexpr char kHeader[] =
    "case:channel,case:concept:name,case:deadline,case:enddate,case:startdate,concept:name,org:group,org:"
    "resource,time:timestamp\n";
constexpr char kDates[] = ",2022-04-26 09:00:00+07:00,,2022-03-01 09:00:00+07:00,";

LogFile Write(const test::TempDir& dir, const std::string& text) {
  LogFile log;
  log.path = dir.File("log.csv");
  std::ofstream(log.path, std::ios::binary) << text;
  return log;
}

std::string Told(const LogFile& log) { return std::string(PlanOf(log, /*english=*/true).status().message()); }

std::string Row(const std::string& name, const std::string& activity, const std::string& at) {
  return "Desk," + name + kDates + activity + ",A,R1," + at + "\n";
}

TEST(LogFile, AllThatIsWrongIsToldAtOnce) {
  const test::TempDir dir;
  const LogFile log =
      Write(dir, kHeader + Row("c", std::string(201, 'x'), "2022-03-02 10:00:00+07:00") +
                     Row("c", "b", "yesterday") + "torn\n" + Row("d\x01", "b", "2022-03-02 10:00:00+07:00"));
  const std::string told = Told(log);
  EXPECT_THAT(told, testing::StartsWith(log.path + ": nothing was sent:\nline 2: concept:name: "));
  EXPECT_THAT(told, HasSubstr("\nline 3: time:timestamp: \"yesterday\" is not a time"));
  EXPECT_THAT(told, HasSubstr("\nline 4: has 1 cells"));
  EXPECT_THAT(told, HasSubstr("\nline 5: case:concept:name (subject): must not contain control characters"));
}

TEST(LogFile, ADirectoryIsTold) {
  const test::TempDir dir;
  LogFile log;
  log.path = dir.path();
  EXPECT_THAT(Told(log), HasSubstr("is a directory"));
  log.path += "/missing";
  EXPECT_EQ(PlanOf(log, true).status().code(), absl::StatusCode::kNotFound);
}

TEST(LogFile, ZoneIsVietnamsUnlessNamed) {
  const test::TempDir dir;
  LogFile log = Write(dir, kHeader + Row("c", "a", "2022-03-02 10:00:00+01:00"));
  EXPECT_THAT(Told(log), HasSubstr("line 2: time:timestamp: \"2022-03-02 10:00:00+01:00\" is not the time of "
                                   "Asia/Ho_Chi_Minh"));
  log.zone = "Asia/Ho_Chi_Minh";
  EXPECT_EQ(PlanOf(log, true)->zone, "Asia/Ho_Chi_Minh");
  log.zone = "Europe/Amsterdam";
  EXPECT_EQ(PlanOf(log, true)->zone, "Europe/Amsterdam");
  log.zone = "Nowhere";
  EXPECT_FALSE(PlanOf(log, true).ok());
  log = Write(dir, kHeader + Row("c", "a", "2022-03-02 10:00:00Z"));
  EXPECT_EQ(PlanOf(log, true)->zone, "Asia/Ho_Chi_Minh");
}

TEST(LogFile, AnExcerptHasTheRowsOfThePlannedDossiers) {
  const test::TempDir dir;
  const std::string first = Row("c", "\"a, \"\"b\"\"\"", "2022-03-02 10:00:00+07:00"),
                    more = Row("c", "b", "2022-03-04 10:00:00+07:00");
  LogFile log = Write(dir, kHeader + first + Row("d", "a", "2022-03-03 10:00:00+07:00") + more);
  log.limit = 1;
  const auto plan = PlanOf(log, true);
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::ostringstream excerpt;
  ASSERT_TRUE(WriteExcerpt(log, *plan, excerpt).ok());
  EXPECT_EQ(excerpt.str(), kHeader + first + more);
}

}  // namespace
}  // namespace motcua::client
