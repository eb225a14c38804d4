// DeadlineService of motcua.deadline.v1: which function answers which RPC.
#pragma once

#include "common/rpc/host.h"
#include "services/deadline_monitor/calls/monitor.h"

namespace motcua::deadline {

// `monitor` outlives the server of `host`.
void AddDeadlineService(rpc::Host& host, Monitor& monitor);

}  // namespace motcua::deadline
