// IntakeService of motcua.intake.v1: which function answers which RPC.
#ifndef MOTCUA_SERVICES_INTAKE_INTAKE_SERVICE_H_
#define MOTCUA_SERVICES_INTAKE_INTAKE_SERVICE_H_

#include "common/rpc/host.h"
#include "services/intake/intake.h"

namespace motcua::intake {

// `intake` outlives the server of `host`.
void AddIntakeService(rpc::Host& host, Intake& intake);

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_INTAKE_SERVICE_H_
