// Which roles may call which method of notification.
#pragma once

#include "common/auth/policy.h"

namespace motcua::notification {

// The cells of NotificationService: officers and services, as each rpc's comment says. Whose inbox it is, is for
// Notifications to check.
void AllowNotification(auth::Policy& policy);

}  // namespace motcua::notification
