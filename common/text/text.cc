#include "common/text/text.h"

#include <utf8proc.h>

#include <cstdlib>

namespace motcua::text {

namespace {

// Calls `each` with every character and its category; false where the bytes are no UTF-8, or `each` says so.
template <class Each>
bool ForEachCharacter(std::string_view text, Each each) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  for (utf8proc_ssize_t at = 0; at < size;) {
    utf8proc_int32_t character = -1;
    const utf8proc_ssize_t read = utf8proc_iterate(bytes + at, size - at, &character);
    if (read <= 0) return false;
    if (!each(character, utf8proc_category(character),
              text.substr(static_cast<size_t>(at), static_cast<size_t>(read))))
      return false;
    at += read;
  }
  return true;
}

bool IsSpace(utf8proc_int32_t character, utf8proc_category_t category) {
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP || (character >= '\t' && character <= '\r');
}

// What turns the order of others about: embeddings, overrides, isolates and their ends.
bool IsDirectional(utf8proc_int32_t character) {
  return (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

}  // namespace

std::string Normal(std::string_view text) {
  std::string spaced;
  bool space = false;
  const bool is_text = ForEachCharacter(
      text, [&](utf8proc_int32_t character, utf8proc_category_t category, std::string_view bytes) {
        if (IsSpace(character, category)) {
          space = !spaced.empty();
          return true;
        }
        if (space) spaced.push_back(' ');
        space = false;
        spaced.append(bytes);
        return true;
      });
  if (!is_text) return std::string(text);
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(spaced.data()), static_cast<utf8proc_ssize_t>(spaced.size()),
      &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size >= 0) spaced.assign(reinterpret_cast<const char*>(composed), static_cast<size_t>(size));
  std::free(composed);
  return spaced;
}

bool IsName(std::string_view text) {
  bool seen = false;
  const bool sound =
      ForEachCharacter(text, [&](utf8proc_int32_t character, utf8proc_category_t category, std::string_view) {
        const bool breaks = category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL ||
                            category == UTF8PROC_CATEGORY_ZP || IsDirectional(character);
        // Format characters (zero width, soft hyphen ...) take no place.
        seen = seen || (!IsSpace(character, category) && category != UTF8PROC_CATEGORY_CF);
        return !breaks;
      });
  return sound && seen;
}

}  // namespace motcua::text
