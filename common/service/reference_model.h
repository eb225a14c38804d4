// The stored form of a jurisdiction's reference data, the same in every service: the version in force, as a
// list of pieces, and each piece as a record of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/reference/pieces.h"
#include "common/store/session.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/reference/records.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::service {

// One record per shard, named by the shard.
struct ReferenceModel {
  using Record = internal::reference::ReferenceRecord;
  static constexpr std::string_view kKind = "ref";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

// A piece, named by its digest in hexadecimal; found through the manifests, uploads and ledgers that name it.
struct PieceModel {
  using Record = internal::reference::PieceRecord;
  static constexpr std::string_view kKind = "refp";
  static constexpr bool kRemovable = true;
};
std::string PieceName(std::string_view digest);

// Sets of up to so many bytes travel in the event ReferenceApplied itself.
inline constexpr size_t kInlineBytes = size_t{128} << 10;

// The event is about reference data: to be given to ApplyReferenceEvent by every projection of intake's feed.
inline bool IsOfReference(const feed::v1::Event& event) {
  return event.has_reference_applied() || event.has_reference_piece() || event.has_shard_passed();
}

// Adds the keys to fetch, to be changed, before ApplyReferenceEvent.
void AddReferenceKeys(const store::Session& session, const feed::v1::Event& event,
                      std::vector<std::string>& keys);

// Takes over a piece, a version that is newer than the service's own copy, or to whom the shard passed.
// Pieces that no version needs any more go in the same commit. Error: UNAVAILABLE (SNAPSHOT_NEEDED) where the
// version names pieces that were told before a snapshot began and came into force after it.
absl::Status ApplyReferenceEvent(store::Session& session, const feed::v1::Event& event);

// A manifest of the pieces.
reference::v1::ReferenceManifest ManifestOf(const std::vector<reference::Piece>& pieces, uint64_t version);

// Puts a piece into the session, and takes one out of the store; its key must have been fetched for the
// former.
void PutPiece(store::Session& session, std::string_view digest, std::string_view data);
void RemovePiece(store::Session& session, std::string_view digest);

}  // namespace motcua::service
