// Whose dossiers an actor may act on.
#ifndef MOTCUA_SERVICES_INTAKE_DOMAIN_STANDING_H_
#define MOTCUA_SERVICES_INTAKE_DOMAIN_STANDING_H_

#include <string>

#include "absl/status/status.h"
#include "common/status/errors.h"
#include "common/store/decision.h"

namespace motcua::intake {

enum class Standing {
  // Those that his own agency received.
  kOwnAgency,
  // All of the jurisdiction: its administrators, its portal, Motcua's own services.
  kJurisdiction,
};

// PERMISSION_DENIED (NOT_RECEIVING_AGENCY) where the actor has no say over what `receiving_agency` received.
inline absl::Status CheckReceiver(const store::Context& context, Standing standing,
                                  const std::string& receiving_agency) {
  if (standing == Standing::kJurisdiction || context.actor.agency() == receiving_agency) return absl::OkStatus();
  return errors::PermissionDenied("NOT_RECEIVING_AGENCY", "only the agency that received the dossier may do this");
}

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_DOMAIN_STANDING_H_
