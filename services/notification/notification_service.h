// NotificationService of motcua.notification.v1: which function answers which RPC.
#ifndef MOTCUA_SERVICES_NOTIFICATION_NOTIFICATION_SERVICE_H_
#define MOTCUA_SERVICES_NOTIFICATION_NOTIFICATION_SERVICE_H_

#include "common/rpc/host.h"
#include "services/notification/notifications.h"

namespace motcua::notification {

// `notifications` outlives the server of `host`.
void AddNotificationService(rpc::Host& host, Notifications& notifications);

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_NOTIFICATION_SERVICE_H_
