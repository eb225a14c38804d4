// Whether the services will take a plan: all that can be known is known before anything is sent.
#pragma once

#include "clients/motcua/log_faults.h"
#include "clients/motcua/replay_plan.h"
#include "clients/motcua/replay_reference.h"

namespace motcua::client {

// What routing keeps of one dossier at most: spells of custody, lines of history.
inline constexpr int kMostSpells = 1000;
inline constexpr int kMostHistoryLines = 10000;

// Tells `faults`, by line: texts that the contract or the reference data do not allow (length, control
// characters), times outside the years that calendars cover, dossiers that were handed over or worked on too
// often, too many channels, units or officers. Work grows with the plan.
void CheckPlan(const Plan& plan, const ReplayNames& names, LogFaults& faults);

}  // namespace motcua::client
