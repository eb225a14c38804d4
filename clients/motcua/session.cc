#include "clients/motcua/session.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/reference/zone.h"
#include "common/store/keys.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/intake/v1/intake.pb.h"

namespace motcua::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The feeds that each service follows.
const std::vector<Service>& SourcesOf(Service service) {
  static const std::vector<Service> kIntakes = {Service::kRouting, Service::kDeadlineMonitor};
  static const std::vector<Service> kRoutings = {Service::kIntake};
  static const std::vector<Service> kMonitors = {Service::kIntake, Service::kRouting};
  static const std::vector<Service> kNotifications = {Service::kIntake, Service::kRouting,
                                                      Service::kDeadlineMonitor};
  switch (service) {
    case Service::kIntake:
      return kIntakes;
    case Service::kRouting:
      return kRoutings;
    case Service::kDeadlineMonitor:
      return kMonitors;
    default:
      return kNotifications;
  }
}

std::string TextField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING)
    return "";
  return message.GetReflection()->GetString(message, field);
}

uint64_t PositionIn(const Message& response) {
  const auto* reflection = response.GetReflection();
  const FieldDescriptor* written = response.GetDescriptor()->FindFieldByName("written");
  if (written != nullptr && reflection->HasField(response, written)) {
    return static_cast<const common::v1::Written&>(reflection->GetMessage(response, written)).feed_position();
  }
  const FieldDescriptor* position = response.GetDescriptor()->FindFieldByName("feed_position");
  if (position == nullptr || position->cpp_type() != FieldDescriptor::CPPTYPE_UINT64) return 0;
  return reflection->GetUInt64(response, position);
}

}  // namespace

void OwnWrites::Note(Service service, const std::string& shard, const Message& response) {
  NotePosition(service, shard, PositionIn(response));
}

void OwnWrites::NotePosition(Service service, const std::string& shard, uint64_t position) {
  if (position == 0 || shard.empty()) return;
  uint64_t& known = positions_[{service, shard}];
  known = std::max(known, position);
}

std::string OwnWrites::Before(Service service, const std::string& shard) const {
  std::vector<std::string> writes;
  for (Service source : SourcesOf(service)) {
    const uint64_t position = Position(source, shard);
    if (position > 0) writes.push_back(absl::StrCat(NameOf(source), "/", shard, "=", position));
  }
  return absl::StrJoin(writes, ",");
}

uint64_t OwnWrites::Position(Service service, const std::string& shard) const {
  const auto found = positions_.find({service, shard});
  return found == positions_.end() ? 0 : found->second;
}

Session::Session(Settings settings, Identity identity, std::unique_ptr<Connection> connection)
    : settings_(std::move(settings)), identity_(std::move(identity)), connection_(std::move(connection)) {}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const Settings& settings) {
  absl::StatusOr<Identity> identity = Identity::Load(settings);
  if (!identity.ok()) return identity.status();
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(settings);
  if (!connection.ok()) return connection.status();
  return std::unique_ptr<Session>(new Session(settings, *std::move(identity), *std::move(connection)));
}

absl::Status Session::Ask(Service service, const Message& request, Message& response, const std::string& as,
                          absl::Duration timeout) {
  return AskAs(service, request, response, ShardOfRequest(request), as, timeout);
}

absl::Status Session::AskOf(Service service, const std::string& shard, const Message& request,
                            Message& response) {
  return AskAs(service, request, response, shard, "", CallOptions().timeout);
}

absl::Status Session::AskAs(Service service, const Message& request, Message& response,
                            const std::string& shard, const std::string& as, absl::Duration timeout) {
  absl::StatusOr<std::string> token = identity_.TokenFor(as, in_all_ ? "" : shard);
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.timeout = timeout;
  options.after = own_writes_.Before(service, shard);
  options.patience = settings_.patience;
  absl::Status status = connection_->Call(service, request, response, options);
  if (status.ok()) own_writes_.Note(service, shard, response);
  return status;
}

absl::Status Session::AskAnonymously(Service service, const Message& request, Message& response) {
  CallOptions options;
  options.after = own_writes_.Before(service, ShardOfRequest(request));
  options.patience = settings_.patience;
  return connection_->Call(service, request, response, options);
}

absl::Status Session::Stream(Service service, const Message& request, Message& message,
                             absl::Duration timeout, absl::FunctionRef<bool()> on_message) {
  absl::StatusOr<std::string> token = identity_.TokenFor("", ShardOfRequest(request));
  if (!token.ok()) return token.status();
  CallOptions options;
  options.token = *std::move(token);
  options.timeout = timeout;
  return connection_->Stream(service, request, message, options, on_message);
}

absl::TimeZone Session::ZoneOf(const std::string& shard) {
  const auto known = zones_.find(shard);
  if (known != zones_.end()) return known->second;
  absl::TimeZone zone = reference::FindTimeZone("").value_or(absl::UTCTimeZone());
  if (!shard.empty() && !settings_.addresses[0].empty()) {
    intake::v1::GetReferenceRequest request;
    request.set_shard(shard);
    request.set_only_jurisdiction(true);
    const auto head = Ask<intake::v1::GetReferenceResponse>(request);
    if (head.ok()) zone = reference::FindTimeZone(head->set().jurisdiction().time_zone()).value_or(zone);
  }
  zones_[shard] = zone;
  return zone;
}

absl::StatusOr<std::vector<reference::v1::Agency>> Session::AgenciesOf(const std::string& shard) {
  std::vector<reference::v1::Agency> agencies;
  intake::v1::ListAgenciesRequest request;
  request.set_shard(shard);
  request.set_page_size(500);
  do {
    const auto page = Ask<intake::v1::ListAgenciesResponse>(request);
    if (!page.ok()) return page.status();
    agencies.insert(agencies.end(), page->agencies().begin(), page->agencies().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return agencies;
}

std::string ShardOfRequest(const Message& request) {
  for (const char* name : {"dossier", "receiving_agency", "agency", "shard"}) {
    const std::string text = TextField(request, name);
    if (!text.empty()) return store::ShardOf(text);
  }
  const FieldDescriptor* set = request.GetDescriptor()->FindFieldByName("set");
  if (set == nullptr || set->message_type() != reference::v1::ReferenceSet::descriptor()) return "";
  const Message& nested = request.GetReflection()->GetMessage(request, set);
  return static_cast<const reference::v1::ReferenceSet&>(nested).jurisdiction().id();
}

std::string NewRequestId() {
  unsigned char bytes[16];
  // Fails only where the system has no randomness at all; then nothing could be encrypted either.
  if (RAND_bytes(bytes, sizeof bytes) != 1) std::abort();
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
  std::string id;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) id.push_back('-');
    id += hex;
  }
  return id;
}

}  // namespace motcua::client
