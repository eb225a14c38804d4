// Promises of trace contexts: a trace keeps its id on its way, and what is no trace begins one.
#include "common/telemetry/trace.h"

#include <gtest/gtest.h>

#include <set>

namespace motcua::telemetry {
namespace {

constexpr char kTraceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Trace, ValidOnesKeepTheirId) {
  std::string continued = ContinueTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  EXPECT_EQ(continued.size(), 55u);
  EXPECT_EQ(TraceId(continued), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(continued.substr(52), "-00") << "the flags stay";
}

TEST(Trace, OthersAreReplacedByNewOnes) {
  std::set<std::string> ids;
  for (const char* bad : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "garbage",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}) {
    std::string continued = ContinueTrace(bad);
    ASSERT_EQ(continued.size(), 55u) << bad;
    EXPECT_NE(TraceId(continued), "0af7651916cd43dd8448eb211c80319c");
    ids.emplace(TraceId(continued));
  }
  EXPECT_EQ(ids.size(), 7u);
}

TEST(Trace, IsKeptInSixteenBytes) {
  const std::string packed = PackTrace(kTraceparent);
  EXPECT_EQ(packed.size(), 16u);
  EXPECT_EQ(PackedTraceId(packed), "0af7651916cd43dd8448eb211c80319c");
  const std::string continued = ContinuePackedTrace(packed);
  EXPECT_EQ(TraceId(continued), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(ContinueTrace(continued).substr(0, 35), continued.substr(0, 35)) << "a valid traceparent";
}

TEST(Trace, WithoutOneNothingIsKeptAndANewOneBegins) {
  for (const char* bad : {"", "garbage", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"}) {
    EXPECT_EQ(PackTrace(bad), "") << bad;
  }
  EXPECT_EQ(PackedTraceId(""), "");
  EXPECT_EQ(PackedTraceId("short"), "");
  EXPECT_EQ(TraceId(ContinuePackedTrace("")).size(), 32u);
  EXPECT_NE(ContinuePackedTrace(""), ContinuePackedTrace(""));
}

}  // namespace
}  // namespace motcua::telemetry
