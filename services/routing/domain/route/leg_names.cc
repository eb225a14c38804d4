#include "services/routing/domain/route/leg_names.h"

#include "common/time/timestamp.h"

namespace motcua::routing {

void AddLegNames(const reference::Catalogue& catalogue, v1::Route& route) {
  if (route.legs().empty()) return;
  const reference::v1::Procedure* procedure = catalogue.ProcedureInForce(
      route.procedure(), catalogue.DayOf(time::FromTimestamp(route.received_at())));
  if (procedure == nullptr) return;
  for (v1::Leg& leg : *route.mutable_legs()) {
    for (const reference::v1::RouteLeg& planned : procedure->legs()) {
      if (planned.id() == leg.id()) leg.set_name(planned.name());
    }
  }
}

}  // namespace motcua::routing
