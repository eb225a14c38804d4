// Promises of the log: each line is one JSON object, whatever is in it, and a flood does not drown the rest.
#include "common/telemetry/log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

namespace motcua::telemetry {
namespace {

TEST(Log, ALineIsOneJsonObject) {
  std::vector<Field> fields = {{"code", "H30-1"}, {"count", 7},      {"ms", 1.5},
                               {"ok", true},      {"nothing", std::nan("")}, {"text", std::string("a\"b\\c\n\x01")}};
  std::string line = FormatLine(absl::FromUnixMillis(1752460200123), Level::kWarning, "routing", "it \"happened\"",
                                fields.data(), fields.size());
  EXPECT_EQ(line,
            "{\"ts\":\"2025-07-14T02:30:00.123Z\",\"level\":\"warning\",\"service\":\"routing\","
            "\"msg\":\"it \\\"happened\\\"\",\"code\":\"H30-1\",\"count\":7,\"ms\":1.5,\"ok\":true,\"nothing\":null,"
            "\"text\":\"a\\\"b\\\\c\\n\\u0001\"}");
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Log, AnyBytesMakeValidJson) {
  uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string json;
    AppendJsonString(bytes, json);
    EXPECT_TRUE(nlohmann::json::parse(json, nullptr, false).is_string());
    EXPECT_EQ(json.find('\n'), std::string::npos);
  }
  std::string vietnamese = "Trạng thái hồ sơ: đã tiếp nhận";
  std::string json;
  AppendJsonString(vietnamese, json);
  EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), vietnamese);
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  std::vector<std::string> lines;
  CaptureLinesForTest([&lines](std::string_view line) { lines.emplace_back(line); });
  StartLogging("test", Level::kWarning);
  Log(Level::kInfo, "not this");
  Log(Level::kError, "this", {{"n", 1}});
  StartLogging("test", Level::kOff);
  Log(Level::kError, "nor this");
  CaptureLinesForTest(nullptr);
  StartLogging("motcua", Level::kInfo);
  ASSERT_EQ(lines.size(), 1u);
  auto line = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(line["msg"], "this");
  EXPECT_EQ(line["service"], "test");
  EXPECT_EQ(line["n"], 1);
}

TEST(Log, LevelsHaveNames) {
  Level level = Level::kOff;
  EXPECT_TRUE(ParseLevel("debug", level));
  EXPECT_EQ(level, Level::kDebug);
  EXPECT_FALSE(ParseLevel("Debug", level));
  EXPECT_FALSE(ParseLevel("", level));
}

TEST(RateLimit, AFloodIsCountedNotWritten) {
  RateLimit limit(3, absl::Seconds(1));
  absl::Time now = absl::FromUnixSeconds(1000);
  uint64_t skipped = 0;
  int passed = 0;
  for (int i = 0; i < 1000; ++i) passed += limit.Pass(now, skipped) ? 1 : 0;
  EXPECT_EQ(passed, 3);
  ASSERT_TRUE(limit.Pass(now + absl::Seconds(1), skipped));
  EXPECT_EQ(skipped, 997u);
  ASSERT_TRUE(limit.Pass(now + absl::Seconds(1), skipped));
  EXPECT_EQ(skipped, 0u);
}

}  // namespace
}  // namespace motcua::telemetry
