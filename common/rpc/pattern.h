// The named formats of proto/motcua/validate/v1/rules.proto, written by hand: linear in the length of the text.
#pragma once

#include <string_view>

#include "motcua/validate/v1/rules.pb.h"

namespace motcua::rpc {

// True where `text` (not empty) has the format. Any bytes may be passed. Thread-safe.
bool Matches(validate::v1::Pattern pattern, std::string_view text);

// What a violation says: "must be a dossier code such as H30.18.05-260714-0001".
std::string_view PatternDescription(validate::v1::Pattern pattern);

}  // namespace motcua::rpc
