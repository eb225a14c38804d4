#include "clients/motcua/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "absl/status/statusor.h"

namespace motcua::client {
namespace {

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
};

absl::StatusOr<CsvTable> ParseCsv(const std::string& text) {
  LogFaults faults(/*english=*/true);
  std::istringstream in(text);
  CsvReader csv(in, faults);
  CsvTable table;
  table.header = csv.header();
  for (CsvRow row; csv.Next(row);) table.rows.push_back(row);
  if (!faults.empty()) return faults.ToStatus();
  return table;
}

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
  EXPECT_THAT(std::string(table.status().message()), HasSubstr("line 4: has 1 cells"));
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
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 20);
  EXPECT_THAT(message, HasSubstr("\n... and there may be more"));
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
    EXPECT_THAT(std::string(table.status().message()),
                n == 0 ? HasSubstr("the file is empty") : HasSubstr("line "))
        << n;
  }
}

// Reads on across the blocks in which the file comes, whatever stands where one ends.
TEST(Csv, RowsAreTheSameWhereverABlockEnds) {
  for (size_t before = 65536 - 40; before < 65536; ++before) {
    const std::string text =
        "a,b\n" + std::string(before, 'x') + ",1\n\"q \"\"y\"\",\nz\",\"\xE1\xBB\x8B\"\r\n\"last\",2";
    const auto table = ParseCsv(text);
    ASSERT_TRUE(table.ok()) << table.status();
    ASSERT_EQ(table->rows.size(), 3u) << before;
    EXPECT_THAT(table->rows[1].cells, ElementsAre("q \"y\",\nz", "\xE1\xBB\x8B"));
    EXPECT_EQ(table->rows[1].line, 3);
    EXPECT_THAT(table->rows[2].cells, ElementsAre("last", "2"));
    EXPECT_EQ(table->rows[2].line, 5);
  }
}

// Gives out `size` characters of one line, and tells how much of it was asked for.
class LongLine : public std::streambuf {
 public:
  LongLine(std::string begin, size_t size) : block_(std::move(begin)), left_(size) {
    setg(block_.data(), block_.data(), block_.data() + block_.size());
  }

 protected:
  int_type underflow() override {
    if (left_ == 0) return traits_type::eof();
    block_.assign(std::min<size_t>(left_, 4096), 'x');
    left_ -= block_.size();
    setg(block_.data(), block_.data(), block_.data() + block_.size());
    return traits_type::to_int_type(block_[0]);
  }

 private:
  std::string block_;
  size_t left_;
};

TEST(Csv, ALineWithoutEndTakesNoMemoryAndIsTold) {
  for (const char* begin : {"a,b\n1,", "a,b\n1,\""}) {
    LongLine line(begin, size_t{200} << 20);
    std::istream in(&line);
    LogFaults faults(/*english=*/true);
    CsvReader csv(in, faults);
    CsvRow row;
    EXPECT_FALSE(csv.Next(row));
    EXPECT_THAT(std::string(faults.ToStatus().message()), HasSubstr("line 2: has a "));
  }
}

TEST(Csv, RefusalsHintAtTheCause) {
  const auto told = [](const std::string& text) { return std::string(ParseCsv(text).status().message()); };
  EXPECT_THAT(told(""), HasSubstr("the file is empty"));
  EXPECT_THAT(told("\x1F\x8B\x08\x01"), HasSubstr("gzip"));
  EXPECT_THAT(told("PK\x03\x04"), HasSubstr("workbook (.xlsx)"));
  EXPECT_THAT(told(std::string("\xFF\xFE"
                               "a\0,\0",
                               6)),
              HasSubstr("UTF-16"));
  EXPECT_THAT(told(std::string("a\0,\0b\0", 6)), HasSubstr("UTF-16, or a binary file"));
  EXPECT_THAT(told("<log>\n"), HasSubstr("XES"));
  EXPECT_THAT(told("a;b;c\n1;2,5;3\n"), HasSubstr("separated by semicolons"));
  EXPECT_THAT(told("a\tb\n"), HasSubstr("separated by tabs"));
  EXPECT_THAT(told("a,b\n1,Nguy\xEAn\n"), HasSubstr("line 2: is not valid UTF-8 (an older encoding?"));
  EXPECT_THAT(told("a,b\n1,2\n1,x" + std::string(1, '\0') + "y\n"), HasSubstr("line 3: has a NUL"));
}

TEST(Csv, TellsInVietnamese) {
  LogFaults faults(/*english=*/false);
  std::istringstream in("a,b\n1\n");
  CsvReader csv(in, faults);
  CsvRow row;
  EXPECT_FALSE(csv.Next(row));
  EXPECT_EQ(faults.ToStatus().message(), "dòng 2: có 1 ô, tiêu đề có 2");
}

}  // namespace
}  // namespace motcua::client
