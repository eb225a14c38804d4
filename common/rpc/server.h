// Server: one listening gRPC server, with health and reflection, that the loop of its host serves.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "common/rpc/health.h"
#include "common/rpc/host.h"

namespace grpc {
class Server;
}

namespace motcua::rpc {

class HealthService;
namespace internal {
class Acceptor;
}

class ServerOptions {
 public:
  ServerOptions() {}
  // `host:port`; port 0 = any free one.
  std::string listen = "127.0.0.1:0";
  TlsFiles tls;
  bool require_client_cert = false;
  // Allows an address other than loopback without TLS.
  bool insecure = false;
  // After about this time a connection takes no new calls, so that clients share themselves among all
  // replicas anew; what runs on it goes on.
  absl::Duration max_connection_age = absl::InfiniteDuration();
  // Of one request.
  int max_message_bytes = 4 << 20;
};

class Server {
 public:
  // Serves what was added to `host`, grpc.health.v1 and reflection at once; `health` says when the service is
  // ready. One server a loop. Host and health outlive it. Blocks; not on the loop. Errors:
  // FAILED_PRECONDITION (ADDRESS_NOT_LOOPBACK) for an open address without TLS; UNAVAILABLE (ADDRESS_TAKEN);
  // as MakeServerCredentials.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options, Host& host,
                                                       Health& health);
  ~Server();

  int port() const { return port_; }

  // Closes the host and takes no new connections or calls; unary calls in hand go on until `deadline`, after
  // which they are broken off. Streams end with UNAVAILABLE (SHUTTING_DOWN) as soon as no unary call is in
  // hand, at most kStreamsStay from now: so their readers are told what calls in hand still bring about. A
  // stream whose reader does not take its end within kEndPatience is broken off. Blocks until all have ended,
  // so not on the loop; idempotent.
  void Shutdown(absl::Time deadline);

  static constexpr absl::Duration kStreamsStay = absl::Milliseconds(500);
  static constexpr absl::Duration kEndPatience = absl::Milliseconds(500);

 private:
  Server(Host& host, size_t max_message_bytes);
  void WaitAndEndStreams(absl::Time deadline, const absl::Notification& closed);

  Host& host_;
  int port_ = 0;
  std::unique_ptr<HealthService> health_service_;
  std::unique_ptr<internal::Acceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace motcua::rpc
