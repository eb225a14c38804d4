// Who may call what at deadline-monitor: the table of methods and roles, and what follows from a caller's
// agency.
//
// Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/auth/policy.h"
#include "common/auth/principal.h"
#include "common/reference/catalogue.h"
#include "common/service/authority.h"

namespace motcua::deadline {

// Adds the table, as the comments of deadline.proto state it.
void AllowDeadlines(auth::Policy& policy);

// Officers act in the jurisdiction of their agency alone, which may have several shards; an administrator
// without an agency, systems and services in every one. PERMISSION_DENIED (NOT_YOUR_JURISDICTION).
absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority);

// Administrators and services: whatever the agency.
bool IsUnrestricted(const auth::Principal& principal);

// Officers list the clocks of their own agency and of those below it. PERMISSION_DENIED (NOT_YOUR_AGENCY).
absl::Status CheckMayList(const auth::Principal& principal, const std::string& agency,
                          const reference::Catalogue& catalogue);

}  // namespace motcua::deadline
