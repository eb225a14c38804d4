#include "clients/motcua/log_faults.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace motcua::client {

void LogFaults::Add(int64_t line, std::string what) {
  if (!full()) faults_.emplace_back(line, std::move(what));
  more_ = full();
}

absl::Status LogFaults::ToStatus() const {
  if (faults_.empty()) return absl::OkStatus();
  auto sorted = faults_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> lines;
  for (const auto& [line, what] : sorted) {
    lines.push_back(line == 0 ? what : absl::StrCat(Say("dòng ", "line "), line, ": ", what));
  }
  if (more_) lines.emplace_back(Say("... và có thể còn nữa", "... and there may be more"));
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

}  // namespace motcua::client
