// How a route begins: with the acceptance of its dossier.
#pragma once

#include <string>

#include "motcua/feed/v1/event.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

// Whether the event tells enough to open a route: a code of this form, a receiving agency, legs with
// agencies.
bool CanOpen(const feed::v1::Event& event);

// The route of a dossier that has none yet. The receiving agency holds it from the receipt, also where the
// acceptance came later. The first planned leg begins at once where it is the receiving agency's (from the
// receipt, too: the term counts from there), otherwise it is offered. Requires CanOpen. Thread-safe.
RouteDecision OpenRoute(const feed::v1::Event& event, const store::Context& context);

// The route of a dossier that had one, which is lost: as far as others remember it by what they heard of it,
// that is who holds it, whether a supplement is awaited, when its result was ready. Who held it in between is
// not known: the receiving agency did until now, or until its end. The plan goes on behind the leg of the
// agency that holds it, the first of them where it has several; consultations and offers are gone. Tells that
// it is opened and who holds it, unless it has ended: who was told more before is not told again. Requires
// CanOpen. Thread-safe.
RouteDecision RestoreRoute(const feed::v1::Event& event,
                           const google::protobuf::RepeatedPtrField<feed::v1::Event>& heard,
                           const store::Context& context);

}  // namespace motcua::routing
