#include "services/routing/domain/route/retell.h"

#include <algorithm>
#include <string>

#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

namespace {

using feed::v1::Event;
using google::protobuf::Timestamp;

bool Same(const Timestamp& a, const Timestamp& b) {
  return a.seconds() == b.seconds() && a.nanos() == b.nanos();
}

bool Later(const Timestamp& a, const Timestamp& b) { return time::FromTimestamp(a) > time::FromTimestamp(b); }

bool Earlier(const Event& a, const Event& b) { return Later(b.at(), a.at()); }

class Telling {
 public:
  explicit Telling(const v1::Route& route) : route_(route) {}

  Event& Add(const Timestamp& at) {
    Event& event = events_.emplace_back();
    event.set_subject(route_.dossier());
    *event.mutable_at() = at;
    return event;
  }

  // Legs are begun in their order: each by the hand-over to its agency, or by its agency going on from one of
  // its own to the next, where custody stays.
  void AddCustody() {
    int leg = 0;
    // The first one begins with the route, where it is the receiving agency's.
    if (Begun(leg, 0) && Same(route_.legs(0).started_at(), route_.received_at())) ++leg;
    for (int i = 0; i < route_.custody_size(); ++i) {
      const v1::CustodySpan& span = route_.custody(i);
      if (span.succeeded()) {
        TellSuccession(i);
      } else if (i > 0) {
        feed::v1::HandOverAccepted& accepted = *Add(span.since()).mutable_hand_over_accepted();
        accepted.set_sender(route_.custody(i - 1).agency());
        accepted.set_receiver(span.agency());
        if (Begun(leg, i) && Same(route_.legs(leg).started_at(), span.since()))
          TellLeg(route_.legs(leg++), accepted);
      }
      while (Begun(leg, i) && !BeginsLater(leg, i)) {
        feed::v1::HandOverAccepted& accepted =
            *Add(route_.legs(leg).started_at()).mutable_hand_over_accepted();
        accepted.set_sender(span.agency());
        accepted.set_receiver(span.agency());
        TellLeg(route_.legs(leg++), accepted);
      }
    }
  }

  void AddConsultations() {
    for (const v1::Consultation& consultation : route_.consultations()) {
      feed::v1::ConsultationRequested& requested =
          *Add(consultation.asked_at()).mutable_consultation_requested();
      requested.set_consultation(consultation.number());
      requested.set_asking_agency(consultation.asking_agency());
      requested.set_asked_agency(consultation.asked_agency());
      requested.set_question(consultation.question());
      if (consultation.has_limit()) *requested.mutable_limit() = consultation.limit();
      if (!consultation.has_answered_at()) continue;
      feed::v1::ConsultationAnswered& answered =
          *Add(consultation.answered_at()).mutable_consultation_answered();
      answered.set_consultation(consultation.number());
      answered.set_asking_agency(consultation.asking_agency());
      answered.set_asked_agency(consultation.asked_agency());
      answered.set_answer(consultation.answer());
    }
  }

  void AddSupplements() {
    for (const v1::SupplementPause& pause : route_.pauses()) {
      Add(pause.requested_at()).mutable_supplement_requested();
      Add(pause.received_at()).mutable_supplement_received();
    }
    if (route_.has_supplement_requested_at()) {
      Add(route_.supplement_requested_at()).mutable_supplement_requested()->set_agency(route_.holder());
    }
  }

  void AddOffer() {
    if (!route_.has_offer()) return;
    feed::v1::HandOverOffered& offered = *Add(route_.offer().offered_at()).mutable_hand_over_offered();
    offered.set_sender(route_.holder());
    offered.set_receiver(route_.offer().receiver());
    offered.set_leg(LegIdOf(route_, route_.offer()));
    offered.set_note(route_.offer().note());
  }

  void AddResult() {
    if (!route_.has_ended_at()) return;
    feed::v1::ResultReady& ready = *Add(route_.ended_at()).mutable_result_ready();
    ready.set_agency(route_.holder());
    ready.set_outcome(route_.outcome());
  }

  std::vector<Event> Take() && {
    std::stable_sort(events_.begin(), events_.end(), Earlier);
    return std::move(events_);
  }

 private:
  // The leg was begun, and is of the agency of that span, or of one that its work has passed to since.
  bool Begun(int leg, int span) const {
    if (leg >= route_.legs_size() || !route_.legs(leg).has_started_at()) return false;
    for (int i = span; i < route_.custody_size() && (i == span || route_.custody(i).succeeded()); ++i) {
      if (route_.custody(i).agency() == route_.legs(leg).agency()) return true;
    }
    return false;
  }
  // The leg begins with the next span, or later.
  bool BeginsLater(int leg, int span) const {
    if (span + 1 == route_.custody_size()) return false;
    const Timestamp& started = route_.legs(leg).started_at();
    const Timestamp& next = route_.custody(span + 1).since();
    return Later(started, next) || (Same(started, next) && Begun(leg, span + 1));
  }
  // What else passed with the custody is told as the successor's from its beginning.
  void TellSuccession(int span) {
    feed::v1::AgencySucceeded& succeeded = *Add(route_.custody(span).since()).mutable_agency_succeeded();
    succeeded.set_ended_agency(route_.custody(span - 1).agency());
    succeeded.set_successor(route_.custody(span).agency());
    succeeded.set_custody(true);
  }
  static void TellLeg(const v1::Leg& leg, feed::v1::HandOverAccepted& accepted) {
    accepted.set_leg(leg.id());
    if (leg.has_limit()) *accepted.mutable_limit() = leg.limit();
  }

  const v1::Route& route_;
  std::vector<Event> events_;
};

}  // namespace

std::vector<Event> Retell(const internal::routing::RouteRecord& record) {
  const v1::Route& route = record.route();
  if (route.custody().empty()) return std::vector<Event>();  // it has one from its opening on
  Telling telling(route);
  feed::v1::RouteOpened& opened = *telling.Add(route.received_at()).mutable_route_opened();
  opened.set_holder(route.custody(0).agency());
  *opened.mutable_since() = route.received_at();
  telling.AddCustody();
  telling.AddConsultations();
  telling.AddSupplements();
  telling.AddOffer();
  telling.AddResult();
  return std::move(telling).Take();
}

}  // namespace motcua::routing
