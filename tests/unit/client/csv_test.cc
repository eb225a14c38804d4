#include "clients/motcua/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace motcua::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Csv, ReadsPlainAndQuotedCells) {
  const auto table = ParseCsv("a,b,c\r\n1,\"x, \"\"y\"\"\",\n\"two\nlines\",,z");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->header, ElementsAre("a", "b", "c"));
  ASSERT_EQ(table->rows.size(), 2u);
  EXPECT_THAT(table->rows[0].cells, ElementsAre("1", "x, \"y\"", ""));
  EXPECT_THAT(table->rows[1].cells, ElementsAre("two\nlines", "", "z"));
  EXPECT_EQ(table->rows[1].line, 3);
}

TEST(Csv, SkipsByteOrderMarkAndEmptyLines) {
  const auto table = ParseCsv(
      "\xEF\xBB\xBF"
      "a,b\n\n1,2\n\n");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->header[0], "a");
  EXPECT_EQ(table->rows.size(), 1u);
}

TEST(Csv, NamesEveryTornLine) {
  const auto table = ParseCsv("a,b,c\n1,2,3\n1,2\n1,2,3\n1,2,3,4\n");
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.status().message(),
            "line 3: has 2 cells, the header has 3\nline 5: has 4 cells, the header has 3");
}

TEST(Csv, OpenQuoteIsReportedWhereItBegins) {
  const auto table = ParseCsv("a,b\n1,\"torn\n2,3\n4\n");
  ASSERT_FALSE(table.ok());
  EXPECT_THAT(std::string(table.status().message()), HasSubstr("line 2: has a quote that is not closed"));
  EXPECT_THAT(std::string(table.status().message()), HasSubstr("line 4: has 1 cell"));
}

TEST(Csv, RefusesTextAroundQuotes) {
  EXPECT_FALSE(ParseCsv("a,b\n1,\"x\"y\n").ok());
  EXPECT_FALSE(ParseCsv("a,b\n1,x\"y\"\n").ok());
}

TEST(Csv, RefusesWhatIsNotUtf8) {
  EXPECT_FALSE(ParseCsv("a,b\n1,\xFF\n").ok());
  EXPECT_FALSE(ParseCsv("a,b\n1,\xC3\n").ok());
  EXPECT_TRUE(ParseCsv("a,b\n1,Nguyễn\n").ok());
}

TEST(Csv, RefusesHeadersThatCannotBeMeant) {
  EXPECT_FALSE(ParseCsv("").ok());
  EXPECT_FALSE(ParseCsv("a,a\n1,2\n").ok());
}

TEST(Csv, RefusesCellsBeyondTheBound) {
  EXPECT_FALSE(ParseCsv("a\n" + std::string(kMaxCsvCell + 1, 'x') + "\n").ok());
}

TEST(Csv, ListsAtMostTwentyViolations) {
  std::string text = "a,b\n";
  for (int i = 0; i < 1000; ++i) text += "x\n";
  const std::string message(ParseCsv(text).status().message());
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 19);
}

TEST(Csv, WritesWhatItReads) {
  const std::vector<std::string> cells = {"plain", "comma, quote \"", "two\nlines", ""};
  const auto table = ParseCsv("a,b,c,d\n" + FormatCsvRow(cells));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->rows[0].cells, cells);
}

// Every way to tear the file is told or harmless, and none crashes.
TEST(Csv, SurvivesEveryTruncation) {
  const std::string whole = "a,b,c\n1,\"x, \"\"y\"\"\",\n\"two\nlines\",Nguyễn,z\n";
  for (size_t n = 0; n <= whole.size(); ++n) {
    const auto table = ParseCsv(whole.substr(0, n));
    if (table.ok()) continue;
    EXPECT_THAT(std::string(table.status().message()), HasSubstr("line ")) << n;
  }
}

}  // namespace
}  // namespace motcua::client
