#include "services/routing/domain/route/route_change.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

namespace {

absl::Time LatestMoment(const v1::Route& route) {
  absl::Time latest = time::FromTimestamp(route.held_since());
  const auto note = [&latest](bool known, const google::protobuf::Timestamp& moment) {
    if (known) latest = std::max(latest, time::FromTimestamp(moment));
  };
  note(route.has_offer(), route.offer().offered_at());
  note(route.has_supplement_requested_at(), route.supplement_requested_at());
  note(route.has_ended_at(), route.ended_at());
  for (const v1::Leg& leg : route.legs()) note(leg.has_started_at(), leg.started_at());
  for (const v1::Consultation& consultation : route.consultations()) {
    note(true, consultation.asked_at());
    note(consultation.has_answered_at(), consultation.answered_at());
  }
  return latest;
}

}  // namespace

absl::Status CheckOpen(const internal::routing::RouteRecord* record) {
  if (record == nullptr) return errors::NotFound("DOSSIER_NOT_FOUND", "no route of a dossier with this code");
  if (record->route().has_ended_at()) {
    return errors::FailedPrecondition("DOSSIER_ENDED",
                                      "the dossier's result is ready; nothing more can be done to it");
  }
  return absl::OkStatus();
}

absl::Status CheckCanGoOn(const internal::routing::RouteRecord* record) {
  if (absl::Status open = CheckOpen(record); !open.ok()) return open;
  if (record->history_length() >= kMaxHistoryLines) {
    return errors::FailedPrecondition("HISTORY_FULL",
                                      "too much was done to the dossier; nothing new can begin");
  }
  return absl::OkStatus();
}

absl::Status CheckHolder(const v1::Route& route, const common::v1::Actor& actor) {
  if (!actor.agency().empty() && actor.agency() == route.holder()) return absl::OkStatus();
  return errors::PermissionDenied("NOT_HOLDER", "only the agency that holds the dossier may do this",
                                  {{"holder", route.holder()}});
}

absl::Status CheckNotOffered(const v1::Route& route) {
  if (!route.has_offer()) return absl::OkStatus();
  return errors::FailedPrecondition("ALREADY_OFFERED",
                                    "the dossier is offered to another agency; recall that first",
                                    {{"to", route.offer().receiver()}});
}

absl::Status CheckNotWaiting(const v1::Route& route) {
  if (route.status() != common::v1::DOSSIER_STATUS_SUPPLEMENT) return absl::OkStatus();
  return errors::FailedPrecondition("AWAITING_SUPPLEMENT", "a supplement is awaited");
}

absl::Status CheckNotConsulting(const v1::Route& route) {
  for (const v1::Consultation& consultation : route.consultations()) {
    if (consultation.has_answered_at()) continue;
    return errors::FailedPrecondition(
        "CONSULTATION_OPEN", "a consultation is not answered yet",
        {{"consultation", absl::StrCat(consultation.number())}, {"agency", consultation.asked_agency()}});
  }
  return absl::OkStatus();
}

Named CheckNamed(const reference::Catalogue& catalogue, const std::string& agency, absl::Time now) {
  const reference::v1::Agency* found = catalogue.FindAgency(agency);
  if (found == nullptr) return Named::kUnknown;
  if (reference::Catalogue::IsInForce(*found, catalogue.DayOf(now))) return Named::kInForce;
  return catalogue.InChargeAt(agency, now) == agency ? Named::kUnknown : Named::kInactive;
}

std::string DescriptionOf(Named named, const reference::Catalogue& catalogue, const std::string& agency,
                          absl::Time now) {
  if (named == Named::kUnknown) return "must be an agency of the jurisdiction that is in force";
  return absl::StrCat("must be an agency that is in force; its work is continued by ",
                      catalogue.InChargeAt(agency, now));
}

const v1::Leg* NextLeg(const v1::Route& route) {
  const int next = static_cast<int>(route.current_leg());
  return next < route.legs_size() ? &route.legs(next) : nullptr;
}

std::string LegIdOf(const v1::Route& route, const v1::Offer& offer) {
  return offer.leg() == 0 ? std::string() : route.legs(static_cast<int>(offer.leg()) - 1).id();
}

std::string Shortened(std::string_view text, int limit) {
  size_t end = 0;
  for (int characters = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins && ++characters > limit) break;
  }
  return std::string(text.substr(0, end));
}

RouteChange::RouteChange(internal::routing::RouteRecord record, const store::Context& context)
    : decision_(std::move(record)),
      context_(std::max(context.now, LatestMoment(decision_.record.route())), context.actor,
               context.traceparent),
      at_(time::ToTimestamp(context_.now)) {}

feed::v1::Event& RouteChange::Emit() {
  return decision_.events.emplace_back(store::NewEvent(context_, route().dossier()));
}

void RouteChange::Log(std::string_view action, std::string_view note) {
  common::v1::HistoryEntry& line = decision_.history.emplace_back();
  *line.mutable_at() = at_;
  if (!context_.actor.id().empty() || !context_.actor.agency().empty())
    *line.mutable_actor() = context_.actor;
  line.set_action(std::string(action));
  line.set_status(route().status());
  line.set_holder(route().holder());
  line.set_note(Shortened(note, kMaxNote));
}

void RouteChange::CloseLeg() {
  if (route().current_leg() == 0) return;
  v1::Leg& leg = *route().mutable_legs(static_cast<int>(route().current_leg()) - 1);
  if (!leg.has_done_at()) *leg.mutable_done_at() = at_;
}

void RouteChange::StartLeg(uint32_t leg) {
  route().set_current_leg(leg);
  *route().mutable_legs(static_cast<int>(leg) - 1)->mutable_started_at() = at_;
}

}  // namespace motcua::routing
