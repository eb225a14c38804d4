// RoutingService of motcua.routing.v1: which function answers which RPC.
#ifndef MOTCUA_SERVICES_ROUTING_ROUTING_SERVICE_H_
#define MOTCUA_SERVICES_ROUTING_ROUTING_SERVICE_H_

#include "common/rpc/host.h"
#include "services/routing/routing.h"
#include "services/routing/successions.h"

namespace motcua::routing {

// `routing` and `successions` outlive the server of `host`.
void AddRoutingService(rpc::Host& host, Routing& routing, Successions& successions);

}  // namespace motcua::routing

#endif  // MOTCUA_SERVICES_ROUTING_ROUTING_SERVICE_H_
