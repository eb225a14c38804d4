// What date would be promised: the legal clock, asked without a dossier. Pure and thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "common/reference/catalogue.h"
#include "motcua/intake/v1/intake.pb.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// Errors: INVALID_ARGUMENT with all findings (UNKNOWN_AGENCY; limit, cutoff), FAILED_PRECONDITION
// (CALENDAR_MISSING).
absl::StatusOr<v1::ComputeDueResponse> AnswerDue(const v1::ComputeDueRequest& request,
                                                 const reference::Catalogue& catalogue);

}  // namespace motcua::intake
