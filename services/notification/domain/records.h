// What notification stores, under which names, and how it is listed and counted.
#ifndef MOTCUA_SERVICES_NOTIFICATION_DOMAIN_RECORDS_H_
#define MOTCUA_SERVICES_NOTIFICATION_DOMAIN_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/store/decision.h"
#include "motcua/notification/v1/message.pb.h"
#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {

// Latest messages that an agency's or officer's inbox keeps, and an applicant's.
inline constexpr uint64_t kInboxBound = 1000;
inline constexpr int kApplicantBound = 50;
// Characters (bytes) of a free text that are kept with an occasion.
inline constexpr size_t kNoteBound = 300;

// ---------------------------------------------------------------- names of indexes and counters
// Inboxes: member InboxMember, score the number in the inbox. An applicant's messages stand in the record alone.
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
  using Record = v1::DossierRecord;
  static constexpr std::string_view kKind = "s";
  static void IndexesOf(const Record& record, store::IndexSink& indexes);
  static void CountersOf(const Record& record, store::CounterSink& counters);
};

struct InboxModel {
  using Record = v1::InboxRecord;
  static constexpr std::string_view kKind = "b";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

struct PreferencesModel {
  using Record = v1::Preferences;
  static constexpr std::string_view kKind = "p";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

// ---------------------------------------------------------------- inside a dossier's record
// The number of a party, entered where it is new; 0 for an empty name.
uint32_t PartyNumber(v1::DossierRecord& record, std::string_view recipient);
// `agency:<id>` or an officer's id; empty for 0 or a number that there is not.
std::string_view PartyName(const v1::DossierRecord& record, uint32_t number);
// The agency's id of such a party.
std::string_view PartyAgency(const v1::DossierRecord& record, uint32_t number);

// The recipient of a letter of this record.
std::string RecipientOf(const v1::DossierRecord& record, const v1::Letter& letter);

v1::Occasion* FindOccasion(v1::DossierRecord& record, v1::Source source, uint64_t position);
const v1::Occasion* FindOccasion(const v1::DossierRecord& record, v1::Source source, uint64_t position);
// The letter of the occasion to the recipient; nullptr where there is none.
v1::Letter* FindLetter(const v1::DossierRecord& record, v1::Occasion& occasion, std::string_view recipient);
const v1::Letter* FindLetter(const v1::DossierRecord& record, const v1::Occasion& occasion,
                             std::string_view recipient);

bool HasPendingDelivery(const v1::Letter& letter);
bool HasPendingDelivery(const v1::DossierRecord& record);

// Takes letters out of the record: counted as dropped, empty occasions removed with them. A letter that is still
// to be delivered only leaves its inbox (number 0) and goes with its last delivery: see SweepDropped.
void DropLetter(v1::DossierRecord& record, v1::Source source, uint64_t position, std::string_view recipient);
// Removes letters that had left their inbox and have no pending delivery any more.
void SweepDropped(v1::DossierRecord& record);
// Keeps the applicant's latest kApplicantBound letters, and up to twice as many while older ones are to be delivered.
void BoundApplicant(v1::DossierRecord& record);

// The applicant's personal data go when no feed has anything to tell him any more and all was delivered.
void ForgetApplicantWhenDone(v1::DossierRecord& record);

}  // namespace motcua::notification

#endif  // MOTCUA_SERVICES_NOTIFICATION_DOMAIN_RECORDS_H_
