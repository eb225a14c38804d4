// Session: everything a command needs to ask the services: who asks, what it has written so far, how it is
// told.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/motcua/connection.h"
#include "clients/motcua/identity.h"
#include "clients/motcua/settings.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::client {

// Feed positions that own mutations wrote: sent along, so that every later answer has seen them.
class OwnWrites {
 public:
  // Reads `written` or `feed_position` of a reply, where it has one.
  void Note(Service service, const std::string& shard, const google::protobuf::Message& response);
  void NotePosition(Service service, const std::string& shard, uint64_t position);
  // Of the sources that `service` follows, for `motcua-after`.
  std::string Before(Service service, const std::string& shard) const;
  uint64_t Position(Service service, const std::string& shard) const;

 private:
  std::map<std::pair<Service, std::string>, uint64_t> positions_;
};

// Not thread-safe.
class Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Open(const Settings& settings);

  const Settings& settings() const { return settings_; }
  Identity& identity() { return identity_; }
  const Connection& connection() const { return *connection_; }

  // Asks as `as` (see Settings::as; empty = the session's own identity), caught up with what this session has
  // written.
  absl::Status Ask(Service service, const google::protobuf::Message& request,
                   google::protobuf::Message& response, const std::string& as = "",
                   absl::Duration timeout = CallOptions().timeout);
  // The same of a request that names no jurisdiction, caught up with what is known of that one.
  absl::Status AskOf(Service service, const std::string& shard, const google::protobuf::Message& request,
                     google::protobuf::Message& response);
  // Every later answer about the jurisdiction has seen the feed up to here, as if it had been written here.
  void NotePosition(Service service, const std::string& shard, uint64_t position) {
    own_writes_.NotePosition(service, shard, position);
  }
  // As the first, of the service whose package the request is of.
  template <class Response>
  absl::StatusOr<Response> Ask(const google::protobuf::Message& request, const std::string& as = "") {
    Response response;
    absl::Status status = Ask(ServiceOf(request.GetDescriptor()), request, response, as);
    if (!status.ok()) return status;
    return response;
  }
  // From now on the session's own identity is the operator of all jurisdictions, not of the one that is asked
  // about.
  void ActInAllJurisdictions() { in_all_ = true; }
  // Without any identity.
  absl::Status AskAnonymously(Service service, const google::protobuf::Message& request,
                              google::protobuf::Message& response);
  // See Connection::Stream.
  absl::Status Stream(Service service, const google::protobuf::Message& request,
                      google::protobuf::Message& message, absl::Duration timeout,
                      absl::FunctionRef<bool()> on_message);

  // Time zone of a jurisdiction as its reference data say, asked for once; the default zone where they cannot
  // be had.
  absl::TimeZone ZoneOf(const std::string& shard);

  // All agencies of a jurisdiction, by id.
  absl::StatusOr<std::vector<reference::v1::Agency>> AgenciesOf(const std::string& shard);

 private:
  absl::Status AskAs(Service service, const google::protobuf::Message& request,
                     google::protobuf::Message& response, const std::string& shard, const std::string& as,
                     absl::Duration timeout);
  Session(Settings settings, Identity identity, std::unique_ptr<Connection> connection);

  const Settings settings_;
  Identity identity_;
  const std::unique_ptr<Connection> connection_;
  OwnWrites own_writes_;
  std::map<std::string, absl::TimeZone> zones_;
  bool in_all_ = false;
};

// The jurisdiction that a request is about, by its first dossier, agency, shard or reference data; empty
// where none.
std::string ShardOfRequest(const google::protobuf::Message& request);

// A new random request id (UUID).
std::string NewRequestId();

}  // namespace motcua::client
