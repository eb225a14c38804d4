#include "common/status/errors.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/messages_vi.h"
#include "google/protobuf/unknown_field_set.h"
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

// FieldViolation.reason and .localized_message: googleapis has them since 2024, Debian 12's not. They are on
// the wire all the same, for the stock clients that know them.
constexpr int kViolationReason = 3;
constexpr int kViolationText = 4;

// Not over in a moment: told without RetryInfo, or with the true one by RetryAfter.
constexpr std::string_view kLasting[] = {"CODE_SPACE_EXHAUSTED", "REQUEST_TOO_LARGE", "TOO_MANY_GUESSES",
                                         "TOO_MANY_UPLOADS",     "UPLOAD_TOO_LARGE",  "STORE_FULL"};

// Zero: repeating does not help.
absl::Duration RetryDelayFor(absl::StatusCode code, std::string_view reason) {
  if (code == absl::StatusCode::kUnavailable) return absl::Milliseconds(500);
  const bool lasting = std::find(std::begin(kLasting), std::end(kLasting), reason) != std::end(kLasting);
  return code == absl::StatusCode::kResourceExhausted && !lasting ? absl::Milliseconds(200)
                                                                  : absl::ZeroDuration();
}

void AttachDelay(absl::Duration delay, absl::Status& status) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
  retry.mutable_retry_delay()->set_nanos(
      static_cast<int>(absl::ToInt64Nanoseconds(delay - absl::Seconds(absl::ToInt64Seconds(delay)))));
  Attach(retry, status);
}

google::rpc::LocalizedMessage Localized(std::string_view text) {
  google::rpc::LocalizedMessage localized;
  localized.set_locale("vi");
  localized.set_message(std::string(text));
  return localized;
}

google::rpc::BadRequest::FieldViolation ToProto(const FieldViolation& violation) {
  google::rpc::BadRequest::FieldViolation proto;
  proto.set_field(violation.field);
  proto.set_description(violation.description);
  google::protobuf::UnknownFieldSet* more = proto.GetReflection()->MutableUnknownFields(&proto);
  more->AddLengthDelimited(kViolationReason, violation.reason);
  more->AddLengthDelimited(kViolationText, Localized(violation.text_vi).SerializeAsString());
  return proto;
}

FieldViolation FromProto(const google::rpc::BadRequest::FieldViolation& proto) {
  FieldViolation violation;
  violation.field = proto.field();
  violation.description = proto.description();
  const google::protobuf::UnknownFieldSet& more = proto.GetReflection()->GetUnknownFields(proto);
  for (int i = 0; i < more.field_count(); ++i) {
    const google::protobuf::UnknownField& field = more.field(i);
    if (field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    if (field.number() == kViolationReason) violation.reason = field.length_delimited();
    google::rpc::LocalizedMessage localized;
    if (field.number() == kViolationText && localized.ParseFromString(field.length_delimited())) {
      violation.text_vi = localized.message();
    }
  }
  return violation;
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

  Attach(Localized(TextVi(code, reason)), status);

  if (code == absl::StatusCode::kFailedPrecondition) {
    google::rpc::PreconditionFailure failure;
    auto* violation = failure.add_violations();
    violation->set_type(std::string(reason));
    if (!metadata.empty()) violation->set_subject(metadata.front().second);
    violation->set_description(std::string(message));
    Attach(failure, status);
  }
  const absl::Duration delay = RetryDelayFor(code, reason);
  if (delay > absl::ZeroDuration()) AttachDelay(delay, status);
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

std::vector<FieldViolation> FieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  if (auto bad = Find<google::rpc::BadRequest>(status); bad.has_value()) {
    for (const auto& violation : bad->field_violations()) violations.push_back(FromProto(violation));
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

absl::Status RetryAfter(absl::Status status, absl::Duration delay) {
  if (!status.ok()) AttachDelay(delay, status);
  return status;
}

bool IsRetryable(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kAborted ||
         (status.code() == absl::StatusCode::kResourceExhausted && RetryDelay(status) > absl::ZeroDuration());
}

void Violations::Add(std::string_view path, std::string_view reason, std::string_view description,
                     std::string_view text_vi) {
  ++count_;
  if (kept_.size() >= kMaxKept) return;
  FieldViolation& violation = kept_.emplace_back();
  violation.field = path;
  violation.reason = reason;
  violation.description = description;
  violation.text_vi = text_vi.empty() ? TextVi(absl::StatusCode::kInvalidArgument, reason) : text_vi;
}

absl::Status Violations::ToStatus(std::string_view reason) const {
  if (empty()) return absl::OkStatus();
  google::rpc::BadRequest bad;
  std::vector<std::string> lines;
  for (const FieldViolation& violation : kept_) {
    *bad.add_field_violations() = ToProto(violation);
    if (lines.size() < 5) lines.push_back(absl::StrCat(violation.field, ": ", violation.description));
  }
  std::string message = absl::StrJoin(lines, "; ");
  if (count_ > lines.size()) absl::StrAppend(&message, "; and ", count_ - lines.size(), " more");
  absl::Status status = InvalidArgument(reason, message);
  Attach(bad, status);
  return status;
}

}  // namespace motcua::errors
