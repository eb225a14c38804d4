// Client: calls to another service, as coroutines on the loop or blocking. Needs no generated stub: the request type
// names the method (method.h).
//
//   auto channel = rpc::MakeChannel(rpc::ChannelOptions("127.0.0.1:7001"));
//   rpc::Client intake(loop, *channel);
//   absl::StatusOr<Dossier> dossier = co_await intake.Call<Dossier>(std::move(get), options);
//
//   rpc::StreamReader<ReadResponse> feed = intake.Open<ReadResponse>(read);
//   while (true) {
//     absl::StatusOr<std::optional<ReadResponse>> step = co_await feed.Read(cancel);
//     if (!step.ok()) ...            // broken
//     if (!step->has_value()) ...    // ended by the server, with OK
//   }
//
// Errors are the server's, with their details; those of the connection are UNAVAILABLE (OUTCOME_UNKNOWN) or
// DEADLINE_EXCEEDED: the call may have taken effect, so repeat it with the same request id only.
#ifndef MOTCUA_COMMON_RPC_CLIENT_H_
#define MOTCUA_COMMON_RPC_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/rpc/call.h"
#include "common/rpc/credentials.h"
#include "common/rpc/method.h"
#include "google/protobuf/message.h"

namespace grpc {
class Channel;
}

namespace motcua::rpc {

class ChannelOptions {
 public:
  ChannelOptions() {}
  explicit ChannelOptions(std::string target) : target(std::move(target)) {}
  /// `host:port`, `dns:///host:port`, `unix:/path`; several replicas: a name with several addresses, or
  /// `ipv4:address:port,address:port`.
  std::string target;
  /// Empty: no TLS, for loopback only.
  TlsFiles tls;
};

// Connects in the background and again after a loss, at most a second after the server is back. Calls go in
// turn to all addresses of the name that answer; after a loss the name is resolved anew, at most once a
// second. With TLS every server's certificate must bear the target's name; for a list of addresses, the first
// of them. Errors: as MakeChannelCredentials.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options);

class CallOptions {
 public:
  CallOptions() {}
  /// When to give up. Default: ten seconds after the call; for streams: never.
  std::optional<absl::Time> deadline;
  async::CancelToken cancel;
  /// Of the call being served, or empty.
  std::string traceparent;
  /// What the answer must not fall behind.
  std::vector<AfterWrite> after;
  /// `en` for English.
  std::string language;
  /// Overrides the client's token, where not empty.
  std::string bearer_token;
};

namespace internal {
class ClientCore;
class StreamState;
using MessagePtr = std::unique_ptr<google::protobuf::Message>;
}  // namespace internal

// Items of one server stream. Reads at most one item ahead: the next is asked for when one was taken, so a slow
// consumer slows the server down. Destroying it ends the stream. Confined to the loop.
template <class Item>
class StreamReader;

namespace internal {

class RawStreamReader {
 public:
  explicit RawStreamReader(std::shared_ptr<StreamState> state);
  RawStreamReader(RawStreamReader&&) noexcept = default;
  RawStreamReader& operator=(RawStreamReader&&) noexcept;
  ~RawStreamReader();
  // nullptr: the server has ended the stream with OK.
  async::Task<absl::StatusOr<MessagePtr>> Read(async::CancelToken cancel);

 private:
  std::shared_ptr<StreamState> state_;
};

}  // namespace internal

template <class Item>
class StreamReader {
 public:
  explicit StreamReader(internal::RawStreamReader raw) : raw_(std::move(raw)) {}

  // The next item, or nothing where the stream has ended with OK. A cancelled read may be repeated.
  // One read at a time; the reader outlives it.
  async::Task<absl::StatusOr<std::optional<Item>>> Read(async::CancelToken cancel = async::CancelToken()) {
    absl::StatusOr<internal::MessagePtr> message = co_await raw_.Read(std::move(cancel));
    if (!message.ok()) co_return message.status();
    std::optional<Item> item;
    if (*message != nullptr) item.emplace(std::move(static_cast<Item&>(**message)));
    co_return std::move(item);
  }

 private:
  internal::RawStreamReader raw_;
};

// Thread-safety: Call and Open are confined to the loop; the channel may be shared.
// The destructor cancels what is still under way and waits for gRPC to let go of it. The loop outlives the client.
class Client {
 public:
  Client(async::Loop& loop, std::shared_ptr<grpc::Channel> channel, std::string bearer_token = "");
  ~Client();
  Client(Client&&) noexcept;

  // One attempt.
  template <class Response, class Request>
  async::Task<absl::StatusOr<Response>> Call(Request request, CallOptions options = CallOptions()) {
    internal::MessagePtr sent = std::make_unique<Request>(std::move(request));
    internal::MessagePtr empty = std::make_unique<Response>();
    auto task = Invoke(MethodOf<Request>(), std::move(sent), std::move(empty), std::move(options));
    absl::StatusOr<internal::MessagePtr> reply = co_await std::move(task);
    if (!reply.ok()) co_return reply.status();
    co_return std::move(static_cast<Response&>(**reply));
  }

  // Attempts until the deadline while the error is retryable (errors::IsRetryable): for calls that may be repeated,
  // that is reads and whatever has a request id.
  template <class Response, class Request>
  async::Task<absl::StatusOr<Response>> CallRetrying(Request request, CallOptions options = CallOptions()) {
    internal::MessagePtr sent = std::make_unique<Request>(std::move(request));
    internal::MessagePtr empty = std::make_unique<Response>();
    auto task = InvokeRetrying(MethodOf<Request>(), std::move(sent), std::move(empty), std::move(options));
    absl::StatusOr<internal::MessagePtr> reply = co_await std::move(task);
    if (!reply.ok()) co_return reply.status();
    co_return std::move(static_cast<Response&>(**reply));
  }

  template <class Item, class Request>
  StreamReader<Item> Open(Request request, CallOptions options = CallOptions()) {
    return StreamReader<Item>(OpenRaw(MethodOf<Request>(), std::make_unique<Request>(std::move(request)),
                                      std::make_unique<Item>(), std::move(options)));
  }

 private:
  async::Task<absl::StatusOr<internal::MessagePtr>> Invoke(const google::protobuf::MethodDescriptor* method,
                                                           internal::MessagePtr request,
                                                           internal::MessagePtr response, CallOptions options);
  async::Task<absl::StatusOr<internal::MessagePtr>> InvokeRetrying(const google::protobuf::MethodDescriptor* method,
                                                                   internal::MessagePtr request,
                                                                   internal::MessagePtr response,
                                                                   CallOptions options);
  internal::RawStreamReader OpenRaw(const google::protobuf::MethodDescriptor* method, internal::MessagePtr request,
                                    internal::MessagePtr item, CallOptions options);

  std::shared_ptr<internal::ClientCore> core_;
};

// The command line's client: no loop, one call at a time per thread. Thread-safe.
class BlockingClient {
 public:
  explicit BlockingClient(std::shared_ptr<grpc::Channel> channel, std::string bearer_token = "");
  ~BlockingClient();

  // Attempts the same request, with the same request id, until it succeeds, fails for good or the deadline (default:
  // 30 s) passes; `retry` false: one attempt. `options.cancel` is not looked at.
  template <class Response, class Request>
  absl::StatusOr<Response> Call(const Request& request, const CallOptions& options = CallOptions(),
                                bool retry = true) {
    Response response;
    absl::Status status = Invoke(MethodOf<Request>(), request, response, options, retry);
    if (!status.ok()) return status;
    return response;
  }

 private:
  absl::Status Invoke(const google::protobuf::MethodDescriptor* method, const google::protobuf::Message& request,
                      google::protobuf::Message& response, const CallOptions& options, bool retry);

  std::shared_ptr<internal::ClientCore> core_;
};

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_CLIENT_H_
