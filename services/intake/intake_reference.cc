// Calls about reference data.
#include <optional>
#include <utility>

#include "common/service/reference_model.h"
#include "services/intake/domain/dossier_code.h"
#include "services/intake/domain/due_question.h"
#include "services/intake/domain/findings.h"
#include "services/intake/domain/reference_change.h"
#include "services/intake/intake.h"
#include "services/intake/policy.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using service::ReferenceModel;
using store::Caller;
using store::Session;

Task<absl::StatusOr<v1::ApplyReferenceResponse>> Intake::ApplyReference(
    const Principal& who, Caller caller, const v1::ApplyReferenceRequest& request) {
  absl::Status good = CheckReferenceSet(request.set());
  if (!good.ok()) co_return good;
  const std::string shard = request.set().jurisdiction().id();
  absl::Status allowed = CheckJurisdiction(who, shard);
  if (!allowed.ok()) co_return allowed;
  if (request.dry_run()) {
    Session session(store_, shard);
    std::vector<std::string> keys;
    keys.push_back(service::ReferenceKey(session));
    absl::Status fetched = co_await session.Fetch(std::move(keys), caller.deadline);
    if (!fetched.ok()) co_return fetched;
    const ReferenceModel::Record* record = session.Find<ReferenceModel>(shard);
    const store::Context context(store_.clock().Now(), caller.actor);
    v1::ApplyReferenceResponse response;
    if (record != nullptr) response.set_version(record->set().version());
    response.set_changed(DecideReference(record, request.set(), context).has_value());
    co_return response;
  }
  // A shard that is known to readers before it has events is harmless; events of an unknown shard would not be read.
  absl::Status added = co_await publisher_.AddShard(shard, caller.deadline);
  if (!added.ok()) co_return added;
  absl::StatusOr<v1::ApplyReferenceResponse> response =
      co_await PutReference(std::move(caller), request.set());
  if (response.ok()) catalogues_.Changed(shard);
  co_return response;
}

Task<absl::StatusOr<v1::ApplyReferenceResponse>> Intake::PutReference(
    Caller caller, const reference::v1::ReferenceSet& set) {
  const std::string shard = set.jurisdiction().id();
  absl::Time not_before = absl::InfinitePast();
  for (int attempt = 0; attempt < store::kMaxAttempts; ++attempt) {
    Session session(store_, shard);
    std::vector<std::string> keys;
    keys.push_back(service::ReferenceKey(session));
    absl::Status fetched = co_await session.Fetch(std::move(keys), caller.deadline);
    if (!fetched.ok()) co_return fetched;
    const ReferenceModel::Record* record = session.Find<ReferenceModel>(shard);
    const store::Context context(std::max(store_.clock().Now(), not_before), caller.actor,
                                 caller.traceparent);
    std::optional<store::Decision<ReferenceModel::Record>> decision = DecideReference(record, set, context);
    v1::ApplyReferenceResponse response;
    if (!decision.has_value()) {
      response.set_version(record->set().version());
      co_return response;
    }
    response.set_version(decision->record.set().version());
    response.set_changed(true);
    session.Apply<ReferenceModel>(shard, *std::move(decision));
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) {
      response.set_feed_position(outcome->position);
      co_return response;
    }
    if (outcome->kind == store::CommitOutcome::Kind::kStale) not_before = outcome->watermark;
  }
  co_return errors::Aborted("CONFLICT", "others changed the reference data again and again; try again");
}

Task<absl::StatusOr<reference::v1::ReferenceSet>> Intake::GetReference(
    Caller caller, const v1::GetReferenceRequest& request) {
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(request.shard(), caller.deadline);
  if (!catalogue.ok()) co_return catalogue.status();
  co_return (*catalogue)->set();
}

Task<absl::StatusOr<v1::ComputeDueResponse>> Intake::ComputeDue(Caller caller,
                                                                const v1::ComputeDueRequest& request) {
  const std::string shard = store::ShardOf(NormalAgencyId(request.agency()));
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Get(shard, caller.deadline);
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") {
    Findings findings;
    findings.Add("agency", "UNKNOWN_AGENCY", "is of a jurisdiction without reference data");
    co_return findings.ToStatus();
  }
  if (!catalogue.ok()) co_return catalogue.status();
  co_return AnswerDue(request, **catalogue);
}

}  // namespace motcua::intake
