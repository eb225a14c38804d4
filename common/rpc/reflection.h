// grpc.reflection.v1 and v1alpha on the host: what grpcurl and its like ask to learn of the services and
// messages.
//
// gRPC's own would poll with a thread of its own (completion_queue.h). Open to everybody, as health is; a
// stream that asks nothing for a minute is ended.
#pragma once

#include "common/rpc/host.h"

namespace motcua::rpc {

// Adds both versions to `host`. They tell of all that the host serves when it is asked.
void AddReflection(Host& host);

}  // namespace motcua::rpc
