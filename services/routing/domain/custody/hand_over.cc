#include "services/routing/domain/custody/hand_over.h"

#include <string>
#include <utility>

#include "common/status/errors.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

namespace {

absl::Status CheckCanOffer(const internal::routing::RouteRecord* record, const store::Context& context) {
  if (absl::Status open = CheckCanGoOn(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (absl::Status holder = CheckHolder(route, context.actor); !holder.ok()) return holder;
  if (absl::Status free = CheckNotOffered(route); !free.ok()) return free;
  if (absl::Status ready = CheckNotWaiting(route); !ready.ok()) return ready;
  return CheckNotConsulting(route);
}

absl::Status WrongReceiver(std::string_view reason, std::string_view description) {
  errors::Violations violations;
  violations.Add("receiver", reason, description);
  return violations.ToStatus(reason);
}

// The holder does two planned legs in a row: the first is done, the second begins, custody stays.
RouteDecision AdvanceLeg(const internal::routing::RouteRecord& record,
                         const v1::OfferHandOverRequest& request, const store::Context& context) {
  RouteChange change(record, context);
  change.CloseLeg();
  change.StartLeg(change.route().current_leg() + 1);
  const v1::Route& route = change.route();
  const v1::Leg& leg = route.legs(static_cast<int>(route.current_leg()) - 1);
  feed::v1::HandOverAccepted& accepted = *change.Emit().mutable_hand_over_accepted();
  accepted.set_sender(route.holder());
  accepted.set_receiver(route.holder());
  accepted.set_leg(leg.id());
  if (leg.has_limit()) *accepted.mutable_limit() = leg.limit();
  change.Log("HandOverAccepted", request.note());
  return std::move(change).Take();
}

// Whether the actor's agency is the one that the dossier is offered to.
absl::Status CheckOfferedToActor(const internal::routing::RouteRecord* record,
                                 const store::Context& context) {
  if (absl::Status open = CheckOpen(record); !open.ok()) return open;
  if (!record->route().has_offer()) {
    return errors::FailedPrecondition("NOT_OFFERED", "the dossier is not offered to anybody");
  }
  const std::string& to = record->route().offer().receiver();
  if (!context.actor.agency().empty() && context.actor.agency() == to) return absl::OkStatus();
  return errors::PermissionDenied("NOT_OFFERED_TO_YOU", "the dossier is offered to another agency",
                                  {{"to", to}});
}

}  // namespace

absl::StatusOr<RouteDecision> DecideOffer(const internal::routing::RouteRecord* record,
                                          const v1::OfferHandOverRequest& request,
                                          const store::Context& context,
                                          const reference::Catalogue& catalogue) {
  if (absl::Status can = CheckCanOffer(record, context); !can.ok()) return can;
  const v1::Leg* next = NextLeg(record->route());
  if (request.receiver().empty() && next == nullptr) {
    return errors::FailedPrecondition("NO_NEXT_LEG", "the plan has no further leg; name the agency");
  }
  const std::string& to = request.receiver().empty() ? next->agency() : request.receiver();
  const bool planned = next != nullptr && next->agency() == to;
  if (to == record->route().holder()) {
    if (planned) return AdvanceLeg(*record, request, context);
    return WrongReceiver("SELF_HAND_OVER", "must not be the agency that holds the dossier");
  }
  if (const Named named = CheckNamed(catalogue, to, context.now); named != Named::kInForce) {
    return WrongReceiver(ReasonOf(named), DescriptionOf(named, catalogue, to, context.now));
  }
  if (record->route().custody_size() >= kMaxCustodySpans) {
    return errors::FailedPrecondition("TOO_MANY_HAND_OVERS", "the dossier was handed over too often");
  }
  RouteChange change(*record, context);
  v1::Offer& offer = *change.route().mutable_offer();
  offer.set_receiver(to);
  offer.set_leg(planned ? record->route().current_leg() + 1 : 0);
  *offer.mutable_offered_at() = change.at();
  offer.set_note(request.note());
  feed::v1::HandOverOffered& offered = *change.Emit().mutable_hand_over_offered();
  offered.set_sender(record->route().holder());
  offered.set_receiver(to);
  offered.set_leg(LegIdOf(change.route(), offer));
  offered.set_note(request.note());
  change.Log("HandOverOffered", request.note().empty() ? to : to + ": " + request.note());
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideAccept(const internal::routing::RouteRecord* record,
                                           const v1::AcceptHandOverRequest&, const store::Context& context) {
  if (absl::Status can = CheckOfferedToActor(record, context); !can.ok()) return can;
  RouteChange change(*record, context);
  v1::Route& route = change.route();
  feed::v1::HandOverAccepted& accepted = *change.Emit().mutable_hand_over_accepted();
  accepted.set_sender(route.holder());
  accepted.set_receiver(route.offer().receiver());
  accepted.set_leg(LegIdOf(route, route.offer()));
  change.CloseLeg();
  if (route.offer().leg() != 0) {
    change.StartLeg(route.offer().leg());
    const v1::Leg& leg = route.legs(static_cast<int>(route.current_leg()) - 1);
    if (leg.has_limit()) *accepted.mutable_limit() = leg.limit();
  }
  route.set_holder(route.offer().receiver());
  *route.mutable_held_since() = change.at();
  v1::CustodySpan& span = *route.add_custody();
  span.set_agency(route.holder());
  *span.mutable_since() = change.at();
  route.clear_offer();
  route.clear_officer();
  change.Log("HandOverAccepted", accepted.sender());
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideRefuse(const internal::routing::RouteRecord* record,
                                           const v1::RefuseHandOverRequest& request,
                                           const store::Context& context) {
  if (absl::Status can = CheckOfferedToActor(record, context); !can.ok()) return can;
  RouteChange change(*record, context);
  feed::v1::HandOverRefused& refused = *change.Emit().mutable_hand_over_refused();
  refused.set_sender(record->route().holder());
  refused.set_receiver(record->route().offer().receiver());
  refused.set_leg(LegIdOf(record->route(), record->route().offer()));
  refused.set_reason(request.reason());
  change.route().clear_offer();
  change.Log("HandOverRefused", request.reason());
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideRecall(const internal::routing::RouteRecord* record,
                                           const v1::RecallHandOverRequest&, const store::Context& context) {
  if (absl::Status open = CheckOpen(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (!route.has_offer()) return errors::FailedPrecondition("NOT_OFFERED", "there is no offer to recall");
  if (!CheckHolder(route, context.actor).ok()) {
    return errors::PermissionDenied("NOT_OFFERER", "only the agency that offered the dossier may recall it",
                                    {{"from", route.holder()}});
  }
  RouteChange change(*record, context);
  feed::v1::HandOverRecalled& recalled = *change.Emit().mutable_hand_over_recalled();
  recalled.set_sender(route.holder());
  recalled.set_receiver(route.offer().receiver());
  recalled.set_leg(LegIdOf(route, route.offer()));
  change.route().clear_offer();
  change.Log("HandOverRecalled", route.offer().receiver());
  return std::move(change).Take();
}

}  // namespace motcua::routing
