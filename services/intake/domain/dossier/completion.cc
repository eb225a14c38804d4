#include "services/intake/domain/dossier/completion.h"

#include "absl/strings/str_cat.h"
#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/code/secret.h"
#include "services/intake/domain/dossier/life.h"
#include "services/intake/domain/receipt/facts.h"
#include "services/intake/domain/receipt/findings.h"

namespace motcua::intake {

using store::Context;
using store::Decision;

absl::Status NoSuchDossier() { return errors::NotFound("DOSSIER_NOT_FOUND", "no dossier with this code"); }

absl::StatusOr<Decision<internal::intake::DossierRecord>> DecideReturn(
    const internal::intake::DossierRecord* record, const v1::ReturnResultRequest& request,
    const Context& context, const reference::Catalogue& catalogue, Standing standing) {
  if (record == nullptr) return NoSuchDossier();
  absl::Status allowed = CheckReceiver(context, standing, record->dossier().receiving_agency(), catalogue);
  if (!allowed.ok()) return allowed;
  const std::string mode = request.mode().empty() ? "desk" : request.mode();
  if (mode != "desk" && mode != "post" && mode != "online") {
    Findings findings;
    findings.Add("mode", "FIELD_UNKNOWN_VALUE", "must be desk, post or online");
    return findings.ToStatus();
  }
  const DossierStatus status = record->dossier().status();
  if (HasEnded(status)) return errors::FailedPrecondition("DOSSIER_ENDED", "the dossier has ended");
  if (status == common::v1::DOSSIER_STATUS_NEW) {
    return errors::FailedPrecondition("NOT_ACCEPTED", "the dossier was not accepted yet");
  }
  if (!MayFollow(status, common::v1::DOSSIER_STATUS_RETURNED)) {
    return errors::FailedPrecondition("NOT_FINISHED", "there is no result yet");
  }
  Decision<internal::intake::DossierRecord> decision(*record);
  v1::Dossier& dossier = *decision.record.mutable_dossier();
  dossier.set_status(common::v1::DOSSIER_STATUS_RETURNED);
  dossier.clear_holder();
  *dossier.mutable_returned_at() = time::ToTimestamp(context.now);
  feed::v1::Event event = store::NewEvent(context, dossier.code());
  event.mutable_result_returned()->set_mode(mode);
  decision.events.push_back(std::move(event));
  decision.history.push_back(LineOf(context, "ResultReturned", dossier, mode));
  return decision;
}

absl::StatusOr<Decision<internal::intake::DossierRecord>> DecideRate(
    const internal::intake::DossierRecord* record, const v1::RateRequest& request, const Context& context,
    const reference::Catalogue& catalogue, RaterGround ground, Standing standing) {
  if (record == nullptr) return NoSuchDossier();
  if (ground == RaterGround::kSecret) {
    if (!SameSecret(record->secret(), request.secret())) return NoSuchDossier();
  } else {
    absl::Status allowed = CheckReceiver(context, standing, record->dossier().receiving_agency(), catalogue);
    if (!allowed.ok()) return allowed;
  }
  const DossierStatus status = record->dossier().status();
  if (status != common::v1::DOSSIER_STATUS_RETURNED) {
    return HasEnded(status)
               ? errors::FailedPrecondition("DOSSIER_ENDED", "the dossier ended without a result")
               : errors::FailedPrecondition("NOT_RETURNED", "the result was not returned yet");
  }
  if (record->dossier().has_rating()) {
    return errors::FailedPrecondition("ALREADY_RATED", "the dossier was rated before");
  }
  Decision<internal::intake::DossierRecord> decision(*record);
  v1::Dossier& dossier = *decision.record.mutable_dossier();
  dossier.mutable_rating()->set_score(request.score());
  dossier.mutable_rating()->set_comment(request.comment());
  *dossier.mutable_rating()->mutable_at() = time::ToTimestamp(context.now);
  feed::v1::Event event = store::NewEvent(context, dossier.code());
  event.mutable_dossier_rated()->set_score(request.score());
  event.mutable_dossier_rated()->set_receiving_agency(dossier.receiving_agency());
  decision.events.push_back(std::move(event));
  decision.history.push_back(LineOf(context, "DossierRated", dossier, absl::StrCat(request.score())));
  return decision;
}

}  // namespace motcua::intake
