#include "common/telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdio>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace motcua::telemetry {
namespace {

class Output {
 public:
  Output() : logger_("motcua", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%v");
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::trace);
  }

  void Write(std::string_view line, Level level) {
    absl::ReaderMutexLock lock(&mutex_);
    if (capture_) {
      capture_(line);
    } else {
      logger_.log(level >= Level::kWarning ? spdlog::level::warn : spdlog::level::info,
                  spdlog::string_view_t(line.data(), line.size()));
    }
  }
  std::string service() {
    absl::ReaderMutexLock lock(&mutex_);
    return service_;
  }
  void set_service(std::string service) {
    absl::MutexLock lock(&mutex_);
    service_ = std::move(service);
  }
  void set_capture(std::function<void(std::string_view)> capture) {
    absl::MutexLock lock(&mutex_);
    capture_ = std::move(capture);
  }

  std::atomic<Level> level{Level::kInfo};

 private:
  spdlog::logger logger_;
  absl::Mutex mutex_;
  std::string service_ ABSL_GUARDED_BY(mutex_) = "motcua";
  std::function<void(std::string_view)> capture_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed: threads may log while the program ends.
Output& TheOutput() {
  static Output* output = new Output();
  return *output;
}

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error", "off"};

// Length of the valid UTF-8 sequence that `text` begins with; 0 where it is invalid.
size_t Utf8Length(std::string_view text) {
  auto byte = [&text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto follows = [&byte](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

void AppendValue(const Field& field, std::string& out) {
  if (const auto* integer = std::get_if<int64_t>(&field.value())) {
    absl::StrAppend(&out, *integer);
  } else if (const auto* number = std::get_if<double>(&field.value())) {
    if (std::isfinite(*number)) {
      absl::StrAppend(&out, *number);
    } else {
      out += "null";
    }
  } else if (const auto* truth = std::get_if<bool>(&field.value())) {
    out += *truth ? "true" : "false";
  } else {
    AppendJsonString(std::get<std::string>(field.value()), out);
  }
}

void WriteLine(Level level, std::string_view message, const Field* fields, size_t count) {
  Output& output = TheOutput();
  output.Write(FormatLine(absl::Now(), level, output.service(), message, fields, count), level);
}

}  // namespace

void StartLogging(std::string service, Level level) {
  TheOutput().set_service(std::move(service));
  TheOutput().level = level;
}

bool Enabled(Level level) { return level != Level::kOff && level >= TheOutput().level.load(std::memory_order_relaxed); }

void Log(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (Enabled(level)) WriteLine(level, message, fields.begin(), fields.size());
}

void Log(Level level, std::string_view message, const std::vector<Field>& fields) {
  if (Enabled(level)) WriteLine(level, message, fields.data(), fields.size());
}

bool ParseLevel(std::string_view name, Level& level) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) {
      level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

RateLimit::RateLimit(uint32_t per_interval, absl::Duration interval)
    : per_interval_(per_interval), interval_ns_(absl::ToInt64Nanoseconds(interval)) {}

bool RateLimit::Pass(absl::Time now, uint64_t& skipped) {
  int64_t interval = absl::ToUnixNanos(now) / interval_ns_;
  int64_t current = interval_.load(std::memory_order_relaxed);
  if (interval != current && interval_.compare_exchange_strong(current, interval, std::memory_order_relaxed)) {
    passed_.store(0, std::memory_order_relaxed);
  }
  if (passed_.fetch_add(1, std::memory_order_relaxed) >= per_interval_) {
    passed_.fetch_sub(1, std::memory_order_relaxed);
    skipped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  skipped = skipped_.exchange(0, std::memory_order_relaxed);
  return true;
}

std::string FormatLine(absl::Time at, Level level, std::string_view service, std::string_view message,
                       const Field* fields, size_t count) {
  std::string line = absl::StrCat("{\"ts\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", at, absl::UTCTimeZone()),
                                  "\",\"level\":\"", std::string(kNames[static_cast<size_t>(level)]), "\",\"service\":");
  AppendJsonString(service, line);
  line += ",\"msg\":";
  AppendJsonString(message, line);
  for (size_t i = 0; i < count; ++i) {
    line += ',';
    AppendJsonString(fields[i].key(), line);
    line += ':';
    AppendValue(fields[i], line);
  }
  line += '}';
  return line;
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    unsigned char c = static_cast<unsigned char>(text[0]);
    size_t length = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", c);
      out += escaped;
    } else if (length = Utf8Length(text); length == 0) {
      out += "\xEF\xBF\xBD";
      length = 1;
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void CaptureLinesForTest(std::function<void(std::string_view line)> sink) { TheOutput().set_capture(std::move(sink)); }

}  // namespace motcua::telemetry
