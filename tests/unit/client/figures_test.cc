#include "clients/motcua/figures.h"

#include <gtest/gtest.h>

namespace motcua::client {
namespace {

TEST(Figures, OracleIsFlattenedAndTellsTheOverdue) {
  const auto figures =
      FiguresOfOracle(R"({"ended_late": 3, "open_overdue": 2, "channels": {"Desk": 7}, "now": "x"})");
  ASSERT_TRUE(figures.ok());
  EXPECT_EQ(figures->at("channels.Desk"), "7");
  EXPECT_EQ(figures->at("now"), "x");
  EXPECT_EQ(figures->at("overdue.alerts"), "5");
  EXPECT_FALSE(FiguresOfOracle("no json").ok());
  EXPECT_FALSE(FiguresOfOracle("[1]").ok());
}

TEST(Figures, EveryDifferenceIsMarked) {
  const auto lines = Compare({{"a", "1"}, {"b", "2"}, {"c", "0"}}, {{"a", "1"}, {"b", "3"}, {"d", "4"}});
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(lines[0].same);
  EXPECT_FALSE(lines[1].same);
  EXPECT_TRUE(lines[2].same);  // nothing, on the other side: 0
  EXPECT_FALSE(lines[3].same);
}

TEST(Figures, OraclesPathIsQuoted) {
  const auto output = RunOracle("printf %s", "it's here.csv");
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(*output, "it's here.csv");
  EXPECT_FALSE(RunOracle("false", "x").ok());
}

}  // namespace
}  // namespace motcua::client
