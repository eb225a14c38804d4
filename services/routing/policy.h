// Who may call which method of routing, by role. Relations (holder, agency offered to, jurisdiction) are rules of the
// domain and of the readers.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/auth/policy.h"
#include "common/auth/principal.h"
#include "common/service/authority.h"

namespace motcua::routing {

// Adds the cells of RoutingService.
void AllowRouting(auth::Policy& policy);

// An officer reads of his own jurisdiction only, which may have several shards: PERMISSION_DENIED
// (NOT_YOUR_JURISDICTION).
absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority);

// An agency's inbox is its officers', the administrators' and the services': PERMISSION_DENIED (NOT_YOUR_AGENCY).
absl::Status CheckInbox(const auth::Principal& principal, const std::string& agency,
                        const service::Authority& authority);

// Successions are the business of the jurisdiction's administrators, and of one without an agency:
// PERMISSION_DENIED (NOT_YOUR_JURISDICTION).
absl::Status CheckAdministers(const auth::Principal& principal, const std::string& shard,
                              const service::Authority& authority);

}  // namespace motcua::routing
