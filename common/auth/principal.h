// Principal: who is calling, as proved by a signed token or a client certificate.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace motcua::auth {

enum class Kind {
  kAnonymous,  // proved nothing
  kOfficer,    // a person of an agency
  kSystem,     // a client application (portal, another installation)
  kService,    // a service of this installation
};

// Names that a policy table uses for what follows from the kind, not from the token's roles. A token that lists one
// of them does not gain it.
inline constexpr std::string_view kAnyone = "anonymous";            // everybody, proved or not
inline constexpr std::string_view kAuthenticated = "authenticated";  // everybody but anonymous callers
inline constexpr std::string_view kAnyOfficer = "officer";
inline constexpr std::string_view kAnySystem = "system";
inline constexpr std::string_view kService = "service";

// A value; equal principals are interchangeable.
class Principal {
 public:
  Principal() {}
  Principal(Kind kind, std::string subject, std::string agency = "", std::vector<std::string> roles = {});
  static Principal Service(std::string name) { return Principal(Kind::kService, std::move(name)); }

  // True where the principal has the role, given by its token or by its kind (the names above).
  bool HasRole(std::string_view role) const;
  bool is_service() const { return kind == Kind::kService; }
  bool is_anonymous() const { return kind == Kind::kAnonymous; }

  bool operator==(const Principal&) const = default;

  Kind kind = Kind::kAnonymous;
  // The officer's or system's id, or the service's name: `intake`, `routing`, `deadline-monitor`, `notification`.
  std::string subject;
  // The agency on whose behalf an officer acts; empty for the other kinds.
  std::string agency;
  // As in the token: `intake`, `handler`, `leader`, `returner`, `admin`, `portal`, `feed` ...
  std::vector<std::string> roles;
};

// `officer`, `system`, `service`, `anonymous`.
std::string_view KindName(Kind kind);
std::optional<Kind> ParseKind(std::string_view name);
// True for the names that only a kind gives.
bool IsReservedRole(std::string_view role);

// The service that a client certificate names: its URI SAN `spiffe://motcua/svc/<name>`, the name being 1 to 64
// characters of a-z 0-9 and dash. Nothing for any other id.
std::optional<Principal> PrincipalOfSpiffeId(std::string_view id);

}  // namespace motcua::auth
