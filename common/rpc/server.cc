#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <mutex>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/keep_alive.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

// Both are settings of the process that gRPC wants before the first server is built.
void EnablePlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const std::vector<grpc::Service*>& services, Health& health) {
  if (options.tls.empty() && !options.insecure && !IsLoopback(options.listen)) {
    return errors::FailedPrecondition("ADDRESS_NOT_LOOPBACK",
                                      "without TLS only a loopback address is listened on, unless told --insecure",
                                      {{"listen", options.listen}});
  }
  auto credentials = MakeServerCredentials(options.tls, options.require_client_cert);
  if (!credentials.ok()) return credentials.status();
  EnablePlugins();

  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, *credentials, &port);
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  // A second process on the same port is an error, not a silent sharing of calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Room for a token of 4 KiB beside the rest.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
  // Clients' keep-alive pings (client.cc) are welcome.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  bool unix_socket = options.listen.rfind("unix:", 0) == 0;
  if (server == nullptr || (port == 0 && !unix_socket)) {
    return errors::Unavailable("ADDRESS_TAKEN", absl::StrCat("cannot listen on ", options.listen));
  }
  return std::unique_ptr<Server>(new Server(std::move(server), port, health, options.service_names));
}

Server::Server(std::unique_ptr<grpc::Server> server, int port, Health& health,
               std::vector<std::string> service_names)
    : health_(health), port_(port), server_(std::move(server)) {
  health_.Attach(server_->GetHealthCheckService(), std::move(service_names));
  keep_alive_ = std::make_unique<CallbackPoolKeepAlive>(InProcessChannel());
}

Server::~Server() { Shutdown(absl::Now()); }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() { return server_->InProcessChannel(grpc::ChannelArguments()); }

void Server::Shutdown(absl::Time deadline) {
  if (server_ == nullptr) return;
  keep_alive_.reset();
  health_.Detach();
  server_->Shutdown(absl::ToChronoTime(deadline));
  server_->Wait();
  server_.reset();
}

}  // namespace motcua::rpc
