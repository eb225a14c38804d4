#include "absl/strings/numbers.h"
#include "common/status/rpc_status.h"
#include "common/store/mutate.h"

namespace motcua::store {

namespace {

constexpr size_t kFingerprintBytes = 8;
constexpr char kReply = 'R';
constexpr char kError = 'E';

std::string Packed(std::string_view fingerprint, char kind, const google::protobuf::MessageLite& content) {
  std::string packed(fingerprint);
  packed.push_back(kind);
  content.AppendToString(&packed);
  return packed;
}

absl::Status Corrupt() { return errors::DataLoss("CORRUPT_RECORD", "a stored reply cannot be read"); }

}  // namespace

std::string Fingerprint(const google::protobuf::Message& request) {
  // Requests of one service whose types differ are different requests, even where their bytes agree.
  return Sha256(request.GetDescriptor()->full_name(), request.SerializeAsString()).substr(0, kFingerprintBytes);
}

std::string StoredReply::Pack(std::string_view fingerprint, const google::protobuf::MessageLite& reply) {
  return Packed(fingerprint, kReply, reply);
}

std::string StoredReply::PackError(std::string_view fingerprint, const absl::Status& error) {
  return Packed(fingerprint, kError, errors::ToRpcStatus(error));
}

absl::Status StoredReply::Unpack(std::string_view stored, std::string_view fingerprint,
                                 google::protobuf::MessageLite& reply, uint64_t& position) {
  const size_t colon = stored.find(':');
  if (colon == std::string_view::npos || !absl::SimpleAtoi(std::string(stored.substr(0, colon)), &position)) return Corrupt();
  stored.remove_prefix(colon + 1);
  if (stored.size() <= kFingerprintBytes) return Corrupt();
  if (stored.substr(0, kFingerprintBytes) != fingerprint) {
    return errors::AlreadyExists("REQUEST_ID_REUSED", "request_id: was used for another request");
  }
  const char kind = stored[kFingerprintBytes];
  stored.remove_prefix(kFingerprintBytes + 1);
  if (kind == kError) {
    google::rpc::Status error;
    if (!error.ParseFromArray(stored.data(), static_cast<int>(stored.size()))) return Corrupt();
    return errors::FromRpcStatus(error);
  }
  if (kind != kReply || !reply.ParseFromArray(stored.data(), static_cast<int>(stored.size()))) return Corrupt();
  return absl::OkStatus();
}

}  // namespace motcua::store
