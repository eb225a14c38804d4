// In-app inboxes: numbered, bounded, read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"
#include "motcua/notification/v1/notification.pb.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {

// Gives the letter the next number of its recipient's inbox. Numbers are given in the commit that adds the
// letter, which checks the inbox's version, so their order is the order in which messages became visible: who
// has read up to a number has missed none before it.
inline void Enter(internal::notification::InboxRecord& inbox, internal::notification::Letter& letter) {
  inbox.set_last_number(inbox.last_number() + 1);
  letter.set_number(inbox.last_number());
}

// The highest number that has no place in the inbox any more; 0 = all have.
inline uint64_t LastToDrop(const internal::notification::InboxRecord& inbox, uint64_t bound) {
  return inbox.last_number() > bound ? inbox.last_number() - bound : 0;
}

// Who may read and mark an inbox: the officer his own, officers of an agency the agency's.
bool IsRecipient(const common::v1::Actor& actor, std::string_view recipient);
// The same, and officers of the agency that continues the work of one that has ended.
bool ActsFor(const common::v1::Actor& actor, std::string_view recipient, absl::Time now,
             const reference::Catalogue& catalogue);

// Letters to one recipient in one shard.
class InboxName {
 public:
  InboxName(std::string shard, std::string recipient)
      : shard(std::move(shard)), recipient(std::move(recipient)) {}
  friend bool operator==(const InboxName&, const InboxName&) = default;

  std::string shard;
  std::string recipient;
};

// Of which an officer's or agency's inbox is made: in each shard that the jurisdiction has, and for an agency
// those of the agencies whose work it has taken over, which are named later. At most kMostInboxes: those of
// more predecessors are read by their own names.
std::vector<InboxName> InboxesOf(const std::string& recipient, absl::Time now,
                                 const reference::Catalogue& catalogue);
inline constexpr size_t kMostInboxes = 256;

// Marks a message as read. Again: nothing changes.
// Errors: NOT_FOUND (MESSAGE_NOT_FOUND), PERMISSION_DENIED (NOT_YOUR_AGENCY).
absl::StatusOr<store::Decision<internal::notification::DossierRecord>> DecideMarkRead(
    const internal::notification::DossierRecord* record, const MessageId& id, const store::Context& context,
    const reference::Catalogue& catalogue);

// Replaces a recipient's preferences. `may_for_others`: the caller is an administrator.
// Errors: INVALID_ARGUMENT with all violations, PERMISSION_DENIED (NOT_YOUR_AGENCY).
absl::StatusOr<store::Decision<internal::notification::Preferences>> DecideSetPreferences(
    const v1::SetPreferencesRequest& request, bool may_for_others, const store::Context& context);

}  // namespace motcua::notification
