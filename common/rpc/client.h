// Client: calls to another service, as coroutines on the loop or blocking. Needs no generated stub: the
// request type names the method (method.h).
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
// A token or language that cannot be sent is refused before: TOKEN_INVALID, METADATA_INVALID.
// Errors are the server's, with their details; those of the connection are UNAVAILABLE (OUTCOME_UNKNOWN) or
// DEADLINE_EXCEEDED: the call may have taken effect, so repeat it with the same request id only.
#pragma once

#include <grpcpp/grpcpp.h>

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
#include "common/rpc/completion_queue.h"
#include "common/rpc/credentials.h"
#include "common/rpc/message_bytes.h"
#include "common/rpc/method.h"
#include "common/status/errors.h"
#include "google/protobuf/message.h"

namespace motcua::rpc {

class ChannelOptions {
 public:
  ChannelOptions() {}
  explicit ChannelOptions(std::string target) : target(std::move(target)) {}
  // `host:port`, `dns:///host:port`, `unix:/path`; several replicas: a name with several addresses, or
  // `ipv4:address:port,address:port`.
  std::string target;
  // Empty: no TLS, for loopback only.
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
  // When to give up. Default: ten seconds after the call; for streams: never.
  std::optional<absl::Time> deadline;
  async::CancelToken cancel;
  // Of the call being served, or empty.
  std::string traceparent;
  // What the answer must not fall behind.
  std::vector<AfterWrite> after;
  // `en` for English.
  std::string language;
  // Overrides the client's token, where not empty.
  std::string bearer_token;
};

namespace internal {
class ClientCore;
class StreamState;

// Reads an answer. Error: INTERNAL (REPLY_UNREADABLE).
absl::Status ReadReply(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);
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
  // Nothing: the server has ended the stream with OK.
  async::Task<absl::StatusOr<std::optional<grpc::ByteBuffer>>> Read(async::CancelToken cancel);

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
    absl::StatusOr<std::optional<grpc::ByteBuffer>> bytes = co_await raw_.Read(std::move(cancel));
    if (!bytes.ok()) co_return bytes.status();
    std::optional<Item> item;
    if (bytes->has_value()) {
      absl::Status read = internal::ReadReply(**bytes, item.emplace());
      if (!read.ok()) co_return read;
    }
    co_return std::move(item);
  }

  // The same, as the wire form of an item: for those who read it in their own way.
  async::Task<absl::StatusOr<std::optional<grpc::ByteBuffer>>> ReadBytes(
      async::CancelToken cancel = async::CancelToken()) {
    return raw_.Read(std::move(cancel));
  }

 private:
  internal::RawStreamReader raw_;
};

// Thread-safety: Call and Open are confined to the loop; the channel may be shared; the destructor may run
// anywhere and cancels what is still under way. The loop outlives the client.
class Client {
 public:
  Client(Loop& loop, std::shared_ptr<grpc::Channel> channel, std::string bearer_token = "");
  ~Client();
  Client(Client&&) noexcept;

  // One attempt.
  template <class Response, class Request>
  async::Task<absl::StatusOr<Response>> Call(Request request, CallOptions options = CallOptions()) {
    return Read<Response>(Invoke(core_, MethodOf<Request, Response>(), BytesOf(request), std::move(options)));
  }

  // Attempts until the deadline while the error is retryable (errors::IsRetryable): for calls that may be repeated,
  // that is reads and whatever has a request id.
  template <class Response, class Request>
  async::Task<absl::StatusOr<Response>> CallRetrying(Request request, CallOptions options = CallOptions()) {
    return Read<Response>(
        InvokeRetrying(core_, MethodOf<Request, Response>(), BytesOf(request), std::move(options)));
  }

  template <class Item, class Request>
  StreamReader<Item> Open(Request request, CallOptions options = CallOptions()) {
    return StreamReader<Item>(OpenRaw(MethodOf<Request, Item>(), BytesOf(request), std::move(options)));
  }

 private:
  using Reply = async::Task<absl::StatusOr<grpc::ByteBuffer>>;

  template <class Response>
  static async::Task<absl::StatusOr<Response>> Read(Reply task) {
    absl::StatusOr<grpc::ByteBuffer> bytes = co_await std::move(task);
    if (!bytes.ok()) co_return bytes.status();
    Response response;
    absl::Status read = internal::ReadReply(*bytes, response);
    if (!read.ok()) co_return read;
    co_return std::move(response);
  }
  // Of the core, not of the client, which may go before they have ended.
  static Reply Invoke(std::shared_ptr<internal::ClientCore> core,
                      const google::protobuf::MethodDescriptor* method, grpc::ByteBuffer request,
                      CallOptions options);
  static Reply InvokeRetrying(std::shared_ptr<internal::ClientCore> core,
                              const google::protobuf::MethodDescriptor* method, grpc::ByteBuffer request,
                              CallOptions options);
  internal::RawStreamReader OpenRaw(const google::protobuf::MethodDescriptor* method,
                                    grpc::ByteBuffer request, CallOptions options);

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
    absl::StatusOr<grpc::ByteBuffer> bytes =
        Invoke(MethodOf<Request, Response>(), BytesOf(request), options, retry);
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (absl::Status read = internal::ReadReply(*bytes, response); !read.ok()) return read;
    return response;
  }

 private:
  absl::StatusOr<grpc::ByteBuffer> Invoke(const google::protobuf::MethodDescriptor* method,
                                          const grpc::ByteBuffer& request, const CallOptions& options,
                                          bool retry);

  std::shared_ptr<internal::ClientCore> core_;
};

}  // namespace motcua::rpc
