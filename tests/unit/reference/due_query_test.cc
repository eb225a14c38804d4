// The offline answer to "when is it due?".
#include "common/reference/due_query.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/reference/sample.h"

namespace motcua::reference {
namespace {

std::string Due(const char* received, const char* limit, const char* cutoff = "", const char* agency = "") {
  const auto due = AnswerDue({received, limit, cutoff, agency}, SampleCatalogue());
  return due.ok() ? *due : std::string(due.status().message());
}

TEST(DueQuery, AnswersWithADateOrAMinute) {
  EXPECT_EQ(Due("2025-01-24T15:30", "3wd"), "2025-02-06");
  EXPECT_EQ(Due("2025-01-24T15:30", "3wd", "15:00"), "2025-02-06");
  EXPECT_EQ(Due("2025-01-24T15:30", "3wd", "none"), "2025-02-05");
  EXPECT_EQ(Due("2025-01-24T15:30", "3wd", "16:00"), "2025-02-05");
  EXPECT_EQ(Due("2025-01-24T15:30", "4.5wh"), "2025-02-03T10:00");
  EXPECT_EQ(Due("2025-01-17T09:00", "15cd"), "2025-02-03");
  EXPECT_EQ(Due("2025-01-23T15:00:01", "1wd"), "2025-02-03");
}

TEST(DueQuery, TheAgencysOwnCalendarCounts) {
  EXPECT_EQ(Due("2025-07-14T10:30", "4wh"), "2025-07-14T16:30");
  EXPECT_EQ(Due("2025-07-14T10:30", "4wh", "", "H30.18.TH"), "2025-07-14T16:00");
  EXPECT_EQ(Due("2025-07-11T09:00", "1wd", "", "H30.18.MC"), "2025-07-12");
  EXPECT_EQ(Due("2025-07-11T09:00", "1wd", "", "H30.18.05"), "2025-07-14");
}

TEST(DueQuery, NamesEverythingThatIsWrong) {
  const auto due = AnswerDue({"yesterday", "3", "late", ""}, SampleCatalogue());
  EXPECT_TRUE(absl::IsInvalidArgument(due.status()));
  for (const char* part : {"received: ", "limit: ", "cutoff: "}) {
    EXPECT_TRUE(absl::StrContains(due.status().message(), part)) << due.status();
  }
  EXPECT_TRUE(
      absl::IsNotFound(AnswerDue({"2025-01-24T15:30", "3wd", "", "H30.99"}, SampleCatalogue()).status()));
  EXPECT_TRUE(
      absl::IsOutOfRange(AnswerDue({"2100-12-30T09:00", "300wd", "", ""}, SampleCatalogue()).status()));
  EXPECT_TRUE(
      absl::IsOutOfRange(AnswerDue({"9999-12-30T09:00", "300wd", "", ""}, SampleCatalogue()).status()));
}

}  // namespace
}  // namespace motcua::reference
