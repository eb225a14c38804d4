// NotificationService of motcua.notification.v1: which function answers which RPC.
#pragma once

#include "common/rpc/host.h"
#include "services/notification/calls/notifications.h"

namespace motcua::notification {

// `notifications` outlives the server of `host`.
void AddNotificationService(rpc::Host& host, Notifications& notifications);

}  // namespace motcua::notification
