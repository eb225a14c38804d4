#include "common/rpc/server.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/health_service.h"
#include "common/rpc/reflection.h"
#include "common/rpc/server_call.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

// Of the largest request: what is somewhat larger is taken, so that its refusal can say why.
constexpr int kRoomAbove = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Host& host,
                                                      Health& health) {
  if (options.tls.empty() && !options.insecure && !IsLoopback(options.listen)) {
    return errors::FailedPrecondition("ADDRESS_NOT_LOOPBACK",
                                      "without TLS only a loopback address is listened on, unless told --insecure",
                                      {{"listen", options.listen}});
  }
  auto credentials = MakeServerCredentials(options.tls, options.require_client_cert);
  if (!credentials.ok()) return credentials.status();
  std::unique_ptr<grpc::ServerBuilder> taken = host.loop().queue().TakeServerBuilder();
  if (taken == nullptr) return errors::Internal("INTERNAL", "a loop serves one server");
  grpc::ServerBuilder& builder = *taken;
  grpc::EnableDefaultHealthCheckService(false);  // it would poll with threads of its own

  std::unique_ptr<Server> self(new Server(host, static_cast<size_t>(options.max_message_bytes)));
  self->health_service_ = std::make_unique<HealthService>(host, health, host.ServiceNames());
  AddReflection(host);
  builder.AddListeningPort(options.listen, *credentials, &self->port_);
  builder.SetMaxReceiveMessageSize(kRoomAbove * options.max_message_bytes);
  // A second process on the same port is an error, not a silent sharing of calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // As for clients (client.cc).
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 256 << 10);
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
  builder.RegisterAsyncGenericService(&self->acceptor_->service());
  self->server_ = builder.BuildAndStart();
  bool unix_socket = options.listen.rfind("unix:", 0) == 0;
  if (self->port_ == 0 && !unix_socket) self->server_.reset();
  if (self->server_ == nullptr) {
    return errors::Unavailable("ADDRESS_TAKEN", absl::StrCat("cannot listen on ", options.listen));
  }
  self->acceptor_->Start();
  return self;
}

Server::Server(Host& host, size_t max_message_bytes)
    : host_(host), acceptor_(std::make_unique<internal::Acceptor>(host, max_message_bytes)) {}
Server::~Server() { Shutdown(absl::Now()); }

void Server::Shutdown(absl::Time deadline) {
  if (server_ == nullptr) return;
  host_.Close();
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
  acceptor_->WaitUntilGone();
  // What was posted to end the streams is of the host, which may go next.
  host_.loop().RunAndWait([] {});
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
  // What is still there when no unary call is: streams whose reader does not read, and calls that never sent
  // their request.
  const absl::Time patience = absl::Now() + kEndPatience;
  while (!closed.WaitForNotificationWithTimeout(kLook)) {
    if (absl::Now() < patience || host_.in_flight() > 0) continue;
    grpc_server_cancel_all_calls(server_->c_server());
    break;
  }
}

}  // namespace motcua::rpc
