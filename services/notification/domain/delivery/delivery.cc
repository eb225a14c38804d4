#include "services/notification/domain/delivery/delivery.h"

#include <algorithm>
#include <cmath>

#include "absl/time/civil_time.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {
namespace {

constexpr size_t kErrorBound = 200;

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// FNV-1a, finished so that near inputs give far results.
uint64_t Hash(std::string_view text, uint64_t salt) {
  uint64_t hash = 14695981039346656037u ^ salt;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 33);
}

void GiveUp(internal::notification::StoredDelivery& delivery, const std::string& error) {
  delivery.set_state(v1::DELIVERY_STATE_FAILED);
  delivery.clear_next_attempt();
  delivery.clear_held_until();
  delivery.set_last_error(error);
}

}  // namespace

absl::Time NextWaking(absl::Time t, const absl::TimeZone& zone) {
  const absl::CivilSecond local = absl::ToCivilSecond(t, zone);
  if (local.hour() >= kDayBeginsHour && local.hour() < kDayEndsHour) return t;
  const absl::CivilDay day = absl::CivilDay(local) + (local.hour() >= kDayEndsHour ? 1 : 0);
  return absl::FromCivil(absl::CivilHour(day) + kDayBeginsHour, zone);
}

absl::Duration PauseAfter(uint32_t attempt, std::string_view seed, const RetryPolicy& policy) {
  const double unit = static_cast<double>(Hash(seed, attempt) >> 11) * 0x1.0p-53;  // 0 .. 1
  const double scale =
      std::pow(policy.factor, std::max(1u, attempt) - 1.0) * (1 + policy.jitter * (2 * unit - 1));
  return std::min(policy.base * scale, policy.horizon);
}

std::string AddressOf(const internal::notification::DossierRecord& record,
                      const internal::notification::Letter& letter, v1::DeliveryChannel channel,
                      const internal::notification::Preferences* preferences,
                      const reference::Catalogue& catalogue) {
  const bool email = channel == v1::DELIVERY_CHANNEL_EMAIL;
  if (letter.party() == 0) return email ? record.applicant().email() : "";
  if (preferences != nullptr) return email ? preferences->email() : preferences->webhook();
  const std::string_view recipient = PartyName(record, letter.party());
  if (const std::string_view agency = AgencyOfRecipient(recipient); !agency.empty()) {
    const reference::v1::Agency* known = catalogue.FindAgency(View(agency));
    return known == nullptr ? "" : email ? known->email() : known->webhook();
  }
  const reference::v1::Officer* officer = catalogue.FindOfficer(View(recipient));
  return officer == nullptr || !email ? "" : officer->email();
}

void AddDeliveries(const internal::notification::DossierRecord& record,
                   internal::notification::Letter& letter, absl::Time at, absl::Time machine_now,
                   const Channels& channels, const internal::notification::Preferences* preferences,
                   const reference::Catalogue& catalogue) {
  for (const v1::DeliveryChannel channel : {v1::DELIVERY_CHANNEL_EMAIL, v1::DELIVERY_CHANNEL_WEBHOOK}) {
    if (!(channel == v1::DELIVERY_CHANNEL_EMAIL ? channels.email : channels.webhook)) continue;
    if (AddressOf(record, letter, channel, preferences, catalogue).empty()) continue;
    internal::notification::StoredDelivery* delivery = letter.add_deliveries();
    delivery->set_channel(channel);
    delivery->set_state(v1::DELIVERY_STATE_PENDING);
    const absl::Time waking = letter.party() == 0 ? NextWaking(at, catalogue.time_zone()) : at;
    if (waking > at) {
      delivery->set_held_until(absl::ToUnixSeconds(waking));
    } else {
      delivery->set_next_attempt(absl::ToUnixMicros(machine_now));
    }
  }
}

bool Claim(internal::notification::DossierRecord& record, absl::Time now, absl::Time machine_now,
           const absl::TimeZone& zone, const RetryPolicy& policy, int limit,
           std::vector<DeliveryKey>& claimed, std::vector<DeliveryKey>& given_up) {
  bool changed = false;
  for (internal::notification::Occasion& occasion : *record.mutable_occasions()) {
    for (internal::notification::Letter& letter : *occasion.mutable_letters()) {
      for (internal::notification::StoredDelivery& delivery : *letter.mutable_deliveries()) {
        if (delivery.state() != v1::DELIVERY_STATE_PENDING || delivery.held_until() > 0) continue;
        if (delivery.next_attempt() > absl::ToUnixMicros(machine_now)) continue;
        const absl::Time waking = letter.party() == 0 ? NextWaking(now, zone) : now;
        if (waking > now) {
          delivery.set_held_until(absl::ToUnixSeconds(waking));
          changed = true;
          continue;
        }
        if (static_cast<int>(claimed.size()) >= limit) return changed;
        // Leased, never concluded, again and again: whoever tries it does not survive.
        if (delivery.attempts() >= policy.max_attempts) {
          GiveUp(delivery, "no attempt came to an end");
          given_up.emplace_back(occasion.source(), occasion.position(), RecipientOf(record, letter),
                                delivery.channel());
          changed = true;
          continue;
        }
        delivery.set_attempts(delivery.attempts() + 1);
        if (delivery.first_attempt() == 0) delivery.set_first_attempt(absl::ToUnixSeconds(machine_now));
        delivery.set_next_attempt(absl::ToUnixMicros(machine_now + policy.lease));
        claimed.emplace_back(occasion.source(), occasion.position(), RecipientOf(record, letter),
                             delivery.channel());
        changed = true;
      }
    }
  }
  return changed;
}

bool Release(internal::notification::DossierRecord& record, absl::Time now, absl::Time machine_now) {
  bool changed = false;
  for (internal::notification::Occasion& occasion : *record.mutable_occasions()) {
    for (internal::notification::Letter& letter : *occasion.mutable_letters()) {
      for (internal::notification::StoredDelivery& delivery : *letter.mutable_deliveries()) {
        if (delivery.held_until() == 0 || delivery.held_until() > absl::ToUnixSeconds(now)) continue;
        delivery.clear_held_until();
        delivery.set_next_attempt(absl::ToUnixMicros(machine_now));
        changed = true;
      }
    }
  }
  return changed;
}

Conclusion Conclude(internal::notification::DossierRecord& record, const DeliveryKey& key,
                    const Outcome& outcome, absl::Time now, absl::Time machine_now,
                    const RetryPolicy& policy) {
  internal::notification::Occasion* occasion = FindOccasion(record, key.source, key.position);
  internal::notification::Letter* letter =
      occasion == nullptr ? nullptr : FindLetter(record, *occasion, key.recipient);
  if (letter == nullptr) return Conclusion::kNone;
  for (internal::notification::StoredDelivery& delivery : *letter->mutable_deliveries()) {
    if (delivery.channel() != key.channel || delivery.state() != v1::DELIVERY_STATE_PENDING) continue;
    const std::string error = outcome.error.substr(0, kErrorBound);
    const std::string seed = record.code() + std::to_string(key.position) + key.recipient;
    const absl::Time next = machine_now + PauseAfter(delivery.attempts(), seed, policy);
    const absl::Time last = absl::FromUnixSeconds(delivery.first_attempt()) + policy.horizon;
    Conclusion conclusion = Conclusion::kRetried;
    if (outcome.kind == Outcome::Kind::kDelivered) {
      conclusion = Conclusion::kDelivered;
      delivery.set_state(v1::DELIVERY_STATE_DELIVERED);
      delivery.set_delivered_at(absl::ToUnixSeconds(now));
      delivery.clear_next_attempt();
      delivery.clear_first_attempt();
      delivery.clear_last_error();
    } else if (outcome.kind == Outcome::Kind::kFailedForGood) {
      conclusion = Conclusion::kRefused;
      GiveUp(delivery, error);
    } else if (delivery.attempts() >= policy.max_attempts || next > last) {
      conclusion = Conclusion::kGivenUp;
      GiveUp(delivery, error);
    } else {
      delivery.set_next_attempt(absl::ToUnixMicros(next));
      delivery.set_last_error(error);
    }
    SweepDropped(record);
    ForgetApplicantWhenDone(record);
    return conclusion;
  }
  return Conclusion::kNone;
}

std::string_view ConclusionName(Conclusion conclusion) {
  switch (conclusion) {
    case Conclusion::kDelivered:
      return "delivered";
    case Conclusion::kRetried:
      return "retried";
    case Conclusion::kGivenUp:
      return "given_up";
    case Conclusion::kRefused:
      return "refused";
    case Conclusion::kNone:
      return "not_entered";
  }
  return "";
}

}  // namespace motcua::notification
