// Reference data from several files makes one set; whatever cannot be read is said with its file.
#include "common/reference/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace motcua::reference {
namespace {

using ::testing::HasSubstr;

constexpr char kPlace[] =
    "jurisdiction: {id: X10, name: Place, time_zone: Europe/Amsterdam, default_calendar: all}\n";
constexpr char kAgencies[] = "agencies:\n  - {id: X10, name: Root, level: province}\n";
constexpr char kCalendar[] =
    "calendars:\n  - id: all\n    week:\n      - {weekday: 1, sessions: [\"00:00-24:00\"]}\n";

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "motcua-reference-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(Loader, MergesTheFilesOfADirectoryIntoOneSet) {
  const TemporaryDirectory directory;
  directory.Write("a.yaml", kPlace);
  directory.Write("b.yaml", kAgencies);
  directory.Write("c.yml", "agencies:\n  - {id: X10.1, name: Unit, level: commune, parent: X10}\n");
  directory.Write("d.yaml", kCalendar);
  directory.Write("notes.txt", "not: [yaml");
  const auto set = LoadReferenceSet(directory.path());
  ASSERT_TRUE(set.ok()) << set.status();
  ASSERT_EQ(set->agencies_size(), 2);
  EXPECT_EQ(set->agencies(1).id(), "X10.1");
}

TEST(Loader, CitesTheFileAndLineOfAMergedItem) {
  const LoadResult loaded =
      LoadTexts({{"a.yaml", kPlace},
                 {"b.yaml", kAgencies},
                 {"c.yaml", "# a comment\nagencies:\n  - {id: X10.1, name: U, level: commune, parent: X9}\n"},
                 {"d.yaml", kCalendar}});
  ASSERT_EQ(loaded.violations.size(), 1u) << loaded.status();
  EXPECT_EQ(loaded.violations[0].ToString(), "c.yaml:3: agencies[1].parent: unknown agency \"X9\"");
}

TEST(Loader, TheJurisdictionAppearsOnce) {
  const LoadResult loaded =
      LoadTexts({{"a.yaml", kPlace}, {"b.yaml", kAgencies}, {"c.yaml", kCalendar}, {"d.yaml", kPlace}});
  ASSERT_EQ(loaded.violations.size(), 1u) << loaded.status();
  EXPECT_EQ(loaded.violations[0].ToString(), "d.yaml:1: jurisdiction: is given in another file already");
}

TEST(Loader, ReportsEveryViolationAtOnce) {
  const LoadResult loaded = LoadTexts({{"a.yaml", "jurisdiction: {id: 10, color: red}\nagencies: 5\n"}});
  EXPECT_FALSE(loaded.ok());
  const std::string message(loaded.status().message());
  for (const char* part :
       {"a.yaml:1: jurisdiction: unknown key \"color\"", "a.yaml:2: agencies: must be a list",
        "a.yaml:1: jurisdiction.id: ", "a.yaml:1: jurisdiction.name: must not be empty"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST(Loader, SaysWhatIsNotYamlAndWhere) {
  const LoadResult loaded = LoadTexts({{"a.yaml", "agencies:\n  - {id: [}\n"}});
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.violations[0].ToString(), ::testing::StartsWith("a.yaml:2: not YAML: "));
}

TEST(Loader, AFileHoldsOneDocument) {
  EXPECT_EQ(
      LoadTexts({{"a.yaml", absl::StrCat("# data\n---\n", kPlace, kAgencies, kCalendar)}}).violations.size(),
      0u);
  const LoadResult loaded = LoadTexts({{"a.yaml", absl::StrCat(kPlace, "---\n", kAgencies)}});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.violations[0].ToString(), "a.yaml:2: a second document begins here; a file holds one");
}

TEST(Loader, SaysWhatCannotBeRead) {
  const TemporaryDirectory directory;
  EXPECT_THAT(LoadReferenceSet(directory.path() + "/nothing").status().message(),
              HasSubstr("cannot be read"));
  EXPECT_THAT(LoadReferenceSet(directory.path()).status().message(), HasSubstr("has no *.yaml file"));
  EXPECT_THAT(LoadReferenceSet("/dev/null").status().message(), HasSubstr("is not a file"));
  const std::string large = directory.Write("large.yaml", std::string((8 << 20) + 10, '#'));
  EXPECT_THAT(LoadReferenceSet(large).status().message(), HasSubstr("larger than"));
  EXPECT_FALSE(LoadFiles({}).ok());
}

}  // namespace
}  // namespace motcua::reference
