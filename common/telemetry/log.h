// Logs: one JSON object a line, on standard error.
//
//   telemetry::Log(Level::kWarning, "redis link lost", {{"attempt", 3}, {"after_ms", 250}});
//   {"ts":"2026-07-14T02:30:00.123Z","level":"warning","service":"routing","msg":"redis link lost","attempt":3,...}
//
// `message` is constant text; what varies goes into fields, so that lines can be counted. Never personal data, never
// secrets: fields carry codes, ids of calls, counts and durations.
//
// Thread-safe. A line costs one formatted write; nothing is formatted below the level.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace motcua::telemetry {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

// One key and its value. Keys are constant text of a-z 0-9 and underscore.
class Field {
 public:
  template <class Number, std::enable_if_t<std::is_integral_v<Number> && !std::is_same_v<Number, bool>, int> = 0>
  Field(std::string_view key, Number value) : key_(key), value_(static_cast<int64_t>(value)) {}
  Field(std::string_view key, bool value) : key_(key), value_(value) {}
  Field(std::string_view key, double value) : key_(key), value_(value) {}
  Field(std::string_view key, const char* value) : key_(key), value_(std::string(value)) {}
  Field(std::string_view key, std::string_view value) : key_(key), value_(std::string(value)) {}
  Field(std::string_view key, std::string value) : key_(key), value_(std::move(value)) {}

  std::string_view key() const { return key_; }
  const std::variant<int64_t, double, bool, std::string>& value() const { return value_; }

 private:
  std::string_view key_;
  std::variant<int64_t, double, bool, std::string> value_;
};

// Once, at the start of a program: the name on every line and the least level. Before it lines go out as of
// service "motcua" from kInfo.
void StartLogging(std::string service, Level level);

bool Enabled(Level level);

void Log(Level level, std::string_view message, std::initializer_list<Field> fields = {});
void Log(Level level, std::string_view message, const std::vector<Field>& fields);

// `debug`, `info`, `warning`, `error`, `off`. False for anything else.
bool ParseLevel(std::string_view name, Level& level);

// Lets at most `per_interval` lines pass in an interval and counts the others; one per call site:
//
//   static RateLimit limit(10, absl::Seconds(1));
//   if (uint64_t skipped; limit.Pass(absl::Now(), skipped)) Log(..., {{"skipped", skipped}});
//
// Thread-safe, lock-free.
class RateLimit {
 public:
  RateLimit(uint32_t per_interval, absl::Duration interval);
  // True: log now; `skipped` = lines held back since the last one that passed.
  bool Pass(absl::Time now, uint64_t& skipped);

 private:
  const uint32_t per_interval_;
  const int64_t interval_ns_;
  std::atomic<int64_t> interval_{-1};
  std::atomic<uint32_t> passed_{0};
  std::atomic<uint64_t> skipped_{0};
};

// The line as it is written, without the end of line.
std::string FormatLine(absl::Time at, Level level, std::string_view service, std::string_view message,
                       const Field* fields, size_t count);

// Appends `text` as a JSON string; control characters are escaped, invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);

// Sends lines to `sink` instead of standard error; an empty function restores it.
void CaptureLinesForTest(std::function<void(std::string_view line)> sink);

}  // namespace motcua::telemetry
