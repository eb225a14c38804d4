// A signing key of a test's own, and tokens made with it.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/auth/jwt_signer.h"
#include "common/auth/principal.h"

namespace motcua::intake::test {

class Credentials {
 public:
  Credentials() : signer_(auth::JwtSigner::FromPem(NewKey(), "test", "motcua", "motcua").value()) {}

  std::string public_pem() const { return signer_.PublicPem(); }

  std::string Officer(const std::string& id, const std::string& agency, std::vector<std::string> roles) const {
    return Mint(auth::Principal(auth::Kind::kOfficer, id, agency, std::move(roles)));
  }
  std::string System(const std::string& id, std::vector<std::string> roles) const {
    return Mint(auth::Principal(auth::Kind::kSystem, id, "", std::move(roles)));
  }

 private:
  static std::string NewKey() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long length = BIO_get_mem_data(memory, &text);
    std::string pem(text, static_cast<size_t>(length));
    BIO_free(memory);
    EVP_PKEY_free(key);
    return pem;
  }

  std::string Mint(const auth::Principal& principal) const {
    return signer_.Mint(principal, absl::Now(), absl::Hours(1)).value();
  }

  auth::JwtSigner signer_;
};

}  // namespace motcua::intake::test
