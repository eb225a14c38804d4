#include "services/notification/domain/inbox/inbox.h"

#include <utility>

#include "common/status/errors.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {
namespace {

absl::Status NotYours() {
  return errors::PermissionDenied("NOT_YOUR_AGENCY", "the inbox belongs to another officer or agency");
}

}  // namespace

bool IsRecipient(const common::v1::Actor& actor, std::string_view recipient) {
  const std::string_view agency = AgencyOfRecipient(recipient);
  if (!agency.empty()) return agency == actor.agency();
  return !actor.id().empty() && recipient == actor.id();
}

bool ActsFor(const common::v1::Actor& actor, std::string_view recipient, absl::Time now,
             const reference::Catalogue& catalogue) {
  if (IsRecipient(actor, recipient)) return true;
  const std::string_view agency = AgencyOfRecipient(recipient);
  if (agency.empty() || actor.agency().empty()) return false;
  return catalogue.InChargeAt(absl::string_view(agency.data(), agency.size()), now) == actor.agency();
}

std::vector<InboxName> InboxesOf(const std::string& recipient, absl::Time now,
                                 const reference::Catalogue& catalogue) {
  const absl::CivilDay day = catalogue.DayOf(now);
  const std::vector<std::string> shards = catalogue.ShardsOn(day);
  std::vector<std::string> recipients;
  const std::string agency(AgencyOfRecipient(recipient));
  if (!agency.empty()) {
    for (const std::string& each : catalogue.WorksFor(agency, day))
      recipients.push_back(AgencyRecipient(each));
  }
  // Also of an agency that has ended: what it was told is still there.
  if (recipients.empty()) recipients.push_back(recipient);
  std::vector<InboxName> inboxes;
  for (const std::string& each : recipients) {
    for (const std::string& shard : shards) {
      if (inboxes.size() < kMostInboxes) inboxes.emplace_back(shard, each);
    }
  }
  return inboxes;
}

absl::StatusOr<store::Decision<internal::notification::DossierRecord>> DecideMarkRead(
    const internal::notification::DossierRecord* record, const MessageId& id, const store::Context& context,
    const reference::Catalogue& catalogue) {
  if (!ActsFor(context.actor, id.recipient, context.now, catalogue)) return NotYours();
  internal::notification::DossierRecord next =
      record == nullptr ? internal::notification::DossierRecord() : *record;
  internal::notification::Occasion* occasion = FindOccasion(next, id.source, id.position);
  internal::notification::Letter* letter =
      occasion == nullptr ? nullptr : FindLetter(next, *occasion, id.recipient);
  if (letter == nullptr)
    return errors::NotFound("MESSAGE_NOT_FOUND", "no such message, or it left the full inbox");
  if (letter->read_at() == 0) letter->set_read_at(absl::ToUnixSeconds(context.now));
  return store::Decision<internal::notification::DossierRecord>(std::move(next));
}

absl::StatusOr<store::Decision<internal::notification::Preferences>> DecideSetPreferences(
    const v1::SetPreferencesRequest& request, bool may_for_others, const store::Context& context) {
  errors::Violations violations;
  if (!DossierOfRecipient(request.recipient()).empty()) {
    violations.Add("recipient", "FIELD_MALFORMED",
                   "must be an officer or `agency:<id>`; applicants are reached by their contact");
  }
  const std::string& webhook = request.webhook();
  if (!webhook.empty() && webhook.rfind("https://", 0) != 0 && webhook.rfind("http://", 0) != 0) {
    violations.Add("webhook", "FIELD_MALFORMED", "must begin with https:// or http://");
  }
  for (const char c : webhook) {
    if (static_cast<unsigned char>(c) > 0x20 && c != 0x7f) continue;
    violations.Add("webhook", "FIELD_MALFORMED", "must hold neither spaces nor control characters");
    break;
  }
  if (!violations.empty()) return violations.ToStatus();
  if (!may_for_others && !IsRecipient(context.actor, request.recipient())) return NotYours();
  internal::notification::Preferences next;
  next.set_email(request.email());
  next.set_webhook(webhook);
  return store::Decision<internal::notification::Preferences>(std::move(next));
}

}  // namespace motcua::notification
