// The demonstration: one dossier of an interlinked procedure lives its whole life on simulated time.
#pragma once

#include "clients/motcua/commands.h"

namespace motcua::client {

// Carries a dossier of procedure 1.013992 of the sample reference data (jurisdiction H30) from a commune to
// the district and back, asks the system after each step whether it is as it should be, and prints the
// timeline. Returns kExitOk only where every step was; else the last line says which was not. Begins on the
// first working day after the system's present time.
int TellStory(Program& program);

}  // namespace motcua::client
