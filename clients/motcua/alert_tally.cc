#include "clients/motcua/alert_tally.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::client {

std::vector<std::string> AlertTally::Add(const deadline::v1::Clock& clock,
                                         const common::v1::History& history) {
  std::vector<std::string> violations;
  // Of the present due date.
  std::set<std::string> raised;
  for (const common::v1::HistoryEntry& entry : history.entries()) {
    if (entry.action() == "DueChanged") raised.clear();
    if (entry.action() != "AlertRaised") continue;
    ++alerts_;
    const std::string& kind = entry.note();
    // `OVERDUE`; of a part `OVERDUE leg-2`.
    if (kind.find(' ') != std::string::npos) continue;
    ++by_kind_[kind];
    if (!raised.insert(kind).second) {
      violations.push_back(absl::StrCat(clock.dossier(), ": ", kind, " was raised twice of one due date"));
    }
  }
  if ((clock.ever_raised() & (1u << feed::v1::ALERT_KIND_OVERDUE)) != 0) ++ever_overdue_;
  return violations;
}

std::vector<std::string> AlertTally::Compare(const deadline::v1::GetStatisticsResponse& statistics) const {
  std::vector<std::string> violations;
  std::map<std::string, uint64_t> counted(statistics.alerts().begin(), statistics.alerts().end());
  for (const auto& [kind, count] : by_kind_) counted.try_emplace(kind, 0);
  for (const auto& [kind, count] : counted) {
    const auto found = by_kind_.find(kind);
    const uint64_t raised = found == by_kind_.end() ? 0 : found->second;
    if (raised == count) continue;
    violations.push_back(absl::StrCat("deadline-monitor counts ", count, " alerts ", kind,
                                      ", the dossiers' histories have ", raised));
  }
  if (statistics.ever_overdue() != ever_overdue_) {
    violations.push_back(absl::StrCat("deadline-monitor counts ", statistics.ever_overdue(),
                                      " dossiers that were ever overdue, the clocks are ", ever_overdue_));
  }
  return violations;
}

}  // namespace motcua::client
