// How clocks follow the events of intake and routing.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/deadline/records.pb.h"

namespace motcua::deadline {

// Whether an event of this kind can change a clock.
bool ConcernsClocks(const feed::v1::Event& event);

// What the clock is after the event, which took effect at its own time; nullopt = the event changes nothing
// (a repetition, or it comes after the end). `record` nullptr = the dossier has no clock.
//
// Before the event acts, everything is raised that became true until then, so that the outcome does not
// depend on whether the sweeper or the event comes first; afterwards, what the event itself made true. What
// is emitted bears no time before `not_before`.
//
//   DossierAccepted        the clock starts: held by the receiving agency since the receipt
//   HandOverOffered        the part `offer` starts
//   HandOverRefused, HandOverRecalled   it ends
//   HandOverAccepted       it ends; the span of custody and the running leg end, the next ones begin
//   AgencySucceeded        what runs goes on with the agency in charge; with custody the span ends, its
//   begins ConsultationRequested, ConsultationAnswered   a part `consult-N` starts, ends SupplementRequested
//   the clock stops SupplementReceived     it resumes: the dues move by the pause policy, where the dossier's
//   does a DueChanged tells of it ResultReady            it ends; lateness is judged here. A stopped clock is
//   resumed first
//
// Errors: UNAVAILABLE (WAITING_FOR_INTAKE) where routing's event arrives before intake's DossierAccepted.
absl::StatusOr<std::optional<store::Decision<internal::deadline::ClockRecord>>> DecideEvent(
    const internal::deadline::ClockRecord* record, const feed::v1::Event& event, absl::Time not_before,
    const reference::Catalogue& catalogue);

// What a clock is when all events that intake or routing retells of its dossier have acted, some of which may
// have acted before; nullopt = what it is now. Custody, parts and pauses are those of all events from the
// receipt on; dates that were changed by agreement stay, moved by the pauses that were missed. What should
// have been raised meanwhile and is no longer news at `as_of` counts as raised, and nobody is told of it. Of
// a clock that is new here nothing is emitted: others were told before.
//
// Errors: UNAVAILABLE (WAITING_FOR_INTAKE) where routing's come before intake's.
absl::StatusOr<std::optional<store::Decision<internal::deadline::ClockRecord>>> DecideSnapshot(
    const internal::deadline::ClockRecord* record,
    const google::protobuf::RepeatedPtrField<feed::v1::Event>& events, absl::Time as_of,
    absl::Time not_before, const reference::Catalogue& catalogue);

// What the sweeper does: raises everything that became true until `up_to`. nullopt = there is nothing to
// raise, and the record's next moment is right; where only that moment is wrong (the calendar changed), the
// decision corrects it.
std::optional<store::Decision<internal::deadline::ClockRecord>> DecideAlerts(
    const internal::deadline::ClockRecord& record, absl::Time up_to, absl::Time not_before,
    const reference::Catalogue& catalogue);

}  // namespace motcua::deadline
