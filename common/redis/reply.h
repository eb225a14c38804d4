// Reply: what Redis answered, as a value.
//
// Two ways to read one: the accessors that return StatusOr check the type and turn a surprise into an
// INTERNAL error (reason STORE_PROTOCOL); is_nil() and type() are for answers that may take several forms.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace motcua::redis {

class Reply {
 public:
  enum class Type : uint8_t { kNil, kInteger, kString, kStatus, kError, kArray };

  Reply() {}  // nil
  static Reply Integer(int64_t value);
  static Reply String(std::string bytes);
  static Reply Status(std::string text);
  static Reply Error(std::string text);
  static Reply Array(std::vector<Reply> items);

  Type type() const { return type_; }
  bool is_nil() const { return type_ == Type::kNil; }
  bool is_error() const { return type_ == Type::kError; }

  // An integer, or a string that is one (as hash fields and Lua results are).
  absl::StatusOr<int64_t> AsInteger() const;
  // A string or a status line; valid as long as this reply.
  absl::StatusOr<std::string_view> AsString() const;
  // The same, moved out.
  absl::StatusOr<std::string> TakeString() &&;
  // An array; null pointer never. Valid as long as this reply.
  absl::StatusOr<const std::vector<Reply>*> AsArray() const;
  absl::StatusOr<std::vector<Reply>> TakeArray() &&;

  // Unchecked views for code that has looked at type() first: empty or 0 for other types.
  const std::string& text() const { return text_; }
  std::string& text() { return text_; }
  int64_t integer() const { return integer_; }
  const std::vector<Reply>& items() const { return items_; }
  std::vector<Reply>& items() { return items_; }

  // For test failures and traces: `["a", 1, nil]`, cut after 200 characters.
  std::string DebugString() const;

  bool operator==(const Reply& other) const;

 private:
  Type type_ = Type::kNil;
  int64_t integer_ = 0;
  std::string text_;
  std::vector<Reply> items_;
};

}  // namespace motcua::redis
