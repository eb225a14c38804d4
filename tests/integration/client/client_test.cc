// The client against four real services and a real Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "tests/support/system.h"
#include "tests/support/temp_dir.h"

namespace motcua {
namespace {

using test::OnSystem;
using test::Result;
using test::Shell;
using testing::HasSubstr;
using testing::Not;

// A small log: two dossiers, one late and open, one moved to another date, with a hand-over and work after
// the end.
std::string WriteLog(const test::TempDir& dir) {
  const std::string path = dir.File("log.csv");
  std::ofstream(path)
      << "case:channel,case:concept:name,case:deadline,case:enddate,case:startdate,concept:name,org:group,"
         "org:resource,time:timestamp\n"
         "Desk,c1,2011-04-26 09:00:00+02:00,,2011-03-01 09:00:00+01:00,T1,A,R1,2011-03-02 10:00:00+01:00\n"
         "Desk,c1,2011-04-26 09:00:00+02:00,,2011-03-01 09:00:00+01:00,T2,B,R2,2011-05-02 10:00:00+02:00\n"
         "Internet,c2,2011-03-20 09:00:00+01:00,2011-03-21 09:00:00+01:00,2011-03-01 "
         "09:30:00+01:00,T1,EMPTY,R1,"
         "2011-03-01 09:00:00+01:00\n"
         "Internet,c2,2011-03-20 09:00:00+01:00,2011-03-21 09:00:00+01:00,2011-03-01 09:30:00+01:00,T2,B,R2,"
         "2011-03-22 09:00:00+01:00\n";
  return path;
}

TEST(Client, DueNeedsNoServer) {
  const std::string due = MOTCUA_BIN_DIR "/motcua due --received 2025-01-24T15:30 ";
  EXPECT_EQ(Shell(due + "--limit 3wd").output, "2025-02-06\n");
  EXPECT_EQ(Shell(due + "--limit 4.5wh").output, "2025-02-03T10:00\n");
  EXPECT_EQ(Shell(due + "--limit soon").exit, 2);
  EXPECT_EQ(Shell(MOTCUA_BIN_DIR "/motcua due --limit 3wd").exit, 2);
}

TEST(Client, UsageErrorsAreToldApart) {
  EXPECT_EQ(Shell(MOTCUA_BIN_DIR "/motcua").exit, 2);
  EXPECT_EQ(Shell(MOTCUA_BIN_DIR "/motcua no-such-command").exit, 2);
  EXPECT_EQ(Shell("env -i " MOTCUA_BIN_DIR "/motcua status").exit, 1);
  const Result help = Shell(MOTCUA_BIN_DIR "/motcua --lang en consult --help");
  EXPECT_EQ(help.exit, 0);
  EXPECT_THAT(help.output, HasSubstr("Example:"));
}

TEST(Client, StoryIsAsItShouldBe) {
  const Result story = OnSystem(
      "motcua reference apply deploy/reference && motcua --lang en story && motcua --lang en verify H30");
  EXPECT_EQ(story.exit, 0) << story.output;
  EXPECT_THAT(story.output, HasSubstr("Every step was as it should be."));
  EXPECT_THAT(story.output, HasSubstr("all as it must be"));
}

TEST(Client, OneDossierByHand) {
  const Result life = OnSystem(
      "export H=H30.18.05; motcua reference apply deploy/reference && motcua advance 2026-07-06T08:00 "
      ">/dev/null && "
      "CODE=$(motcua file $H 1.014027 --name Hoa --accept --components \"Văn bản đề nghị hưởng trợ cấp hưu "
      "trí xã hội\" "
      "--as $H-intake@$H:intake --json | grep -o \"$H-[0-9]*-[0-9]*\" | head -1) && echo code $CODE && "
      "motcua route $CODE --patience 10 --json && motcua list $H && motcua --lang en work $CODE visit --as "
      "$H-handler@$H:handler && "
      "motcua --lang en finish $CODE approved --as $H-handler@$H:handler && motcua custody $CODE && motcua "
      "history $CODE && "
      "motcua feed intake H30 && motcua statistics routing H30 --json && "
      "motcua --json feed consumers intake H30 && "
      "{ motcua --lang en feed remove intake H30 nobody; echo nobody $?; } && "
      "motcua --lang en verify H30 && "
      "{ motcua --lang en work $CODE late --as $H-handler@$H:handler; echo refused $?; } && "
      "{ motcua --lang en file H30.99 9.999999 --as $H-intake@$H:intake; echo bad $?; } && "
      "{ motcua --lang en get H30.18.05-260706-9999; echo missing $?; }");
  EXPECT_EQ(life.exit, 0) << life.output;
  EXPECT_THAT(life.output, HasSubstr("code H30.18.05-260706-0001"));
  EXPECT_THAT(life.output, HasSubstr("9 result ready"));
  EXPECT_THAT(life.output, HasSubstr("\"work_done\":\"1\""));
  EXPECT_THAT(life.output, HasSubstr("[DOSSIER_ENDED]"));
  EXPECT_THAT(life.output, HasSubstr("\"consumer\":\"routing\""));
  EXPECT_THAT(life.output, HasSubstr("[UNKNOWN_CONSUMER]"));
  EXPECT_THAT(life.output, HasSubstr("nobody 1"));
  EXPECT_THAT(life.output, HasSubstr("all as it must be"));
  EXPECT_THAT(life.output, HasSubstr("refused 1"));
  EXPECT_THAT(life.output, HasSubstr("bad 1"));
  EXPECT_THAT(life.output, HasSubstr("missing 1"));
}

// A commune ends; what was open with it is its district's, by preview, run and check.
TEST(Client, WhatIsOpenPassesToTheSuccessorOfAnAgencyThatEnds) {
  const Result reform = OnSystem(
      "export H=H30.18.05; ADMIN=root@H30:admin; motcua reference apply deploy/reference >/dev/null && "
      "motcua advance 2026-07-06T08:00 >/dev/null && "
      "for name in Hoa Lan Mai; do motcua file $H 1.014027 --name $name --accept --components \"Văn bản đề "
      "nghị hưởng "
      "trợ cấp hưu trí xã hội\" --as $H-intake@$H:intake >/dev/null || exit 1; done && "
      "CODE=$(motcua --json list $H | grep -o \"$H-[0-9]*-[0-9]*\" | head -1) && "
      "cp -r deploy/reference $MOTCUA_RUN/reform && "
      "sed -i \"s/^  - id: $H\\$/&\\n    valid_until: 2026-07-08\\n    successor: H30.18/\" "
      "$MOTCUA_RUN/reform/agencies.yaml && motcua reference apply $MOTCUA_RUN/reform >/dev/null && "
      "motcua --lang en succession preview H30 --as $ADMIN && "
      "motcua --lang en succession preview H30 --day 2026-07-08 --as $ADMIN && "
      "motcua advance 2026-07-08T08:00 >/dev/null && "
      "{ motcua --lang en work $CODE visit --as $H-handler@$H:handler; echo ended $?; } && "
      "echo before && motcua --lang en inbox H30.18 --as H30.18-leader@H30.18:leader | grep -c $H- && "
      "motcua work $CODE visit --as H30.18-handler@H30.18:handler >/dev/null && "
      "motcua --lang en succession run H30 --as $ADMIN && "
      "echo after && motcua --lang en inbox H30.18 --as H30.18-leader@H30.18:leader | grep -c $H- && "
      "motcua --lang en inbox $H --as $ADMIN && motcua --lang en custody $CODE && "
      "motcua --lang en status --service routing && "
      "motcua advance 2026-07-09T08:00 >/dev/null && motcua --lang en verify H30 && "
      "{ motcua --lang en succession run H30 --as $H-handler@$H:handler; echo nobody $?; }");
  EXPECT_EQ(reform.exit, 0) << reform.output;
  EXPECT_THAT(reform.output, HasSubstr("Dossiers that would be moved: 0\n"));
  EXPECT_THAT(reform.output, HasSubstr("Dossiers that would be moved: 3\n"));
  EXPECT_THAT(reform.output, HasSubstr("[NOT_HOLDER]"));
  EXPECT_THAT(reform.output, HasSubstr("ended 1\n"));
  EXPECT_THAT(reform.output, HasSubstr("before\n3\n"));
  EXPECT_THAT(reform.output, HasSubstr("after\n3\n"));
  EXPECT_THAT(reform.output, HasSubstr("Step: done\nMoved: 2\n"));
  EXPECT_THAT(reform.output, HasSubstr("all as it must be"));
  EXPECT_THAT(reform.output, HasSubstr("nobody 1\n"));
}

// More of each kind than one part of an upload has, and than a list has without a bound of its own.
TEST(Client, ReferenceDataOfAProvinceApplyAsAWhole) {
  const Result applied = OnSystem(
      "tests/bench/make_reference $MOTCUA_RUN/large --agencies 2500 --officers 12000 --procedures 1500 "
      ">/dev/null && "
      "motcua --lang en reference apply deploy/reference $MOTCUA_RUN/large --dry-run && "
      "motcua --lang en reference apply deploy/reference $MOTCUA_RUN/large && "
      "motcua --lang en reference apply deploy/reference $MOTCUA_RUN/large && "
      "echo agencies $(motcua reference agencies H30 --all | grep -c ^H30) && "
      "echo procedures $(motcua reference procedures H30 --all | grep -c ^9[.])");
  EXPECT_EQ(applied.exit, 0) << applied.output;
  EXPECT_THAT(applied.output, HasSubstr("The reference data are valid\n"));
  EXPECT_THAT(applied.output, HasSubstr("H30: applied as version 1\n"));
  EXPECT_THAT(applied.output, HasSubstr("H30: unchanged, version 1\n"));
  EXPECT_THAT(applied.output, HasSubstr("procedures 1500\n"));
}

// It is still connecting to that service when it is done.
TEST(Client, ACommandEndsCleanlyWhileAServiceThatItDoesNotNeedIsAway) {
  const Result commands = OnSystem(
      "kill ${PID[intake]} && wait ${PID[intake]}; for i in $(seq 60); do "
      "motcua work H30.18.05-260101-0001 visit --patience 0 --as a@H30.18.05:handler >/dev/null 2>&1; "
      "code=$?; [ $code = 1 ] || { echo \"exit $code\"; exit 1; }; done; echo all refused");
  EXPECT_EQ(commands.exit, 0) << commands.output;
  EXPECT_THAT(commands.output, HasSubstr("all refused\n"));
}

// Also: the same log again changes nothing.
TEST(Client, ReplayGivesTheLogsFiguresTwice) {
  const test::TempDir dir;
  const std::string log = WriteLog(dir);
  const std::string replay = "motcua --lang en replay " + log + " --zone Europe/Amsterdam --acknowledged " +
                             dir.File("replies") + " && ";
  const Result result =
      OnSystem(replay + "motcua --json feed routing R01 | wc -l && " + replay +
               "motcua --json feed routing R01 | wc -l && motcua --lang en verify R01 --acknowledged " +
               dir.File("replies"));
  ASSERT_EQ(result.exit, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("R01: 2 dossiers, "));
  const size_t half = result.output.find("no oracle to compare with");
  ASSERT_NE(half, std::string::npos);
  for (const char* figure :
       {"activities_done              3\n", "activities_refused           1\n",
        "dossiers                     2\n", "due_date_changed             1\n",
        "ended_late                   1\n", "hand_overs                   1\n",
        "open_overdue                 1\n", "overdue.alerts               2\n",
        "overdue.messages             2\n", "now                          2011-05-02T10:00:00+02:00\n"}) {
    EXPECT_THAT(result.output.substr(0, half), HasSubstr(figure));
    EXPECT_THAT(result.output.substr(half), HasSubstr(figure));
  }
}

// The oracle shares no code with the product; `tiny.csv` has one dossier for each way to read a log wrongly.
TEST(Client, ReplayOfALogOfOdditiesGivesTheOraclesFigures) {
  const Result result =
      OnSystem("motcua --lang en replay tests/data/tiny.csv --oracle tests/data/log_oracle.py");
  EXPECT_EQ(result.exit, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("figures, no difference"));
}

constexpr char kColumns[] =
    "case:channel,case:concept:name,case:deadline,case:enddate,case:startdate,concept:name,org:group,org:"
    "resource,time:timestamp\n";

// Dossiers that come at one moment, change hands at one, and end at the log's last, late.
std::string WriteCrowd(const test::TempDir& dir, int dossiers) {
  const std::string path = dir.File("crowd.csv");
  std::ofstream file(path);
  file << kColumns;
  for (int i = 0; i < dossiers; ++i) {
    const std::string dossier =
        std::string(i % 2 == 0 ? "Trực tiếp tại quầy" : "Bưu điện") + ",hồ sơ " + std::to_string(i) +
        ",2022-04-30 08:00:00+07:00,2022-05-04 17:00:00+07:00,2022-03-01 08:00:00+07:00,";
    file << dossier << "tiếp nhận,Xã,An,2022-03-01 08:00:00+07:00\n"
         << dossier << "thẩm định,Phòng " << i % 3 << ",Bình,2022-03-02 08:00:00+07:00\n"
         << dossier << "trả kết quả,Xã,An,2022-05-04 17:00:00+07:00\n";
  }
  return path;
}

// What happens at one moment has no order, and goes together; what happens at the log's last moment has
// happened when the figures are asked for.
TEST(Client, WhatHappensAtTheLogsLastMomentIsCounted) {
  const test::TempDir dir;
  const std::string log = WriteCrowd(dir, 40) + " --oracle tests/data/log_oracle.py ";
  const Result result =
      OnSystem("motcua --lang en replay " + log + " --in-flight 8 && motcua --lang en verify " + log);
  EXPECT_EQ(result.exit, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("figures, no difference"));
  EXPECT_THAT(result.output, HasSubstr("channels.Trực tiếp tại quầy "));
  EXPECT_THAT(result.output, HasSubstr("channels.Bưu điện "));
  EXPECT_THAT(result.output, HasSubstr("R01: 40 dossiers, 0 acknowledged replies, 120 histories, 80 alerts"));
  EXPECT_THAT(result.output, HasSubstr("all as it must be\n"));
}

// No figure is counted off a feed, and what of it cannot be looked at is said.
TEST(Client, FiguresAreRightAndGapsAreToldWhereFeedsForget) {
  const test::TempDir dir;
  const std::string log = WriteCrowd(dir, 40) + " --oracle tests/data/log_oracle.py ";
  // Feeds are trimmed every few seconds; a service that has just been sending events still has them in
  // memory.
  const Result result = OnSystem(
      "motcua replay " + log +
          " >/dev/null && "
          "trimmed() { [ $(redis-cli -s $REDIS_SOCKET xlen $(redis-cli -s $REDIS_SOCKET --scan --pattern "
          "\"*dm:{R01}:feed\")) -lt 10 ]; } && wait_for 30 trimmed && "
          "kill ${PID[deadline-monitor]} && { wait ${PID[deadline-monitor]}; service_start deadline-monitor "
          "&& "
          "wait_up deadline-monitor service_ready deadline-monitor; } && "
          "motcua --lang en replay " +
          log + " && motcua --lang en verify " + log,
      "SERVICE_FLAGS+=(--feed_retention=5)");
  EXPECT_EQ(result.exit, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("figures, no difference"));
  EXPECT_THAT(result.output, HasSubstr("not checked: the monitor's feed keeps no longer its first events"));
  EXPECT_THAT(result.output, HasSubstr("80 alerts"));
  EXPECT_THAT(result.output, HasSubstr("all as it must be, as far as it was checked"));
}

// More units than an id's group counts, more officers than a list has without a bound of its own.
TEST(Client, ReplayOfALogWithManyUnitsAndOfficersGivesTheOraclesFigures) {
  const test::TempDir dir;
  const std::string log = dir.File("log.csv");
  {
    std::ofstream file(log);
    file << kColumns;
    for (int i = 1100; i > 0; --i) {
      file << "Desk,c" << i << ",2022-04-26 08:00:00+07:00,,2022-03-01 08:00:00+07:00,x,Xã " << i + 1000
           << ",Cán bộ " << i << ",2022-03-01 08:00:00+07:00\n";
    }
  }
  const Result result =
      OnSystem("motcua --lang en replay " + log + " --limit 20 --oracle tests/data/log_oracle.py");
  EXPECT_EQ(result.exit, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("figures, no difference"));
}

// The end is registered, and lies where nobody has been yet: the dossier has ended, and was late.
TEST(Client, AnEndAfterTheLastActivityAndTheFirstDaysOfTheCalendarGiveTheOraclesFigures) {
  const test::TempDir dir;
  const std::string log = dir.File("log.csv");
  std::ofstream(log)
      << kColumns
      << "Desk,a,2000-01-02 08:00:00Z,2000-03-09 08:00:00Z,2000-01-01 08:00:00Z,x,Xã,An,2000-01-01 "
         "09:00:00Z\n"
         "Desk,b,2000-02-26 08:00:00Z,,2000-01-01 08:00:00Z,x,,An,2000-03-01 09:00:00Z\n"
         "Desk,c,2000-02-26 08:00:00Z,2000-02-01 08:00:00Z,2000-01-01 08:00:00Z,x,Xã,,2000-01-05 "
         "09:00:00Z\n";
  const Result result = OnSystem("motcua --lang en replay " + log + " --oracle tests/data/log_oracle.py");
  EXPECT_EQ(result.exit, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("figures, no difference"));
}

TEST(Client, ASystemWhoseTimeIsPastTheLogIsTold) {
  const test::TempDir dir;
  const Result result =
      OnSystem("motcua advance 2026-07-06T08:00 >/dev/null && motcua --lang en replay " + WriteLog(dir) +
               " --zone Europe/Amsterdam; echo exit $?; motcua reference agencies R01 >/dev/null 2>&1 || "
               "echo nothing was sent");
  EXPECT_THAT(result.output, HasSubstr("time does not go back")) << result.output;
  EXPECT_THAT(result.output, HasSubstr("exit 1\nnothing was sent\n"));
}

TEST(Client, HealthNeedsNoTokenAndSaysWhatIsWrong) {
  const Result health = OnSystem(
      "not_serving() { ! motcua health --service intake; }; unset MOTCUA_SIGNING_KEY MOTCUA_TOKEN; motcua "
      "health && motcua health --service routing && "
      "motcua health $MOTCUA_INTAKE && motcua --json health --service intake && kill ${PID[redis]} && "
      "{ wait_for 10 not_serving; motcua health --service intake; echo redis gone $?; } && "
      "kill -9 ${PID[routing]} && { motcua health --service routing; echo dead $?; } && "
      "kill -STOP ${PID[intake]} && { motcua health --service intake --timeout 0.3; echo stuck $?; kill "
      "-CONT "
      "${PID[intake]}; }; "
      "motcua health 127.0.0.1:1; echo nobody $?; motcua health a b c; echo usage $?");
  EXPECT_THAT(health.output, HasSubstr(" SERVING\n")) << health.output;
  EXPECT_THAT(health.output, HasSubstr("\"serving\":true"));
  EXPECT_THAT(health.output, HasSubstr("NOT_SERVING\nredis gone 1"));
  EXPECT_THAT(health.output, testing::ContainsRegex("routing 127.0.0.1:[0-9]+ .*refused\n"));
  EXPECT_THAT(health.output, HasSubstr("dead 1\n"));
  EXPECT_THAT(health.output,
              testing::ContainsRegex("intake 127.0.0.1:[0-9]+ no answer within 300ms\nstuck 1"));
  EXPECT_THAT(health.output, testing::ContainsRegex("127.0.0.1:1 .*refused\nnobody 1"));
  EXPECT_THAT(health.output, HasSubstr("usage 2"));
}

TEST(Client, AServiceThatIsNotThereIsNamedWithItsAddressAndSoon) {
  for (const char* lang : {"vi", "en"}) {
    const absl::Time begin = absl::Now();
    const Result status =
        Shell(std::string("env -i MOTCUA_INTAKE=127.0.0.1:1 " MOTCUA_BIN_DIR "/motcua --lang ") + lang +
              " --patience 1 lookup H30.18.05-260714-0001 7KQ2M9XA");
    EXPECT_LT(absl::Now() - begin, absl::Seconds(4));
    EXPECT_EQ(status.exit, 1);
    EXPECT_THAT(status.output, HasSubstr("127.0.0.1:1"));
    EXPECT_THAT(status.output, HasSubstr("[UNREACHABLE]"));
  }
}

TEST(Client, TornLogIsRefusedBeforeAnythingIsSent) {
  const test::TempDir dir;
  const std::string log = WriteLog(dir);
  std::ofstream(log, std::ios::app) << "Desk,c3,2011-04-26 09:00:00+02:00,,2011-03-01 09:0";
  const Result result =
      Shell("env -i " MOTCUA_BIN_DIR "/motcua --lang en replay --zone Europe/Amsterdam " + log);
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.output, HasSubstr("nothing was sent:\nline 6: has 5 cells, the header has 9"));
}

}  // namespace
}  // namespace motcua
