// Another due date: agreed with the applicant, or promised anew with an apology.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/internal/deadline/records.pb.h"

namespace motcua::deadline {

// What a decision on a due date must know besides.
struct ChangeDueFacts {
  // An administrator or a service, whatever its agency.
  bool unrestricted = false;
  // Every event before this moment has been applied to the clocks.
  absl::Time settled_until;
};

// The date that lateness is judged by moves with an AGREED date, unless the dossier is late by an earlier
// promise that was made anew; it stays with a REAPPOINTMENT.
//
// Errors, nothing being changed:
//   NOT_FOUND (DOSSIER_NOT_FOUND); PERMISSION_DENIED (NOT_YOUR_AGENCY) for other agencies than the receiving
//   one and the holder, or those that continue their work; FAILED_PRECONDITION (DOSSIER_ENDED, NO_DUE_DATE,
//   TOO_MANY_REAPPOINTMENTS); INVALID_ARGUMENT: `kind` neither AGREED nor REAPPOINTMENT; `date` no date of
//   the calendar's years, the one in force, or for a REAPPOINTMENT not after it or in the past; UNAVAILABLE
//   (NOT_CAUGHT_UP) where an alert of the present date fell into the time that is not yet settled: whether it
//   was due can only be said when the feeds have been read so far. Repeat.
absl::StatusOr<store::Decision<internal::deadline::ClockRecord>> DecideChangeDue(
    const internal::deadline::ClockRecord* record, const v1::ChangeDueRequest& request,
    const store::Context& context, const reference::Catalogue& catalogue, const ChangeDueFacts& facts);

}  // namespace motcua::deadline
