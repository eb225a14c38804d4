#include "common/store/stored_reply.h"

#include <algorithm>
#include <charconv>

#include "common/status/rpc_status.h"

namespace motcua::store::internal {

namespace {

absl::Status Corrupt() { return errors::DataLoss("CORRUPT_RECORD", "a stored reply cannot be read"); }

absl::Status Reused() {
  return errors::AlreadyExists("REQUEST_ID_REUSED", "request_id: was used for another request");
}

async::Task<absl::StatusOr<std::optional<std::string>>> GetOne(Store& store, Keyspace keys, std::string key,
                                                               absl::Time deadline) {
  std::vector<std::string> wanted;
  wanted.push_back(std::move(key));
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store.Get(std::move(wanted), deadline);
  if (!values.ok()) co_return values.status();
  if (values->front().has_value()) {
    absl::Status confirmed = co_await store.ConfirmRead(keys, deadline);
    if (!confirmed.ok()) co_return confirmed;
  }
  co_return std::move(values->front());
}

}  // namespace

std::string RequestOwner(const common::v1::Actor& actor, std::string_view anonymous_as) {
  if (!actor.agency().empty()) return std::string("agency/").append(actor.agency());
  if (!actor.id().empty()) return std::string("id/").append(actor.id());
  return std::string("anonymous/").append(anonymous_as);
}

RequestMark MarkOf(const Caller& caller, std::string_view anonymous_as, std::string_view record,
                   const google::protobuf::Message& request, std::string_view request_id) {
  RequestMark mark;
  const std::string digest = RequestDigest(RequestOwner(caller.actor, anonymous_as), request_id, record);
  std::copy_n(digest.begin(), mark.digest.size(), mark.digest.begin());
  // Requests of one service whose types differ are different requests, even where their bytes agree.
  const std::array<char, 32> content =
      caller.request_bytes.empty()
          ? Sha256Of({request.GetDescriptor()->full_name(), request.SerializeAsString()})
          : Sha256Of({request.GetDescriptor()->full_name(), caller.request_bytes});
  std::copy_n(content.begin(), mark.fingerprint.size(), mark.fingerprint.begin());
  return mark;
}

std::string PackReply(const RequestMark& mark, uint64_t version, absl::Time at,
                      const google::protobuf::MessageLite& reply, const absl::Status& error) {
  const std::string content =
      error.ok() ? reply.SerializeAsString() : errors::ToRpcStatus(error).SerializeAsString();
  StoredAnswer answer;
  answer.fingerprint = mark.fingerprint_view();
  answer.kind = error.ok() ? StoredAnswer::kReply : StoredAnswer::kError;
  answer.version = version;
  answer.at_nanos = absl::ToUnixNanos(at);
  answer.content = content;
  return PackAnswer(answer);
}

absl::Status UnpackReply(std::string_view packed, const RequestMark& mark,
                         google::protobuf::MessageLite& reply, StoredAnswer& answer) {
  if (!UnpackAnswer(packed, answer)) return Corrupt();
  if (answer.fingerprint != mark.fingerprint_view()) return Reused();
  const auto size = static_cast<int>(answer.content.size());
  if (answer.kind == StoredAnswer::kError) {
    google::rpc::Status error;
    if (!error.ParseFromArray(answer.content.data(), size)) return Corrupt();
    return errors::FromRpcStatus(error);
  }
  return reply.ParseFromArray(answer.content.data(), size) ? absl::OkStatus() : Corrupt();
}

bool SplitStoredReply(std::string_view stored, uint64_t& position, std::string_view& packed) {
  const std::from_chars_result read = std::from_chars(stored.data(), stored.data() + stored.size(), position);
  const auto digits = static_cast<size_t>(read.ptr - stored.data());
  if (read.ec != std::errc() || digits >= stored.size() || stored[digits] != ':') return false;
  packed = stored.substr(digits + 1);
  return true;
}

std::string PackMade(const RequestMark& mark, std::string_view id) {
  return std::string(mark.fingerprint_view()).append(id);
}

absl::StatusOr<std::string_view> UnpackMade(std::string_view packed, const RequestMark& mark) {
  const size_t head = mark.fingerprint.size();
  if (packed.size() <= head) return Corrupt();
  if (packed.substr(0, head) != mark.fingerprint_view()) return Reused();
  return packed.substr(head);
}

async::Task<absl::StatusOr<std::optional<std::string>>> StoredReply(Store& store, Keyspace keys,
                                                                    RequestMark mark, absl::Time deadline) {
  std::string key = keys.Request(mark.digest_view());
  return GetOne(store, std::move(keys), std::move(key), deadline);
}

async::Task<absl::StatusOr<std::optional<std::string>>> StoredMade(Store& store, Keyspace keys,
                                                                   RequestMark mark, absl::Time deadline) {
  std::string key = keys.Made(mark.digest_view());
  return GetOne(store, std::move(keys), std::move(key), deadline);
}

}  // namespace motcua::store::internal
