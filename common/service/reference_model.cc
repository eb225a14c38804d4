#include "common/service/reference_model.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "common/status/errors.h"

namespace motcua::service {
namespace {

using reference::Piece;
using reference::v1::ReferenceManifest;
using Record = ReferenceModel::Record;

Record RecordIn(store::Session& session) {
  const Record* record = session.Find<ReferenceModel>(session.keys().shard());
  return record == nullptr ? Record() : *record;
}

void Put(store::Session& session, Record record) {
  session.Apply<ReferenceModel>(session.keys().shard(), store::Decision<Record>(std::move(record)));
}

// Whether the copy has the piece.
bool Holds(const Record& record, std::string_view digest) {
  for (const reference::v1::PieceRef& piece : record.manifest().pieces()) {
    if (piece.digest() == digest) return true;
  }
  for (const std::string& pending : record.pending()) {
    if (pending == digest) return true;
  }
  return false;
}

void TakePiece(store::Session& session, Record& record, std::string_view digest, std::string_view data) {
  if (Holds(record, digest)) return;
  PutPiece(session, digest, data);
  record.add_pending(std::string(digest));
}

// Replaces the manifest; what it does not name goes.
void TakeManifest(store::Session& session, Record& record, ReferenceManifest manifest) {
  absl::flat_hash_set<absl::string_view> needed;
  for (const reference::v1::PieceRef& piece : manifest.pieces()) needed.insert(piece.digest());
  std::vector<std::string> held(record.pending().begin(), record.pending().end());
  for (const reference::v1::PieceRef& piece : record.manifest().pieces()) held.push_back(piece.digest());
  record.clear_pending();
  for (std::string& digest : held) {
    if (needed.contains(digest)) continue;
    if (session.NewSlot(session.KeyOf<PieceModel>(PieceName(digest))).now != nullptr) {
      // It came in this same commit, which removes before it puts: the next version drops it.
      record.add_pending(std::move(digest));
    } else {
      RemovePiece(session, digest);
    }
  }
  *record.mutable_manifest() = std::move(manifest);
}

}  // namespace

std::string PieceName(std::string_view digest) {
  return absl::BytesToHexString(absl::string_view(digest.data(), digest.size()));
}

void PutPiece(store::Session& session, std::string_view digest, std::string_view data) {
  const std::string name = PieceName(digest);
  PieceModel::Record piece;
  piece.set_data(std::string(data));
  session.Apply<PieceModel>(name, store::Decision<PieceModel::Record>(std::move(piece)));
  // Also where the same is stored: this commit may have removed it before.
  session.NewSlot(session.KeyOf<PieceModel>(name)).must_write = true;
}

void RemovePiece(store::Session& session, std::string_view digest) {
  session.Remove<PieceModel>(PieceName(digest));
}

ReferenceManifest ManifestOf(const std::vector<Piece>& pieces, uint64_t version) {
  ReferenceManifest manifest;
  manifest.set_version(version);
  manifest.set_content(reference::ContentDigest(pieces));
  for (const Piece& piece : pieces) {
    reference::v1::PieceRef* ref = manifest.add_pieces();
    ref->set_digest(piece.digest);
    ref->set_size(static_cast<uint32_t>(piece.data.size()));
  }
  return manifest;
}

void AddReferenceKeys(const store::Session& session, const feed::v1::Event& event,
                      std::vector<std::string>& keys) {
  if (!IsOfReference(event)) return;
  keys.push_back(session.KeyOf<ReferenceModel>(session.keys().shard()));
  if (event.has_reference_piece()) {
    keys.push_back(session.KeyOf<PieceModel>(PieceName(event.reference_piece().digest())));
  } else if (event.has_reference_applied() && event.reference_applied().has_set()) {
    for (const Piece& piece : reference::SplitIntoPieces(event.reference_applied().set())) {
      keys.push_back(session.KeyOf<PieceModel>(PieceName(piece.digest)));
    }
  }
}

absl::Status ApplyReferenceEvent(store::Session& session, const feed::v1::Event& event) {
  Record record = RecordIn(session);
  if (event.has_reference_piece()) {
    const feed::v1::ReferencePiece& piece = event.reference_piece();
    if (reference::PieceDigest(piece.data()) != piece.digest()) return absl::OkStatus();
    TakePiece(session, record, piece.digest(), piece.data());
    Put(session, std::move(record));
    return absl::OkStatus();
  }
  if (event.has_shard_passed()) {
    *record.mutable_passing() = event.shard_passed().passing();
    Put(session, std::move(record));
    return absl::OkStatus();
  }
  const feed::v1::ReferenceApplied& applied = event.reference_applied();
  const uint64_t version = applied.has_set() ? applied.set().version() : applied.manifest().version();
  if (record.manifest().version() >= version && record.has_manifest()) return absl::OkStatus();
  if (applied.has_set()) {
    const std::vector<Piece> pieces = reference::SplitIntoPieces(applied.set());
    for (const Piece& piece : pieces) TakePiece(session, record, piece.digest, piece.data);
    TakeManifest(session, record, ManifestOf(pieces, version));
  } else {
    for (const reference::v1::PieceRef& piece : applied.manifest().pieces()) {
      if (!Holds(record, piece.digest()))
        return errors::Unavailable("SNAPSHOT_NEEDED", "pieces of the reference data were told before");
    }
    TakeManifest(session, record, applied.manifest());
  }
  Put(session, std::move(record));
  return absl::OkStatus();
}

}  // namespace motcua::service
