#include "services/notification/projections/notification_projection.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "common/service/reference_model.h"
#include "common/status/errors.h"
#include "common/telemetry/trace.h"
#include "common/time/timestamp.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/calls/preferences.h"
#include "services/notification/domain/inbox/inbox.h"
#include "services/notification/domain/letters/names.h"
#include "services/notification/domain/letters/telling.h"

namespace motcua::notification {
namespace {

using async::Task;
using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

constexpr absl::Duration kPatience = absl::Seconds(10);

absl::Status WaitingForIntake() {
  return errors::Unavailable("WAITING_FOR_INTAKE", "the feed of intake has not told of the dossier yet");
}

// One batch of events on its way into the session.
class Batch {
 public:
  Batch(store::Session& session, internal::notification::Source source, const ProjectionOptions& options)
      : session_(session), source_(source), options_(options) {}

  std::vector<std::string> KeysOf(feed::Events events) const {
    std::vector<std::string> of_reference;
    std::set<std::string> keys;
    for (const feed::v1::Event* const entry : events) {
      const feed::v1::Event& event = *entry;
      service::AddReferenceKeys(session_, event, of_reference);
      if (IsOfInterest(event)) keys.insert(session_.KeyOf<DossierModel>(event.subject()));
    }
    keys.insert(of_reference.begin(), of_reference.end());
    return std::vector<std::string>(keys.begin(), keys.end());
  }

  // Takes events that `catalogue` (null = there is none yet) is in force for.
  absl::Status Take(feed::Events events, CataloguePtr catalogue) {
    if (catalogue != nullptr) catalogue_ = std::move(catalogue);
    for (const feed::v1::Event* const entry : events) {
      const feed::v1::Event& event = *entry;
      if (!IsOfInterest(event)) continue;
      if (catalogue_ == nullptr) return WaitingForIntake();
      internal::notification::DossierRecord& record = Work(event.subject());
      switch (notification::Take(record, source_, event, *catalogue_)) {
        case Effect::kWaitForIntake:
          return WaitingForIntake();
        case Effect::kTaken:
          changed_.insert(event.subject());
          if (internal::notification::Occasion* occasion = FindOccasion(record, source_, event.position());
              occasion != nullptr) {
            occasion->set_trace(telemetry::PackTrace(event.traceparent()));
            told_.push_back(&event);
          }
          break;
        case Effect::kNone:
          break;
      }
    }
    return absl::OkStatus();
  }

  // Inboxes and preferences of all who are told.
  std::vector<std::string> KeysOfRecipients() {
    for (const feed::v1::Event* event : told_) {
      internal::notification::DossierRecord& record = Work(event->subject());
      const internal::notification::Occasion* occasion = FindOccasion(record, source_, event->position());
      if (occasion == nullptr) continue;  // dropped by a later one of this batch
      for (const internal::notification::Letter& letter : occasion->letters()) {
        if (letter.party() != 0) recipients_.insert(std::string(PartyName(record, letter.party())));
      }
    }
    std::vector<std::string> keys;
    for (const std::string& recipient : recipients_) {
      keys.push_back(session_.KeyOf<InboxModel>(recipient));
      keys.push_back(session_.KeyOf<PreferencesModel>(recipient));
    }
    return keys;
  }

  // All who are told, but applicants, and by what reference data.
  std::vector<std::string> recipients() const {
    return std::vector<std::string>(recipients_.begin(), recipients_.end());
  }
  const reference::Catalogue& catalogue() const { return *catalogue_; }

  // Numbers the new letters and gives them their deliveries.
  void EnterAll(const Preferred& preferred) {
    const absl::Time now = absl::Now();
    for (const std::string& recipient : recipients_) {
      const internal::notification::InboxRecord* inbox = session_.Find<InboxModel>(recipient);
      inboxes_[recipient] = inbox == nullptr ? internal::notification::InboxRecord() : *inbox;
    }
    for (const feed::v1::Event* event : told_) {
      internal::notification::DossierRecord& record = Work(event->subject());
      internal::notification::Occasion* occasion = FindOccasion(record, source_, event->position());
      if (occasion == nullptr) continue;
      for (internal::notification::Letter& letter : *occasion->mutable_letters()) {
        const std::string recipient(PartyName(record, letter.party()));
        const internal::notification::Preferences* preferences = nullptr;
        if (letter.party() != 0) {
          Enter(inboxes_[recipient], letter);
          preferences = preferred.Of(session_, recipient);
        }
        AddDeliveries(record, letter, time::FromTimestamp(event->at()), now, options_.channels, preferences,
                      *catalogue_);
        deliveries_ = deliveries_ || letter.deliveries_size() > 0;
      }
    }
  }

  // Inboxes that are over their bound, with the last number to go.
  std::vector<std::pair<std::string, uint64_t>> Overfull() const {
    std::vector<std::pair<std::string, uint64_t>> overfull;
    for (const auto& [recipient, inbox] : inboxes_) {
      const uint64_t last = LastToDrop(inbox, options_.inbox_bound);
      if (last > 0) overfull.emplace_back(recipient, last);
    }
    return overfull;
  }

  // What this batch itself has put into the inbox and out again at the other end.
  void DropOwn(const std::string& recipient, uint64_t last) {
    for (const feed::v1::Event* event : told_) {
      internal::notification::DossierRecord& record = Work(event->subject());
      const internal::notification::Occasion* occasion = FindOccasion(record, source_, event->position());
      const internal::notification::Letter* letter =
          occasion == nullptr ? nullptr : FindLetter(record, *occasion, recipient);
      if (letter == nullptr || letter->number() == 0 || letter->number() > last) continue;
      DropLetter(record, source_, event->position(), recipient);
    }
  }

  void Drop(const std::string& recipient, const InboxPlace& place) {
    DropLetter(Work(place.dossier), place.source, place.position, recipient);
    changed_.insert(place.dossier);
  }

  void ApplyAll() {
    for (const std::string& code : changed_) {
      internal::notification::DossierRecord& record = work_[code];
      ForgetApplicantWhenDone(record);
      session_.Apply<DossierModel>(code,
                                   store::Decision<internal::notification::DossierRecord>(std::move(record)));
    }
    for (auto& [recipient, inbox] : inboxes_) {
      session_.Apply<InboxModel>(recipient,
                                 store::Decision<internal::notification::InboxRecord>(std::move(inbox)));
    }
  }

  Announcement Announce() const {
    Announcement announcement;
    announcement.source = source_;
    announcement.shard = session_.keys().shard();
    announcement.recipients.assign(recipients_.begin(), recipients_.end());
    for (const feed::v1::Event* event : told_) {
      announcement.recipients.push_back(ApplicantRecipient(event->subject()));
    }
    announcement.deliveries = deliveries_;
    return announcement;
  }

  bool empty() const { return told_.empty(); }

 private:
  // The record as this batch has it so far.
  internal::notification::DossierRecord& Work(const std::string& code) {
    const auto [entry, added] = work_.try_emplace(code);
    if (added) {
      const internal::notification::DossierRecord* stored = session_.Find<DossierModel>(code);
      if (stored != nullptr) entry->second = *stored;
    }
    return entry->second;
  }

  store::Session& session_;
  const internal::notification::Source source_;
  const ProjectionOptions& options_;
  CataloguePtr catalogue_;
  std::map<std::string, internal::notification::DossierRecord> work_;
  std::set<std::string> changed_;
  std::vector<const feed::v1::Event*> told_;
  std::set<std::string> recipients_;
  std::map<std::string, internal::notification::InboxRecord> inboxes_;
  bool deliveries_ = false;
};

// Takes what has no place any more out of the inboxes. The index is read outside the commit, but every change
// of it comes with a change of the inbox's record, which the commit checks.
Task<absl::Status> DropOverflow(store::Session& session, Batch& batch, absl::Time deadline) {
  const std::vector<std::pair<std::string, uint64_t>> overfull = batch.Overfull();
  std::vector<std::pair<std::string, InboxPlace>> victims;
  for (const auto& [recipient, last] : overfull) {
    batch.DropOwn(recipient, last);
    absl::StatusOr<std::vector<std::pair<std::string, double>>> members = co_await session.store().IndexUpTo(
        session.keys().shard(), InboxIndex(recipient), static_cast<double>(last), 1000, deadline);
    if (!members.ok()) co_return members.status();
    for (const auto& [member, number] : *members) {
      const std::optional<InboxPlace> place = InboxPlace::Parse(member);
      if (place.has_value()) victims.emplace_back(recipient, *place);
    }
  }
  if (victims.empty()) co_return absl::OkStatus();
  std::vector<std::string> keys;
  for (const auto& [recipient, place] : victims) keys.push_back(session.KeyOf<DossierModel>(place.dossier));
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  for (const auto& [recipient, place] : victims) batch.Drop(recipient, place);
  co_return absl::OkStatus();
}

}  // namespace

NotificationProjection::NotificationProjection(internal::notification::Source source,
                                               service::Catalogues& catalogues, ProjectionOptions options,
                                               std::function<void(Announcement)> announce)
    : source_(source),
      catalogues_(catalogues),
      options_(std::move(options)),
      announce_(std::move(announce)) {}

Task<absl::Status> NotificationProjection::Apply(store::Session& session, feed::Events events, absl::Time) {
  const absl::Time deadline = absl::Now() + kPatience;
  Batch batch(session, source_, options_);
  absl::Status fetched = co_await session.FetchToChange(batch.KeysOf(events), deadline);
  if (!fetched.ok()) co_return fetched;
  // From one change of the reference data to the next.
  for (size_t first = 0, end = 0; first < events.size(); first = end) {
    for (; end < events.size() && service::IsOfReference(*events[end]); ++end) {
      absl::Status applied = service::ApplyReferenceEvent(session, *events[end]);
      if (!applied.ok()) co_return applied;
    }
    absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Of(session, deadline);
    if (!catalogue.ok() && !absl::IsNotFound(catalogue.status())) co_return catalogue.status();
    const size_t begin = end;
    while (end < events.size() && !service::IsOfReference(*events[end])) ++end;
    absl::Status taken = batch.Take(events.subspan(begin, end - begin), catalogue.value_or(CataloguePtr()));
    if (!taken.ok()) co_return taken;
  }
  if (!batch.empty()) {
    absl::Status inboxes = co_await session.FetchToChange(batch.KeysOfRecipients(), deadline);
    if (!inboxes.ok()) co_return inboxes;
    absl::StatusOr<Preferred> preferred =
        co_await Preferred::Read(session, batch.catalogue(), batch.recipients(), deadline);
    if (!preferred.ok()) co_return preferred.status();
    batch.EnterAll(*preferred);
    absl::Status dropped = co_await DropOverflow(session, batch, deadline);
    if (!dropped.ok()) co_return dropped;
    Announcement announcement = batch.Announce();
    announcement.position = events.back()->position();
    announce_(std::move(announcement));
  }
  batch.ApplyAll();
  co_return absl::OkStatus();
}

Task<absl::Status> NotificationProjection::ApplySnapshot(store::Session& session, feed::Records records,
                                                         absl::Time not_before) {
  const absl::Time deadline = absl::Now() + kPatience;
  std::vector<const feed::v1::Event*> of_reference;
  std::vector<std::string> keys;
  for (const feed::v1::SnapshotRecord* const record : records) {
    for (const feed::v1::Event& event : record->events()) {
      if (service::IsOfReference(event)) of_reference.push_back(&event);
    }
    keys.push_back(session.KeyOf<DossierModel>(record->subject()));
  }
  if (!of_reference.empty()) {
    const feed::Events events(of_reference);
    co_return co_await Apply(session, events, not_before);
  }
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Of(session, deadline);
  if (absl::IsNotFound(catalogue.status())) co_return WaitingForIntake();
  if (!catalogue.ok()) co_return catalogue.status();
  for (const feed::v1::SnapshotRecord* const record : records) {
    const internal::notification::DossierRecord* stored = session.Find<DossierModel>(record->subject());
    internal::notification::DossierRecord now =
        stored == nullptr ? internal::notification::DossierRecord() : *stored;
    for (const feed::v1::Event& event : record->events()) {
      if (Learn(now, source_, event, **catalogue) == Effect::kWaitForIntake) co_return WaitingForIntake();
    }
    if (now.code().empty()) continue;
    ForgetApplicantWhenDone(now);
    session.Apply<DossierModel>(record->subject(),
                                store::Decision<internal::notification::DossierRecord>(std::move(now)));
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::notification
