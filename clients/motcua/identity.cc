#include "clients/motcua/identity.h"

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace motcua::client {
namespace {

constexpr absl::Duration kLifetime = absl::Minutes(30);
constexpr size_t kMaxKept = 10000;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

}  // namespace

absl::StatusOr<auth::Principal> ParsePrincipal(std::string_view text) {
  const std::vector<std::string> halves = absl::StrSplit(std::string(text), absl::MaxSplits('@', 1));
  std::vector<std::string> rest;
  if (halves.size() == 2) rest = absl::StrSplit(halves[1], absl::MaxSplits(':', 1));
  std::vector<std::string> roles;
  if (rest.size() == 2) roles = absl::StrSplit(rest[1], ',', absl::SkipEmpty());
  if (roles.empty() || halves[0].empty() || rest[0].empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", std::string(text.substr(0, 100)),
                     "\" does not name an officer as officer-id@agency:role,role "
                     "(for example H30.18.05-intake@H30.18.05:intake)"));
  }
  return auth::Principal(auth::Kind::kOfficer, halves[0], rest[0], std::move(roles));
}

auth::Principal OperatorOf(const std::string& shard) {
  if (shard.empty()) return auth::Principal(auth::Kind::kSystem, "operator", "", {"admin"});
  return auth::Principal(auth::Kind::kOfficer, absl::StrCat(shard, "-operator"), shard, {"admin"});
}

absl::StatusOr<Identity> Identity::Load(const Settings& settings) {
  Identity identity;
  identity.default_as_ = settings.as;
  identity.given_ = settings.token;
  if (identity.given_.empty() && !settings.token_file.empty()) {
    absl::StatusOr<std::string> token = ReadFile(settings.token_file);
    if (!token.ok()) return token.status();
    identity.given_ = std::string(absl::StripAsciiWhitespace(*token));
  }
  if (!settings.signing_key.empty()) {
    absl::StatusOr<std::string> pem = ReadFile(settings.signing_key);
    if (!pem.ok()) return pem.status();
    // An empty file is how an installation says that it signs no tokens.
    if (absl::StripAsciiWhitespace(*pem).empty()) return identity;
    auto signer = auth::JwtSigner::FromPem(*pem, settings.signing_kid, settings.issuer, settings.audience);
    if (!signer.ok()) return signer.status();
    identity.signer_ = *std::move(signer);
  }
  return identity;
}

absl::StatusOr<std::string> Identity::Mint(const auth::Principal& principal, absl::Duration lifetime) const {
  if (!signer_) {
    return absl::FailedPreconditionError(
        "no signing key: set MOTCUA_SIGNING_KEY (development), or bring a token in MOTCUA_TOKEN");
  }
  return signer_->Mint(principal, absl::Now(), lifetime);
}

absl::StatusOr<std::string> Identity::TokenFor(const std::string& as, const std::string& shard) {
  const std::string& whom = as.empty() ? default_as_ : as;
  if (whom.empty() && (!given_.empty() || !signer_)) return given_;
  const std::string key = whom.empty() ? absl::StrCat("/", shard) : whom;
  const auto known = minted_.find(key);
  if (known != minted_.end() && absl::Now() < known->second.second) return known->second.first;
  absl::StatusOr<auth::Principal> principal = whom.empty() ? OperatorOf(shard) : ParsePrincipal(whom);
  if (!principal.ok()) return principal.status();
  absl::StatusOr<std::string> token = Mint(*principal, kLifetime);
  if (!token.ok()) return token.status();
  if (minted_.size() >= kMaxKept) minted_.clear();
  minted_[key] = {*token, absl::Now() + kLifetime / 2};
  return token;
}

}  // namespace motcua::client
