// JwtVerifier: turns a bearer token (JSON Web Token, RFC 7519) into a verified principal.
//
// OpenSSL is used directly: libcpp-jwt checks `exp` and `nbf` against the system clock only and reports by
// exceptions, whereas time is an input here.
//
// What is checked, in this order: size; three base64url parts; header {alg: "ES256", kid: known, no `crit`};
// signature; then the claims `iss`, `aud`, `exp`, `nbf`, `sub` and ours. `none`, HMAC and every other algorithm are
// refused before any signature is looked at.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/auth/jwt_keys.h"
#include "common/auth/principal.h"

namespace motcua::auth {

// A principal and the span in which its token holds.
class VerifiedToken {
 public:
  VerifiedToken() {}
  Principal principal;
  absl::Time not_before = absl::InfinitePast();
  absl::Time expires_at = absl::InfinitePast();
};

// Claims: `sub`; `iss`; `aud` (string or array that contains ours); `exp`, required; `nbf`, optional; `kind`:
// `officer` (default), `system` or `service`; `agency`: required of officers; `roles`: array of strings.
//
// Thread-safe: immutable.
class JwtVerifier {
 public:
  static constexpr size_t kMaxTokenBytes = 4096;
  static constexpr size_t kMaxRoles = 32;
  // Difference allowed between the clocks of issuer and verifier.
  static constexpr absl::Duration kLeeway = absl::Seconds(30);

  JwtVerifier(JwtKeys keys, std::string issuer, std::string audience);

  // Errors: UNAUTHENTICATED (TOKEN_EXPIRED) or (TOKEN_INVALID); neither tells more than the caller may know.
  absl::StatusOr<VerifiedToken> Verify(std::string_view token, absl::Time now) const;

 private:
  const JwtKeys keys_;
  const std::string issuer_;
  const std::string audience_;
};

// The check of a span alone, for tokens verified before.
absl::Status CheckSpan(const VerifiedToken& token, absl::Time now);

}  // namespace motcua::auth
