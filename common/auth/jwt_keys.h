// The public keys that tokens are verified with.
#pragma once

#include <openssl/evp.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace motcua::auth {

using PublicKey = std::shared_ptr<EVP_PKEY>;

// Keys by key id (`kid`). Each key stands for exactly one algorithm, ES256: the token's header never chooses one.
// Immutable after loading; may be shared between threads.
class JwtKeys {
 public:
  JwtKeys() {}

  // Adds a P-256 public key in PEM. Errors: INVALID_ARGUMENT (KEY_INVALID) for anything else, and for a key id
  // that is not 1 to 64 characters of A-Z a-z 0-9 . _ -.
  absl::Status AddPem(std::string_view kid, std::string_view pem);

  // Reads `path`: one PEM file, or a directory of `*.pem`; the key id is the file's name without `.pem`.
  // Errors: NOT_FOUND (KEYS_MISSING) where there is none; as AddPem.
  static absl::StatusOr<JwtKeys> Load(const std::string& path);

  // nullptr where the key id is unknown.
  EVP_PKEY* Find(std::string_view kid) const;
  bool empty() const { return keys_.empty(); }
  size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, PublicKey, std::less<>> keys_;
};

}  // namespace motcua::auth
