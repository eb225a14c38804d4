#include "common/rpc/grpc_status.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace motcua::rpc {
namespace {

constexpr size_t kMaxMessageBytes = 1024;
constexpr size_t kMaxDetailBytes = 6 * 1024;

std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

// Cut at a character's beginning.
std::string Shortened(absl::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most));
}

template <class Detail>
std::string UrlOf() {
  return absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name());
}

// As many of the violations, from the first, as fit.
absl::Cord FirstOf(const absl::Cord& fields, size_t most) {
  google::rpc::BadRequest bad;
  if (fields.size() <= most || !bad.ParseFromString(std::string(fields))) return fields;
  while (bad.field_violations_size() > 0 && bad.ByteSizeLong() > most) {
    bad.mutable_field_violations()->RemoveLast();
  }
  return absl::Cord(bad.SerializeAsString());
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (errors::Reason(status).empty()) {
    absl::Status with_reason = errors::Make(status.code(), CodeName(status.code()), std::string(status.message()));
    status.ForEachPayload([&with_reason](absl::string_view type_url, const absl::Cord& payload) {
      with_reason.SetPayload(type_url, payload);
    });
    return ToGrpc(with_reason);
  }
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Shortened(status.message(), kMaxMessageBytes));
  size_t bytes = details.ByteSizeLong();
  // Always in this order: ErrorInfo must get through whatever else there is, and what is wrong with the
  // fields takes what room is left. Nothing else leaves the house.
  for (const std::string& url : {UrlOf<google::rpc::ErrorInfo>(), UrlOf<google::rpc::LocalizedMessage>(),
                                 UrlOf<google::rpc::RetryInfo>(), UrlOf<google::rpc::PreconditionFailure>(),
                                 UrlOf<google::rpc::BadRequest>()}) {
    const auto payload = status.GetPayload(url);
    if (!payload.has_value()) continue;
    bytes += url.size() + 8;
    const size_t left = kMaxDetailBytes - std::min(bytes, kMaxDetailBytes);
    const absl::Cord detail = url == UrlOf<google::rpc::BadRequest>() ? FirstOf(*payload, left) : *payload;
    if (detail.size() > left) continue;
    bytes += detail.size();
    auto* any = details.add_details();
    any->set_type_url(url);
    any->set_value(std::string(detail));
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(), details.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  auto code = static_cast<absl::StatusCode>(status.error_code());
  if (status.error_code() < 0 || status.error_code() > 16) code = absl::StatusCode::kUnknown;
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details()) &&
      details.code() == static_cast<int>(status.error_code())) {
    absl::Status converted(code, status.error_message());
    for (const auto& any : details.details()) {
      converted.SetPayload(any.type_url(), absl::Cord(any.value()));
    }
    if (!errors::Reason(converted).empty()) return converted;
  }
  // Our servers give every status a reason. A bare CANCELLED that the caller did not ask for is a call that
  // crossed the server's good-bye on its way.
  if (code == absl::StatusCode::kCancelled) code = absl::StatusCode::kUnavailable;
  std::string reason = code == absl::StatusCode::kUnavailable ? "OUTCOME_UNKNOWN" : CodeName(code);
  return errors::Make(code, reason, status.error_message());
}

}  // namespace motcua::rpc
