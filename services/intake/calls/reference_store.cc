#include "services/intake/calls/reference_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/service/reference_model.h"
#include "common/status/errors.h"
#include "motcua/internal/reference/records.pb.h"
#include "services/intake/domain/dossier/dossier_model.h"

namespace motcua::intake {

using async::Task;
using reference::v1::PieceRef;
using reference::v1::ReferenceManifest;
using service::PieceModel;
using service::ReferenceModel;
using store::Session;

namespace {

// Of the events of one commit.
constexpr size_t kTellAtOnce = size_t{256} << 10;

// An older version, named by its number; found through the ledger.
struct OldVersionModel {
  using Record = internal::reference::OldVersionRecord;
  static constexpr std::string_view kKind = "refv";
  static constexpr bool kRemovable = true;
};

}  // namespace

Task<absl::StatusOr<ReferenceState>> LoadReference(Session& session, absl::Time deadline) {
  const std::string shard = session.keys().shard();
  std::vector<std::string> keys;
  keys.push_back(session.KeyOf<ReferenceModel>(shard));
  keys.push_back(session.KeyOf<LedgerModel>(shard));
  absl::Status fetched = co_await session.Fetch(std::move(keys), deadline);
  if (!fetched.ok()) co_return fetched;
  ReferenceState state;
  state.record = session.Find<ReferenceModel>(shard);
  state.ledger = session.Find<LedgerModel>(shard);
  if (!session.unreadable().ok()) co_return errors::Prefixed(session.unreadable(), "reference data");
  co_return state;
}

Task<absl::StatusOr<OpenByVersion>> ReadOpen(store::Store& store, std::string shard,
                                             const ReferenceState& state, absl::Time deadline) {
  std::vector<uint64_t> versions;
  versions.push_back(state.version());
  if (state.ledger != nullptr) {
    for (const internal::reference::KeptVersion& kept : state.ledger->kept())
      versions.push_back(kept.version());
  }
  std::vector<std::string> shards;
  shards.push_back(shard);
  if (state.record != nullptr) {
    for (const reference::v1::ShardPassing& inherited : state.record->inherits())
      shards.push_back(inherited.shard());
  }
  OpenByVersion open;
  for (const std::string& in : shards) {
    std::vector<std::string> names;
    for (const uint64_t version : versions) names.push_back(OpenCounter(shard, in, version));
    const std::vector<std::string> counted = names;
    absl::StatusOr<store::Counters> counters =
        co_await store.ReadCounters(in, std::string(kOpenByVersion), std::move(names), deadline);
    if (!counters.ok()) co_return counters.status();
    for (size_t i = 0; i < versions.size(); ++i) {
      const auto found = counters->find(counted[i]);
      if (found != counters->end() && found->second > 0)
        open[versions[i]] += static_cast<uint64_t>(found->second);
    }
  }
  co_return open;
}

Task<absl::StatusOr<ReferenceManifest>> ReadOldVersion(store::Store& store, std::string shard,
                                                       uint64_t version, absl::Time deadline) {
  std::vector<std::string> keys;
  keys.push_back(store.Keys(shard).Record(OldVersionModel::kKind, absl::StrCat(version)));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  if (!values->front().has_value()) {
    co_return errors::NotFound("UNKNOWN_VERSION", "version: is not in force and not kept");
  }
  uint64_t number = 0;
  OldVersionModel::Record record;
  absl::Status read = store::ReadStored<OldVersionModel>(*values->front(), record, number);
  if (!read.ok()) co_return errors::Prefixed(read, "reference data");
  co_return std::move(*record.mutable_manifest());
}

Task<absl::StatusOr<service::CataloguePtr>> CatalogueOfVersion(store::Store& store,
                                                               service::Catalogues& catalogues,
                                                               std::string shard, uint64_t version,
                                                               absl::Time deadline) {
  absl::StatusOr<service::CataloguePtr> current = co_await catalogues.Get(shard, deadline);
  if (!current.ok()) co_return current;
  const bool own = (*current)->id() == shard;
  if (own && (*current)->version() == version) co_return current;
  if (!own) {
    store::Session session(store, shard);
    absl::StatusOr<ReferenceState> state = co_await LoadReference(session, deadline);
    if (!state.ok()) co_return state.status();
    if (state->version() == version) {
      co_return co_await catalogues.OfOldVersion(shard, state->record->manifest(), deadline);
    }
  }
  absl::StatusOr<ReferenceManifest> old = co_await ReadOldVersion(store, shard, version, deadline);
  if (!old.ok()) co_return old.status();
  co_return co_await catalogues.OfOldVersion(shard, *std::move(old), deadline);
}

void PutLedger(Session& session, LedgerChange change, const PieceBytes& bytes) {
  const std::string shard = session.keys().shard();
  for (const std::string& digest : change.added) {
    // Past the session: pieces are read rarely, and would drive dossiers out of the store's memory.
    PieceModel::Record piece;
    piece.set_data(bytes.at(digest));
    session.Put<PieceModel>(service::PieceName(digest), piece);
  }
  for (const std::string& digest : change.removed) service::RemovePiece(session, digest);
  for (const uint64_t version : change.dropped) session.Remove<OldVersionModel>(absl::StrCat(version));
  session.Apply<LedgerModel>(shard, store::Decision<LedgerModel::Record>(std::move(change.ledger)));
}

void PutApplication(Session& session, const ReferenceState& state, ReferenceApplication application,
                    const PreparedSet& set, const store::Context& context) {
  const std::string shard = session.keys().shard();
  if (state.version() > 0) {
    OldVersionModel::Record old;
    *old.mutable_manifest() = state.record->manifest();
    session.Put<OldVersionModel>(absl::StrCat(state.version()), old);
  }
  feed::v1::Event event = store::NewEvent(context, shard);
  feed::v1::ReferenceApplied& applied = *event.mutable_reference_applied();
  if (IsInline(set.manifest)) {
    *applied.mutable_set() = set.compiled.catalogue->set();
  } else {
    *applied.mutable_manifest() = application.decision.record.manifest();
    for (PieceRef& piece : *applied.mutable_manifest()->mutable_pieces()) piece.clear_since();
  }
  application.decision.events.push_back(std::move(event));
  PutLedger(session, std::move(application.ledger), set.bytes);
  session.Apply<ReferenceModel>(shard, std::move(application.decision));
}

bool IsInline(const ReferenceManifest& manifest) {
  size_t bytes = 0;
  for (const PieceRef& piece : manifest.pieces()) bytes += piece.size();
  return bytes <= service::kInlineBytes;
}

Task<absl::Status> TellPieces(store::Store& store, std::string shard, ReferenceManifest before,
                              const PreparedSet& set, store::Caller caller) {
  absl::flat_hash_set<absl::string_view> known;
  for (const PieceRef& piece : before.pieces()) known.insert(piece.digest());
  std::vector<std::string> news;
  for (const PieceRef& piece : set.manifest.pieces()) {
    if (known.insert(piece.digest()).second) news.push_back(piece.digest());
  }
  absl::Time not_before = absl::InfinitePast();
  int attempts = 0;
  for (size_t next = 0; next < news.size();) {
    Session session(store, shard);
    const store::Context context(std::max(store.clock().Now(), not_before), caller.actor, caller.traceparent);
    size_t end = next;
    for (size_t bytes = 0; end < news.size() && bytes < kTellAtOnce; ++end) {
      feed::v1::Event event = store::NewEvent(context, shard);
      feed::v1::ReferencePiece& piece = *event.mutable_reference_piece();
      piece.set_digest(news[end]);
      piece.set_data(set.bytes.at(piece.digest()));
      bytes += piece.data().size();
      session.Emit(std::move(event));
    }
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(caller.deadline);
    if (!outcome.ok()) co_return outcome.status();
    if (outcome->kind == store::CommitOutcome::Kind::kCommitted) {
      next = end;
      attempts = 0;
      continue;
    }
    if (outcome->kind == store::CommitOutcome::Kind::kStale) not_before = outcome->watermark;
    if (++attempts == store::kMaxAttempts) {
      co_return errors::Aborted("CONFLICT", "the pieces could not be told of; try again");
    }
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::intake
