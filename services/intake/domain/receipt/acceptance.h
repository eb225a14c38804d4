// Tiếp nhận hoặc từ chối: what the desk makes of a filed application.
//
// Pure and thread-safe. Errors of both decisions: NOT_FOUND (DOSSIER_NOT_FOUND), PERMISSION_DENIED
// (NOT_RECEIVING_AGENCY), FAILED_PRECONDITION (DOSSIER_ENDED after the end, ALREADY_ACCEPTED).
#pragma once

#include "absl/status/statusor.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/promise/promise.h"
#include "services/intake/domain/receipt/standing.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// 1 → 2: makes the promise by the procedure in force on the day of the receipt, which is now.
// Errors besides: FAILED_PRECONDITION (PROCEDURE_NOT_IN_FORCE, AGENCY_INACTIVE: since the filing);
// INVALID_ARGUMENT (COMPONENT_MISSING and what PlanPromise finds).
absl::StatusOr<store::Decision<internal::intake::DossierRecord>> DecideAccept(
    const internal::intake::DossierRecord* record, const v1::AcceptRequest& request,
    const store::Context& context, const reference::Catalogue& catalogue, Standing standing);

// 1 → 3 (phiếu từ chối).
absl::StatusOr<store::Decision<internal::intake::DossierRecord>> DecideRefuse(
    const internal::intake::DossierRecord* record, const v1::RefuseRequest& request,
    const store::Context& context, const reference::Catalogue& catalogue, Standing standing);

// The acceptance of a dossier as its event tells it, but for `received_at` and `counted_from`. `procedure`
// and the legs of `promise`: by the reference data of the receipt; its competent agency and due date, too.
feed::v1::DossierAccepted TellAcceptance(const v1::Dossier& dossier,
                                         const reference::v1::Procedure& procedure, const Promise& promise);

// Writes the acceptance of the dossier in `decision` into it: status, dates, event with the whole snapshot,
// history.
void Accept(const reference::v1::Procedure& procedure, const Promise& promise, const store::Context& context,
            const reference::Catalogue& catalogue,
            store::Decision<internal::intake::DossierRecord>& decision);

}  // namespace motcua::intake
