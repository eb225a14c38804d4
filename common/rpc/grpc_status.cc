#include "common/rpc/grpc_status.h"

#include <grpcpp/grpcpp.h>

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
  // ErrorInfo first: it must get through whatever else there is.
  const std::string info_url = absl::StrCat("type.googleapis.com/", google::rpc::ErrorInfo::descriptor()->full_name());
  auto add = [&details, &bytes](absl::string_view type_url, const absl::Cord& payload) {
    bytes += type_url.size() + payload.size() + 8;
    if (bytes > kMaxDetailBytes) return;
    auto* any = details.add_details();
    any->set_type_url(std::string(type_url));
    any->set_value(std::string(payload));
  };
  add(info_url, *status.GetPayload(info_url));
  status.ForEachPayload([&add, &info_url](absl::string_view type_url, const absl::Cord& payload) {
    if (type_url != info_url) add(type_url, payload);
  });
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
