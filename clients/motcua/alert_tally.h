// Whether every alert was raised once, by the histories of the dossiers: these are whole, while a feed keeps
// only its latest events.
//
// Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "motcua/common/v1/types.pb.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/deadline/v1/deadline.pb.h"

namespace motcua::client {

class AlertTally {
 public:
  // Counts what deadline-monitor's history of a dossier tells. Returns what is not as it must be: the dossier
  // itself is alerted once of each kind for each of its due dates. (A part, such as a leg, may begin anew.)
  std::vector<std::string> Add(const deadline::v1::Clock& clock, const common::v1::History& history);

  // What the statistics of the jurisdiction tell otherwise than the dossiers that were added.
  std::vector<std::string> Compare(const deadline::v1::GetStatisticsResponse& statistics) const;

  // Of dossiers and of their parts.
  uint64_t alerts() const { return alerts_; }

 private:
  uint64_t alerts_ = 0;
  uint64_t ever_overdue_ = 0;
  // Of dossiers, by kind.
  std::map<std::string, uint64_t> by_kind_;
};

}  // namespace motcua::client
