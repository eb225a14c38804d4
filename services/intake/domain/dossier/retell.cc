#include "services/intake/domain/dossier/retell.h"

#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/receipt/acceptance.h"
#include "services/intake/domain/receipt/facts.h"
#include "services/intake/domain/receipt/findings.h"

namespace motcua::intake {
namespace {

using feed::v1::Event;
using google::protobuf::Timestamp;

Event NewOf(const v1::Dossier& dossier, const Timestamp& at) {
  Event event;
  event.set_subject(dossier.code());
  *event.mutable_at() = at;
  return event;
}

feed::v1::DossierAccepted AcceptanceOf(const v1::Dossier& dossier, const reference::Catalogue* catalogue) {
  const absl::Time received = time::FromTimestamp(dossier.accepted_at());
  const reference::v1::Procedure* procedure = nullptr;
  if (catalogue != nullptr)
    procedure = catalogue->ProcedureInForce(dossier.procedure(), catalogue->DayOf(received));
  Promise promise;
  reference::v1::Procedure bare;
  bare.set_code(dossier.procedure());
  if (procedure != nullptr) {
    // What was found then was no hindrance; the plan is the same as it was.
    Findings findings;
    promise =
        PlanPromise(*catalogue, *procedure, dossier.receiving_agency(), received, std::nullopt, findings);
  }
  promise.competent_agency = dossier.competent_agency();
  promise.due.reset();
  if (dossier.has_original_due()) promise.due = dossier.original_due();
  feed::v1::DossierAccepted accepted =
      TellAcceptance(dossier, procedure == nullptr ? bare : *procedure, promise);
  *accepted.mutable_received_at() = dossier.accepted_at();
  return accepted;
}

void AddHeard(const v1::Dossier& dossier, feed::v1::SnapshotRecord& told) {
  const common::v1::DossierStatus status = dossier.status();
  if (status == common::v1::DOSSIER_STATUS_NEW || status == common::v1::DOSSIER_STATUS_ACCEPTED ||
      status == common::v1::DOSSIER_STATUS_REFUSED) {
    return;
  }
  if (!dossier.holder().empty()) {
    Event& opened = *told.add_heard() = NewOf(dossier, dossier.accepted_at());
    opened.mutable_route_opened()->set_holder(dossier.holder());
  }
  if (status == common::v1::DOSSIER_STATUS_SUPPLEMENT) {
    Event& requested = *told.add_heard() = NewOf(dossier, dossier.accepted_at());
    requested.mutable_supplement_requested()->set_agency(dossier.holder());
  }
  if (dossier.has_result_at()) {
    Event& ready = *told.add_heard() = NewOf(dossier, dossier.result_at());
    ready.mutable_result_ready()->set_agency(dossier.holder());
  }
}

}  // namespace

feed::v1::SnapshotRecord Retell(const internal::intake::DossierRecord& record,
                                const reference::Catalogue* catalogue) {
  const v1::Dossier& dossier = record.dossier();
  feed::v1::SnapshotRecord told;
  told.set_subject(dossier.code());
  if (dossier.has_accepted_at()) {
    Event& event = *told.add_events() = NewOf(dossier, dossier.accepted_at());
    *event.mutable_dossier_accepted() = AcceptanceOf(dossier, catalogue);
  } else if (dossier.status() == common::v1::DOSSIER_STATUS_REFUSED) {
    Event& event = *told.add_events() = NewOf(dossier, dossier.code_issued_at());
    feed::v1::DossierRefused& refused = *event.mutable_dossier_refused();
    refused.set_procedure(dossier.procedure());
    refused.set_receiving_agency(dossier.receiving_agency());
    refused.set_reason(dossier.refusal_reason());
    *refused.mutable_applicant() = ContactOf(dossier);
  } else {
    Event& event = *told.add_events() = NewOf(dossier, dossier.code_issued_at());
    feed::v1::DossierFiled& filed = *event.mutable_dossier_filed();
    filed.set_procedure(dossier.procedure());
    filed.set_receiving_agency(dossier.receiving_agency());
    filed.set_channel(dossier.channel());
    *filed.mutable_applicant() = ContactOf(dossier);
  }
  if (dossier.has_returned_at()) {
    Event& event = *told.add_events() = NewOf(dossier, dossier.returned_at());
    event.mutable_result_returned();
  }
  if (dossier.has_rating()) {
    Event& event = *told.add_events() = NewOf(dossier, dossier.rating().at());
    event.mutable_dossier_rated()->set_score(dossier.rating().score());
    event.mutable_dossier_rated()->set_receiving_agency(dossier.receiving_agency());
  }
  AddHeard(dossier, told);
  return told;
}

}  // namespace motcua::intake
