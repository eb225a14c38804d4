#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace motcua::store {

// Where a reader of a feed stands: a position, and the epoch in which it was reached. A value. Stored as
// `epoch/position`, without an epoch as the number alone.
class Cursor {
 public:
  Cursor() {}
  // NOLINTNEXTLINE(google-explicit-constructor): a number of a sequence is a cursor without an epoch
  Cursor(uint64_t position) : position(position) {}
  Cursor(uint64_t epoch, uint64_t position) : epoch(epoch), position(position) {}

  // 0 = not known.
  uint64_t epoch = 0;
  uint64_t position = 0;

  std::string Text() const;
  // nullopt where `text` is none.
  static std::optional<Cursor> Parse(std::string_view text);

  friend bool operator==(const Cursor& a, const Cursor& b) {
    return a.epoch == b.epoch && a.position == b.position;
  }
};

}  // namespace motcua::store
