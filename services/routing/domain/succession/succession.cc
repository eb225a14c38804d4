#include "services/routing/domain/succession/succession.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

namespace {

// Finds who is in charge, and the passage of an agency that is not.
class Passages {
 public:
  Passages(const reference::Catalogue& catalogue, absl::Time now) : catalogue_(catalogue), now_(now) {}

  // nullptr where the agency is in charge itself. Valid until the next call.
  Passage* Of(const std::string& agency) {
    const absl::string_view in_charge = catalogue_.InChargeAt(agency, now_);
    if (in_charge == agency) return nullptr;
    for (Passage& known : passages_) {
      if (known.from == agency) return &known;
    }
    Passage& passage = passages_.emplace_back();
    passage.from = agency;
    passage.to = std::string(in_charge);
    return &passage;
  }

  std::vector<Passage> Take() && { return std::move(passages_); }

 private:
  const reference::Catalogue& catalogue_;
  const absl::Time now_;
  std::vector<Passage> passages_;
};

// The leg that was begun and is not done; nullptr where there is none.
v1::Leg* LegAtWork(v1::Route& route) {
  if (route.current_leg() == 0) return nullptr;
  v1::Leg* leg = route.mutable_legs(static_cast<int>(route.current_leg()) - 1);
  return leg->has_done_at() ? nullptr : leg;
}

void PassCustody(RouteChange& change, const Passage& passage, const reference::Catalogue& catalogue) {
  v1::Route& route = change.route();
  if (v1::Leg* leg = LegAtWork(route); leg != nullptr) leg->set_agency(passage.to);
  route.set_holder(passage.to);
  *route.mutable_held_since() = change.at();
  v1::CustodySpan& span = *route.add_custody();
  span.set_agency(passage.to);
  *span.mutable_since() = change.at();
  span.set_succeeded(true);
  // Who has moved to the successor together with his work goes on with it.
  const reference::v1::Officer* officer = catalogue.FindOfficer(route.officer());
  if (officer == nullptr || officer->agency() != passage.to) route.clear_officer();
  for (v1::Consultation& consultation : *route.mutable_consultations()) {
    if (!consultation.has_answered_at() && consultation.asking_agency() == passage.from)
      consultation.set_asking_agency(passage.to);
  }
}

void Pass(RouteChange& change, const Passage& passage, const reference::Catalogue& catalogue) {
  feed::v1::AgencySucceeded& succeeded = *change.Emit().mutable_agency_succeeded();
  succeeded.set_ended_agency(passage.from);
  succeeded.set_successor(passage.to);
  succeeded.set_custody(passage.custody);
  succeeded.set_offer(passage.offer);
  v1::Route& route = change.route();
  if (passage.custody) PassCustody(change, passage, catalogue);
  if (passage.offer) route.mutable_offer()->set_receiver(passage.to);
  for (const uint32_t number : passage.consultations) {
    succeeded.add_consultations(number);
    route.mutable_consultations(static_cast<int>(number) - 1)->set_asked_agency(passage.to);
  }
  for (const int place : passage.legs) {
    v1::Leg& leg = *route.mutable_legs(place);
    succeeded.add_legs(leg.id());
    leg.set_agency(passage.to);
  }
  change.Log("AgencySucceeded", absl::StrCat(passage.from, " > ", passage.to));
}

// Two agencies have become one: nothing is to be handed over any more.
void CloseOwnOffer(RouteChange& change) {
  v1::Route& route = change.route();
  if (!route.has_offer() || route.offer().receiver() != route.holder()) return;
  const std::string leg = LegIdOf(route, route.offer());
  if (route.offer().leg() == 0) {
    feed::v1::HandOverRecalled& recalled = *change.Emit().mutable_hand_over_recalled();
    recalled.set_sender(route.holder());
    recalled.set_receiver(route.holder());
  } else {
    change.CloseLeg();
    change.StartLeg(route.offer().leg());
    feed::v1::HandOverAccepted& accepted = *change.Emit().mutable_hand_over_accepted();
    accepted.set_sender(route.holder());
    accepted.set_receiver(route.holder());
    accepted.set_leg(leg);
    const v1::Leg& begun = route.legs(static_cast<int>(route.current_leg()) - 1);
    if (begun.has_limit()) *accepted.mutable_limit() = begun.limit();
  }
  const bool planned = route.offer().leg() != 0;
  route.clear_offer();
  change.Log(planned ? "HandOverAccepted" : "HandOverRecalled", route.holder());
}

}  // namespace

std::vector<Passage> PassagesOf(const v1::Route& route, const reference::Catalogue& catalogue,
                                absl::Time now) {
  Passages passages(catalogue, now);
  if (route.has_ended_at()) return {};
  if (Passage* of = passages.Of(route.holder()); of != nullptr) of->custody = true;
  if (route.has_offer()) {
    if (Passage* of = passages.Of(route.offer().receiver()); of != nullptr) of->offer = true;
  }
  for (const v1::Consultation& consultation : route.consultations()) {
    if (consultation.has_answered_at()) continue;
    if (Passage* of = passages.Of(consultation.asked_agency()); of != nullptr)
      of->consultations.push_back(consultation.number());
  }
  for (int i = static_cast<int>(route.current_leg()); i < route.legs_size(); ++i) {
    if (Passage* of = passages.Of(route.legs(i).agency()); of != nullptr) of->legs.push_back(i);
  }
  return std::move(passages).Take();
}

std::optional<RouteDecision> DecideSuccession(const internal::routing::RouteRecord& record,
                                              const store::Context& context,
                                              const reference::Catalogue& catalogue) {
  const std::vector<Passage> passages = PassagesOf(record.route(), catalogue, context.now);
  if (passages.empty()) return std::nullopt;
  RouteChange change(record, store::Context(context.now, common::v1::Actor(), context.traceparent));
  change.route().set_successions(change.route().successions() + 1);
  for (const Passage& passage : passages) Pass(change, passage, catalogue);
  CloseOwnOffer(change);
  return std::move(change).Take();
}

void Precede(RouteDecision first, RouteDecision& second) {
  first.events.insert(first.events.end(), std::make_move_iterator(second.events.begin()),
                      std::make_move_iterator(second.events.end()));
  second.events = std::move(first.events);
  first.history.insert(first.history.end(), std::make_move_iterator(second.history.begin()),
                       std::make_move_iterator(second.history.end()));
  second.history = std::move(first.history);
}

}  // namespace motcua::routing
