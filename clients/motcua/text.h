// Texts in UTF-8, by their characters.
//
// Pure and thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace motcua::client {

// Bytes of the well-formed character at the beginning of `text`; 0 where there is none.
size_t CharacterLength(std::string_view text);

bool IsUtf8(std::string_view text);

// The first `most` characters of a text; what follows bytes that are no character is left out, too.
std::string FirstCharacters(std::string_view text, size_t most);

}  // namespace motcua::client
