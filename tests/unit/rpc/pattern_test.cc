// The named formats, one table each.
#include "common/rpc/pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace motcua::rpc {
namespace {

using validate::v1::Pattern;

struct Table {
  Pattern pattern;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

const std::vector<Table>& Tables() {
  static const auto* tables = new std::vector<Table>{
      {Pattern::PATTERN_DOSSIER_CODE,
       {"H30.18.05-260714-0001", "000.05.18.H30-260714-0001", "H15.50.05.13-261008-0975",
        "000.00.13.H30-211130-0001", "H30-240229-9999999", "G09.20-250101-0001"},
       {"H30.18.05", "H30.18.05-260714", "H30.18.05-260714-001", "H30.18.05-260732-0001",
        "H30.18.05-230229-0001", "H30.18.05-261301-0001", "h30.18.05-260714-0001", "H30.18.05-260714-0001 ",
        "H30.18.05-260714-00000001", "-260714-0001", "H30.18.05-260714-0001\n", "H30.18.05-260714-00a1",
        "H30..05-260714-0001"}},
      {Pattern::PATTERN_AGENCY_ID,
       {"H30", "H30.18", "H30.18.05", "H30.18.05.13", "000.05.18.H30", "H30.MC", "H30.18.TC"},
       {"30", "H3", "H300", "H30.", "H30.18.05.13.01", "H30.1234", "000.05.18.h30", "00.05.18.H30", "H30 18",
        "H30.é"}},
      {Pattern::PATTERN_PROCEDURE_CODE,
       {"1.001193", "2.000815", "1.001193.000.00.00.H30", "permit-56"},
       {".1", "a b", "é", "1/2", std::string(65, '1')}},
      {Pattern::PATTERN_REQUEST_ID,
       {"12345678", "0b9c2d0e-4f4e-4a7c-9b2a-0c1d2e3f4a5b", "replay:case-1/accept", std::string(64, 'a')},
       {"1234567", std::string(65, 'a'), "1234 5678", "1234567\n8"}},
      {Pattern::PATTERN_SHARD, {"H30", "G09"}, {"h30", "H3", "H301", "HH0", "{H}"}},
      {Pattern::PATTERN_ISO_DATE,
       {"2025-02-06", "2024-02-29", "2000-02-29", "9999-12-31"},
       {"2025-02-29", "1900-02-29", "2025-13-01", "2025-00-10", "2025-01-00", "25-01-01", "2025-1-01",
        "2025-01-01T", "0000-01-01", "2025/01/01"}},
      {Pattern::PATTERN_EMAIL,
       {"a@example.org", "first.last+tag@sub.example.org", "x_y@haugiang.gov.vn"},
       {"a", "@example.org", "a@", "a@b", "a b@example.org", ".a@example.org", "a.@example.org",
        "a..b@example.org", "a@-x.org", "a@x-.org", "a@x..org", "a@example.org\r\nBcc: b@example.org",
        "a@b@example.org", std::string(65, 'a') + "@example.org"}},
      {Pattern::PATTERN_IDENTIFIER,
       {"a", "H30.18-leader", "Resource21", std::string(64, 'a')},
       {std::string(65, 'a'), "a b", "a/b", "é"}},
      {Pattern::PATTERN_NAME,
       {"Nguyễn Thị Hoa", "O", "Đơn (mẫu 01)"},
       {" ", "\u00A0", "\u200B", "A\nB", "A\u202EB"}}};
  return *tables;
}

TEST(Pattern, TakesWhatIsInTheTablesAndNothingElse) {
  for (const Table& table : Tables()) {
    const std::string& name = validate::v1::Pattern_Name(table.pattern);
    for (const std::string& text : table.good) EXPECT_TRUE(Matches(table.pattern, text)) << name << " " << text;
    for (const std::string& text : table.bad) EXPECT_FALSE(Matches(table.pattern, text)) << name << " " << text;
    EXPECT_FALSE(PatternDescription(table.pattern).empty());
  }
  EXPECT_EQ(Tables().size(), static_cast<size_t>(validate::v1::Pattern_MAX)) << "a pattern has no table";
}

TEST(Pattern, AnyBytesAreAnsweredWithoutHarm) {
  uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  int matched = 0;
  for (const Table& table : Tables()) {
    for (int round = 0; round < 5000; ++round) {
      std::string text = table.good[random() % table.good.size()];
      for (int k = 0; k < static_cast<int>(random() % 4); ++k) {
        size_t at = random() % (text.size() + 1);
        if (random() % 2 == 0 && at < text.size()) {
          text[at] = static_cast<char>(random());
        } else {
          text.insert(at, 1, "-.@0A:"[random() % 6]);
        }
      }
      bool matches = Matches(table.pattern, text);
      matched += matches ? 1 : 0;
      if (matches) {
        // Blanks stand in names alone.
        const size_t forbidden = table.pattern == Pattern::PATTERN_NAME ? 3 : 4;
        EXPECT_EQ(text.find_first_of(std::string("\n\r\0 ", forbidden)), std::string::npos) << text;
      }
    }
  }
  EXPECT_GT(matched, 0);
}

}  // namespace
}  // namespace motcua::rpc
