// Server: one listening gRPC server with health, reflection and the keep-alive of its callback threads.
#ifndef MOTCUA_COMMON_RPC_SERVER_H_
#define MOTCUA_COMMON_RPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "common/rpc/health.h"

namespace grpc {
class Channel;
class Server;
class Service;
}  // namespace grpc

namespace motcua::rpc {

class CallbackPoolKeepAlive;

class ServerOptions {
 public:
  ServerOptions() {}
  /// `host:port`; port 0 = any free one.
  std::string listen = "127.0.0.1:0";
  TlsFiles tls;
  bool require_client_cert = false;
  /// Allows an address other than loopback without TLS.
  bool insecure = false;
  /// Of one request.
  int max_message_bytes = 4 << 20;
  /// Full names that the health service answers for, beside the empty one and the dependencies.
  std::vector<std::string> service_names;
};

class Server {
 public:
  // Serves `services` at once; `health` says when it is ready. Services and health outlive the server.
  // Errors: FAILED_PRECONDITION (ADDRESS_NOT_LOOPBACK) for an open address without TLS; UNAVAILABLE (ADDRESS_TAKEN);
  // as MakeServerCredentials.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const std::vector<grpc::Service*>& services, Health& health);
  ~Server();

  int port() const { return port_; }
  // A channel to this server that needs no network.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Takes no new calls, waits until `deadline` for those in hand, then cancels them and waits for their end.
  // Idempotent.
  void Shutdown(absl::Time deadline);

 private:
  Server(std::unique_ptr<grpc::Server> server, int port, Health& health, std::vector<std::string> service_names);

  Health& health_;
  int port_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallbackPoolKeepAlive> keep_alive_;
};

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_SERVER_H_
