// Consultations (lấy ý kiến phối hợp): the holder asks others in parallel and goes on holding.
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

// One consultation for each agency, in their order, at the end of the route's list. Time to answer where none
// is given: two working days. Not while the dossier is offered: who takes it over must find no question open.
// Errors: PERMISSION_DENIED (NOT_HOLDER); INVALID_ARGUMENT (UNKNOWN_AGENCY, AGENCY_INACTIVE; INVALID_REQUEST
// for the holder itself, an agency named twice, a limit that is none); FAILED_PRECONDITION (CONSULTATION_OPEN
// to one of them, ALREADY_OFFERED, TOO_MANY_CONSULTATIONS).
absl::StatusOr<RouteDecision> DecideConsult(const internal::routing::RouteRecord* record,
                                            const v1::ConsultRequest& request, const store::Context& context,
                                            const reference::Catalogue& catalogue);

// Errors: NOT_FOUND (UNKNOWN_CONSULTATION), PERMISSION_DENIED (NOT_CONSULTED), FAILED_PRECONDITION
// (ALREADY_ANSWERED).
absl::StatusOr<RouteDecision> DecideAnswer(const internal::routing::RouteRecord* record,
                                           const v1::AnswerConsultationRequest& request,
                                           const store::Context& context);

}  // namespace motcua::routing
