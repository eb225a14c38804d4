#include "clients/motcua/progress.h"

#include <gtest/gtest.h>

namespace motcua::client {
namespace {

TEST(Progress, TellsRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine(3000, 12000, absl::Seconds(10), "2022-03-01", true),
            "3000 of 12000 (25 %), 300/s, 30s left, 2022-03-01");
  EXPECT_EQ(ProgressLine(3, 600, absl::Seconds(2), "", false), "3 trên 600 (0 %), 1.5/s, còn 6m38s");
  EXPECT_EQ(ProgressLine(600, 600, absl::Seconds(2), "", true), "600 of 600 (100 %), 300/s, in 2s");
  EXPECT_EQ(ProgressLine(40, 40, absl::Milliseconds(212), "", true), "40 of 40 (100 %), 189/s, in 300ms");
  EXPECT_EQ(ProgressLine(0, 600, absl::ZeroDuration(), "", true), "0 of 600 (0 %)");
  EXPECT_EQ(ProgressLine(0, 0, absl::Seconds(1), "", true), "0 of 0 (100 %)");
}

}  // namespace
}  // namespace motcua::client
