// Trả kết quả và đánh giá: the end of a dossier's life at the desk.
//
// Pure and thread-safe.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/store/decision.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/receipt/standing.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// 9 → 10. Errors: DOSSIER_NOT_FOUND, NOT_RECEIVING_AGENCY, INVALID_ARGUMENT (unknown mode),
// FAILED_PRECONDITION (DOSSIER_ENDED, NOT_ACCEPTED, NOT_FINISHED where routing has not told of a result).
absl::StatusOr<store::Decision<internal::intake::DossierRecord>> DecideReturn(
    const internal::intake::DossierRecord* record, const v1::ReturnResultRequest& request,
    const store::Context& context, const reference::Catalogue& catalogue, Standing standing);

// On what ground someone rates.
enum class RaterGround {
  // As an officer of the receiving desk, for the applicant: his agency is checked, the secret is not asked
  // for.
  kOfficer,
  // By the dossier's secret.
  kSecret,
};

// Once, after the return. Errors: NOT_FOUND (DOSSIER_NOT_FOUND) for an unknown code and for a wrong secret
// alike, NOT_RECEIVING_AGENCY, FAILED_PRECONDITION (NOT_RETURNED, ALREADY_RATED, DOSSIER_ENDED without a
// result).
absl::StatusOr<store::Decision<internal::intake::DossierRecord>> DecideRate(
    const internal::intake::DossierRecord* record, const v1::RateRequest& request,
    const store::Context& context, const reference::Catalogue& catalogue, RaterGround ground,
    Standing standing);

// What whoever has a wrong code or a wrong secret is told.
absl::Status NoSuchDossier();

}  // namespace motcua::intake
