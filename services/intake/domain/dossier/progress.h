// What intake's dossier makes of the events of routing and deadline-monitor.
#pragma once

#include <optional>

#include "common/store/decision.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/internal/intake/records.pb.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

//   RouteOpened          2 → 4, and who holds it        SupplementRequested  4 → 5
//   HandOverAccepted     who holds it now               SupplementReceived   5 → 4
//   AgencySucceeded      who holds it now               DueChanged           the date in force
//   ResultReady          4 → 9, and since when
// A change of the status adds a history line. Nothing is emitted. nullopt: the event is of no concern here,
// changes nothing, or does not fit the dossier's status. Pure and thread-safe.
std::optional<store::Decision<internal::intake::DossierRecord>> Follow(
    const internal::intake::DossierRecord& record, const feed::v1::Event& event,
    const store::Context& context);

// The same of all events that another service retells of the dossier, some of which may have been followed:
// who holds it, its status and the date are what the last of them made, whatever they were before. One
// history line where the status changed, of the event that made it. nullopt: nothing is other than it was.
std::optional<store::Decision<internal::intake::DossierRecord>> FollowAll(
    const internal::intake::DossierRecord& record,
    const google::protobuf::RepeatedPtrField<feed::v1::Event>& events, absl::Time not_before);

}  // namespace motcua::intake
