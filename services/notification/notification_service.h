// NotificationService on the wire.
#ifndef MOTCUA_SERVICES_NOTIFICATION_NOTIFICATION_SERVICE_H_
#define MOTCUA_SERVICES_NOTIFICATION_NOTIFICATION_SERVICE_H_

#include <memory>

#include <grpcpp/impl/service_type.h>

#include "common/rpc/host.h"
#include "services/notification/notifications.h"

namespace motcua::notification {

// Both outlive the gRPC server that the service is registered with.
std::unique_ptr<grpc::Service> MakeNotificationService(rpc::Host& host, Notifications& notifications);

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_NOTIFICATION_SERVICE_H_
