#include "services/intake/domain/dossier/view.h"

#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"

namespace motcua::intake {
namespace {

std::string NameOf(const std::string& agency, const reference::Catalogue& catalogue) {
  const reference::v1::Agency* found = catalogue.FindAgency(agency);
  return found == nullptr ? agency : found->name();
}

}  // namespace

v1::Dossier ViewOf(const internal::intake::DossierRecord& record, uint64_t version) {
  v1::Dossier dossier = record.dossier();
  dossier.set_version(version);
  if (!dossier.has_submitted_at()) *dossier.mutable_submitted_at() = dossier.code_issued_at();
  if (!dossier.has_due() && dossier.has_original_due()) *dossier.mutable_due() = dossier.original_due();
  return dossier;
}

v1::LookUpResponse PublicViewOf(const internal::intake::DossierRecord& record,
                                const reference::Catalogue& catalogue) {
  const v1::Dossier& dossier = record.dossier();
  const bool accepted = dossier.has_accepted_at();
  const absl::CivilDay day =
      catalogue.DayOf(time::FromTimestamp(accepted ? dossier.accepted_at() : dossier.code_issued_at()));
  const reference::v1::Procedure* procedure = catalogue.ProcedureInForce(dossier.procedure(), day);
  // The heir of another jurisdiction may know it only as it is there.
  if (procedure == nullptr) procedure = catalogue.AnyProcedure(dossier.procedure());
  v1::LookUpResponse view;
  view.set_dossier(dossier.code());
  view.set_status(dossier.status());
  view.set_procedure_name(procedure == nullptr ? dossier.procedure() : procedure->name());
  view.set_receiving_agency_name(NameOf(dossier.receiving_agency(), catalogue));
  if (!dossier.holder().empty()) view.set_holder_name(NameOf(dossier.holder(), catalogue));
  if (accepted) *view.mutable_received_at() = dossier.accepted_at();
  if (dossier.has_due()) {
    *view.mutable_due() = dossier.due();
  } else if (dossier.has_original_due()) {
    *view.mutable_due() = dossier.original_due();
  }
  if (dossier.has_result_at()) *view.mutable_result_at() = dossier.result_at();
  return view;
}

}  // namespace motcua::intake
