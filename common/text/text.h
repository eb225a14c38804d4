// Text as people write it: the same name may be other bytes, and a name may be nothing that can be seen.
//
// All functions are pure and thread-safe, and take UTF-8; bytes that are none are neither a name nor changed.
#pragma once

#include <string>
#include <string_view>

namespace motcua::text {

// For comparing: composed characters (Unicode NFC), any run of white space as one space, none at the ends.
std::string Normal(std::string_view text);

// One line on which something can be seen, without what reverses or hides its parts: no line ends or other
// controls, no directional overrides (U+202E ...), not white space and invisible characters alone.
bool IsName(std::string_view text);

}  // namespace motcua::text
