#include "common/auth/jwt_signer.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/errors.h"

namespace motcua::auth {
namespace {

std::string Encode(std::string_view bytes) {
  std::string encoded;
  absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size()), &encoded);
  while (!encoded.empty() && encoded.back() == '=') encoded.pop_back();
  return encoded;
}

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

}  // namespace

absl::StatusOr<JwtSigner> JwtSigner::FromPem(std::string_view private_pem, std::string kid, std::string issuer,
                                             std::string audience) {
  Bio bio(BIO_new_mem_buf(private_pem.data(), static_cast<int>(private_pem.size())), BIO_free);
  JwtSigner signer;
  signer.key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (signer.key_ == nullptr || EVP_PKEY_is_a(signer.key_.get(), "EC") != 1 || EVP_PKEY_get_bits(signer.key_.get()) != 256) {
    return errors::InvalidArgument("KEY_INVALID", "the signing key is not a P-256 private key in PEM");
  }
  signer.kid_ = std::move(kid);
  signer.issuer_ = std::move(issuer);
  signer.audience_ = std::move(audience);
  return signer;
}

absl::StatusOr<std::string> JwtSigner::Mint(const Principal& principal, absl::Time now, absl::Duration lifetime) const {
  nlohmann::json header = {{"alg", "ES256"}, {"typ", "JWT"}, {"kid", kid_}};
  nlohmann::json claims = {{"iss", issuer_},
                           {"aud", audience_},
                           {"sub", principal.subject},
                           {"kind", std::string(KindName(principal.kind))},
                           {"roles", principal.roles},
                           {"iat", absl::ToUnixSeconds(now)},
                           {"nbf", absl::ToUnixSeconds(now)},
                           {"exp", absl::ToUnixSeconds(now + lifetime)}};
  if (!principal.agency.empty()) claims["agency"] = principal.agency;
  auto replace = nlohmann::json::error_handler_t::replace;
  return Sign(header.dump(), claims.dump(-1, ' ', false, replace));
}

absl::StatusOr<std::string> JwtSigner::Sign(std::string_view header, std::string_view claims) const {
  std::string text = absl::StrCat(Encode(header), ".", Encode(claims));
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  size_t length = 0;
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, data, text.size()) != 1) {
    return errors::Internal("SIGNING_FAILED", "cannot sign the token");
  }
  std::vector<unsigned char> der(length);
  if (EVP_DigestSign(context.get(), der.data(), &length, data, text.size()) != 1) {
    return errors::Internal("SIGNING_FAILED", "cannot sign the token");
  }
  const unsigned char* cursor = der.data();
  std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
      d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(length)), ECDSA_SIG_free);
  unsigned char raw[64];
  if (pair == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw, 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw + 32, 32) != 32) {
    return errors::Internal("SIGNING_FAILED", "cannot sign the token");
  }
  return absl::StrCat(text, ".", Encode(std::string_view(reinterpret_cast<const char*>(raw), sizeof(raw))));
}

std::string JwtSigner::PublicPem() const {
  Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PUBKEY(bio.get(), key_.get());
  char* data = nullptr;
  long length = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(length));
}

}  // namespace motcua::auth
