// What notification stores, under which names, and how it is listed and counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/store/decision.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {

// Latest messages that an agency's or officer's inbox keeps, and an applicant's.
inline constexpr uint64_t kInboxBound = 1000;
inline constexpr int kApplicantBound = 50;
// Characters (bytes) of a free text that are kept with an occasion.
inline constexpr size_t kNoteBound = 300;

// ---------------------------------------------------------------- names of indexes and counters
// Inboxes: member InboxMember, score the number in the inbox. An applicant's messages stand in the record
// alone.
inline constexpr char kInboxPrefix[] = "i:";
inline constexpr char kUnreadPrefix[] = "u:";
inline std::string InboxIndex(std::string_view recipient) {
  return std::string(kInboxPrefix).append(recipient);
}
inline std::string UnreadIndex(std::string_view recipient) {
  return std::string(kUnreadPrefix).append(recipient);
}
// Dossiers with deliveries to attempt (score: machine clock, microseconds), and with deliveries held
// during quiet hours (score: service's clock, seconds).
inline constexpr char kOutboxIndex[] = "o";
inline constexpr char kHeldIndex[] = "h";

inline constexpr char kMessagesCounter[] = "messages";
inline constexpr char kTopicCounterPrefix[] = "by_event:";
inline constexpr char kPendingCounter[] = "pending";
inline constexpr char kDeliveredCounter[] = "delivered";
inline constexpr char kFailedCounter[] = "failed";

// ---------------------------------------------------------------- models
struct DossierModel {
  using Record = internal::notification::DossierRecord;
  static constexpr std::string_view kKind = "s";
  static void IndexesOf(const Record& record, store::IndexSink& indexes);
  static void CountersOf(const Record& record, store::CounterSink& counters);
};

struct InboxModel {
  using Record = internal::notification::InboxRecord;
  static constexpr std::string_view kKind = "b";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

struct PreferencesModel {
  using Record = internal::notification::Preferences;
  static constexpr std::string_view kKind = "p";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

// ---------------------------------------------------------------- inside a dossier's record
// The number of a party, entered where it is new; 0 for an empty name.
uint32_t PartyNumber(internal::notification::DossierRecord& record, std::string_view recipient);
// `agency:<id>` or an officer's id; empty for 0 or a number that there is not.
std::string_view PartyName(const internal::notification::DossierRecord& record, uint32_t number);
// The agency's id of such a party.
std::string_view PartyAgency(const internal::notification::DossierRecord& record, uint32_t number);

// The recipient of a letter of this record.
std::string RecipientOf(const internal::notification::DossierRecord& record,
                        const internal::notification::Letter& letter);

internal::notification::Occasion* FindOccasion(internal::notification::DossierRecord& record,
                                               internal::notification::Source source, uint64_t position);
const internal::notification::Occasion* FindOccasion(const internal::notification::DossierRecord& record,
                                                     internal::notification::Source source,
                                                     uint64_t position);
// The letter of the occasion to the recipient; nullptr where there is none.
internal::notification::Letter* FindLetter(const internal::notification::DossierRecord& record,
                                           internal::notification::Occasion& occasion,
                                           std::string_view recipient);
const internal::notification::Letter* FindLetter(const internal::notification::DossierRecord& record,
                                                 const internal::notification::Occasion& occasion,
                                                 std::string_view recipient);

bool HasPendingDelivery(const internal::notification::Letter& letter);
bool HasPendingDelivery(const internal::notification::DossierRecord& record);

// Takes letters out of the record: counted as dropped, empty occasions removed with them. A letter that is
// still to be delivered only leaves its inbox (number 0) and goes with its last delivery: see SweepDropped.
void DropLetter(internal::notification::DossierRecord& record, internal::notification::Source source,
                uint64_t position, std::string_view recipient);
// Removes letters that had left their inbox and have no pending delivery any more.
void SweepDropped(internal::notification::DossierRecord& record);
// Keeps the applicant's latest kApplicantBound letters, and up to twice as many while older ones are to be
// delivered.
void BoundApplicant(internal::notification::DossierRecord& record);

// The applicant's personal data go when no feed has anything to tell him any more and all was delivered.
void ForgetApplicantWhenDone(internal::notification::DossierRecord& record);

}  // namespace motcua::notification
