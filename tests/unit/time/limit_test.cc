// Limits and local times read exactly what they write, and refuse everything else.
#include "common/time/limit.h"

#include <gtest/gtest.h>

#include "common/time/iso.h"

namespace motcua::time {
namespace {

TEST(Limit, ReadsWhatItWrites) {
  for (const char* text : {"5wd", "0.5wd", "15cd", "4wh", "0.1wh", "10000wd", "2.5wh"}) {
    const auto limit = ParseLimit(text);
    ASSERT_TRUE(limit.ok()) << limit.status();
    EXPECT_EQ(FormatLimit(*limit), text);
  }
  EXPECT_EQ(ParseLimit("0.5wd")->tenths(), 5u);
  EXPECT_EQ(FormatLimit(*ParseLimit("5.0wd")), "5wd");
}

TEST(Limit, RefusesEverythingElse) {
  for (const char* text :
       {"", "5", "wd", "5 wd", "-5wd", "+5wd", "0wd", "0.0wd", "1.5cd", "5.55wd", "5.wd", ".5wd", "10000.1wd",
        "99999999999999999999wd", "5WD", "5wd ", "1e3wd", "0x5wd", "5dd"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseLimit(text).status())) << text;
  }
  common::v1::Limit limit;
  limit.set_unit(static_cast<common::v1::LimitUnit>(77));
  limit.set_tenths(10);
  EXPECT_FALSE(CheckLimit(limit).ok());
}

TEST(Iso, DatesExist) {
  EXPECT_EQ(FormatDate(*ParseDate("2024-02-29")), "2024-02-29");
  for (const char* text : {"2025-02-29", "2025-13-01", "2025-00-10", "2025-1-1", "20250101", "", "0000-01-01",
                           "2025-02-06T00:00", "2025-02-0x"}) {
    EXPECT_FALSE(ParseDate(text).ok()) << text;
  }
}

TEST(Iso, SessionsAndTimes) {
  EXPECT_EQ(*ParseSession("07:00-11:30"), (Session{420, 690}));
  EXPECT_EQ(*ParseSession("00:00-24:00"), (Session{0, 1440}));
  for (const char* text : {"", "07:00", "11:30-07:00", "07:00-07:00", "7:00-11:30", "07:00-25:00",
                           "07:60-11:30", "24:00-24:00", "07:00_11:30"}) {
    EXPECT_FALSE(ParseSession(text).ok()) << text;
  }
  EXPECT_TRUE(ParseLocalTime("2025-01-24T15:30").ok());
  EXPECT_EQ(ParseLocalTime("2025-01-24T15:30:01")->second(), 1);
  for (const char* text : {"2025-01-24", "2025-01-24 15:30", "2025-01-24T24:00", "2025-01-24T15:30:60",
                           "2025-02-30T10:00", "2025-01-24T15:30Z"}) {
    EXPECT_FALSE(ParseLocalTime(text).ok()) << text;
  }
}

}  // namespace
}  // namespace motcua::time
