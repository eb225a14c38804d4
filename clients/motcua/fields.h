// From words of a command line to fields of a request.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace motcua::client {

// A field of a request that a flag sets. Fields of a nested message (the applicant) are flags of their own.
struct FlagField {
  // `applicant.name`.
  std::string path;
  // `--name`.
  std::string flag;
  bool repeated = false;
  bool boolean = false;
};

// The flags of a request type, in the order of its fields.
std::vector<FlagField> FlagsOf(const google::protobuf::Descriptor* request);

// Sets the field, adds to a repeated one. Times are local (`2025-01-24T15:30`) or with an offset; limits
// `3wd`; enums by the end of their name, `agreed`; papers as `name`, `name:count` or `name:count:form`.
// `zone` is asked for only where a local time is given. INVALID_ARGUMENT says what was expected.
absl::Status SetField(google::protobuf::Message& message, std::string_view path, const std::string& text,
                      const std::function<absl::TimeZone()>& zone);

// `2025-01-24T15:30` in the zone, or RFC 3339 with an offset.
absl::StatusOr<absl::Time> ParseTime(const std::string& text, const std::function<absl::TimeZone()>& zone);

}  // namespace motcua::client
