#include "common/auth/jwt_verifier.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/escaping.h"
#include "common/status/errors.h"

namespace motcua::auth {
namespace {

using Json = nlohmann::json;

// Of ES256: two 32-byte integers (RFC 7518 section 3.4).
constexpr size_t kHalfSignature = 32;
// Bounds the work of the recursive parser; our claims are two deep.
constexpr int kMaxDepth = 8;

absl::Status Invalid(std::string_view why) { return errors::Unauthenticated("TOKEN_INVALID", why); }

// RFC 7515: base64url without padding. Abseil accepts padding and both alphabets, so these are refused first.
std::optional<std::string> Decode(std::string_view part) {
  for (unsigned char c : part) {
    if (isalnum(c) == 0 && c != '-' && c != '_') return std::nullopt;
  }
  std::string decoded;
  if (part.empty() || !absl::WebSafeBase64Unescape(absl::string_view(part.data(), part.size()), &decoded)) {
    return std::nullopt;
  }
  return decoded;
}

std::optional<Json> ParseObject(std::string_view text) {
  bool too_deep = false;
  auto limit = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json parsed = Json::parse(text.begin(), text.end(), limit, /*allow_exceptions=*/false);
  if (too_deep || !parsed.is_object()) return std::nullopt;
  return parsed;
}

std::string StringOf(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// NumericDate: seconds, perhaps with a fraction.
std::optional<absl::Time> TimeOf(const Json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  double seconds = found->get<double>();
  if (!(seconds >= 0 && seconds < 253402300800.0)) return std::nullopt;  // up to the year 9999
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

bool SignatureHolds(EVP_PKEY* key, std::string_view signed_text, std::string_view signature) {
  if (signature.size() != 2 * kHalfSignature) return false;
  const auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
  std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(raw, kHalfSignature, nullptr);
  BIGNUM* s = BN_bin2bn(raw + kHalfSignature, kHalfSignature, nullptr);
  if (pair == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  unsigned char* der = nullptr;
  int length = i2d_ECDSA_SIG(pair.get(), &der);
  if (length <= 0) return false;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool holds = context != nullptr &&
               EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
               EVP_DigestVerify(context.get(), der, static_cast<size_t>(length),
                                reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1;
  OPENSSL_free(der);
  ERR_clear_error();
  return holds;
}

bool NamesAudience(const Json& claims, const std::string& audience) {
  auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return found->get<std::string>() == audience;
  if (!found->is_array()) return false;
  for (const Json& item : *found) {
    if (item.is_string() && item.get<std::string>() == audience) return true;
  }
  return false;
}

bool Plain(std::string_view text) {
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) return false;
  }
  return true;
}

absl::StatusOr<Principal> PrincipalOf(const Json& claims) {
  Principal principal;
  std::string kind_name = StringOf(claims, "kind");
  auto kind = kind_name.empty() ? std::optional<Kind>(Kind::kOfficer) : ParseKind(kind_name);
  if (!kind.has_value() || *kind == Kind::kAnonymous) return Invalid("the token names an unknown kind of caller");
  principal.kind = *kind;
  principal.subject = StringOf(claims, "sub");
  principal.agency = StringOf(claims, "agency");
  if (principal.subject.empty() || principal.subject.size() > 128 || !Plain(principal.subject)) {
    return Invalid("the token names no valid subject");
  }
  if (principal.agency.size() > 64 || !Plain(principal.agency) ||
      (principal.kind == Kind::kOfficer && principal.agency.empty())) {
    return Invalid("the token names no valid agency");
  }
  if (auto roles = claims.find("roles"); roles != claims.end()) {
    if (!roles->is_array() || roles->size() > JwtVerifier::kMaxRoles) return Invalid("the token's roles are no short list");
    for (const Json& role : *roles) {
      if (!role.is_string()) return Invalid("the token's roles are no list of names");
      std::string name = role.get<std::string>();
      if (name.empty() || name.size() > 64 || !Plain(name)) return Invalid("the token has an invalid role");
      if (!IsReservedRole(name)) principal.roles.push_back(std::move(name));
    }
  }
  return principal;
}

}  // namespace

absl::Status CheckSpan(const VerifiedToken& token, absl::Time now) {
  if (now >= token.expires_at + JwtVerifier::kLeeway) {
    return errors::Unauthenticated("TOKEN_EXPIRED", "the token has expired");
  }
  if (now < token.not_before - JwtVerifier::kLeeway) return Invalid("the token is not valid yet");
  return absl::OkStatus();
}

JwtVerifier::JwtVerifier(JwtKeys keys, std::string issuer, std::string audience)
    : keys_(std::move(keys)), issuer_(std::move(issuer)), audience_(std::move(audience)) {}

absl::StatusOr<VerifiedToken> JwtVerifier::Verify(std::string_view token, absl::Time now) const {
  if (token.size() > kMaxTokenBytes) return Invalid("the token is too long");
  size_t first = token.find('.');
  size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return Invalid("the token does not have three parts");
  auto header_text = Decode(token.substr(0, first));
  auto claims_text = Decode(token.substr(first + 1, second - first - 1));
  auto signature = Decode(token.substr(second + 1));
  if (!header_text || !claims_text || !signature) return Invalid("the token is not base64url");

  auto header = ParseObject(*header_text);
  if (!header.has_value()) return Invalid("the token's header is no JSON object");
  if (StringOf(*header, "alg") != "ES256") return Invalid("the token is not signed with ES256");
  if (header->contains("crit")) return Invalid("the token asks for unknown extensions");
  EVP_PKEY* key = keys_.Find(StringOf(*header, "kid"));
  if (key == nullptr) return Invalid("the token is signed with an unknown key");
  if (!SignatureHolds(key, token.substr(0, second), *signature)) return Invalid("the token's signature does not hold");

  auto claims = ParseObject(*claims_text);
  if (!claims.has_value()) return Invalid("the token's claims are no JSON object");
  if (StringOf(*claims, "iss") != issuer_) return Invalid("the token has another issuer");
  if (!NamesAudience(*claims, audience_)) return Invalid("the token is meant for another audience");
  VerifiedToken verified;
  auto expires = TimeOf(*claims, "exp");
  if (!expires.has_value()) return Invalid("the token does not say when it expires");
  verified.expires_at = *expires;
  if (claims->contains("nbf")) {
    auto not_before = TimeOf(*claims, "nbf");
    if (!not_before.has_value()) return Invalid("the token's start is no time");
    verified.not_before = *not_before;
  }
  if (absl::Status span = CheckSpan(verified, now); !span.ok()) return span;
  auto principal = PrincipalOf(*claims);
  if (!principal.ok()) return principal.status();
  verified.principal = *std::move(principal);
  return verified;
}

}  // namespace motcua::auth
