// Watermarks hold from their position on, not before; and few are kept of many.
#include "common/feed/watermarks.h"

#include "gtest/gtest.h"

namespace motcua::feed {
namespace {

absl::Time T(int64_t second) { return absl::FromUnixSeconds(second); }

TEST(WatermarksTest, HoldFromTheirPositionOn) {
  Watermarks watermarks;
  watermarks.Add(3, T(30));
  watermarks.Add(7, T(70));
  EXPECT_EQ(watermarks.At(2), absl::InfinitePast());
  EXPECT_EQ(watermarks.At(3), T(30));
  EXPECT_EQ(watermarks.At(6), T(30));
  EXPECT_EQ(watermarks.At(7), T(70));
  EXPECT_EQ(watermarks.At(100), T(70));
}

TEST(WatermarksTest, ALaterOneAtTheSamePositionReplacesTheOther) {
  Watermarks watermarks;
  watermarks.Add(3, T(30));
  watermarks.Add(3, T(31));
  EXPECT_EQ(watermarks.size(), 1u);
  EXPECT_EQ(watermarks.At(3), T(31));
  watermarks.Add(3, T(29));
  watermarks.Add(5, T(31));
  EXPECT_EQ(watermarks.size(), 1u) << "neither tells more";
}

TEST(WatermarksTest, AnAnswerOutOfOrderNeverTellsTooMuch) {
  Watermarks watermarks;
  watermarks.Add(9, T(90));
  watermarks.Add(4, T(40));
  watermarks.Add(4, T(95));  // more, and already at 4
  EXPECT_EQ(watermarks.At(3), absl::InfinitePast());
  EXPECT_EQ(watermarks.At(4), T(95));
  EXPECT_EQ(watermarks.At(9), T(95));
}

// Who asked is told of the feed's end, while the stream still tells of what is before it.
TEST(WatermarksTest, WhatHoldsFurtherOnHidesNothingThatHoldsBefore) {
  Watermarks watermarks;
  watermarks.Add(2, T(20));
  watermarks.Add(9, T(90));
  watermarks.Add(4, T(40));
  watermarks.Add(6, T(60));
  watermarks.Add(5, T(30));  // less than holds at 4
  EXPECT_EQ(watermarks.At(3), T(20));
  EXPECT_EQ(watermarks.At(4), T(40));
  EXPECT_EQ(watermarks.At(5), T(40));
  EXPECT_EQ(watermarks.At(8), T(60));
  EXPECT_EQ(watermarks.At(9), T(90));
  EXPECT_EQ(watermarks.last(), T(90));
  EXPECT_EQ(watermarks.size(), 4u);
  watermarks.Add(5, T(90));
  EXPECT_EQ(watermarks.size(), 3u) << "neither 6 nor 9 tells more";
  EXPECT_EQ(watermarks.At(5), T(90));
}

TEST(WatermarksTest, TakenOnesAreForgotten) {
  Watermarks watermarks;
  watermarks.Add(3, T(30));
  watermarks.Add(7, T(70));
  EXPECT_EQ(watermarks.Take(2), absl::InfinitePast());
  EXPECT_EQ(watermarks.Take(5), T(30));
  EXPECT_EQ(watermarks.size(), 1u);
  EXPECT_EQ(watermarks.Take(7), T(70));
  EXPECT_TRUE(watermarks.empty());
}

TEST(WatermarksTest, AreBoundedAndWhatIsLeftIsTrue) {
  Watermarks watermarks;
  for (int i = 1; i <= 10'000; ++i) watermarks.Add(static_cast<uint64_t>(i), T(i));
  EXPECT_LE(watermarks.size(), Watermarks::kMost);
  for (int i = 1; i <= 10'000; ++i) EXPECT_LE(watermarks.At(static_cast<uint64_t>(i)), T(i));
  EXPECT_EQ(watermarks.At(10'000), T(10'000));
  EXPECT_EQ(watermarks.At(9'990), T(9'990)) << "the newest stay exact";
  EXPECT_GT(watermarks.At(5'000), absl::InfinitePast()) << "of the old ones, some are left";
}

}  // namespace
}  // namespace motcua::feed
