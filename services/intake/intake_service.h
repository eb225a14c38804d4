// IntakeService of motcua.intake.v1: which function answers which RPC.
#pragma once

#include "common/rpc/host.h"
#include "services/intake/calls/intake.h"

namespace motcua::intake {

// `intake` outlives the server of `host`.
void AddIntakeService(rpc::Host& host, Intake& intake);

}  // namespace motcua::intake
