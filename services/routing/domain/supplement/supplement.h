// Supplements (bổ sung hồ sơ): the clock stands still while the applicant completes the file.
//
// Every function judges one request against the present route (nullptr = there is none) and is pure and
// thread-safe. Common errors: NOT_FOUND (DOSSIER_NOT_FOUND), FAILED_PRECONDITION (DOSSIER_ENDED,
// HISTORY_FULL), PERMISSION_DENIED (NOT_HOLDER).
#pragma once

#include "absl/status/statusor.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

// 4 → 5. Errors: FAILED_PRECONDITION (AWAITING_SUPPLEMENT, ALREADY_OFFERED, TOO_MANY_SUPPLEMENTS).
absl::StatusOr<RouteDecision> DecideRequestSupplement(const internal::routing::RouteRecord* record,
                                                      const v1::RequestSupplementRequest& request,
                                                      const store::Context& context);

// 5 → 4. The holder may, and the desk of the receiving agency or of the one that continues its work
// (`at_desk`: the actor has the role `intake`), where the applicant brings the papers. Errors:
// FAILED_PRECONDITION (NO_SUPPLEMENT_REQUESTED).
absl::StatusOr<RouteDecision> DecideReceiveSupplement(const internal::routing::RouteRecord* record,
                                                      const v1::ReceiveSupplementRequest& request,
                                                      const store::Context& context, bool at_desk,
                                                      const reference::Catalogue& catalogue);

}  // namespace motcua::routing
