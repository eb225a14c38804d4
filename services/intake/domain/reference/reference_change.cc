#include "services/intake/domain/reference/reference_change.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/reference/records.pb.h"

namespace motcua::intake {

using internal::reference::KeptVersion;
using internal::reference::ReferenceLedger;
using internal::reference::RetiredPiece;
using internal::reference::UploadedPart;
using internal::reference::UploadState;
using reference::v1::PieceRef;
using reference::v1::ReferenceManifest;
using RecordOfReference = internal::reference::ReferenceRecord;

namespace {

using Digests = absl::flat_hash_set<std::string>;

// All pieces that something needs.
Digests InUse(const ReferenceLedger& ledger, const ReferenceManifest& manifest) {
  Digests digests;
  for (const PieceRef& piece : manifest.pieces()) digests.insert(piece.digest());
  for (const RetiredPiece& piece : ledger.retired()) digests.insert(piece.digest());
  for (const UploadState& upload : ledger.uploads()) {
    for (const UploadedPart& part : upload.parts()) {
      for (const PieceRef& piece : part.pieces()) digests.insert(piece.digest());
    }
  }
  return digests;
}

ReferenceLedger LedgerOf(const ReferenceState& state) {
  return state.ledger == nullptr ? ReferenceLedger() : *state.ledger;
}

const ReferenceManifest& ManifestOf(const ReferenceState& state) {
  return state.record == nullptr ? ReferenceManifest::default_instance() : state.record->manifest();
}

template <class List, class Which>
void RemoveIf(List& list, const Which& which) {
  list.erase(std::remove_if(list.begin(), list.end(), which), list.end());
}

// Fills in what becomes of the pieces.
LedgerChange Changed(const ReferenceState& before, LedgerChange change, const ReferenceManifest& manifest) {
  const Digests old_pieces = InUse(LedgerOf(before), ManifestOf(before));
  const Digests new_pieces = InUse(change.ledger, manifest);
  for (const std::string& digest : new_pieces) {
    if (!old_pieces.contains(digest)) change.added.push_back(digest);
  }
  for (const std::string& digest : old_pieces) {
    if (!new_pieces.contains(digest)) change.removed.push_back(digest);
  }
  return change;
}

void DropExpiredUploads(ReferenceLedger& ledger, absl::Time now) {
  RemoveIf(*ledger.mutable_uploads(),
           [&](const UploadState& upload) { return time::FromTimestamp(upload.expires_at()) <= now; });
}

// Drops older versions that no open dossier needs, and the pieces that only they have.
void DropUnneeded(LedgerChange& change, const OpenByVersion& open, absl::Time now) {
  RemoveIf(*change.ledger.mutable_kept(), [&](const KeptVersion& kept) {
    const auto needed = open.find(kept.version());
    if (needed != open.end() && needed->second > 0) return false;
    if (time::FromTimestamp(kept.replaced_at()) + kLeastKept > now) return false;
    change.dropped.push_back(kept.version());
    return true;
  });
  RemoveIf(*change.ledger.mutable_retired(), [&](const RetiredPiece& piece) {
    return std::none_of(change.ledger.kept().begin(), change.ledger.kept().end(),
                        [&](const KeptVersion& kept) {
                          return piece.first() <= kept.version() && kept.version() <= piece.last();
                        });
  });
}

absl::Status NotYours() {
  return errors::PermissionDenied("NOT_YOUR_UPLOAD", "the upload is another officer's");
}

uint64_t BytesOf(const UploadState& upload) {
  uint64_t bytes = 0;
  for (const UploadedPart& part : upload.parts()) {
    for (const PieceRef& piece : part.pieces()) bytes += piece.size();
  }
  return bytes;
}

// What was in force becomes an older version; each piece of `next` learns since when it is there.
void Retire(const ReferenceManifest& last, ReferenceManifest& next, const store::Context& context,
            ReferenceLedger& ledger) {
  if (last.version() > 0) {
    KeptVersion* kept = ledger.add_kept();
    kept->set_version(last.version());
    *kept->mutable_applied_at() = last.applied_at();
    *kept->mutable_replaced_at() = time::ToTimestamp(context.now);
    kept->set_pieces(static_cast<uint32_t>(last.pieces_size()));
    for (const PieceRef& piece : last.pieces()) kept->set_bytes(kept->bytes() + piece.size());
  }
  absl::flat_hash_map<absl::string_view, uint64_t> since;
  for (const PieceRef& piece : last.pieces()) since.emplace(piece.digest(), piece.since());
  for (const RetiredPiece& piece : ledger.retired()) since.emplace(piece.digest(), piece.first());
  Digests stays;
  for (PieceRef& piece : *next.mutable_pieces()) {
    const auto found = since.find(piece.digest());
    piece.set_since(found == since.end() ? next.version() : found->second);
    stays.insert(piece.digest());
  }
  RemoveIf(*ledger.mutable_retired(),
           [&](const RetiredPiece& piece) { return stays.contains(piece.digest()); });
  for (const PieceRef& piece : last.pieces()) {
    if (!stays.insert(piece.digest()).second) continue;
    RetiredPiece* retired = ledger.add_retired();
    retired->set_digest(piece.digest());
    retired->set_first(piece.since());
    retired->set_last(last.version());
  }
}

}  // namespace

absl::Status StatusOf(const std::vector<reference::Violation>& found) {
  errors::Violations violations;
  for (const reference::Violation& violation : found) {
    violations.Add(violation.path.empty() ? "set" : absl::StrCat("set.", violation.path), "REFERENCE_INVALID",
                   violation.description);
  }
  return violations.empty() ? absl::OkStatus() : violations.ToStatus("REFERENCE_INVALID");
}

const UploadState* FindUpload(const ReferenceState& state, const std::string& upload) {
  if (state.ledger == nullptr) return nullptr;
  for (const UploadState& candidate : state.ledger->uploads()) {
    if (candidate.id() == upload) return &candidate;
  }
  return nullptr;
}

v1::ReferenceUpload ViewOf(const UploadState& upload) {
  v1::ReferenceUpload view;
  view.set_upload(upload.id());
  *view.mutable_expires_at() = upload.expires_at();
  view.set_bytes(BytesOf(upload));
  for (const UploadedPart& part : upload.parts()) view.add_parts(part.number());
  return view;
}

absl::StatusOr<LedgerChange> DecideUpload(const ReferenceState& state, const std::string& upload,
                                          const UploadedPart& part, const store::Context& context) {
  LedgerChange change;
  change.ledger = LedgerOf(state);
  DropExpiredUploads(change.ledger, context.now);
  auto& uploads = *change.ledger.mutable_uploads();
  auto found =
      std::find_if(uploads.begin(), uploads.end(), [&](const UploadState& u) { return u.id() == upload; });
  if (found == uploads.end()) {
    if (uploads.size() >= kMostUploads) {
      return errors::ResourceExhausted("TOO_MANY_UPLOADS", "upload: apply or drop one of the others before");
    }
    UploadState* begun = uploads.Add();
    begun->set_id(upload);
    begun->set_officer(context.actor.id());
    found = uploads.end() - 1;
  }
  if (found->officer() != context.actor.id()) return NotYours();
  auto& parts = *found->mutable_parts();
  auto place = std::find_if(parts.begin(), parts.end(),
                            [&](const UploadedPart& p) { return p.number() >= part.number(); });
  if (place != parts.end() && place->number() == part.number()) {
    *place = part;
  } else {
    const auto index = place - parts.begin();
    *parts.Add() = part;
    std::rotate(parts.begin() + index, parts.end() - 1, parts.end());
  }
  if (BytesOf(*found) > kMostUploadBytes) {
    return errors::ResourceExhausted("UPLOAD_TOO_LARGE",
                                     absl::StrCat("set: at most ", kMostUploadBytes, " bytes"));
  }
  *found->mutable_expires_at() = time::ToTimestamp(context.now + kUploadLife);
  return Changed(state, std::move(change), ManifestOf(state));
}

LedgerChange DecideDropUpload(const ReferenceState& state, const std::string& upload) {
  LedgerChange change;
  change.ledger = LedgerOf(state);
  RemoveIf(*change.ledger.mutable_uploads(), [&](const UploadState& u) { return u.id() == upload; });
  return Changed(state, std::move(change), ManifestOf(state));
}

LedgerChange DecideTidy(const ReferenceState& state, const OpenByVersion& open, absl::Time now) {
  LedgerChange change;
  change.ledger = LedgerOf(state);
  DropExpiredUploads(change.ledger, now);
  DropUnneeded(change, open, now);
  return Changed(state, std::move(change), ManifestOf(state));
}

absl::StatusOr<ReferenceManifest> ManifestOfUpload(const ReferenceState& state, const std::string& upload,
                                                   uint32_t parts, const std::string& officer) {
  const UploadState* found = FindUpload(state, upload);
  if (found == nullptr)
    return errors::NotFound("UNKNOWN_UPLOAD", "upload: there is none, or it was applied or dropped");
  if (found->officer() != officer) return NotYours();
  ReferenceManifest manifest;
  std::vector<uint32_t> missing;
  uint32_t next = 0;
  for (const UploadedPart& part : found->parts()) {
    if (part.number() >= parts) break;
    while (next < part.number()) missing.push_back(next++);
    ++next;
    for (const PieceRef& piece : part.pieces()) *manifest.add_pieces() = piece;
  }
  while (next < parts) missing.push_back(next++);
  const bool too_many = !found->parts().empty() && found->parts().rbegin()->number() >= parts;
  if (missing.empty() && !too_many && parts > 0) return manifest;
  errors::Metadata metadata;
  metadata.emplace_back("missing", absl::StrJoin(missing, ","));
  return errors::FailedPrecondition("UPLOAD_INCOMPLETE",
                                    missing.empty() ? "parts: there are more, or none" : "parts are missing",
                                    metadata);
}

ReferenceApplication DecideApply(const ReferenceState& state, ReferenceManifest manifest,
                                 const std::string& upload, const OpenByVersion& open,
                                 const store::Context& context) {
  manifest.set_version(state.version() + 1);
  *manifest.mutable_applied_at() = time::ToTimestamp(context.now);
  LedgerChange change;
  change.ledger = LedgerOf(state);
  Retire(ManifestOf(state), manifest, context, change.ledger);
  RemoveIf(*change.ledger.mutable_uploads(), [&](const UploadState& u) { return u.id() == upload; });
  DropExpiredUploads(change.ledger, context.now);
  DropUnneeded(change, open, context.now);

  RecordOfReference next;
  if (state.record != nullptr) next = *state.record;
  *next.mutable_manifest() = manifest;
  ReferenceApplication application((store::Decision<RecordOfReference>(std::move(next))));
  common::v1::HistoryEntry line;
  line.set_action("ReferenceApplied");
  *line.mutable_at() = time::ToTimestamp(context.now);
  *line.mutable_actor() = context.actor;
  line.set_note(absl::StrCat("version ", manifest.version()));
  application.decision.history.push_back(std::move(line));
  application.ledger = Changed(state, std::move(change), manifest);
  return application;
}

}  // namespace motcua::intake
