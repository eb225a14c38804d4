#include "common/rpc/server.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/health_service.h"
#include "common/rpc/keep_alive.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

// Both are settings of the process that gRPC wants before the first server is built.
void EnablePlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(false);  // its watches would hold up a stop
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const std::vector<grpc::Service*>& services, Host& host,
                                                      Health& health) {
  if (options.tls.empty() && !options.insecure && !IsLoopback(options.listen)) {
    return errors::FailedPrecondition("ADDRESS_NOT_LOOPBACK",
                                      "without TLS only a loopback address is listened on, unless told --insecure",
                                      {{"listen", options.listen}});
  }
  auto credentials = MakeServerCredentials(options.tls, options.require_client_cert);
  if (!credentials.ok()) return credentials.status();
  EnablePlugins();

  std::unique_ptr<Server> self(new Server(host));
  self->health_service_ = std::make_unique<HealthService>(host, health, options.service_names);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, *credentials, &self->port_);
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  // A second process on the same port is an error, not a silent sharing of calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Room for a token of 4 KiB beside the rest.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
  // Clients' keep-alive pings (client.cc) are welcome.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  if (options.max_connection_age != absl::InfiniteDuration()) {
    // Streams are not cut: gRPC's grace has no end by default.
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               static_cast<int>(absl::ToInt64Milliseconds(options.max_connection_age)));
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  builder.RegisterService(self->health_service_.get());
  self->server_ = builder.BuildAndStart();
  bool unix_socket = options.listen.rfind("unix:", 0) == 0;
  if (self->server_ == nullptr || (self->port_ == 0 && !unix_socket)) {
    return errors::Unavailable("ADDRESS_TAKEN", absl::StrCat("cannot listen on ", options.listen));
  }
  self->keep_alive_ = std::make_unique<CallbackPoolKeepAlive>(self->InProcessChannel());
  return self;
}

Server::Server(Host& host) : host_(host) {}
Server::~Server() { Shutdown(absl::Now()); }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() { return server_->InProcessChannel(grpc::ChannelArguments()); }

void Server::Shutdown(absl::Time deadline) {
  if (server_ == nullptr) return;
  host_.Close();
  keep_alive_.reset();
  // gRPC tells every connection at once that this server takes no more calls, and then blocks for those in
  // hand.
  absl::Notification closed;
  std::thread closing([this, deadline, &closed] {
    server_->Shutdown(absl::ToChronoTime(deadline));
    closed.Notify();
  });
  WaitAndEndStreams(deadline, closed);
  closing.join();
  server_->Wait();
  server_.reset();
  health_service_.reset();
}

void Server::WaitAndEndStreams(absl::Time deadline, const absl::Notification& closed) {
  constexpr absl::Duration kLook = absl::Milliseconds(2);
  const absl::Time streams_end = std::min(deadline, absl::Now() + kStreamsStay);
  while (host_.in_flight() > 0 && absl::Now() < streams_end) {
    if (closed.WaitForNotificationWithTimeout(kLook)) break;
  }
  host_.EndStreams();
  // What is still there when no unary call is: streams whose reader does not read, and those that are not the
  // host's (reflection).
  const absl::Time patience = absl::Now() + kEndPatience;
  while (!closed.WaitForNotificationWithTimeout(kLook)) {
    if (absl::Now() < patience || host_.in_flight() > 0) continue;
    grpc_server_cancel_all_calls(server_->c_server());
    break;
  }
}

}  // namespace motcua::rpc
