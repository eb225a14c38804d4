#include "tests/bench/meter.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace motcua::bench {

namespace {

constexpr char kClient[] = "client";

absl::Duration CpuTime(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(file, line);
  // Fields 14 and 15, counted behind the command in parentheses, which may hold spaces.
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int i = 3; i < 14; ++i) rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  return absl::Seconds((user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

uint64_t Switches(pid_t pid) {
  uint64_t sum = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"), error)) {
    std::ifstream file(task.path() / "status");
    std::string line;
    while (std::getline(file, line)) {
      const size_t at = line.find("voluntary_ctxt_switches:");  // and nonvoluntary_...
      uint64_t count = 0;
      if (at != std::string::npos && absl::SimpleAtoi(line.substr(line.find(':') + 1), &count)) sum += count;
    }
  }
  return sum;
}

}  // namespace

absl::Duration Latencies::Quantile(double q) const {
  if (micros_.empty()) return absl::ZeroDuration();
  const size_t at =
      std::min(micros_.size() - 1, static_cast<size_t>(q * static_cast<double>(micros_.size())));
  std::nth_element(micros_.begin(), micros_.begin() + static_cast<ptrdiff_t>(at), micros_.end());
  return absl::Microseconds(micros_[at]);
}

Processes Processes::Parse(const std::string& text) {
  Processes processes;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    pid_t pid = 0;
    if (absl::SimpleAtoi(pair.second, &pid)) processes.pids_.emplace(pair.first, pid);
  }
  processes.pids_.emplace(kClient, getpid());
  return processes;
}

std::map<std::string, Usage> Processes::Used() const {
  std::map<std::string, Usage> used;
  for (const auto& [name, pid] : pids_) {
    used[name].cpu += CpuTime(pid);
    used[name].switches += Switches(pid);
  }
  return used;
}

std::map<std::string, uint64_t> Processes::Resident() const {
  std::map<std::string, uint64_t> resident;
  for (const auto& [name, pid] : pids_) {
    if (name == kClient) continue;
    std::ifstream file(absl::StrCat("/proc/", pid, "/smaps_rollup"));
    std::string line;
    while (std::getline(file, line)) {
      uint64_t kib = 0;
      if (line.rfind("Pss:", 0) == 0 && absl::SimpleAtoi(line.substr(4, line.find("kB") - 4), &kib)) {
        resident[name] += kib * 1024;
      }
    }
  }
  return resident;
}

}  // namespace motcua::bench
