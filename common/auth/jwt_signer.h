// JwtSigner: mints the tokens that JwtVerifier accepts (`motcua token`, development credentials, tests).
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/auth/principal.h"

namespace motcua::auth {

// Thread-safe: immutable.
class JwtSigner {
 public:
  // `private_pem`: a P-256 private key in PEM; `kid`: the key id under which verifiers know its public half.
  // Errors: INVALID_ARGUMENT (KEY_INVALID).
  static absl::StatusOr<JwtSigner> FromPem(std::string_view private_pem, std::string kid, std::string issuer,
                                           std::string audience);

  // A token for `principal`, good from `now` for `lifetime`. Errors: INTERNAL (SIGNING_FAILED).
  absl::StatusOr<std::string> Mint(const Principal& principal, absl::Time now, absl::Duration lifetime) const;

  // Signs any header and claims (JSON objects): for tests of what verifiers must refuse.
  absl::StatusOr<std::string> SignForTest(std::string_view header, std::string_view claims) const {
    return Sign(header, claims);
  }

  // The public half in PEM.
  std::string PublicPem() const;

 private:
  JwtSigner() {}
  absl::StatusOr<std::string> Sign(std::string_view header, std::string_view claims) const;

  std::shared_ptr<EVP_PKEY> key_;
  std::string kid_;
  std::string issuer_;
  std::string audience_;
};

}  // namespace motcua::auth
