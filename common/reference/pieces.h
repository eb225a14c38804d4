// Pieces: a reference set cut so that versions share what is the same in them.
//
// A piece is a ReferenceSet with some items of one list, serialized. Where a set is cut depends on the items
// around the cut alone, so a change in one place leaves the other pieces as they are; and a part of a set
// that was cut here is cut in the same places again.
//
// Pure and thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "motcua/reference/v1/reference.pb.h"

namespace motcua::reference {

// A piece holds no more bytes, but for single items.
inline constexpr size_t kMaxPieceBytes = size_t{64} << 10;

struct Piece {
  Piece(std::string digest, std::string data) : digest(std::move(digest)), data(std::move(data)) {}

  // SHA-256 of `data`, 32 bytes.
  std::string digest;
  std::string data;
};

std::string PieceDigest(std::string_view data);

// All of the set but its version.
std::vector<Piece> SplitIntoPieces(const v1::ReferenceSet& set);

// Names the content that the pieces of SplitIntoPieces(set) make up.
std::string ContentDigest(const std::vector<Piece>& pieces);

// The same set in parts of about `bytes`, each of whole pieces: as they are uploaded.
std::vector<v1::ReferenceSet> SplitIntoParts(const v1::ReferenceSet& set, size_t bytes);

// Puts a piece back; false where it cannot be read.
bool AppendPiece(std::string_view data, v1::ReferenceSet& set);

}  // namespace motcua::reference
