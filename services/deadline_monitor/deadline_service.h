// DeadlineService of motcua.deadline.v1: which function answers which RPC.
#ifndef MOTCUA_SERVICES_DEADLINE_MONITOR_DEADLINE_SERVICE_H_
#define MOTCUA_SERVICES_DEADLINE_MONITOR_DEADLINE_SERVICE_H_

#include "common/rpc/host.h"
#include "services/deadline_monitor/monitor.h"

namespace motcua::deadline {

// `monitor` outlives the server of `host`.
void AddDeadlineService(rpc::Host& host, Monitor& monitor);

}  // namespace motcua::deadline

#endif  // MOTCUA_SERVICES_DEADLINE_MONITOR_DEADLINE_SERVICE_H_
