// The merger of 1 July 2025 with the four real programs: open dossiers before, the reform applied by command,
// and what the officers of the heir see and may do from its day on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/system.h"

namespace motcua {
namespace {

using testing::HasSubstr;

TEST(Reform, OpenDossiersPassToTheHeirOnTheDay) {
  const test::Result reform = test::OnSystem(
      "export MOTCUA_LANG=en; m() { motcua --lang en $@; }; DATA=tests/data/reform; "
      "refused() { m $@ 2>&1; echo exit $?; }; "
      "known() { m route $CODE && m clock $CODE && m message about $CODE; }; "
      "m advance 2025-06-20T08:00 >/dev/null && "
      "for set in h13 h30 h51; do m reference apply $DATA/$set.yaml || exit 1; done && "
      "FILED=$(m --json file H30.18.05 1.013831 --name Hoa --accept --as an@H30.18.05:intake) && "
      "CODE=$(grep -o \"H30.18.05-[0-9]*-[0-9]*\" <<< $FILED | head -1) && echo code $CODE && "
      "SECRET=$(sed -n \"s/.*\\\"secret\\\": *\\\"\\([A-Z0-9]*\\)\\\".*/\\1/p\" <<< $FILED) && "
      "wait_for 20 known && "
      // The preview, and what only an administrator of all may do.
      "m reference apply --dry-run $DATA/h13-merged.yaml && "
      "m reference apply $DATA/h13-merged.yaml && m reference apply $DATA/h13-merged.yaml && "
      "echo own: && refused reference apply $DATA/h30.yaml && "
      "echo before: && refused get $CODE --as dung@H13.07.01:handler && "
      "m advance 2025-07-01T08:00 >/dev/null && "
      // From the day on, at every service.
      "for who in dung@H13.07.01:handler an@H30.31:intake; do "
      "echo as $who && m get $CODE --as $who >/dev/null && m route $CODE --as $who >/dev/null && "
      "m custody $CODE --as $who >/dev/null && m clock $CODE --as $who >/dev/null && "
      "m message about $CODE --as $who >/dev/null && m history $CODE --as $who >/dev/null && "
      "for service in intake routing deadline notification; do "
      "m statistics $service H30 --as $who >/dev/null || exit 1; done || exit 1; done && "
      "m list H30.18.05 --as an@H30.31:intake && m messages H13 an --as an@H30.31:intake && "
      "m lookup $CODE $SECRET && m reference agency H30.18.05 && "
      "echo strangers: && for call in \"get $CODE\" \"route $CODE\" \"clock $CODE\" \"message about $CODE\" "
      "\"statistics intake H30\" \"statistics routing H30\" \"statistics deadline H30\" \"statistics "
      "notification H30\"; do "
      "refused $call --as x@H99.01:handler; done && "
      // What is filed at a successor with a code of the old province is filed into its shard, by the heir's
      // reference data.
      "m file H30.31 1.004873 --name Lan --accept --as an@H30.31:intake && "
      "m verify H30 && m verify H13 && m verify H51");
  EXPECT_EQ(reform.exit, 0) << reform.output;
  EXPECT_THAT(reform.output, HasSubstr("H30: would pass from H30 to H13 on 2025-07-01, open dossiers: 1\n"));
  EXPECT_THAT(reform.output,
              HasSubstr("H13: applied as version 2\nH30: passes from H30 to H13 on 2025-07-01"));
  EXPECT_THAT(reform.output, HasSubstr("H13: unchanged, version 2\n"));
  const size_t own = reform.output.find("own:\n"), before = reform.output.find("before:\n"),
               strangers = reform.output.find("strangers:\n");
  ASSERT_TRUE(own < before && before < strangers) << reform.output;
  EXPECT_THAT(reform.output.substr(own, before - own), HasSubstr("[SHARD_INHERITED]"));
  EXPECT_THAT(reform.output.substr(before, 400), HasSubstr("[NOT_YOUR_JURISDICTION]"));
  size_t refused = 0;
  for (size_t at = strangers;
       (at = reform.output.find("[NOT_YOUR_JURISDICTION]", at + 1)) != std::string::npos;) {
    ++refused;
  }
  EXPECT_EQ(refused, 8u) << reform.output.substr(strangers);
  EXPECT_THAT(reform.output, HasSubstr("UBND xã Tân Bình"));
  EXPECT_THAT(reform.output, HasSubstr("H30.31-250701-0001"));
  EXPECT_THAT(reform.output, HasSubstr("all as it must be"));
}

}  // namespace
}  // namespace motcua
