#include "services/notification/domain/records.h"

#include <algorithm>
#include <array>
#include <optional>

#include "services/notification/domain/names.h"

namespace motcua::notification {
namespace {

// A letter to an agency or officer that a full inbox has dropped, kept for its delivery.
bool HasLeftInbox(const v1::Letter& letter) { return letter.party() != 0 && letter.number() == 0; }

void CountDropped(v1::DossierRecord& record, v1::Topic topic, const v1::Letter& letter) {
  while (record.dropped_size() <= topic) record.add_dropped(0);
  record.set_dropped(topic, record.dropped(topic) + 1);
  for (const v1::StoredDelivery& delivery : letter.deliveries()) {
    if (delivery.state() == v1::DELIVERY_STATE_DELIVERED) {
      record.set_dropped_delivered(record.dropped_delivered() + 1);
    } else {
      record.set_dropped_failed(record.dropped_failed() + 1);
    }
  }
}

template <class Condition>
void RemoveLetters(v1::DossierRecord& record, Condition condition) {
  auto& occasions = *record.mutable_occasions();
  for (v1::Occasion& occasion : occasions) {
    auto& letters = *occasion.mutable_letters();
    auto gone = std::remove_if(letters.begin(), letters.end(), [&](const v1::Letter& letter) {
      if (!condition(occasion, letter)) return false;
      CountDropped(record, occasion.topic(), letter);
      return true;
    });
    letters.erase(gone, letters.end());
  }
  auto empty = std::remove_if(occasions.begin(), occasions.end(),
                              [](const v1::Occasion& occasion) { return occasion.letters().empty(); });
  occasions.erase(empty, occasions.end());
}

}  // namespace

void DossierModel::IndexesOf(const Record& record, store::IndexSink& indexes) {
  std::optional<int64_t> attempt, held;
  for (const v1::Occasion& occasion : record.occasions()) {
    for (const v1::Letter& letter : occasion.letters()) {
      for (const v1::StoredDelivery& delivery : letter.deliveries()) {
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
  std::array<int64_t, v1::Topic_ARRAYSIZE> topics{};
  for (int topic = 0; topic < std::min(record.dropped_size(), v1::Topic_ARRAYSIZE); ++topic) {
    topics[static_cast<size_t>(topic)] = record.dropped(topic);
  }
  for (const v1::Occasion& occasion : record.occasions()) {
    if (v1::Topic_IsValid(occasion.topic())) topics[occasion.topic()] += occasion.letters_size();
    for (const v1::Letter& letter : occasion.letters()) {
      for (const v1::StoredDelivery& delivery : letter.deliveries()) {
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
    counters.Add(kTopicCounterPrefix, TopicName(static_cast<v1::Topic>(topic)), topics[topic]);
  }
  const auto count = [&counters](std::string_view name, int64_t number) {
    if (number != 0) counters.Add(name, number);
  };
  count(kMessagesCounter, messages);
  count(kPendingCounter, pending);
  count(kDeliveredCounter, delivered);
  count(kFailedCounter, failed);
}

uint32_t PartyNumber(v1::DossierRecord& record, std::string_view recipient) {
  if (recipient.empty()) return 0;
  for (int i = 0; i < record.parties_size(); ++i) {
    if (record.parties(i) == recipient) return i + 1;
  }
  record.add_parties(std::string(recipient));
  return record.parties_size();
}

std::string_view PartyName(const v1::DossierRecord& record, uint32_t number) {
  if (number == 0 || number > static_cast<uint32_t>(record.parties_size())) return {};
  return record.parties(static_cast<int>(number) - 1);
}

std::string_view PartyAgency(const v1::DossierRecord& record, uint32_t number) {
  return AgencyOfRecipient(PartyName(record, number));
}

std::string RecipientOf(const v1::DossierRecord& record, const v1::Letter& letter) {
  return letter.party() == 0 ? ApplicantRecipient(record.code()) : std::string(PartyName(record, letter.party()));
}

const v1::Occasion* FindOccasion(const v1::DossierRecord& record, v1::Source source, uint64_t position) {
  for (const v1::Occasion& occasion : record.occasions()) {
    if (occasion.position() == position && occasion.source() == source) return &occasion;
  }
  return nullptr;
}

v1::Occasion* FindOccasion(v1::DossierRecord& record, v1::Source source, uint64_t position) {
  return const_cast<v1::Occasion*>(FindOccasion(std::as_const(record), source, position));
}

const v1::Letter* FindLetter(const v1::DossierRecord& record, const v1::Occasion& occasion,
                             std::string_view recipient) {
  for (const v1::Letter& letter : occasion.letters()) {
    if (RecipientOf(record, letter) == recipient) return &letter;
  }
  return nullptr;
}

v1::Letter* FindLetter(const v1::DossierRecord& record, v1::Occasion& occasion, std::string_view recipient) {
  return const_cast<v1::Letter*>(FindLetter(record, std::as_const(occasion), recipient));
}

bool HasPendingDelivery(const v1::Letter& letter) {
  return std::any_of(letter.deliveries().begin(), letter.deliveries().end(), [](const v1::StoredDelivery& delivery) {
    return delivery.state() == v1::DELIVERY_STATE_PENDING;
  });
}

bool HasPendingDelivery(const v1::DossierRecord& record) {
  for (const v1::Occasion& occasion : record.occasions()) {
    for (const v1::Letter& letter : occasion.letters()) {
      if (HasPendingDelivery(letter)) return true;
    }
  }
  return false;
}

void DropLetter(v1::DossierRecord& record, v1::Source source, uint64_t position, std::string_view recipient) {
  v1::Occasion* occasion = FindOccasion(record, source, position);
  v1::Letter* letter = occasion == nullptr ? nullptr : FindLetter(record, *occasion, recipient);
  if (letter == nullptr) return;
  letter->set_number(0);
  SweepDropped(record);
}

void SweepDropped(v1::DossierRecord& record) {
  RemoveLetters(record, [](const v1::Occasion&, const v1::Letter& letter) {
    return HasLeftInbox(letter) && !HasPendingDelivery(letter);
  });
}

void BoundApplicant(v1::DossierRecord& record) {
  int kept = 0;
  for (const v1::Occasion& occasion : record.occasions()) {
    for (const v1::Letter& letter : occasion.letters()) kept += letter.party() == 0;
  }
  if (kept <= kApplicantBound) return;
  RemoveLetters(record, [&kept](const v1::Occasion&, const v1::Letter& letter) {
    if (letter.party() != 0 || kept <= kApplicantBound) return false;
    if (HasPendingDelivery(letter) && kept <= 2 * kApplicantBound) return false;
    --kept;
    return true;
  });
}

void ForgetApplicantWhenDone(v1::DossierRecord& record) {
  const bool told = record.refused() ||
                    (record.result_ready() && record.returned() && (record.clock_ended() || record.due() == 0));
  if (told && !HasPendingDelivery(record)) record.clear_applicant();
}

}  // namespace motcua::notification
