// What is wrong with the fields of a request, as pairs that matchers take.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/status/errors.h"

namespace motcua::test {

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Pairs Described(const std::vector<errors::FieldViolation>& violations) {
  Pairs pairs;
  for (const errors::FieldViolation& each : violations) pairs.emplace_back(each.field, each.description);
  return pairs;
}

// Field and description.
inline Pairs Violations(const absl::Status& status) { return Described(errors::FieldViolations(status)); }

// Field and reason.
inline Pairs ViolationReasons(const absl::Status& status) {
  Pairs pairs;
  for (const errors::FieldViolation& each : errors::FieldViolations(status))
    pairs.emplace_back(each.field, each.reason);
  return pairs;
}

}  // namespace motcua::test
