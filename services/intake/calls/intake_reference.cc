// Calls that change reference data.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/reference/pieces.h"
#include "common/reference/validate.h"
#include "common/service/reference_model.h"
#include "common/telemetry/log.h"
#include "motcua/internal/reference/records.pb.h"
#include "services/intake/calls/intake.h"
#include "services/intake/calls/reference_store.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/promise/due_question.h"
#include "services/intake/domain/receipt/findings.h"
#include "services/intake/domain/reference/reference_change.h"
#include "services/intake/policy.h"

namespace motcua::intake {

using async::Task;
using auth::Principal;
using reference::v1::ReferenceManifest;
using store::Caller;
using store::Session;

namespace {

constexpr absl::Duration kTidyEvery = absl::Minutes(10);
constexpr absl::Duration kTidyPatience = absl::Seconds(30);
// Where the store was away, as it is at first.
constexpr absl::Duration kTidyAgain = absl::Seconds(5);

// Cuts a set on the other thread.
Task<std::vector<reference::Piece>> Cut(async::Aside& aside, const reference::v1::ReferenceSet& set) {
  auto whole = std::make_shared<reference::v1::ReferenceSet>(set);
  auto pieces = std::make_shared<std::vector<reference::Piece>>();
  absl::AnyInvocable<void()> work = [whole, pieces] { *pieces = reference::SplitIntoPieces(*whole); };
  co_await aside.Run(std::move(work));
  co_return std::move(*pieces);
}

// The set that the request names, checked, as the version after the one of `state`.
Task<absl::StatusOr<PreparedSet>> Prepare(service::Catalogues& catalogues, std::string shard,
                                          ReferenceState state, const v1::ApplyReferenceRequest& request,
                                          std::string officer, absl::Time deadline) {
  PreparedSet prepared;
  const uint64_t version = state.version() + 1;
  std::vector<std::string> data;
  if (request.upload().empty()) {
    const std::vector<reference::Piece> pieces = co_await Cut(catalogues.aside(), request.set());
    prepared.manifest = service::ManifestOf(pieces, version);
    for (const reference::Piece& piece : pieces) data.push_back(piece.data);
  } else {
    absl::StatusOr<ReferenceManifest> manifest =
        ManifestOfUpload(state, request.upload(), request.parts(), officer);
    if (!manifest.ok()) co_return manifest.status();
    prepared.manifest = *std::move(manifest);
    prepared.manifest.set_version(version);
    std::vector<std::string> digests;
    for (const reference::v1::PieceRef& piece : prepared.manifest.pieces()) digests.push_back(piece.digest());
    absl::StatusOr<std::vector<std::string>> read =
        co_await catalogues.ReadPieces(shard, std::move(digests), nullptr, deadline);
    if (!read.ok()) co_return read.status();
    data = *std::move(read);
  }
  for (size_t i = 0; i < data.size(); ++i)
    prepared.bytes[prepared.manifest.pieces(static_cast<int>(i)).digest()] = data[i];
  prepared.compiled = co_await catalogues.Compile(std::move(data), version);
  prepared.manifest.set_content(prepared.compiled.content);
  absl::Status good = StatusOf(prepared.compiled.violations);
  if (!good.ok()) co_return good;
  if (prepared.compiled.catalogue == nullptr) {
    co_return errors::DataLoss("CORRUPT_RECORD", "a stored part cannot be read");
  }
  if (prepared.compiled.catalogue->id() != shard) {
    errors::Violations violations;
    violations.Add("set.jurisdiction.id", "REFERENCE_INVALID", absl::StrCat("must be ", shard));
    co_return violations.ToStatus("REFERENCE_INVALID");
  }
  co_return prepared;
}

absl::Status CheckWhat(const v1::ApplyReferenceRequest& request) {
  errors::Violations violations;
  const bool uploaded = !request.upload().empty();
  if (uploaded && request.has_set())
    violations.Add("set", "FIELD_NOT_ALLOWED", "must be empty where upload is given");
  if (!uploaded && !request.has_set()) violations.Add("set", "FIELD_REQUIRED", "must not be empty");
  if (uploaded && request.shard().empty())
    violations.Add("shard", "FIELD_REQUIRED", "must not be empty where upload is given");
  if (uploaded && request.parts() == 0)
    violations.Add("parts", "FIELD_REQUIRED", "must not be 0 where upload is given");
  return violations.empty() ? absl::OkStatus() : violations.ToStatus();
}

absl::Status OthersChange() {
  return errors::Aborted("CONFLICT", "others changed the reference data again and again; try again");
}

}  // namespace

Task<absl::StatusOr<v1::ApplyReferenceResponse>> Intake::ApplyReference(
    const Principal& who, Caller caller, const v1::ApplyReferenceRequest& request) {
  absl::Status good = CheckWhat(request);
  if (!good.ok()) co_return good;
  const bool uploaded = !request.upload().empty();
  const std::string shard = uploaded ? request.shard() : request.set().jurisdiction().id();
  // Without a jurisdiction the set is nobody's, which is the first thing that is wrong with it.
  if (shard.empty()) co_return StatusOf(reference::Validate(request.set()));
  absl::Status allowed = co_await catalogues_.Allow(who, shard, CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  std::optional<PreparedSet> prepared;
  bool known = false;
  absl::Time not_before = absl::InfinitePast();
  for (int attempt = 0; attempt < store::kMaxAttempts; ++attempt) {
    Session session(store_, shard);
    absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
    if (!state.ok()) co_return state.status();
    absl::Status own = CheckNotInherited(*state);
    if (!own.ok()) co_return own;
    if (request.expected_version() != 0 && request.expected_version() != state->version()) {
      errors::Metadata metadata;
      metadata.emplace_back("version", absl::StrCat(state->version()));
      co_return errors::Aborted("VERSION_MISMATCH", "the reference data have moved on; load them again",
                                metadata);
    }
    if (prepared.has_value() && uploaded && FindUpload(*state, request.upload()) == nullptr) {
      co_return errors::NotFound("UNKNOWN_UPLOAD", "upload: it was applied or dropped meanwhile");
    }
    const bool first_for_version =
        !prepared.has_value() || prepared->manifest.version() != state->version() + 1;
    if (first_for_version) {
      absl::StatusOr<PreparedSet> made =
          co_await Prepare(catalogues_, shard, *state, request, caller.actor.id(), caller.deadline);
      if (!made.ok()) co_return made.status();
      prepared = *std::move(made);
    }
    std::vector<v1::PassingShard> passing;
    absl::StatusOr<Inherits> inherits =
        co_await LookAtInherited(&who, &*state, prepared->compiled.catalogue, &passing, caller.deadline);
    if (!inherits.ok()) co_return inherits.status();
    v1::ApplyReferenceResponse response;
    for (v1::PassingShard& entry : passing) *response.add_passing() = std::move(entry);
    response.set_version(state->version());
    const bool same =
        state->version() > 0 && state->record->manifest().content() == prepared->manifest.content();
    response.set_changed(!same);
    if (request.dry_run()) co_return response;
    if (same) {
      if (uploaded) {
        PutLedger(session, DecideDropUpload(*state, request.upload()), prepared->bytes);
        absl::StatusOr<store::CommitOutcome> dropped = co_await session.Commit(caller.deadline);
        if (!dropped.ok()) co_return dropped.status();
        if (dropped->kind != store::CommitOutcome::Kind::kCommitted) continue;
      }
      absl::Status passed = co_await PassInherited(shard, caller);
      if (!passed.ok()) co_return passed;
      co_return response;
    }
    if (!known) {
      // A shard that is known to readers before it has events is harmless; events of an unknown shard would
      // not be read.
      absl::Status added = co_await publisher_.AddShard(shard, caller.deadline);
      if (!added.ok()) co_return added;
      known = true;
    }
    if (first_for_version && !IsInline(prepared->manifest)) {
      ReferenceManifest before;
      if (state->record != nullptr) before = state->record->manifest();
      absl::Status told = co_await TellPieces(store_, shard, std::move(before), *prepared, caller);
      if (!told.ok()) co_return told;
    }
    absl::StatusOr<OpenByVersion> open = co_await ReadOpen(store_, shard, *state, caller.deadline);
    if (!open.ok()) co_return open.status();
    const store::Context context(std::max(store_.clock().Now(), not_before), caller.actor,
                                 caller.traceparent);
    ReferenceApplication application =
        DecideApply(*state, prepared->manifest, request.upload(), *open, context);
    *application.decision.record.mutable_inherits() = *std::move(inherits);
    const ReferenceManifest manifest = application.decision.record.manifest();
    response.set_version(manifest.version());
    PutApplication(session, *state, std::move(application), *prepared, context);
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) {
      response.set_feed_position(outcome->position);
      catalogues_.Expect(shard, manifest, prepared->compiled.catalogue);
      catalogues_.Changed(shard);
      // In force by now: where this stops half-way, it is gone on with later.
      absl::Status passed = co_await PassInherited(shard, caller);
      if (!passed.ok()) co_return passed;
      co_return response;
    }
    if (outcome->kind == store::CommitOutcome::Kind::kStale) not_before = outcome->watermark;
  }
  co_return OthersChange();
}

Task<absl::StatusOr<v1::UploadReferenceResponse>> Intake::UploadReference(
    const Principal& who, Caller caller, const v1::UploadReferenceRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  internal::reference::UploadedPart part;
  PieceBytes bytes;
  const std::vector<reference::Piece> pieces = co_await Cut(catalogues_.aside(), request.set());
  const ReferenceManifest manifest = service::ManifestOf(pieces, 0);
  part.set_number(request.part());
  part.set_digest(manifest.content());
  *part.mutable_pieces() = manifest.pieces();
  for (const reference::Piece& piece : pieces) bytes[piece.digest] = piece.data;
  for (int attempt = 0; attempt < store::kMaxAttempts; ++attempt) {
    Session session(store_, request.shard());
    absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
    if (!state.ok()) co_return state.status();
    absl::Status own = CheckNotInherited(*state);
    if (!own.ok()) co_return own;
    const store::Context context(store_.clock().Now(), caller.actor, caller.traceparent);
    absl::StatusOr<LedgerChange> change = DecideUpload(*state, request.upload(), part, context);
    if (!change.ok()) co_return change.status();
    PutLedger(session, *std::move(change), bytes);
    ReferenceState after;
    after.ledger = session.Find<LedgerModel>(request.shard());
    v1::UploadReferenceResponse response;
    *response.mutable_upload() = ViewOf(*FindUpload(after, request.upload()));
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) co_return response;
  }
  co_return OthersChange();
}

Task<absl::StatusOr<v1::GetReferenceUploadResponse>> Intake::GetReferenceUpload(
    const Principal& who, Caller caller, const v1::GetReferenceUploadRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  Session session(store_, request.shard());
  absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
  if (!state.ok()) co_return state.status();
  const internal::reference::UploadState* upload = FindUpload(*state, request.upload());
  if (upload == nullptr)
    co_return errors::NotFound("UNKNOWN_UPLOAD", "upload: there is none, or it was applied or dropped");
  v1::GetReferenceUploadResponse response;
  *response.mutable_upload() = ViewOf(*upload);
  co_return response;
}

Task<absl::StatusOr<v1::DropReferenceUploadResponse>> Intake::DropReferenceUpload(
    const Principal& who, Caller caller, const v1::DropReferenceUploadRequest& request) {
  absl::Status allowed = co_await catalogues_.Allow(who, request.shard(), CheckJurisdiction, caller.deadline);
  if (!allowed.ok()) co_return allowed;
  for (int attempt = 0; attempt < store::kMaxAttempts; ++attempt) {
    Session session(store_, request.shard());
    absl::StatusOr<ReferenceState> state = co_await LoadReference(session, caller.deadline);
    if (!state.ok()) co_return state.status();
    if (FindUpload(*state, request.upload()) == nullptr) co_return v1::DropReferenceUploadResponse();
    PutLedger(session, DecideDropUpload(*state, request.upload()), PieceBytes());
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) co_return v1::DropReferenceUploadResponse();
  }
  co_return OthersChange();
}

Task<absl::Status> Intake::Tidy(std::string shard, absl::Time deadline) {
  // What is in use is counted after the ledger is read: what was replaced before then takes no new dossiers
  // by now.
  Session session(store_, shard);
  absl::StatusOr<ReferenceState> state = co_await LoadReference(session, deadline);
  if (!state.ok()) co_return state.status();
  if (state->ledger == nullptr) co_return absl::OkStatus();
  absl::StatusOr<OpenByVersion> open = co_await ReadOpen(store_, shard, *state, deadline);
  if (!open.ok()) co_return open.status();
  LedgerChange change = DecideTidy(*state, *open, store_.clock().Now());
  if (change.removed.empty() && change.dropped.empty() &&
      change.ledger.uploads_size() == state->ledger->uploads_size()) {
    co_return absl::OkStatus();
  }
  PutLedger(session, std::move(change), PieceBytes());
  absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(deadline);
  co_return outcome.status();  // a lost race is left to the next time
}

Task<absl::Status> Intake::TidyAll(absl::Time deadline) {
  absl::StatusOr<std::vector<std::string>> shards = co_await store_.ListShards(deadline);
  if (!shards.ok()) co_return shards.status();
  for (const std::string& shard : *shards) {
    // Nobody's doing: whoever applied the set had the right to.
    const Caller nobody(common::v1::Actor(), "", deadline);
    absl::Status passed = co_await PassInherited(shard, nobody);
    if (!passed.ok()) {
      telemetry::Log(telemetry::Level::kWarning, "inherited shards have not passed yet",
                     {{"jurisdiction", shard}, {"error", std::string(passed.message())}});
    }
    absl::Status tidied = co_await Tidy(shard, deadline);
    if (!tidied.ok()) co_return tidied;
  }
  co_return absl::OkStatus();
}

Task<void> Intake::KeepTidy(async::Loop& loop, async::CancelToken cancel) {
  while (!cancel.cancelled()) {
    absl::Status tidied = co_await TidyAll(absl::Now() + kTidyPatience);
    const absl::Duration pause = tidied.ok() ? kTidyEvery : kTidyAgain;
    absl::Status slept = co_await loop.Sleep(pause, cancel);
    if (!slept.ok()) co_return;
  }
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
