// What is wrong with a request, each finding with the reason that a program switches on.
#ifndef MOTCUA_SERVICES_INTAKE_DOMAIN_FINDINGS_H_
#define MOTCUA_SERVICES_INTAKE_DOMAIN_FINDINGS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/status/errors.h"

namespace motcua::intake {

// Collects findings, so that the caller learns all of them at once. ErrorInfo carries one reason for the whole
// answer: that of the findings where they agree, INVALID_REQUEST where they differ. Each violation's description
// begins with its own reason. Not thread-safe.
class Findings {
 public:
  // `path`: the field as the caller wrote it. `description`: a sentence part, without personal data.
  void Add(std::string_view path, std::string_view reason, std::string_view description) {
    if (violations_.empty()) {
      reason_ = std::string(reason);
    } else if (reason_ != reason) {
      reason_ = "INVALID_REQUEST";
    }
    violations_.Add(path, std::string(reason) + ": " + std::string(description));
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

#endif  // MOTCUA_SERVICES_INTAKE_DOMAIN_FINDINGS_H_
