// Checks on a system after a replay, or after faults: what must be true whatever happened on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/motcua/session.h"

namespace motcua::client {

struct Verification {
  uint64_t dossiers = 0;
  uint64_t acknowledged = 0;
  uint64_t histories = 0;
  uint64_t alerts = 0;
  uint64_t messages = 0;
  // Consumers that were compared with their sources.
  uint64_t cursors = 0;
  // Of lists and counters.
  uint64_t entries = 0;
  // What was lost and reported: no violation, but to be known.
  std::vector<std::string> notes;
  // What could not be looked at, and why.
  std::vector<std::string> unchecked;
  // What is not as it must be; at most 100, `omitted` counts the rest.
  std::vector<std::string> violations;
  uint64_t omitted = 0;

  bool ok() const { return violations.empty(); }
};

// - every acknowledged reply of the file (ReplayOptions::acknowledged; empty = none) is there: the record's
// version and the
//   feed's end are not below what was acknowledged, and no position was acknowledged for two requests;
// - every dossier has exactly one holder, and a custody ledger without gaps or overlaps from its receipt on;
// - its history chains verify in intake, routing and deadline-monitor;
// - every alert was raised once for each due date of its dossier, and the monitor counts as many as the
// histories
//   have; the same in what its feed still keeps (`unchecked` tells what it does not); every message is there
//   once;
// - no consumer has applied more of a feed's epoch than the source has of it, unless that was reported
// (`notes`);
// - every list and counter of every service is as its records say, and nothing is left of earlier
// definitions. An error means that the system could not be asked.
absl::StatusOr<Verification> Verify(Session& session, const std::string& shard,
                                    const std::string& acknowledged);

}  // namespace motcua::client
