// Server-streaming handlers as coroutines: StreamWriter and the definition of Host::Stream (see host.h).
//
//   grpc::ServerWriteReactor<ReadResponse>* Read(grpc::CallbackServerContext* context, const ReadRequest* request)
//       override {
//     return host_.Stream<ReadRequest, ReadResponse>(context, request,
//         [this](std::shared_ptr<rpc::Call> call, ReadRequest r, rpc::StreamWriter<ReadResponse> writer) {
//           return Serve(std::move(call), std::move(r), std::move(writer));   // async::Task<absl::Status>
//         });
//   }
#ifndef MOTCUA_COMMON_RPC_SERVER_STREAM_H_
#define MOTCUA_COMMON_RPC_SERVER_STREAM_H_

#include <memory>
#include <optional>
#include <utility>

#include "common/async/waiter.h"
#include "common/rpc/unary.h"

namespace motcua::rpc {
namespace internal {

// Lives until gRPC is done with it and nobody holds a writer. All but the reactions is confined to the loop.
template <class Response>
class StreamReactor final : public grpc::ServerWriteReactor<Response>,
                            public std::enable_shared_from_this<StreamReactor<Response>> {
 public:
  explicit StreamReactor(Host& host) : serving(host), loop_(host.loop()) {}
  Serving serving;

  void KeepAlive() { self_ = this->shared_from_this(); }

  static async::Task<absl::Status> Write(std::shared_ptr<StreamReactor> self, Response message) {
    absl::Status refused = self->Refusal();
    if (!refused.ok()) co_return refused;
    self->current_ = std::move(message);
    self->writing_ = true;
    self->StartWrite(&self->current_);
    async::Waiter taken(self->loop_, absl::InfiniteFuture(), self->serving.call()->cancel());
    self->waiters_.PushBack(taken);
    absl::Status status = co_await taken;
    co_return status;
  }

  // Once. A write that gRPC has not taken yet must end first.
  void Complete(const absl::Status& status) {
    grpc::Status end = ToGrpc(serving.Record(status));
    if (writing_) {
      finish_ = std::move(end);
    } else {
      this->Finish(std::move(end));
    }
  }

 private:
  absl::Status Refusal() const {
    if (broken_ || serving.call()->cancel().cancelled()) {
      return errors::Cancelled("CANCELLED", "the stream's reader has gone");
    }
    if (writing_ || finish_.has_value()) {
      return errors::Internal("STREAM_MISUSED", "one write at a time, and none after the end");
    }
    return absl::OkStatus();
  }

  void WriteEnded(bool ok) {
    writing_ = false;
    broken_ = broken_ || !ok;
    if (async::Waiter* waiter = waiters_.PopFront(); waiter != nullptr) {
      waiter->Complete(ok ? absl::OkStatus() : errors::Cancelled("CANCELLED", "the stream's reader has gone"));
    }
    if (finish_.has_value()) this->Finish(*std::exchange(finish_, std::nullopt));
  }

  void OnWriteDone(bool ok) override {
    loop_.Post([self = this->shared_from_this(), ok] { self->WriteEnded(ok); });
  }
  void OnCancel() override {
    if (serving.call() != nullptr) serving.call()->Cancel();
  }
  void OnDone() override { self_.reset(); }

  async::Loop& loop_;
  std::shared_ptr<StreamReactor> self_;
  Response current_;
  bool writing_ = false;
  bool broken_ = false;
  std::optional<grpc::Status> finish_;
  async::IntrusiveList<async::Waiter> waiters_;
};

}  // namespace internal

// Confined to the loop. Copies write to the same stream.
template <class Response>
class StreamWriter {
 public:
  explicit StreamWriter(std::shared_ptr<internal::StreamReactor<Response>> reactor) : reactor_(std::move(reactor)) {}

  // OK when gRPC has taken the message and there is room for the next one: that is the back-pressure of a slow
  // reader. Errors: CANCELLED when the reader has gone or the service stops. One write at a time.
  async::Task<absl::Status> Write(Response message) {
    return internal::StreamReactor<Response>::Write(reactor_, std::move(message));
  }

 private:
  std::shared_ptr<internal::StreamReactor<Response>> reactor_;
};

namespace internal {

template <class Request, class Response, class Handler>
async::Task<void> ServeStream(Completion<StreamReactor<Response>> completion, Request request, Handler handler) {
  Serving& serving = completion.reactor().serving;
  if (serving.must_wait()) {
    absl::Status caught_up = co_await serving.WaitForWrites();
    if (!caught_up.ok()) {
      completion.Finish(caught_up);
      co_return;
    }
  }
  absl::Status status;
  {
    std::shared_ptr<Call> call = serving.call();
    StreamWriter<Response> writer(completion.reactor().shared_from_this());
    async::Task<absl::Status> task = handler(std::move(call), std::move(request), std::move(writer));
    status = co_await std::move(task);
  }
  completion.Finish(status);
}

}  // namespace internal

template <class Request, class Response, class Handler>
grpc::ServerWriteReactor<Response>* Host::Stream(grpc::CallbackServerContext* context, const Request* request,
                                                 Handler handler,
                                                 const google::protobuf::MethodDescriptor* method) {
  auto reactor = std::make_shared<internal::StreamReactor<Response>>(*this);
  reactor->KeepAlive();
  internal::Completion<internal::StreamReactor<Response>> completion(reactor.get());
  if (method == nullptr) method = MethodOf<Request>();
  absl::Status admitted = reactor->serving.Admit(*context, method, *request, /*stream=*/true);
  if (!admitted.ok()) {
    completion.Finish(admitted);
    return reactor.get();
  }
  loop_.Spawn(internal::ServeStream<Request, Response, Handler>(std::move(completion), *request, std::move(handler)));
  return reactor.get();
}

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_SERVER_STREAM_H_
