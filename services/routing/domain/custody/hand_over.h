// Hand-overs (bàn giao): the only way in which custody moves.
//
// Every function judges one request against the present route (nullptr = there is none) and is pure and
// thread-safe. Common errors: NOT_FOUND (DOSSIER_NOT_FOUND), FAILED_PRECONDITION (DOSSIER_ENDED,
// HISTORY_FULL).
#pragma once

#include "absl/status/statusor.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

// Offers to the agency named, or to that of the next planned leg. An offer to the agency of the next planned
// leg begins that leg; any other one is unplanned. Where the next leg is the holder's own, it begins at once:
// nothing is handed over. Errors: PERMISSION_DENIED (NOT_HOLDER); FAILED_PRECONDITION (ALREADY_OFFERED,
// AWAITING_SUPPLEMENT, CONSULTATION_OPEN, NO_NEXT_LEG, TOO_MANY_HAND_OVERS); INVALID_ARGUMENT
// (UNKNOWN_AGENCY, AGENCY_INACTIVE, SELF_HAND_OVER).
absl::StatusOr<RouteDecision> DecideOffer(const internal::routing::RouteRecord* record,
                                          const v1::OfferHandOverRequest& request,
                                          const store::Context& context,
                                          const reference::Catalogue& catalogue);

// Errors: FAILED_PRECONDITION (NOT_OFFERED), PERMISSION_DENIED (NOT_OFFERED_TO_YOU). The same for
// DecideRefuse.
absl::StatusOr<RouteDecision> DecideAccept(const internal::routing::RouteRecord* record,
                                           const v1::AcceptHandOverRequest& request,
                                           const store::Context& context);
absl::StatusOr<RouteDecision> DecideRefuse(const internal::routing::RouteRecord* record,
                                           const v1::RefuseHandOverRequest& request,
                                           const store::Context& context);

// Errors: FAILED_PRECONDITION (NOT_OFFERED), PERMISSION_DENIED (NOT_OFFERER).
absl::StatusOr<RouteDecision> DecideRecall(const internal::routing::RouteRecord* record,
                                           const v1::RecallHandOverRequest& request,
                                           const store::Context& context);

}  // namespace motcua::routing
