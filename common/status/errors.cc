#include "common/status/errors.h"

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/messages_vi.h"
#include "google/rpc/error_details.pb.h"

namespace motcua::errors {
namespace {

constexpr char kTypeUrlPrefix[] = "type.googleapis.com/";

// Debian's Abseil has a string_view of its own.
absl::string_view Absl(std::string_view text) { return absl::string_view(text.data(), text.size()); }

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat(kTypeUrlPrefix, Detail::descriptor()->full_name());
}

template <typename Detail>
void Attach(const Detail& detail, absl::Status& status) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
std::optional<Detail> Find(const absl::Status& status) {
  if (status.ok()) return std::nullopt;
  auto payload = status.GetPayload(TypeUrl<Detail>());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

absl::Duration RetryDelayFor(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable ? absl::Milliseconds(500) : absl::Milliseconds(200);
}

}  // namespace

absl::Status Make(absl::StatusCode code, std::string_view reason, std::string_view message,
                  const Metadata& metadata) {
  if (code == absl::StatusCode::kOk) code = absl::StatusCode::kInternal;
  absl::Status status(code, Absl(message));

  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kDomain));
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  Attach(info, status);

  google::rpc::LocalizedMessage localized;
  localized.set_locale("vi");
  localized.set_message(std::string(TextVi(code, reason)));
  Attach(localized, status);

  if (code == absl::StatusCode::kFailedPrecondition) {
    google::rpc::PreconditionFailure failure;
    auto* violation = failure.add_violations();
    violation->set_type(std::string(reason));
    if (!metadata.empty()) violation->set_subject(metadata.front().second);
    violation->set_description(std::string(message));
    Attach(failure, status);
  }
  if (code == absl::StatusCode::kResourceExhausted || code == absl::StatusCode::kUnavailable) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(RetryDelayFor(code))));
    Attach(retry, status);
  }
  return status;
}

absl::Status InvalidArgument(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kInvalidArgument, reason, message, metadata);
}
absl::Status NotFound(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kNotFound, reason, message, metadata);
}
absl::Status AlreadyExists(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kAlreadyExists, reason, message, metadata);
}
absl::Status FailedPrecondition(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kFailedPrecondition, reason, message, metadata);
}
absl::Status Aborted(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kAborted, reason, message, metadata);
}
absl::Status PermissionDenied(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kPermissionDenied, reason, message, metadata);
}
absl::Status Unauthenticated(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kUnauthenticated, reason, message, metadata);
}
absl::Status ResourceExhausted(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kResourceExhausted, reason, message, metadata);
}
absl::Status Unavailable(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kUnavailable, reason, message, metadata);
}
absl::Status DeadlineExceeded(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kDeadlineExceeded, reason, message, metadata);
}
absl::Status OutOfRange(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kOutOfRange, reason, message, metadata);
}
absl::Status Internal(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kInternal, reason, message, metadata);
}
absl::Status DataLoss(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kDataLoss, reason, message, metadata);
}
absl::Status Cancelled(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kCancelled, reason, message, metadata);
}
absl::Status Unimplemented(std::string_view reason, std::string_view message, const Metadata& metadata) {
  return Make(absl::StatusCode::kUnimplemented, reason, message, metadata);
}

std::string Reason(const absl::Status& status) {
  auto info = Find<google::rpc::ErrorInfo>(status);
  return info.has_value() ? info->reason() : "";
}

std::string MetadataValue(const absl::Status& status, std::string_view key) {
  auto info = Find<google::rpc::ErrorInfo>(status);
  if (!info.has_value()) return "";
  auto found = info->metadata().find(std::string(key));
  return found == info->metadata().end() ? "" : found->second;
}

std::string VietnameseMessage(const absl::Status& status) {
  auto localized = Find<google::rpc::LocalizedMessage>(status);
  return localized.has_value() ? localized->message() : "";
}

std::vector<std::pair<std::string, std::string>> FieldViolations(const absl::Status& status) {
  std::vector<std::pair<std::string, std::string>> violations;
  if (auto bad = Find<google::rpc::BadRequest>(status); bad.has_value()) {
    for (const auto& violation : bad->field_violations()) {
      violations.emplace_back(violation.field(), violation.description());
    }
  }
  return violations;
}

absl::Duration RetryDelay(const absl::Status& status) {
  auto retry = Find<google::rpc::RetryInfo>(status);
  if (!retry.has_value()) return absl::ZeroDuration();
  return absl::Seconds(retry->retry_delay().seconds()) + absl::Nanoseconds(retry->retry_delay().nanos());
}

absl::Status Prefixed(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status prefixed(status.code(), absl::StrCat(Absl(context), ": ", status.message()));
  status.ForEachPayload([&prefixed](absl::string_view type_url, const absl::Cord& payload) {
    prefixed.SetPayload(type_url, payload);
  });
  return prefixed;
}

bool IsRetryable(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kAborted ||
         status.code() == absl::StatusCode::kResourceExhausted;
}

void Violations::Add(std::string_view path, std::string_view description) {
  ++count_;
  if (kept_.size() < kMaxKept) kept_.emplace_back(path, description);
}

absl::Status Violations::ToStatus(std::string_view reason) const {
  if (empty()) return absl::OkStatus();
  google::rpc::BadRequest bad;
  std::vector<std::string> lines;
  for (const auto& [path, description] : kept_) {
    auto* violation = bad.add_field_violations();
    violation->set_field(path);
    violation->set_description(description);
    if (lines.size() < 5) lines.push_back(absl::StrCat(path, ": ", description));
  }
  std::string message = absl::StrJoin(lines, "; ");
  if (count_ > lines.size()) absl::StrAppend(&message, "; and ", count_ - lines.size(), " more");
  absl::Status status = InvalidArgument(reason, message);
  Attach(bad, status);
  return status;
}

}  // namespace motcua::errors
