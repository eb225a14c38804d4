#include "services/notification/domain/telling.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/time/timestamp.h"
#include "services/notification/domain/audience.h"
#include "services/notification/domain/names.h"
#include "services/notification/domain/records.h"

namespace motcua::notification {
namespace {

using feed::v1::Event;
using v1::DossierRecord;

int64_t DueSeconds(const common::v1::Deadline& due) { return due.has_appointment() ? due.appointment().seconds() : 0; }

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
  Telling(DossierRecord& record, v1::Source source, const Event& event, const reference::Catalogue& catalogue,
          bool silent)
      : record_(record), event_(event), catalogue_(catalogue), silent_(silent) {
    occasion_.set_source(source);
    occasion_.set_position(event.position());
    occasion_.set_at(absl::ToUnixMicros(time::FromTimestamp(event.at())));
    occasion_.set_due(record.due());
    occasion_.set_holder(record.holder());
    occasion_.set_agency(record.receiving());
  }

  v1::Occasion& occasion() { return occasion_; }
  void SetAgency(std::string_view agency) {
    if (!silent_) occasion_.set_agency(Agency(record_, agency));
  }
  void SetHolder(std::string_view agency) {
    if (!silent_) occasion_.set_holder(Agency(record_, agency));
  }
  void SetNote(const std::string& text) { occasion_.set_note(Note(text)); }

  void TellApplicant(v1::Topic topic) {
    Circle circle(catalogue_, time::FromTimestamp(event_.at()), "", "");
    circle.Add(v1::AUDIENCE_APPLICANT);
    Tell(topic, circle);
  }
  void TellAgency(v1::Topic topic, std::string_view agency) {
    Circle circle(catalogue_, time::FromTimestamp(event_.at()), "", "");
    circle.AddAgency(agency);
    Tell(topic, circle);
  }
  void Tell(v1::Topic topic, const Circle& circle) {
    if (silent_ || circle.addressees().empty()) return;
    occasion_.set_topic(topic);
    for (const Addressee& addressee : circle.addressees()) {
      v1::Letter* letter = occasion_.add_letters();
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
  v1::Occasion occasion_;
};

void Begin(DossierRecord& record, const Event& event, const std::string& procedure, const std::string& receiving,
           const feed::v1::Contact& applicant) {
  record.set_code(event.subject());
  record.set_procedure(procedure);
  record.set_accepted_at(event.at().seconds());
  record.set_receiving(Agency(record, receiving));
  record.mutable_applicant()->set_name(applicant.name());
  record.mutable_applicant()->set_email(applicant.email());
  record.mutable_applicant()->set_language(applicant.language());
}

v1::Topic TopicOf(feed::v1::AlertKind kind) {
  switch (kind) {
    case feed::v1::ALERT_KIND_NEARING:
      return v1::TOPIC_NEARING;
    case feed::v1::ALERT_KIND_DUE_TODAY:
      return v1::TOPIC_DUE_TODAY;
    case feed::v1::ALERT_KIND_OVERDUE:
      return v1::TOPIC_OVERDUE;
    case feed::v1::ALERT_KIND_ESCALATED:
      return v1::TOPIC_ESCALATED;
    default:
      return v1::TOPIC_UNSPECIFIED;
  }
}

void TakeAlert(const feed::v1::AlertRaised& alert, absl::Time at, const reference::Catalogue& catalogue,
               Telling& telling) {
  const v1::Topic topic = TopicOf(alert.kind());
  if (topic == v1::TOPIC_UNSPECIFIED) return;
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
  circle.Add(v1::AUDIENCE_HOLDER_LEADER);
  circle.Add(v1::AUDIENCE_RECEIVING_LEADER);
  telling.SetHolder(apology.holder());
  telling.SetAgency(apology.agency_at_fault());
  telling.occasion().set_due(DueSeconds(apology.due()));
  telling.Tell(v1::TOPIC_APOLOGY_DUE, circle);
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
      telling.TellApplicant(v1::TOPIC_DOSSIER_ACCEPTED);
      return true;
    }
    case Event::kDossierRefused: {
      const feed::v1::DossierRefused& body = event.dossier_refused();
      Begin(record, event, body.procedure(), body.receiving_agency(), body.applicant());
      record.set_refused(true);
      telling.SetAgency(body.receiving_agency());
      telling.SetNote(body.reason());
      telling.TellApplicant(v1::TOPIC_DOSSIER_REFUSED);
      return true;
    }
    case Event::kResultReturned:
      record.set_returned(true);
      telling.TellApplicant(v1::TOPIC_RESULT_RETURNED);
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
      record.set_holder(Agency(record, event.hand_over_accepted().to()));
      return true;
    case Event::kAgencySucceeded:
      if (event.agency_succeeded().custody())
        record.set_holder(Agency(record, event.agency_succeeded().to()));
      return true;
    case Event::kHandOverOffered: {
      const feed::v1::HandOverOffered& body = event.hand_over_offered();
      telling.SetHolder(body.from());
      telling.SetAgency(body.to());
      telling.SetNote(body.note());
      telling.TellAgency(v1::TOPIC_HAND_OVER_OFFERED, body.to());
      return true;
    }
    case Event::kConsultationRequested: {
      const feed::v1::ConsultationRequested& body = event.consultation_requested();
      telling.SetHolder(body.from());
      telling.SetAgency(body.to());
      telling.SetNote(body.question());
      telling.TellAgency(v1::TOPIC_CONSULTATION_REQUESTED, body.to());
      return true;
    }
    case Event::kConsultationAnswered: {
      const feed::v1::ConsultationAnswered& body = event.consultation_answered();
      telling.SetHolder(body.from());
      telling.SetAgency(body.to());
      telling.SetNote(body.answer());
      telling.TellAgency(v1::TOPIC_CONSULTATION_ANSWERED, body.from());
      return true;
    }
    case Event::kSupplementRequested:
      telling.SetNote(event.supplement_requested().reason());
      telling.TellApplicant(v1::TOPIC_SUPPLEMENT_REQUESTED);
      return true;
    case Event::kSupplementReceived:
      telling.SetNote(event.supplement_received().note());
      telling.TellApplicant(v1::TOPIC_SUPPLEMENT_RECEIVED);
      return true;
    case Event::kResultReady:
      record.set_result_ready(true);
      telling.TellApplicant(v1::TOPIC_RESULT_READY);
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
      record.set_due(DueSeconds(event.due_changed().to()));
      telling.occasion().set_due(record.due());
      telling.SetNote(event.due_changed().reason());
      telling.TellApplicant(v1::TOPIC_DUE_CHANGED);
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
bool WasTaken(const DossierRecord& record, v1::Source source, uint64_t position) {
  for (const v1::Occasion& occasion : record.occasions()) {
    if (occasion.source() == source && occasion.position() == position) return true;
  }
  return false;
}

Effect TakeOrLearn(DossierRecord& record, v1::Source source, const Event& event,
                   const reference::Catalogue& catalogue, bool silent) {
  if (!IsOfInterest(event)) return Effect::kNone;
  const bool begins = event.has_dossier_accepted() || event.has_dossier_refused();
  if (record.code().empty() && !begins) {
    return source == v1::SOURCE_INTAKE ? Effect::kNone : Effect::kWaitForIntake;
  }
  if (!silent && WasTaken(record, source, event.position())) return Effect::kNone;
  if (begins && !record.code().empty() && (silent || !record.learnt())) return Effect::kNone;
  if (begins) record.set_learnt(silent);
  Telling telling(record, source, event, catalogue, silent);
  bool taken = false;
  switch (source) {
    case v1::SOURCE_INTAKE:
      taken = TakeIntake(record, event, telling);
      break;
    case v1::SOURCE_ROUTING:
      taken = TakeRouting(record, event, telling);
      break;
    case v1::SOURCE_DEADLINE_MONITOR:
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

Effect Take(DossierRecord& record, v1::Source source, const Event& event, const reference::Catalogue& catalogue) {
  return TakeOrLearn(record, source, event, catalogue, /*silent=*/false);
}

Effect Learn(DossierRecord& record, v1::Source source, const Event& event,
             const reference::Catalogue& catalogue) {
  return TakeOrLearn(record, source, event, catalogue, /*silent=*/true);
}

}  // namespace motcua::notification
