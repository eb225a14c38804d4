// Whose dossiers an actor may act on.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/reference/catalogue.h"
#include "common/status/errors.h"
#include "common/store/decision.h"

namespace motcua::intake {

enum class Standing {
  // Those that his own agency received, or one whose work it has taken over.
  kOwnAgency,
  // All of the jurisdiction: its administrators, its portal, Motcua's own services.
  kJurisdiction,
};

// The agency that acts for the receiving one at that moment: itself, or once it has ended its successor.
inline const std::string& ReceiverInCharge(const std::string& receiving_agency, absl::Time now,
                                           const reference::Catalogue& catalogue) {
  const reference::v1::Agency* in_charge = catalogue.AgencyInCharge(receiving_agency, catalogue.DayOf(now));
  return in_charge == nullptr ? receiving_agency : in_charge->id();
}

// PERMISSION_DENIED (NOT_RECEIVING_AGENCY) where the actor has no say over what `receiving_agency` received.
inline absl::Status CheckReceiver(const store::Context& context, Standing standing,
                                  const std::string& receiving_agency,
                                  const reference::Catalogue& catalogue) {
  if (standing == Standing::kJurisdiction ||
      context.actor.agency() == ReceiverInCharge(receiving_agency, context.now, catalogue)) {
    return absl::OkStatus();
  }
  return errors::PermissionDenied("NOT_RECEIVING_AGENCY",
                                  "only the agency that received the dossier may do this");
}

}  // namespace motcua::intake
