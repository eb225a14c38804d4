// Policy: which roles may call which method. What is not in the table is denied.
//
//   Policy policy;
//   policy.Allow("motcua.intake.v1.IntakeService/File", {"intake", "portal"});
//   policy.Allow("motcua.intake.v1.IntakeService/LookUp", {kAnyone});
//
// The table is about method and role only; relations to a dossier (holder, receiving agency) are rules of the
// services' domains. Thread-safe once filled.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/auth/principal.h"

namespace motcua::auth {

class Policy {
 public:
  Policy() {}

  // `method`: full service name, slash, method; no leading slash. `roles`: names of token roles or of kinds
  // (principal.h). Calls add up.
  Policy& Allow(std::string_view method, std::initializer_list<std::string_view> roles);

  // Errors: PERMISSION_DENIED (ROLE_NOT_ALLOWED); UNAUTHENTICATED (NO_CREDENTIALS) where the caller proved nothing.
  absl::Status Check(std::string_view method, const Principal& principal) const;

  // The cells, for tests: every method with the roles that may call it.
  const std::map<std::string, std::vector<std::string>, std::less<>>& cells() const { return cells_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> cells_;
};

}  // namespace motcua::auth
