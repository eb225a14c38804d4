// Damaged YAML ends in violations, never in a crash. The seed is printed; set MOTCUA_SEED to run one again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "common/reference/catalogue.h"
#include "common/reference/loader.h"
#include "common/reference/validate.h"
#include "tests/unit/reference/small_set.h"

namespace motcua::reference {
namespace {

class YamlFuzz : public ::testing::Test {
 protected:
  YamlFuzz() {
    const char* given = std::getenv("MOTCUA_SEED");
    const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::cout << "seed " << seed << "\n";
    random_.seed(seed);
  }

  size_t Pick(size_t below) { return below == 0 ? 0 : random_() % below; }

  void Mutate(std::string& text) {
    static const std::string kTokens[] = {"[",          "]",       "{",
                                          "}",          "&a ",     "*a",
                                          ": ",         "- ",      "\n",
                                          "\t",         "|",       ">",
                                          "\"",         "'",       "#",
                                          "!!binary ",  "? ",      "---\n",
                                          "~",          "-1",      "99999999999999999999",
                                          "\xff\xfe",   "{{",      "}}",
                                          "<<: ",       "H30",     "5wd",
                                          "2025-02-30", "@parent", std::string(1, '\0')};
    const size_t at = Pick(text.size());
    switch (Pick(6)) {
      case 0:
        text.erase(at, Pick(20));
        break;
      case 1:
        text.insert(at, kTokens[Pick(std::size(kTokens))]);
        break;
      case 2:
        if (!text.empty()) text[at] = static_cast<char>(random_());
        break;
      case 3: {  // a line moves
        const size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end == std::string::npos ? end : end - at + 1);
        text.insert(Pick(text.size()), line.substr(0, 400));
        break;
      }
      case 4:
        text.insert(at, text.substr(Pick(text.size()), Pick(60)));
        break;
      default:
        if (Pick(20) == 0) text.resize(at);
    }
  }

  std::mt19937_64 random_;
};

TEST_F(YamlFuzz, MutatedSetNeverCrashes) {
  int valid = 0;
  for (int round = 0; round < 600; ++round) {
    std::string text = kSmallSet;
    for (size_t i = 1 + Pick(6); i > 0; --i) Mutate(text);
    LoadResult loaded = LoadTexts({{"small.yaml", text}});
    for (const SourceViolation& violation : loaded.violations) {
      ASSERT_FALSE(violation.description.empty());
      ASSERT_FALSE(violation.file.empty());
    }
    if (loaded.ok()) ++valid;
    ASSERT_EQ(Catalogue::Compile(loaded.set).ok(), Validate(loaded.set).empty());
  }
  std::cout << valid << " mutants were still valid\n";
}

TEST_F(YamlFuzz, RandomBytesNeverCrash) {
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (size_t i = Pick(300); i > 0; --i)
      text += static_cast<char>(Pick(4) ? " -:[]{}&*!|>'\"%@`#\n"[Pick(19)] : Pick(256));
    EXPECT_FALSE(LoadTexts({{"random.yaml", text}}).ok());
  }
}

TEST_F(YamlFuzz, HostileShapesAreBounded) {
  std::string deep = "jurisdiction: ";
  for (int i = 0; i < 100000; ++i) deep += "[";
  EXPECT_FALSE(LoadTexts({{"deep.yaml", deep}}).ok());
  deep = "agencies:\n";
  for (int i = 0; i < 3000; ++i) deep += "- ";
  EXPECT_FALSE(LoadTexts({{"dashes.yaml", deep}}).ok());
  deep.clear();
  for (int i = 0; i < 2000; ++i) deep += "{a: ";
  EXPECT_FALSE(LoadTexts({{"maps.yaml", deep}}).ok());
  EXPECT_FALSE(LoadTexts({{"cycle.yaml", "agencies: &a\n  - *a\n  - {parent: *a}\n"}}).ok());
  EXPECT_FALSE(LoadTexts({{"cycle.yaml", "jurisdiction: &j {id: H30, channels: [*j, *j]}\n"}}).ok());
  // A small text that aliases blow up a thousandfold: two thousand procedures of the same thousand legs.
  std::string bomb = "procedures:\n  - &p\n    legs:\n";
  for (int i = 0; i < 1000; ++i) bomb += "      - {id: a, name: b, agency: c}\n";
  for (int i = 0; i < 2000; ++i) bomb += "  - *p\n";
  const LoadResult loaded = LoadTexts({{"bomb.yaml", bomb}});
  ASSERT_FALSE(loaded.ok());
  EXPECT_LE(loaded.violations.size(), 2 * kMaxViolations + 2);
  EXPECT_FALSE(LoadTexts({{"large.yaml", std::string(9 << 20, ' ')}}).ok());
}

}  // namespace
}  // namespace motcua::reference
