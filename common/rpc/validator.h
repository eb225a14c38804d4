// Validator: checks a request against the rules written in its proto file (proto/motcua/validate/v1/rules.proto).
//
// Finds every violation, each with its full path (`components[2].name`), and checks besides the rules: strings are
// valid UTF-8 without control characters (line ends and tabs are allowed where no pattern forbids them), enums are
// named values, timestamps and durations lie in their protobuf ranges, the default bounds of rules.proto.
// A range of a number with implicit presence is checked where the number is not 0; `required` covers 0.
// Linear in the size of the message; nests at most 32 deep. Thread-safe: what is compiled of a message type is kept.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/status/errors.h"
#include "google/protobuf/message.h"

namespace motcua::rpc {

// Adds what is wrong with `message` to `violations`. No violation has a value in it.
void Validate(const google::protobuf::Message& message, errors::Violations& violations);

// OK or INVALID_ARGUMENT (INVALID_REQUEST) with all violations.
absl::Status Validate(const google::protobuf::Message& message);

// `message` as one line for a log: fields marked `sensitive` are left out, with all they contain.
std::string WithoutPersonalData(const google::protobuf::Message& message);

}  // namespace motcua::rpc
