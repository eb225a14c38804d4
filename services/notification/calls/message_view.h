// A stored letter as the contract shows it.
#pragma once

#include "common/reference/catalogue.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {

// With its text. `preferences` of the recipient, for the addresses of deliveries; may be nullptr. Pure.
v1::InboxMessage MessageOf(const internal::notification::DossierRecord& record,
                           const internal::notification::Occasion& occasion,
                           const internal::notification::Letter& letter,
                           const internal::notification::Preferences* preferences,
                           const reference::Catalogue& catalogue);

}  // namespace motcua::notification
