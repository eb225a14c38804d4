#include "services/notification/policy.h"

namespace motcua::notification {

void AllowNotification(auth::Policy& policy) {
  policy.Allow("motcua.notification.v1.NotificationService/ListMessages", {auth::kAnyOfficer, auth::kService});
  policy.Allow("motcua.notification.v1.NotificationService/ListDossierMessages", {auth::kAnyOfficer, auth::kService});
  policy.Allow("motcua.notification.v1.NotificationService/MarkRead", {auth::kAnyOfficer});
  policy.Allow("motcua.notification.v1.NotificationService/Subscribe", {auth::kAnyOfficer, auth::kService});
  policy.Allow("motcua.notification.v1.NotificationService/SetPreferences", {auth::kAnyOfficer});
  policy.Allow("motcua.notification.v1.NotificationService/GetStatistics", {auth::kAnyOfficer, auth::kService});
}

}  // namespace motcua::notification
