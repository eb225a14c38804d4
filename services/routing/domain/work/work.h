// What the holder does with a dossier: assign it, work on it, finish it.
//
// Every function judges one request against the present route (nullptr = there is none) and is pure and
// thread-safe. Common errors: NOT_FOUND (DOSSIER_NOT_FOUND), FAILED_PRECONDITION (DOSSIER_ENDED),
// PERMISSION_DENIED (NOT_HOLDER).
#pragma once

#include "absl/status/statusor.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

// Errors: INVALID_ARGUMENT (UNKNOWN_OFFICER) where the holder has no such officer, FAILED_PRECONDITION
// (ALREADY_ASSIGNED).
absl::StatusOr<RouteDecision> DecideAssign(const internal::routing::RouteRecord* record,
                                           const v1::AssignRequest& request, const store::Context& context,
                                           const reference::Catalogue& catalogue);

// After the end the decision is a refusal: the attempt is counted, whoever made it, and the caller is
// answered FAILED_PRECONDITION (DOSSIER_ENDED).
absl::StatusOr<RouteDecision> DecideCompleteWork(const internal::routing::RouteRecord* record,
                                                 const v1::CompleteWorkRequest& request,
                                                 const store::Context& context);

// Errors: FAILED_PRECONDITION (ALREADY_OFFERED, AWAITING_SUPPLEMENT, CONSULTATION_OPEN).
absl::StatusOr<RouteDecision> DecideFinish(const internal::routing::RouteRecord* record,
                                           const v1::FinishRequest& request, const store::Context& context);

}  // namespace motcua::routing
