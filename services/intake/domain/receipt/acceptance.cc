#include "services/intake/domain/receipt/acceptance.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/text/text.h"
#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/dossier/life.h"
#include "services/intake/domain/receipt/facts.h"
#include "services/intake/domain/receipt/findings.h"

namespace motcua::intake {
namespace {

using reference::Catalogue;
using store::Context;
using store::Decision;

// Whether the dossier still waits for the desk's word.
absl::Status CheckNew(const internal::intake::DossierRecord* record, const Context& context,
                      const Catalogue& catalogue, Standing standing) {
  if (record == nullptr) return errors::NotFound("DOSSIER_NOT_FOUND", "no dossier with this code");
  const v1::Dossier& dossier = record->dossier();
  absl::Status allowed = CheckReceiver(context, standing, dossier.receiving_agency(), catalogue);
  if (!allowed.ok()) return allowed;
  if (HasEnded(dossier.status())) return errors::FailedPrecondition("DOSSIER_ENDED", "the dossier has ended");
  if (dossier.status() != common::v1::DOSSIER_STATUS_NEW) {
    return errors::FailedPrecondition("ALREADY_ACCEPTED", "the dossier was accepted before");
  }
  return absl::OkStatus();
}

// Papers that were stated at the filing must be all that the procedure asks for.
void CheckComplete(const v1::Dossier& dossier, const reference::v1::Procedure& procedure,
                   Findings& findings) {
  if (dossier.components().empty()) return;
  for (const std::string& required : procedure.components()) {
    const std::string normal = text::Normal(required);
    const bool there =
        std::any_of(dossier.components().begin(), dossier.components().end(),
                    [&](const v1::Component& component) { return text::Normal(component.name()) == normal; });
    if (!there)
      findings.Add("dossier", "COMPONENT_MISSING", absl::StrCat("the procedure asks for: ", required));
  }
}

}  // namespace

feed::v1::DossierAccepted TellAcceptance(const v1::Dossier& dossier,
                                         const reference::v1::Procedure& procedure, const Promise& promise) {
  feed::v1::DossierAccepted accepted;
  accepted.set_procedure(procedure.code());
  accepted.set_procedure_name(procedure.name());
  accepted.set_reference_version(dossier.reference_version());
  accepted.set_reference_jurisdiction(dossier.reference_jurisdiction());
  accepted.set_receiving_agency(dossier.receiving_agency());
  accepted.set_competent_agency(promise.competent_agency);
  accepted.set_channel(dossier.channel());
  *accepted.mutable_applicant() = ContactOf(dossier);
  if (procedure.has_limit()) *accepted.mutable_limit() = procedure.limit();
  if (promise.due.has_value()) *accepted.mutable_due() = *promise.due;
  accepted.set_pause_policy(procedure.pause_policy() == reference::v1::PAUSE_POLICY_UNSPECIFIED
                                ? reference::v1::PAUSE_POLICY_SHIFT
                                : procedure.pause_policy());
  accepted.set_ladder(procedure.ladder().empty() ? "default" : procedure.ladder());
  accepted.set_max_supplements(procedure.max_supplements() == 0 ? 1 : procedure.max_supplements());
  for (const feed::v1::PlannedLeg& leg : promise.legs) *accepted.add_legs() = leg;
  return accepted;
}

void Accept(const reference::v1::Procedure& procedure, const Promise& promise, const Context& context,
            const Catalogue& catalogue, Decision<internal::intake::DossierRecord>& decision) {
  v1::Dossier& dossier = *decision.record.mutable_dossier();
  dossier.set_status(common::v1::DOSSIER_STATUS_ACCEPTED);
  PinReference(catalogue, dossier);
  dossier.set_competent_agency(promise.competent_agency);
  *dossier.mutable_accepted_at() = time::ToTimestamp(context.now);
  if (promise.due.has_value()) *dossier.mutable_original_due() = *promise.due;

  feed::v1::Event event = store::NewEvent(context, dossier.code());
  feed::v1::DossierAccepted& accepted = *event.mutable_dossier_accepted();
  accepted = TellAcceptance(dossier, procedure, promise);
  *accepted.mutable_received_at() = dossier.accepted_at();
  *accepted.mutable_counted_from() = time::ToTimestamp(promise.counted_from);
  decision.events.push_back(std::move(event));
  decision.history.push_back(LineOf(context, "DossierAccepted", dossier, ""));
}

absl::StatusOr<Decision<internal::intake::DossierRecord>> DecideAccept(
    const internal::intake::DossierRecord* record, const v1::AcceptRequest& request, const Context& context,
    const Catalogue& catalogue, Standing standing) {
  absl::Status open = CheckNew(record, context, catalogue, standing);
  if (!open.ok()) return open;
  const v1::Dossier& dossier = record->dossier();
  const absl::CivilDay day = catalogue.DayOf(context.now);
  const reference::v1::Procedure* procedure = catalogue.ProcedureInForce(dossier.procedure(), day);
  if (procedure == nullptr) {
    return errors::FailedPrecondition("PROCEDURE_NOT_IN_FORCE", "the procedure is no longer in force");
  }
  // What an agency received and had not yet accepted when it ended, its successor accepts.
  const std::string receiver = ReceiverInCharge(dossier.receiving_agency(), context.now, catalogue);
  const reference::v1::Agency* agency = catalogue.FindAgency(receiver);
  if (agency == nullptr || !Catalogue::IsInForce(*agency, day)) {
    return errors::FailedPrecondition("AGENCY_INACTIVE", "the receiving agency is no longer at work");
  }
  Findings findings;
  CheckComplete(dossier, *procedure, findings);
  std::optional<absl::Time> counted_from;
  if (request.has_counted_from()) counted_from = time::FromTimestamp(request.counted_from());
  const Promise promise = PlanPromise(catalogue, *procedure, receiver, context.now, counted_from, findings);
  if (!findings.empty()) return findings.ToStatus();
  Decision<internal::intake::DossierRecord> decision(*record);
  Accept(*procedure, promise, context, catalogue, decision);
  return decision;
}

absl::StatusOr<Decision<internal::intake::DossierRecord>> DecideRefuse(
    const internal::intake::DossierRecord* record, const v1::RefuseRequest& request, const Context& context,
    const Catalogue& catalogue, Standing standing) {
  absl::Status open = CheckNew(record, context, catalogue, standing);
  if (!open.ok()) return open;
  Decision<internal::intake::DossierRecord> decision(*record);
  v1::Dossier& dossier = *decision.record.mutable_dossier();
  dossier.set_status(common::v1::DOSSIER_STATUS_REFUSED);
  dossier.set_refusal_reason(request.reason());
  feed::v1::Event event = store::NewEvent(context, dossier.code());
  feed::v1::DossierRefused& refused = *event.mutable_dossier_refused();
  refused.set_procedure(dossier.procedure());
  refused.set_receiving_agency(dossier.receiving_agency());
  refused.set_reason(request.reason());
  *refused.mutable_applicant() = ContactOf(dossier);
  decision.events.push_back(std::move(event));
  decision.history.push_back(LineOf(context, "DossierRefused", dossier, request.reason()));
  return decision;
}

}  // namespace motcua::intake
