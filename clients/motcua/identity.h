// Identity: whose principal a call carries.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/motcua/settings.h"
#include "common/auth/jwt_signer.h"
#include "common/auth/principal.h"

namespace motcua::client {

// `officer-id@agency:role,role`, an officer; INVALID_ARGUMENT for anything else.
absl::StatusOr<auth::Principal> ParsePrincipal(std::string_view text);

// Mints tokens where there is a signing key, and keeps each until shortly before it ends. Not thread-safe.
class Identity {
 public:
  static absl::StatusOr<Identity> Load(const Settings& settings);

  bool can_sign() const { return signer_.has_value(); }

  // The bearer token of a call about `shard` (may be empty): of `as` where it is not empty, else the given
  // token, else of the jurisdiction's operator (role `admin`) where there is a signing key, else none ("").
  // FAILED_PRECONDITION where `as` is asked for without a signing key.
  absl::StatusOr<std::string> TokenFor(const std::string& as, const std::string& shard);

  // A token for `lifetime`.
  absl::StatusOr<std::string> Mint(const auth::Principal& principal, absl::Duration lifetime) const;

 private:
  Identity() = default;

  std::string given_;
  std::string default_as_;
  std::optional<auth::JwtSigner> signer_;
  // By principal as text: the token and when a new one is made.
  std::map<std::string, std::pair<std::string, absl::Time>> minted_;
};

// The operator of a jurisdiction; of none where `shard` is empty.
auth::Principal OperatorOf(const std::string& shard);

}  // namespace motcua::client
