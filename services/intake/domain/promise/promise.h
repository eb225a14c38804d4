// The promise made with an acceptance: until when, decided by whom, on which route.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/reference/v1/reference.pb.h"
#include "services/intake/domain/receipt/findings.h"

namespace motcua::intake {

struct Promise {
  // Cơ quan có thẩm quyền, or its successor on the day of receipt.
  std::string competent_agency;
  absl::Time counted_from;
  // None where the procedure has no limit.
  std::optional<common::v1::DueDate> due;
  // At least one.
  std::vector<feed::v1::PlannedLeg> legs;
};

// What a receipt at `received` promises, by the calendar of the receiving agency. The term counts from
// `counted_from` where that is given; it may lie so many days of the procedure's window from the day of
// receipt, either side, and with no window only at the receipt itself (else the cut-off could be dodged
// within the day). Findings: COUNTED_FROM_OUT_OF_WINDOW, COMPETENCE_UNRESOLVED, CALENDAR_MISSING; the promise
// is then not to be used.
Promise PlanPromise(const reference::Catalogue& catalogue, const reference::v1::Procedure& procedure,
                    std::string_view receiving_agency, absl::Time received,
                    std::optional<absl::Time> counted_from, Findings& findings);

}  // namespace motcua::intake
