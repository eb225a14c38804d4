#include "services/intake/domain/promise/due_question.h"

#include <string>

#include "common/status/errors.h"
#include "common/time/legal_clock.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/receipt/findings.h"

namespace motcua::intake {

absl::StatusOr<v1::ComputeDueResponse> AnswerDue(const v1::ComputeDueRequest& request,
                                                 const reference::Catalogue& catalogue) {
  Findings findings;
  const reference::v1::Agency* agency = catalogue.FindAgency(NormalAgencyId(request.agency()));
  if (agency == nullptr) findings.Add("agency", "UNKNOWN_AGENCY", "is not an agency of the jurisdiction");
  if (const absl::Status limit = time::CheckLimit(request.limit()); !limit.ok()) {
    findings.Add("limit", "FIELD_OUT_OF_RANGE", std::string(limit.message()));
  }
  reference::v1::Procedure terms;
  terms.set_cutoff_policy(request.cutoff_policy());
  terms.set_cutoff(request.cutoff());
  const auto rule = time::ReceiptRuleOf(terms);
  if (!rule.ok()) findings.Add("cutoff", "FIELD_MALFORMED", "must be a local time such as 15:00");
  if (!findings.empty()) return findings.ToStatus();

  auto due = time::ComputeDeadline(time::FromTimestamp(request.received_at()), request.limit(), *rule,
                                   catalogue.CalendarOf(agency->id()));
  if (!due.ok()) {
    return errors::FailedPrecondition("CALENDAR_MISSING", "the term leads outside the years of the calendar");
  }
  v1::ComputeDueResponse response;
  *response.mutable_due() = *std::move(due);
  return response;
}

}  // namespace motcua::intake
