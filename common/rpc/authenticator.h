// Authenticator: who is calling, from what gRPC hands us.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/auth/jwt_verifier.h"

namespace motcua::rpc {

// Verifies a token once and then remembers it, by its full text, until it expires or is the least recently used of
// many. Thread-safe.
class Authenticator {
 public:
  using PrincipalPtr = std::shared_ptr<const auth::Principal>;

  // Without a verifier every token is refused. `capacity`: tokens remembered.
  explicit Authenticator(std::optional<auth::JwtVerifier> verifier, size_t capacity = 4096);

  // Other keys: what was verified with the old ones is forgotten.
  void Replace(auth::JwtVerifier verifier);

  // `authorization`: the metadata of that name, `Bearer <token>`. `now`: of the system clock; tokens live in real
  // time even where the service's time is simulated.
  // Errors: UNAUTHENTICATED (TOKEN_INVALID, TOKEN_EXPIRED). A bad token is never taken for none.
  absl::StatusOr<PrincipalPtr> Bearer(std::string_view authorization, absl::Time now);

  // The service that a verified client certificate names; anonymous for any other certificate.
  PrincipalPtr Certificate(std::string_view spiffe_id) const;

  const PrincipalPtr& anonymous() const { return anonymous_; }
  size_t remembered() const;

 private:
  struct Entry {
    std::string token;
    auth::VerifiedToken verified;
    PrincipalPtr principal;
  };

  using VerifierPtr = std::shared_ptr<const auth::JwtVerifier>;

  const size_t capacity_;
  const PrincipalPtr anonymous_ = std::make_shared<const auth::Principal>();
  mutable absl::Mutex mutex_;
  VerifierPtr verifier_ ABSL_GUARDED_BY(mutex_);     // null: none
  std::list<Entry> recent_ ABSL_GUARDED_BY(mutex_);  // most recent first
  // Keys are views of the entries' tokens.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace motcua::rpc
