// A stored letter as the contract shows it.
#ifndef MOTCUA_SERVICES_NOTIFICATION_MESSAGE_VIEW_H_
#define MOTCUA_SERVICES_NOTIFICATION_MESSAGE_VIEW_H_

#include "common/reference/catalogue.h"
#include "motcua/notification/v1/message.pb.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {

// With its text. `preferences` of the recipient, for the addresses of deliveries; may be nullptr. Pure.
v1::Message MessageOf(const v1::DossierRecord& record, const v1::Occasion& occasion, const v1::Letter& letter,
                      const v1::Preferences* preferences, const reference::Catalogue& catalogue);

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_MESSAGE_VIEW_H_
