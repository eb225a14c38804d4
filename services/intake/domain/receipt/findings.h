// What is wrong with a request, each finding with the reason that a program switches on.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/status/errors.h"

namespace motcua::intake {

// Collects findings, so that the caller learns all of them at once. ErrorInfo carries one reason for the
// whole answer: that of the findings where they agree, INVALID_REQUEST where they differ; each violation has
// its own. Not thread-safe.
class Findings {
 public:
  // `path`: the field as the caller wrote it. `description`: a sentence part, without personal data.
  void Add(std::string_view path, std::string_view reason, std::string_view description) {
    const bool of_field = reason.rfind("FIELD_", 0) == 0;
    if (of_field || (!violations_.empty() && reason_ != reason)) {
      reason_ = "INVALID_REQUEST";
    } else {
      reason_ = std::string(reason);
    }
    violations_.Add(path, reason, description);
  }

  bool empty() const { return violations_.empty(); }

  // OK where empty; else INVALID_ARGUMENT.
  absl::Status ToStatus() const {
    return violations_.empty() ? absl::OkStatus() : violations_.ToStatus(reason_);
  }

 private:
  errors::Violations violations_;
  std::string reason_;
};

}  // namespace motcua::intake
