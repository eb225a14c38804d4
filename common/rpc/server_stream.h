// Server-streaming handlers as coroutines: StreamWriter and the definition of Host::Stream (see host.h).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/rpc/host.h"
#include "common/rpc/message_bytes.h"
#include "common/rpc/method.h"
#include "common/rpc/server_call.h"

namespace motcua::rpc {

// Confined to the loop. Copies write to the same stream.
template <class Response>
class StreamWriter {
 public:
  explicit StreamWriter(internal::CallRef call) : call_(std::move(call)) {}

  // OK when gRPC has taken the message and there is room for the next one: that is the back-pressure of a
  // slow reader. Errors: CANCELLED when the reader has gone or the service stops. One write at a time; the
  // writer outlives it.
  async::Task<absl::Status> Write(const Response& message) {
    return internal::ServerCall::Write(call_.get(), BytesOf(message));
  }
  // The same with the wire form of a Response, which is not copied.
  async::Task<absl::Status> WriteBytes(std::string wire) {
    return internal::ServerCall::Write(call_.get(), BytesOf(std::move(wire)));
  }

 private:
  internal::CallRef call_;
};

namespace internal {

template <class Request, class Response, class Handler>
class StreamMethod final : public HandledMethod<Request, Handler> {
 public:
  using Base = HandledMethod<Request, Handler>;
  using Base::Base;

  async::Task<void> Serve(CallEnd end) override {
    ServerCall& call = end.call();
    std::shared_ptr<Call> served = call.serving().call();
    StreamWriter<Response> writer{CallRef(&call)};
    async::Task<absl::Status> task =
        this->handler_(std::move(served), static_cast<const Request&>(call.request()), std::move(writer));
    absl::Status status = co_await std::move(task);
    end.Finish(status);
  }
};

}  // namespace internal

template <class Request, class Response, class Handler>
void Host::Stream(Handler handler, const google::protobuf::MethodDescriptor* method) {
  if (method == nullptr) method = MethodOf<Request, Response>();
  Add(std::make_unique<internal::StreamMethod<Request, Response, Handler>>(method, metrics_,
                                                                           std::move(handler)));
}

}  // namespace motcua::rpc
