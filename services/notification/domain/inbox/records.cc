#include "services/notification/domain/inbox/records.h"

#include <algorithm>
#include <array>
#include <optional>

#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/letters/names.h"

namespace motcua::notification {
namespace {

// A letter to an agency or officer that a full inbox has dropped, kept for its delivery.
bool HasLeftInbox(const internal::notification::Letter& letter) {
  return letter.party() != 0 && letter.number() == 0;
}

void CountDropped(internal::notification::DossierRecord& record, internal::notification::Topic topic,
                  const internal::notification::Letter& letter) {
  while (record.dropped_size() <= topic) record.add_dropped(0);
  record.set_dropped(topic, record.dropped(topic) + 1);
  for (const internal::notification::StoredDelivery& delivery : letter.deliveries()) {
    if (delivery.state() == v1::DELIVERY_STATE_DELIVERED) {
      record.set_dropped_delivered(record.dropped_delivered() + 1);
    } else {
      record.set_dropped_failed(record.dropped_failed() + 1);
    }
  }
}

template <class Condition>
void RemoveLetters(internal::notification::DossierRecord& record, Condition condition) {
  auto& occasions = *record.mutable_occasions();
  for (internal::notification::Occasion& occasion : occasions) {
    auto& letters = *occasion.mutable_letters();
    auto gone =
        std::remove_if(letters.begin(), letters.end(), [&](const internal::notification::Letter& letter) {
          if (!condition(occasion, letter)) return false;
          CountDropped(record, occasion.topic(), letter);
          return true;
        });
    letters.erase(gone, letters.end());
  }
  auto empty = std::remove_if(
      occasions.begin(), occasions.end(),
      [](const internal::notification::Occasion& occasion) { return occasion.letters().empty(); });
  occasions.erase(empty, occasions.end());
}

}  // namespace

void DossierModel::IndexesOf(const Record& record, store::IndexSink& indexes) {
  std::optional<int64_t> attempt, held;
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    for (const internal::notification::Letter& letter : occasion.letters()) {
      for (const internal::notification::StoredDelivery& delivery : letter.deliveries()) {
        if (delivery.state() != v1::DELIVERY_STATE_PENDING) continue;
        std::optional<int64_t>& least = delivery.held_until() > 0 ? held : attempt;
        const int64_t when = delivery.held_until() > 0 ? delivery.held_until() : delivery.next_attempt();
        least = least.has_value() ? std::min(*least, when) : when;
      }
      if (letter.number() == 0) continue;
      const std::string_view recipient = PartyName(record, letter.party());
      const std::string member = InboxMember(occasion.source(), occasion.position(), record.code());
      const auto number = static_cast<double>(letter.number());
      indexes.Add(kInboxPrefix, recipient, member, number);
      if (letter.read_at() == 0) indexes.Add(kUnreadPrefix, recipient, member, number);
    }
  }
  if (attempt.has_value()) indexes.Add(kOutboxIndex, record.code(), static_cast<double>(*attempt));
  if (held.has_value()) indexes.Add(kHeldIndex, record.code(), static_cast<double>(*held));
}

void DossierModel::CountersOf(const Record& record, store::CounterSink& counters) {
  int64_t messages = 0, pending = 0;
  int64_t delivered = record.dropped_delivered(), failed = record.dropped_failed();
  std::array<int64_t, internal::notification::Topic_ARRAYSIZE> topics{};
  for (int topic = 0; topic < std::min(record.dropped_size(), internal::notification::Topic_ARRAYSIZE);
       ++topic) {
    topics[static_cast<size_t>(topic)] = record.dropped(topic);
  }
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    if (internal::notification::Topic_IsValid(occasion.topic()))
      topics[occasion.topic()] += occasion.letters_size();
    for (const internal::notification::Letter& letter : occasion.letters()) {
      for (const internal::notification::StoredDelivery& delivery : letter.deliveries()) {
        switch (delivery.state()) {
          case v1::DELIVERY_STATE_PENDING:
            ++pending;
            break;
          case v1::DELIVERY_STATE_DELIVERED:
            ++delivered;
            break;
          default:
            ++failed;
        }
      }
    }
  }
  for (size_t topic = 0; topic < topics.size(); ++topic) {
    if (topics[topic] == 0) continue;
    messages += topics[topic];
    counters.Add(kTopicCounterPrefix, TopicName(static_cast<internal::notification::Topic>(topic)),
                 topics[topic]);
  }
  const auto count = [&counters](std::string_view name, int64_t number) {
    if (number != 0) counters.Add(name, number);
  };
  count(kMessagesCounter, messages);
  count(kPendingCounter, pending);
  count(kDeliveredCounter, delivered);
  count(kFailedCounter, failed);
}

uint32_t PartyNumber(internal::notification::DossierRecord& record, std::string_view recipient) {
  if (recipient.empty()) return 0;
  for (int i = 0; i < record.parties_size(); ++i) {
    if (record.parties(i) == recipient) return i + 1;
  }
  record.add_parties(std::string(recipient));
  return record.parties_size();
}

std::string_view PartyName(const internal::notification::DossierRecord& record, uint32_t number) {
  if (number == 0 || number > static_cast<uint32_t>(record.parties_size())) return {};
  return record.parties(static_cast<int>(number) - 1);
}

std::string_view PartyAgency(const internal::notification::DossierRecord& record, uint32_t number) {
  return AgencyOfRecipient(PartyName(record, number));
}

std::string RecipientOf(const internal::notification::DossierRecord& record,
                        const internal::notification::Letter& letter) {
  return letter.party() == 0 ? ApplicantRecipient(record.code())
                             : std::string(PartyName(record, letter.party()));
}

const internal::notification::Occasion* FindOccasion(const internal::notification::DossierRecord& record,
                                                     internal::notification::Source source,
                                                     uint64_t position) {
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    if (occasion.position() == position && occasion.source() == source) return &occasion;
  }
  return nullptr;
}

internal::notification::Occasion* FindOccasion(internal::notification::DossierRecord& record,
                                               internal::notification::Source source, uint64_t position) {
  return const_cast<internal::notification::Occasion*>(FindOccasion(std::as_const(record), source, position));
}

const internal::notification::Letter* FindLetter(const internal::notification::DossierRecord& record,
                                                 const internal::notification::Occasion& occasion,
                                                 std::string_view recipient) {
  for (const internal::notification::Letter& letter : occasion.letters()) {
    if (RecipientOf(record, letter) == recipient) return &letter;
  }
  return nullptr;
}

internal::notification::Letter* FindLetter(const internal::notification::DossierRecord& record,
                                           internal::notification::Occasion& occasion,
                                           std::string_view recipient) {
  return const_cast<internal::notification::Letter*>(FindLetter(record, std::as_const(occasion), recipient));
}

bool HasPendingDelivery(const internal::notification::Letter& letter) {
  return std::any_of(letter.deliveries().begin(), letter.deliveries().end(),
                     [](const internal::notification::StoredDelivery& delivery) {
                       return delivery.state() == v1::DELIVERY_STATE_PENDING;
                     });
}

bool HasPendingDelivery(const internal::notification::DossierRecord& record) {
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    for (const internal::notification::Letter& letter : occasion.letters()) {
      if (HasPendingDelivery(letter)) return true;
    }
  }
  return false;
}

void DropLetter(internal::notification::DossierRecord& record, internal::notification::Source source,
                uint64_t position, std::string_view recipient) {
  internal::notification::Occasion* occasion = FindOccasion(record, source, position);
  internal::notification::Letter* letter =
      occasion == nullptr ? nullptr : FindLetter(record, *occasion, recipient);
  if (letter == nullptr) return;
  letter->set_number(0);
  SweepDropped(record);
}

void SweepDropped(internal::notification::DossierRecord& record) {
  RemoveLetters(record,
                [](const internal::notification::Occasion&, const internal::notification::Letter& letter) {
                  return HasLeftInbox(letter) && !HasPendingDelivery(letter);
                });
}

void BoundApplicant(internal::notification::DossierRecord& record) {
  int kept = 0;
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    for (const internal::notification::Letter& letter : occasion.letters()) kept += letter.party() == 0;
  }
  if (kept <= kApplicantBound) return;
  RemoveLetters(
      record, [&kept](const internal::notification::Occasion&, const internal::notification::Letter& letter) {
        if (letter.party() != 0 || kept <= kApplicantBound) return false;
        if (HasPendingDelivery(letter) && kept <= 2 * kApplicantBound) return false;
        --kept;
        return true;
      });
}

void ForgetApplicantWhenDone(internal::notification::DossierRecord& record) {
  const bool told = record.refused() || (record.result_ready() && record.returned() &&
                                         (record.clock_ended() || record.due() == 0));
  if (told && !HasPendingDelivery(record)) record.clear_applicant();
}

}  // namespace motcua::notification
