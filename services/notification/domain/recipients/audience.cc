#include "services/notification/domain/recipients/audience.h"

#include <utility>

#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {
namespace {

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

}  // namespace

void Circle::Add(internal::notification::Audience audience) {
  switch (audience) {
    case internal::notification::AUDIENCE_APPLICANT:
      AddOnce("", audience);
      break;
    case internal::notification::AUDIENCE_HOLDER:
      AddAgency(holder_);
      break;
    case internal::notification::AUDIENCE_HOLDER_LEADER:
      AddLeaders(holder_, audience);
      break;
    case internal::notification::AUDIENCE_RECEIVING_LEADER:
      AddLeaders(receiving_, audience);
      break;
    case internal::notification::AUDIENCE_COMMITTEE_LEADER: {
      std::string committee = holder_;
      for (const reference::v1::Agency* above : catalogue_.AgenciesAbove(holder_)) {
        if (above->kind() != "committee") continue;
        committee = above->id();
        break;
      }
      AddLeaders(committee, audience);
      break;
    }
    default:
      break;
  }
}

void Circle::AddAgency(std::string_view agency) {
  if (!agency.empty()) AddOnce(AgencyRecipient(InCharge(agency)), internal::notification::AUDIENCE_HOLDER);
}

std::string Circle::InCharge(std::string_view agency) const {
  return std::string(catalogue_.InChargeAt(View(agency), at_));
}

void Circle::AddLeaders(std::string_view agency, internal::notification::Audience audience) {
  if (agency.empty()) return;
  const std::vector<const reference::v1::Officer*> leaders = catalogue_.OfficersOf(View(agency), "leader");
  if (leaders.empty()) AddOnce(AgencyRecipient(agency), audience);
  for (const reference::v1::Officer* leader : leaders) AddOnce(leader->id(), audience);
}

void Circle::AddOnce(std::string recipient, internal::notification::Audience audience) {
  for (const Addressee& known : addressees_) {
    if (known.recipient == recipient) return;
  }
  addressees_.emplace_back(std::move(recipient), audience);
}

}  // namespace motcua::notification
