// RoutingService of motcua.routing.v1: which function answers which RPC.
#pragma once

#include "common/rpc/host.h"
#include "services/routing/calls/routing.h"
#include "services/routing/calls/successions.h"

namespace motcua::routing {

// `routing` and `successions` outlive the server of `host`.
void AddRoutingService(rpc::Host& host, Routing& routing, Successions& successions);

}  // namespace motcua::routing
