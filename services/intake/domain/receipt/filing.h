// Nộp hồ sơ: may this application be filed here, and what becomes of it.
//
// Pure and thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/receipt/standing.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// OK where the application may be filed now. Errors: NOT_RECEIVING_AGENCY; INVALID_ARGUMENT with all findings
// at once:
//   receiving_agency  UNKNOWN_AGENCY, AGENCY_INACTIVE, NOT_RECEIVABLE_HERE (its level may not receive the
//   procedure) procedure         UNKNOWN_PROCEDURE, PROCEDURE_NOT_IN_FORCE, COMPETENCE_UNRESOLVED,
//   CALENDAR_MISSING channel           UNKNOWN_CHANNEL components        COMPONENT_REPEATED;
//   COMPONENT_MISSING where it is accepted at once: papers named must be all
//                     that the procedure asks for (none named: the officer vouches for the file)
//   applicant.language, submitted_at (IN_THE_FUTURE), counted_from (see PlanPromise)
absl::Status CheckFiling(const v1::FileRequest& request, const store::Context& context,
                         const reference::Catalogue& catalogue, Standing standing);

// Files, and accepts where the request says so. `code` is unused so far; `secret` is fresh. One event:
// DossierFiled, or DossierAccepted alone.
absl::StatusOr<store::Decision<internal::intake::DossierRecord>> DecideFile(
    const v1::FileRequest& request, std::string_view code, std::string_view secret,
    const store::Context& context, const reference::Catalogue& catalogue, Standing standing);

}  // namespace motcua::intake
