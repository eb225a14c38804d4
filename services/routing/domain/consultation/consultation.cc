#include "services/routing/domain/consultation/consultation.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/time/limit.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

namespace {

common::v1::Limit LimitOf(const v1::ConsultRequest& request) {
  if (request.has_limit()) return request.limit();
  common::v1::Limit limit;
  limit.set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  limit.set_tenths(20);
  return limit;
}

absl::Status CheckRequest(const v1::Route& route, const v1::ConsultRequest& request,
                          const store::Context& context, const reference::Catalogue& catalogue) {
  errors::Violations violations;
  Named worst = Named::kInForce;
  for (int i = 0; i < request.agencies_size(); ++i) {
    const std::string& agency = request.agencies(i);
    const std::string path = absl::StrCat("agencies[", i, "]");
    if (const Named named = CheckNamed(catalogue, agency, context.now); named != Named::kInForce) {
      violations.Add(path, ReasonOf(named), DescriptionOf(named, catalogue, agency, context.now));
      if (worst != Named::kUnknown) worst = named;
    }
    if (agency == route.holder())
      violations.Add(path, "SELF_HAND_OVER", "must not be the agency that holds the dossier");
    for (int j = 0; j < i; ++j) {
      if (request.agencies(j) != agency) continue;
      violations.Add(path, "FIELD_NOT_ALLOWED", "must be named once");
      break;
    }
  }
  if (request.has_limit()) {
    const absl::Status limit = time::CheckLimit(request.limit());
    if (!limit.ok()) violations.Add("limit", "FIELD_OUT_OF_RANGE", std::string(limit.message()));
  }
  return violations.ToStatus(worst == Named::kInForce ? "INVALID_REQUEST" : ReasonOf(worst));
}

absl::Status CheckRoom(const v1::Route& route, const v1::ConsultRequest& request) {
  for (const v1::Consultation& consultation : route.consultations()) {
    if (consultation.has_answered_at()) continue;
    for (const std::string& agency : request.agencies()) {
      if (consultation.asked_agency() != agency) continue;
      return errors::FailedPrecondition(
          "CONSULTATION_OPEN", "this agency has a question to answer already",
          {{"consultation", absl::StrCat(consultation.number())}, {"agency", agency}});
    }
  }
  if (route.consultations_size() + request.agencies_size() > kMaxConsultations) {
    return errors::FailedPrecondition("TOO_MANY_CONSULTATIONS", "the dossier has too many consultations",
                                      {{"most", absl::StrCat(kMaxConsultations)}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RouteDecision> DecideConsult(const internal::routing::RouteRecord* record,
                                            const v1::ConsultRequest& request, const store::Context& context,
                                            const reference::Catalogue& catalogue) {
  if (absl::Status open = CheckCanGoOn(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (absl::Status holder = CheckHolder(route, context.actor); !holder.ok()) return holder;
  if (absl::Status good = CheckRequest(route, request, context, catalogue); !good.ok()) return good;
  if (absl::Status free = CheckNotOffered(route); !free.ok()) return free;
  if (absl::Status room = CheckRoom(route, request); !room.ok()) return room;
  RouteChange change(*record, context);
  for (const std::string& agency : request.agencies()) {
    v1::Consultation& consultation = *change.route().add_consultations();
    consultation.set_number(static_cast<uint32_t>(change.route().consultations_size()));
    consultation.set_asking_agency(route.holder());
    consultation.set_asked_agency(agency);
    consultation.set_question(request.question());
    *consultation.mutable_limit() = LimitOf(request);
    *consultation.mutable_asked_at() = change.at();
    feed::v1::ConsultationRequested& requested = *change.Emit().mutable_consultation_requested();
    requested.set_consultation(consultation.number());
    requested.set_asking_agency(consultation.asking_agency());
    requested.set_asked_agency(agency);
    requested.set_question(request.question());
    *requested.mutable_limit() = consultation.limit();
    change.Log("ConsultationRequested", absl::StrCat(agency, ": ", request.question()));
  }
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideAnswer(const internal::routing::RouteRecord* record,
                                           const v1::AnswerConsultationRequest& request,
                                           const store::Context& context) {
  if (absl::Status open = CheckOpen(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (request.consultation() == 0 ||
      request.consultation() > static_cast<uint32_t>(route.consultations_size())) {
    return errors::NotFound("UNKNOWN_CONSULTATION", "the dossier has no consultation with this number");
  }
  const int index = static_cast<int>(request.consultation()) - 1;
  if (context.actor.agency().empty() || route.consultations(index).asked_agency() != context.actor.agency()) {
    return errors::PermissionDenied("NOT_CONSULTED", "another agency was asked");
  }
  if (route.consultations(index).has_answered_at()) {
    return errors::FailedPrecondition("ALREADY_ANSWERED", "the consultation was answered");
  }
  RouteChange change(*record, context);
  v1::Consultation& consultation = *change.route().mutable_consultations(index);
  *consultation.mutable_answered_at() = change.at();
  consultation.set_answer(request.answer());
  feed::v1::ConsultationAnswered& answered = *change.Emit().mutable_consultation_answered();
  answered.set_consultation(consultation.number());
  answered.set_asking_agency(consultation.asking_agency());
  answered.set_asked_agency(consultation.asked_agency());
  answered.set_answer(request.answer());
  change.Log("ConsultationAnswered", absl::StrCat(consultation.asked_agency(), ": ", request.answer()));
  return std::move(change).Take();
}

}  // namespace motcua::routing
