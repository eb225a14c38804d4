// Who may call what at intake: the table of methods and roles, and what follows from a caller's agency.
//
// Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/auth/policy.h"
#include "common/auth/principal.h"
#include "common/service/authority.h"
#include "motcua/intake/v1/intake.pb.h"
#include "services/intake/domain/dossier/completion.h"
#include "services/intake/domain/receipt/standing.h"

namespace motcua::intake {

// Adds the table, as the comments of intake.proto state it.
void AllowIntake(auth::Policy& policy);

// Officers act in the jurisdiction of their agency alone, which may have several shards; an administrator
// without an agency, systems and services in every one. PERMISSION_DENIED (NOT_YOUR_JURISDICTION).
absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority);

// Own agency for officers; the jurisdiction for its administrators, for systems and services.
Standing StandingOf(const auth::Principal& principal);

// The same for filing, which the portal does for whatever agency the citizen chose.
Standing FilingStandingOf(const auth::Principal& principal);

// Acceptance is the desk's: PERMISSION_DENIED (ROLE_NOT_ALLOWED) for a portal that asks for it.
absl::Status CheckMayAccept(const auth::Principal& principal, const v1::FileRequest& request);

// `intake` officers rate for the applicant who stands before them, unless they give his secret; all others need it.
RaterGround GroundOf(const auth::Principal& principal, bool secret_given);

}  // namespace motcua::intake
