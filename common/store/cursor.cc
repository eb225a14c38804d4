#include "common/store/cursor.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace motcua::store {

std::string Cursor::Text() const {
  return epoch == 0 ? absl::StrCat(position) : absl::StrCat(epoch, "/", position);
}

std::optional<Cursor> Cursor::Parse(std::string_view text) {
  Cursor cursor;
  const size_t slash = text.find('/');
  const std::string_view position = slash == std::string_view::npos ? text : text.substr(slash + 1);
  const auto number = [](std::string_view digits, uint64_t& value) {
    return absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &value);
  };
  if (slash != std::string_view::npos && !number(text.substr(0, slash), cursor.epoch)) return std::nullopt;
  if (!number(position, cursor.position)) return std::nullopt;
  return cursor;
}

}  // namespace motcua::store
