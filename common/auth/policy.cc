#include "common/auth/policy.h"

#include "common/status/errors.h"

namespace motcua::auth {

Policy& Policy::Allow(std::string_view method, std::initializer_list<std::string_view> roles) {
  auto& cell = cells_[std::string(method)];
  cell.insert(cell.end(), roles.begin(), roles.end());
  return *this;
}

absl::Status Policy::Check(std::string_view method, const Principal& principal) const {
  auto cell = cells_.find(method);
  if (cell != cells_.end()) {
    for (const std::string& role : cell->second) {
      if (principal.HasRole(role)) return absl::OkStatus();
    }
  }
  if (principal.is_anonymous()) {
    return errors::Unauthenticated("NO_CREDENTIALS", "this method needs a bearer token or a client certificate");
  }
  return errors::PermissionDenied("ROLE_NOT_ALLOWED", "none of the caller's roles may call this method",
                                  {{"method", std::string(method)}});
}

}  // namespace motcua::auth
