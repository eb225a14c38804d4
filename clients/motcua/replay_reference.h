// The jurisdiction in which a log is replayed: its units as agencies, its people as officers, one procedure.
#pragma once

#include <string>
#include <vector>

#include "clients/motcua/replay_plan.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::client {

inline constexpr char kReplayShard[] = "R01";
inline constexpr char kReplayProcedure[] = "RECEIPT";

// Days for which a dossier may have been worked on before its registered start.
inline constexpr int64_t kMostDaysBefore = 3650;

// The names by which the system knows what the plan counts.
struct ReplayNames {
  // By the numbers of Plan.units, Plan.officers, Plan.channels.
  std::vector<std::string> agencies;
  std::vector<std::string> officers;
  std::vector<std::string> channels;

  // The agency for which an officer acts.
  const std::string& AgencyOf(const Plan& plan, OfficerIndex officer) const {
    return agencies[plan.officers[officer].unit];
  }
};

ReplayNames NamesOf(const Plan& plan);

// Time zone of the log; every day of the week is a working day without holidays, so that a term in calendar
// days never rolls; no cut-off; OVERDUE is told to the holder's agency alone, so that there is one message
// for each alert.
reference::v1::ReferenceSet ReplayReference(const Plan& plan, const ReplayNames& names);

}  // namespace motcua::client
