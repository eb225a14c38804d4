#include "common/auth/principal.h"

#include <algorithm>

namespace motcua::auth {
namespace {

constexpr std::string_view kSpiffePrefix = "spiffe://motcua/svc/";

}  // namespace

Principal::Principal(Kind kind, std::string subject, std::string agency, std::vector<std::string> roles)
    : kind(kind), subject(std::move(subject)), agency(std::move(agency)), roles(std::move(roles)) {}

bool Principal::HasRole(std::string_view role) const {
  if (role == kAnyone) return true;
  if (role == kAuthenticated) return kind != Kind::kAnonymous;
  if (role == kAnyOfficer) return kind == Kind::kOfficer;
  if (role == kAnySystem) return kind == Kind::kSystem;
  if (role == kService) return kind == Kind::kService;
  return kind != Kind::kAnonymous && std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kOfficer:
      return "officer";
    case Kind::kSystem:
      return "system";
    case Kind::kService:
      return "service";
    case Kind::kAnonymous:
      break;
  }
  return "anonymous";
}

std::optional<Kind> ParseKind(std::string_view name) {
  for (Kind kind : {Kind::kAnonymous, Kind::kOfficer, Kind::kSystem, Kind::kService}) {
    if (KindName(kind) == name) return kind;
  }
  return std::nullopt;
}

bool IsReservedRole(std::string_view role) {
  return role == kAnyone || role == kAuthenticated || role == kAnyOfficer || role == kAnySystem || role == kService;
}

std::optional<Principal> PrincipalOfSpiffeId(std::string_view id) {
  if (!id.starts_with(kSpiffePrefix)) return std::nullopt;
  std::string_view name = id.substr(kSpiffePrefix.size());
  if (name.empty() || name.size() > 64) return std::nullopt;
  bool plain = std::all_of(name.begin(), name.end(),
                           [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!plain) return std::nullopt;
  return Principal::Service(std::string(name));
}

}  // namespace motcua::auth
