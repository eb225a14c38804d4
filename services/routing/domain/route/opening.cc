#include "services/routing/domain/route/opening.h"

#include <algorithm>
#include <string>

#include "common/store/keys.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

namespace {

// Names are left out: readers get them from the reference data.
void CopyPlan(const feed::v1::DossierAccepted& accepted, v1::Route& route) {
  for (const feed::v1::PlannedLeg& planned : accepted.legs()) {
    v1::Leg& leg = *route.add_legs();
    leg.set_id(planned.id());
    leg.set_agency(planned.agency());
    if (planned.has_limit()) *leg.mutable_limit() = planned.limit();
  }
}

internal::routing::RouteRecord NewRecord(const feed::v1::Event& event) {
  const feed::v1::DossierAccepted& accepted = event.dossier_accepted();
  const google::protobuf::Timestamp& received =
      accepted.has_received_at() ? accepted.received_at() : event.at();
  internal::routing::RouteRecord record;
  v1::Route& route = *record.mutable_route();
  route.set_dossier(event.subject());
  route.set_status(common::v1::DOSSIER_STATUS_PROCESSING);
  route.set_procedure(accepted.procedure());
  route.set_receiving_agency(accepted.receiving_agency());
  route.set_competent_agency(accepted.competent_agency());
  if (accepted.has_due()) *route.mutable_due() = accepted.due();
  route.set_holder(accepted.receiving_agency());
  *route.mutable_held_since() = received;
  *route.mutable_received_at() = received;
  v1::CustodySpan& span = *route.add_custody();
  span.set_agency(accepted.receiving_agency());
  *span.mutable_since() = received;
  // 0 stands for the default of the reference data, one supplement.
  route.set_max_supplements(std::max(accepted.max_supplements(), 1u));
  CopyPlan(accepted, route);
  return record;
}

}  // namespace

bool CanOpen(const feed::v1::Event& event) {
  if (!event.has_dossier_accepted() || store::ShardOf(event.subject()).empty()) return false;
  const feed::v1::DossierAccepted& accepted = event.dossier_accepted();
  if (accepted.receiving_agency().empty()) return false;
  return std::none_of(accepted.legs().begin(), accepted.legs().end(),
                      [](const feed::v1::PlannedLeg& leg) { return leg.agency().empty(); });
}

RouteDecision OpenRoute(const feed::v1::Event& event, const store::Context& context) {
  RouteChange change(NewRecord(event), context);
  v1::Route& route = change.route();
  feed::v1::RouteOpened& opened = *change.Emit().mutable_route_opened();
  opened.set_holder(route.holder());
  *opened.mutable_since() = route.held_since();
  const v1::Leg* first = NextLeg(route);
  const bool begins = first != nullptr && first->agency() == route.holder();
  if (begins) {
    route.set_current_leg(1);
    *route.mutable_legs(0)->mutable_started_at() = route.received_at();
  }
  change.Log("RouteOpened");
  if (first != nullptr && !begins) {
    v1::Offer& offer = *route.mutable_offer();
    offer.set_receiver(first->agency());
    offer.set_leg(1);
    *offer.mutable_offered_at() = change.at();
    feed::v1::HandOverOffered& offered = *change.Emit().mutable_hand_over_offered();
    offered.set_sender(route.holder());
    offered.set_receiver(offer.receiver());
    offered.set_leg(first->id());
    change.Log("HandOverOffered", offer.receiver());
  }
  return std::move(change).Take();
}

RouteDecision RestoreRoute(const feed::v1::Event& event,
                           const google::protobuf::RepeatedPtrField<feed::v1::Event>& heard,
                           const store::Context& context) {
  std::string holder = event.dossier_accepted().receiving_agency();
  bool supplement = false;
  const google::protobuf::Timestamp* ended = nullptr;
  for (const feed::v1::Event& one : heard) {
    if (one.has_route_opened()) holder = one.route_opened().holder();
    if (one.has_supplement_requested()) supplement = true;
    if (one.has_result_ready()) ended = &one.at();
  }
  RouteChange change(NewRecord(event), context);
  v1::Route& route = change.route();
  if (ended == nullptr) {
    feed::v1::RouteOpened& opened = *change.Emit().mutable_route_opened();
    opened.set_holder(route.holder());
    *opened.mutable_since() = route.held_since();
  }
  if (holder != route.holder()) {
    if (ended == nullptr) {
      feed::v1::HandOverAccepted& accepted = *change.Emit().mutable_hand_over_accepted();
      accepted.set_sender(route.holder());
      accepted.set_receiver(holder);
    }
    route.set_holder(holder);
    *route.mutable_held_since() = ended == nullptr ? change.at() : *ended;
    v1::CustodySpan& span = *route.add_custody();
    span.set_agency(holder);
    *span.mutable_since() = route.held_since();
  }
  for (int i = 0; i < route.legs_size() && route.current_leg() == 0; ++i) {
    if (route.legs(i).agency() != holder) continue;
    route.set_current_leg(static_cast<uint32_t>(i) + 1);
    *route.mutable_legs(i)->mutable_started_at() = route.held_since();
  }
  if (ended != nullptr) {
    if (route.current_leg() != 0)
      *route.mutable_legs(static_cast<int>(route.current_leg()) - 1)->mutable_done_at() = *ended;
    route.set_status(common::v1::DOSSIER_STATUS_RESULT_READY);
    *route.mutable_ended_at() = *ended;
  } else if (supplement) {
    route.set_status(common::v1::DOSSIER_STATUS_SUPPLEMENT);
    route.set_supplements(1);
    *route.mutable_supplement_requested_at() = change.at();
  }
  change.Log("RouteRestored", holder);
  return std::move(change).Take();
}

}  // namespace motcua::routing
