#include "common/rpc/authenticator.h"

#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

// RFC 6750; the scheme's name is case-insensitive.
bool StripScheme(std::string_view& authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return false;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    if (tolower(static_cast<unsigned char>(authorization[i])) != kScheme[i]) return false;
  }
  authorization.remove_prefix(kScheme.size());
  return true;
}

}  // namespace

Authenticator::Authenticator(std::optional<auth::JwtVerifier> verifier, size_t capacity)
    : capacity_(capacity) {
  if (verifier.has_value()) verifier_ = std::make_shared<const auth::JwtVerifier>(*std::move(verifier));
}

void Authenticator::Replace(auth::JwtVerifier verifier) {
  absl::MutexLock lock(&mutex_);
  verifier_ = std::make_shared<const auth::JwtVerifier>(std::move(verifier));
  index_.clear();
  recent_.clear();
}

absl::StatusOr<Authenticator::PrincipalPtr> Authenticator::Bearer(std::string_view authorization, absl::Time now) {
  std::string_view token = authorization;
  if (!StripScheme(token)) return errors::Unauthenticated("TOKEN_INVALID", "authorization must be `Bearer <token>`");
  VerifierPtr verifier;
  {
    absl::MutexLock lock(&mutex_);
    if (verifier_ == nullptr)
      return errors::Unauthenticated("TOKEN_INVALID", "this service accepts no tokens");
    if (auto found = index_.find(token); found != index_.end()) {
      if (absl::Status span = auth::CheckSpan(found->second->verified, now); !span.ok()) return span;
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->principal;
    }
    verifier = verifier_;
  }
  auto verified = verifier->Verify(token, now);
  if (!verified.ok()) return verified.status();
  auto principal = std::make_shared<const auth::Principal>(verified->principal);

  absl::MutexLock lock(&mutex_);
  if (verifier == verifier_ && index_.find(token) == index_.end()) {
    recent_.push_front(Entry{std::string(token), *std::move(verified), principal});
    index_.emplace(recent_.front().token, recent_.begin());
    if (recent_.size() > capacity_) {
      index_.erase(recent_.back().token);
      recent_.pop_back();
    }
  }
  return principal;
}

Authenticator::PrincipalPtr Authenticator::Certificate(std::string_view spiffe_id) const {
  auto principal = auth::PrincipalOfSpiffeId(spiffe_id);
  return principal.has_value() ? std::make_shared<const auth::Principal>(*std::move(principal)) : anonymous_;
}

size_t Authenticator::remembered() const {
  absl::MutexLock lock(&mutex_);
  return recent_.size();
}

}  // namespace motcua::rpc
