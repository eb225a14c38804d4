#include "services/notification/domain/letters/telling.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/time/timestamp.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/names.h"
#include "services/notification/domain/recipients/audience.h"

namespace motcua::notification {
namespace {

using feed::v1::Event;
using internal::notification::DossierRecord;

int64_t DueSeconds(const common::v1::DueDate& due) {
  return due.has_appointment() ? due.appointment().seconds() : 0;
}

// Cut at a character, not within one.
std::string Note(const std::string& text) {
  if (text.size() <= kNoteBound) return text;
  size_t end = kNoteBound;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

uint32_t Agency(DossierRecord& record, std::string_view agency) {
  return agency.empty() ? 0 : PartyNumber(record, AgencyRecipient(agency));
}

// An event on its way into the record.
class Telling {
 public:
  // `silent`: nobody is told.
  Telling(DossierRecord& record, internal::notification::Source source, const Event& event,
          const reference::Catalogue& catalogue, bool silent)
      : record_(record), event_(event), catalogue_(catalogue), silent_(silent) {
    occasion_.set_source(source);
    occasion_.set_position(event.position());
    occasion_.set_at(absl::ToUnixMicros(time::FromTimestamp(event.at())));
    occasion_.set_due(record.due());
    occasion_.set_holder(record.holder());
    occasion_.set_agency(record.receiving());
  }

  internal::notification::Occasion& occasion() { return occasion_; }
  void SetAgency(std::string_view agency) {
    if (!silent_) occasion_.set_agency(Agency(record_, agency));
  }
  void SetHolder(std::string_view agency) {
    if (!silent_) occasion_.set_holder(Agency(record_, agency));
  }
  void SetNote(const std::string& text) { occasion_.set_note(Note(text)); }

  void TellApplicant(internal::notification::Topic topic) {
    Circle circle(catalogue_, time::FromTimestamp(event_.at()), "", "");
    circle.Add(internal::notification::AUDIENCE_APPLICANT);
    Tell(topic, circle);
  }
  void TellAgency(internal::notification::Topic topic, std::string_view agency) {
    Circle circle(catalogue_, time::FromTimestamp(event_.at()), "", "");
    circle.AddAgency(agency);
    Tell(topic, circle);
  }
  void Tell(internal::notification::Topic topic, const Circle& circle) {
    if (silent_ || circle.addressees().empty()) return;
    occasion_.set_topic(topic);
    for (const Addressee& addressee : circle.addressees()) {
      internal::notification::Letter* letter = occasion_.add_letters();
      letter->set_party(PartyNumber(record_, addressee.recipient));
      letter->set_audience(addressee.audience);
    }
    *record_.add_occasions() = std::move(occasion_);
    BoundApplicant(record_);
  }

 private:
  DossierRecord& record_;
  const Event& event_;
  const reference::Catalogue& catalogue_;
  const bool silent_;
  internal::notification::Occasion occasion_;
};

void Begin(DossierRecord& record, const Event& event, const std::string& procedure,
           const std::string& receiving, const feed::v1::Contact& applicant) {
  record.set_code(event.subject());
  record.set_procedure(procedure);
  record.set_accepted_at(event.at().seconds());
  record.set_receiving(Agency(record, receiving));
  record.mutable_applicant()->set_name(applicant.name());
  record.mutable_applicant()->set_email(applicant.email());
  record.mutable_applicant()->set_language(applicant.language());
}

internal::notification::Topic TopicOf(feed::v1::AlertKind kind) {
  switch (kind) {
    case feed::v1::ALERT_KIND_NEARING:
      return internal::notification::TOPIC_NEARING;
    case feed::v1::ALERT_KIND_DUE_TODAY:
      return internal::notification::TOPIC_DUE_TODAY;
    case feed::v1::ALERT_KIND_OVERDUE:
      return internal::notification::TOPIC_OVERDUE;
    case feed::v1::ALERT_KIND_ESCALATED:
      return internal::notification::TOPIC_ESCALATED;
    default:
      return internal::notification::TOPIC_UNSPECIFIED;
  }
}

void TakeAlert(const feed::v1::AlertRaised& alert, absl::Time at, const reference::Catalogue& catalogue,
               Telling& telling) {
  const internal::notification::Topic topic = TopicOf(alert.kind());
  if (topic == internal::notification::TOPIC_UNSPECIFIED) return;
  Circle circle(catalogue, at, alert.holder(), alert.receiving_agency());
  for (const std::string& word : alert.audience()) circle.Add(AudienceOf(word));
  telling.SetHolder(alert.holder());
  telling.SetAgency(alert.receiving_agency());
  telling.SetNote(alert.item());
  telling.occasion().set_due(DueSeconds(alert.due()));
  telling.Tell(topic, circle);
}

void TakeApology(const feed::v1::ApologyDue& apology, absl::Time at, const reference::Catalogue& catalogue,
                 Telling& telling) {
  Circle circle(catalogue, at, apology.holder(), apology.receiving_agency());
  circle.Add(internal::notification::AUDIENCE_HOLDER_LEADER);
  circle.Add(internal::notification::AUDIENCE_RECEIVING_LEADER);
  telling.SetHolder(apology.holder());
  telling.SetAgency(apology.agency_at_fault());
  telling.occasion().set_due(DueSeconds(apology.due()));
  telling.Tell(internal::notification::TOPIC_APOLOGY_DUE, circle);
}

bool TakeIntake(DossierRecord& record, const Event& event, Telling& telling) {
  switch (event.body_case()) {
    case Event::kDossierAccepted: {
      const feed::v1::DossierAccepted& body = event.dossier_accepted();
      // Of one that is known by a snapshot the rest is known, too, and the date perhaps better.
      if (record.code().empty()) {
        Begin(record, event, body.procedure(), body.receiving_agency(), body.applicant());
        record.set_due(DueSeconds(body.due()));
      }
      telling.SetAgency(body.receiving_agency());
      telling.occasion().set_due(record.due());
      telling.TellApplicant(internal::notification::TOPIC_DOSSIER_ACCEPTED);
      return true;
    }
    case Event::kDossierRefused: {
      const feed::v1::DossierRefused& body = event.dossier_refused();
      Begin(record, event, body.procedure(), body.receiving_agency(), body.applicant());
      record.set_refused(true);
      telling.SetAgency(body.receiving_agency());
      telling.SetNote(body.reason());
      telling.TellApplicant(internal::notification::TOPIC_DOSSIER_REFUSED);
      return true;
    }
    case Event::kResultReturned:
      record.set_returned(true);
      telling.TellApplicant(internal::notification::TOPIC_RESULT_RETURNED);
      return true;
    default:
      return false;
  }
}

bool TakeRouting(DossierRecord& record, const Event& event, Telling& telling) {
  switch (event.body_case()) {
    case Event::kRouteOpened:
      record.set_holder(Agency(record, event.route_opened().holder()));
      return true;
    case Event::kHandOverAccepted:
      record.set_holder(Agency(record, event.hand_over_accepted().receiver()));
      return true;
    case Event::kAgencySucceeded:
      if (event.agency_succeeded().custody())
        record.set_holder(Agency(record, event.agency_succeeded().successor()));
      return true;
    case Event::kHandOverOffered: {
      const feed::v1::HandOverOffered& body = event.hand_over_offered();
      telling.SetHolder(body.sender());
      telling.SetAgency(body.receiver());
      telling.SetNote(body.note());
      telling.TellAgency(internal::notification::TOPIC_HAND_OVER_OFFERED, body.receiver());
      return true;
    }
    case Event::kConsultationRequested: {
      const feed::v1::ConsultationRequested& body = event.consultation_requested();
      telling.SetHolder(body.asking_agency());
      telling.SetAgency(body.asked_agency());
      telling.SetNote(body.question());
      telling.TellAgency(internal::notification::TOPIC_CONSULTATION_REQUESTED, body.asked_agency());
      return true;
    }
    case Event::kConsultationAnswered: {
      const feed::v1::ConsultationAnswered& body = event.consultation_answered();
      telling.SetHolder(body.asking_agency());
      telling.SetAgency(body.asked_agency());
      telling.SetNote(body.answer());
      telling.TellAgency(internal::notification::TOPIC_CONSULTATION_ANSWERED, body.asking_agency());
      return true;
    }
    case Event::kSupplementRequested:
      telling.SetNote(event.supplement_requested().reason());
      telling.TellApplicant(internal::notification::TOPIC_SUPPLEMENT_REQUESTED);
      return true;
    case Event::kSupplementReceived:
      telling.SetNote(event.supplement_received().note());
      telling.TellApplicant(internal::notification::TOPIC_SUPPLEMENT_RECEIVED);
      return true;
    case Event::kResultReady:
      record.set_result_ready(true);
      telling.TellApplicant(internal::notification::TOPIC_RESULT_READY);
      return true;
    default:
      return false;
  }
}

bool TakeMonitor(DossierRecord& record, const Event& event, const reference::Catalogue& catalogue,
                 Telling& telling) {
  switch (event.body_case()) {
    case Event::kAlertRaised:
      TakeAlert(event.alert_raised(), time::FromTimestamp(event.at()), catalogue, telling);
      return true;
    case Event::kApologyDue:
      TakeApology(event.apology_due(), time::FromTimestamp(event.at()), catalogue, telling);
      return true;
    case Event::kDueChanged:
      record.set_due(DueSeconds(event.due_changed().due()));
      telling.occasion().set_due(record.due());
      telling.SetNote(event.due_changed().reason());
      telling.TellApplicant(internal::notification::TOPIC_DUE_CHANGED);
      return true;
    case Event::kClockEnded:
      record.set_clock_ended(true);
      return true;
    default:
      return false;
  }
}

// That an event comes once is the cursor's doing. Positions may go back, where the source has lost its last
// events: only an occasion at the very position counts, because a message is known by it. It is mostly the
// same one: the call that was lost, repeated.
bool WasTaken(const DossierRecord& record, internal::notification::Source source, uint64_t position) {
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    if (occasion.source() == source && occasion.position() == position) return true;
  }
  return false;
}

Effect TakeOrLearn(DossierRecord& record, internal::notification::Source source, const Event& event,
                   const reference::Catalogue& catalogue, bool silent) {
  if (!IsOfInterest(event)) return Effect::kNone;
  const bool begins = event.has_dossier_accepted() || event.has_dossier_refused();
  if (record.code().empty() && !begins) {
    return source == internal::notification::SOURCE_INTAKE ? Effect::kNone : Effect::kWaitForIntake;
  }
  if (!silent && WasTaken(record, source, event.position())) return Effect::kNone;
  if (begins && !record.code().empty() && (silent || !record.learnt())) return Effect::kNone;
  if (begins) record.set_learnt(silent);
  Telling telling(record, source, event, catalogue, silent);
  bool taken = false;
  switch (source) {
    case internal::notification::SOURCE_INTAKE:
      taken = TakeIntake(record, event, telling);
      break;
    case internal::notification::SOURCE_ROUTING:
      taken = TakeRouting(record, event, telling);
      break;
    case internal::notification::SOURCE_DEADLINE_MONITOR:
      taken = TakeMonitor(record, event, catalogue, telling);
      break;
    default:
      break;
  }
  return taken ? Effect::kTaken : Effect::kNone;
}

}  // namespace

bool IsOfInterest(const Event& event) {
  switch (event.body_case()) {
    case Event::kDossierAccepted:
    case Event::kDossierRefused:
    case Event::kResultReturned:
    case Event::kRouteOpened:
    case Event::kHandOverAccepted:
    case Event::kAgencySucceeded:
    case Event::kHandOverOffered:
    case Event::kConsultationRequested:
    case Event::kConsultationAnswered:
    case Event::kSupplementRequested:
    case Event::kSupplementReceived:
    case Event::kResultReady:
    case Event::kAlertRaised:
    case Event::kApologyDue:
    case Event::kDueChanged:
    case Event::kClockEnded:
      return true;
    default:
      return false;
  }
}

Effect Take(DossierRecord& record, internal::notification::Source source, const Event& event,
            const reference::Catalogue& catalogue) {
  return TakeOrLearn(record, source, event, catalogue, /*silent=*/false);
}

Effect Learn(DossierRecord& record, internal::notification::Source source, const Event& event,
             const reference::Catalogue& catalogue) {
  return TakeOrLearn(record, source, event, catalogue, /*silent=*/true);
}

}  // namespace motcua::notification
