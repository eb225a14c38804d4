#include "common/reference/pieces.h"

#include <openssl/sha.h>

#include <utility>

namespace motcua::reference {
namespace {

// A piece ends behind an item by chance, one in so many, once it has so many bytes.
constexpr size_t kLeastPieceBytes = size_t{8} << 10;
constexpr uint64_t kOneIn = 32;

// FNV-1a.
uint64_t HashOf(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash ^ (hash >> 32);
}

void EndPiece(v1::ReferenceSet& piece, std::vector<Piece>& pieces) {
  std::string data = piece.SerializeAsString();
  std::string digest = PieceDigest(data);
  pieces.emplace_back(std::move(digest), std::move(data));
  piece.Clear();
}

// `add`: a place in the piece for the next item.
template <class List, class Add>
void SplitList(const List& list, const Add& add, std::vector<Piece>& pieces) {
  v1::ReferenceSet piece;
  size_t bytes = 0;
  for (const auto& item : list) {
    const std::string serialized = item.SerializeAsString();
    if (bytes > 0 && bytes + serialized.size() > kMaxPieceBytes) {
      EndPiece(piece, pieces);
      bytes = 0;
    }
    *add(piece) = item;
    bytes += serialized.size() + 4;
    if (bytes >= kLeastPieceBytes && HashOf(serialized) % kOneIn == 0) {
      EndPiece(piece, pieces);
      bytes = 0;
    }
  }
  if (bytes > 0) EndPiece(piece, pieces);
}

}  // namespace

std::string PieceDigest(std::string_view data) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::vector<Piece> SplitIntoPieces(const v1::ReferenceSet& set) {
  std::vector<Piece> pieces;
  if (set.has_jurisdiction()) {
    v1::ReferenceSet piece;
    *piece.mutable_jurisdiction() = set.jurisdiction();
    EndPiece(piece, pieces);
  }
  SplitList(
      set.agencies(), [](v1::ReferenceSet& piece) { return piece.add_agencies(); }, pieces);
  SplitList(
      set.officers(), [](v1::ReferenceSet& piece) { return piece.add_officers(); }, pieces);
  SplitList(
      set.procedures(), [](v1::ReferenceSet& piece) { return piece.add_procedures(); }, pieces);
  SplitList(
      set.calendars(), [](v1::ReferenceSet& piece) { return piece.add_calendars(); }, pieces);
  SplitList(
      set.ladders(), [](v1::ReferenceSet& piece) { return piece.add_ladders(); }, pieces);
  SplitList(
      set.templates(), [](v1::ReferenceSet& piece) { return piece.add_templates(); }, pieces);
  return pieces;
}

std::string ContentDigest(const std::vector<Piece>& pieces) {
  std::string digests;
  digests.reserve(pieces.size() * SHA256_DIGEST_LENGTH);
  for (const Piece& piece : pieces) digests.append(piece.digest);
  return PieceDigest(digests);
}

std::vector<v1::ReferenceSet> SplitIntoParts(const v1::ReferenceSet& set, size_t bytes) {
  std::vector<v1::ReferenceSet> parts;
  size_t filled = bytes;
  for (const Piece& piece : SplitIntoPieces(set)) {
    if (filled + piece.data.size() > bytes) {
      parts.emplace_back();
      filled = 0;
    }
    AppendPiece(piece.data, parts.back());
    filled += piece.data.size();
  }
  return parts;
}

bool AppendPiece(std::string_view data, v1::ReferenceSet& set) {
  v1::ReferenceSet piece;
  if (!piece.ParseFromArray(data.data(), static_cast<int>(data.size()))) return false;
  set.MergeFrom(piece);
  return true;
}

}  // namespace motcua::reference
