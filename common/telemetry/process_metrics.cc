#include "common/telemetry/process_metrics.h"

#include <dirent.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace motcua::telemetry {
namespace {

// Fields of /proc/self/stat (proc(5)), by their number there.
constexpr int kUserTicks = 14;
constexpr int kSystemTicks = 15;
constexpr int kStartTicks = 22;
constexpr int kResidentPages = 24;

// The fields from the third on; the second, the name in parentheses, may hold blanks.
std::vector<std::string> ReadStat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t end_of_name = text.rfind(')');
  std::vector<std::string> fields;
  if (end_of_name == std::string::npos) return fields;
  std::istringstream rest(text.substr(end_of_name + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// Seconds since the epoch.
std::optional<double> ReadBootTime() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

std::optional<double> CountOpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  double count = -3;  // `.`, `..` and the directory itself
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

class ProcessMetrics final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families;
    const auto add = [&families](const char* name, const char* help, prometheus::MetricType type,
                                 double value) {
      prometheus::MetricFamily& family = families.emplace_back();
      family.name = name;
      family.help = help;
      family.type = type;
      prometheus::ClientMetric& metric = family.metric.emplace_back();
      (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    };
    const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const std::vector<std::string> stat = ReadStat();
    const auto field = [&stat](int number) {
      return std::strtod(stat[static_cast<size_t>(number) - 3].c_str(), nullptr);
    };
    if (stat.size() > kResidentPages - 3) {
      add("process_resident_memory_bytes", "Resident memory size in bytes.", prometheus::MetricType::Gauge,
          field(kResidentPages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
      add("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
          prometheus::MetricType::Counter, (field(kUserTicks) + field(kSystemTicks)) / ticks);
      if (const std::optional<double> boot = ReadBootTime(); boot.has_value()) {
        add("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            prometheus::MetricType::Gauge, *boot + field(kStartTicks) / ticks);
      }
    }
    if (const std::optional<double> files = CountOpenFiles(); files.has_value()) {
      add("process_open_fds", "Number of open file descriptors.", prometheus::MetricType::Gauge, *files);
    }
    return families;
  }
};

}  // namespace

std::shared_ptr<prometheus::Collectable> MakeProcessMetrics() { return std::make_shared<ProcessMetrics>(); }

}  // namespace motcua::telemetry
