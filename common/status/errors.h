// How an error is made: every absl::Status that may reach a caller carries a machine-readable reason.
//
//   return errors::NotFound("DOSSIER_NOT_FOUND", "no dossier with this code", {{"code", code}});
//
// The details are packed at once as the messages of google/rpc/error_details.proto (shape of AIP-193), each
// as a status payload under its type URL; common/rpc carries them over gRPC unchanged, in both directions:
//   - ErrorInfo{reason, domain "motcua", metadata}     on every error;
//   - LocalizedMessage{"vi", text of messages_vi.h}    on every error;
//   - BadRequest                                       on errors made by Violations, all violations at once;
//   - PreconditionFailure{type = reason}               on FailedPrecondition;
//   - RetryInfo                                        on Unavailable, and on ResourceExhausted that passes
//   by itself.
// Messages and metadata are public: no personal data, no keys of the store, no addresses, no script text.
// All functions are pure and thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace motcua::errors {

inline constexpr std::string_view kDomain = "motcua";

// Pairs for ErrorInfo.metadata, e.g. {{"code", code}, {"version", "7"}}.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// `reason`: UPPER_SNAKE, the name a client program switches on. `message`: English, for developers.
absl::Status InvalidArgument(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status NotFound(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status AlreadyExists(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status FailedPrecondition(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status Aborted(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status PermissionDenied(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status Unauthenticated(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status ResourceExhausted(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status Unavailable(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status DeadlineExceeded(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status OutOfRange(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status Internal(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status DataLoss(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status Cancelled(std::string_view reason, std::string_view message, const Metadata& metadata = {});
absl::Status Unimplemented(std::string_view reason, std::string_view message, const Metadata& metadata = {});

// The same for a code known only at run time. `code` kOk is taken for kInternal.
absl::Status Make(absl::StatusCode code, std::string_view reason, std::string_view message,
                  const Metadata& metadata = {});

// ErrorInfo.reason, or "" where the status is OK or carries none.
std::string Reason(const absl::Status& status);

// The value of ErrorInfo.metadata[key], or "".
std::string MetadataValue(const absl::Status& status, std::string_view key);

// The Vietnamese text of LocalizedMessage, or "".
std::string VietnameseMessage(const absl::Status& status);

// What is wrong with one field of a request.
struct FieldViolation {
  // As the caller wrote it, `items[2].name`.
  std::string field;
  // Of motcua.common.v1.Reason, like that of an error.
  std::string reason;
  // What it must be, in English for developers; without its value.
  std::string description;
  // The same for whoever filled it in.
  std::string text_vi;
};

// The violations of BadRequest; empty where there is none.
std::vector<FieldViolation> FieldViolations(const absl::Status& status);

// RetryInfo.retry_delay, or zero.
absl::Duration RetryDelay(const absl::Status& status);

// Same code and details, message "context: message". OK stays OK.
absl::Status Prefixed(const absl::Status& status, std::string_view context);

// The same error with another delay: it does not pass before.
absl::Status RetryAfter(absl::Status status, absl::Duration delay);

// True where repeating the same call with the same request_id may help: UNAVAILABLE, ABORTED, and
// RESOURCE_EXHAUSTED with RetryInfo.
bool IsRetryable(const absl::Status& status);

// Collects what is wrong with a request, so that the caller learns all of it at once.
//
//   errors::Violations violations;
//   if (request.units_size() == 0) violations.Add("units", "FIELD_REQUIRED", "must name at least one unit");
//   if (!violations.empty()) return violations.ToStatus();
//
// Keeps at most kMaxKept violations and counts the rest. Not thread-safe.
class Violations {
 public:
  static constexpr size_t kMaxKept = 100;

  // See FieldViolation. `text_vi`: where the reason's own text does not say enough.
  void Add(std::string_view path, std::string_view reason, std::string_view description,
           std::string_view text_vi = {});

  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  const std::vector<FieldViolation>& kept() const { return kept_; }

  // OK where empty; else INVALID_ARGUMENT with BadRequest.
  absl::Status ToStatus(std::string_view reason = "INVALID_REQUEST") const;

 private:
  std::vector<FieldViolation> kept_;
  size_t count_ = 0;
};

}  // namespace motcua::errors
