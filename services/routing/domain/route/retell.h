// A route told as the events that make it: for services that have missed them.
#pragma once

#include <vector>

#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"

namespace motcua::routing {

// In the order of their times, and those of one moment in this order: that the route was opened (at the
// receipt), each hand-over that was accepted and each leg begun, consultations with their answers,
// supplements, the open offer, the result. Who refused or recalled an offer is in the history alone, as are
// reasons and notes. Pure and thread-safe.
std::vector<feed::v1::Event> Retell(const internal::routing::RouteRecord& record);

}  // namespace motcua::routing
