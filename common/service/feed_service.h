// FeedService and AdminService of motcua, the same in every service.
#pragma once

#include "common/auth/policy.h"
#include "common/rpc/host.h"
#include "common/service/backend.h"

namespace motcua::service {

// Adds who may call the two services to a policy table.
void AllowCommonMethods(auth::Policy& policy);

// Adds both to `host`. `backend` outlives its server.
void AddCommonServices(rpc::Host& host, Backend& backend);

}  // namespace motcua::service
