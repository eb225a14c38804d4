// Unary handlers as coroutines: the definition of Host::Unary (see host.h).
#ifndef MOTCUA_COMMON_RPC_UNARY_H_
#define MOTCUA_COMMON_RPC_UNARY_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/rpc/grpc_status.h"
#include "common/rpc/host.h"
#include "common/rpc/method.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace internal {

// Deletes itself when gRPC is done with it.
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryReactor(Host& host) : serving(host) {}
  Serving serving;

  // Once. The reactor and the request may be gone when this returns.
  void Complete(const absl::Status& status) { Finish(ToGrpc(serving.Record(status))); }

 private:
  void OnCancel() override {
    if (serving.call() != nullptr) serving.call()->Cancel();
  }
  void OnDone() override { delete this; }
};

// Completes a call even where its coroutine is destroyed before its end, or never run: gRPC waits for every call.
template <class Reactor>
class Completion {
 public:
  explicit Completion(Reactor* reactor) : reactor_(reactor) {}
  Completion(Completion&& other) noexcept : reactor_(std::exchange(other.reactor_, nullptr)) {}
  Completion& operator=(Completion&&) = delete;
  ~Completion() {
    if (reactor_ != nullptr) reactor_->Complete(errors::Unavailable("SHUTTING_DOWN", "the service is stopping"));
  }
  void Finish(const absl::Status& status) { std::exchange(reactor_, nullptr)->Complete(status); }
  Reactor& reactor() { return *reactor_; }

 private:
  Reactor* reactor_;
};

// `request` and `response` are gRPC's, and live until the completion.
template <class Request, class Response, class Handler>
async::Task<void> ServeUnary(Completion<UnaryReactor> completion, const Request* request, Response* response,
                             Handler handler) {
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
    async::Task<absl::StatusOr<Response>> task = handler(std::move(call), *request);
    absl::StatusOr<Response> result = co_await std::move(task);
    status = result.status();
    if (result.ok()) *response = *std::move(result);
  }
  completion.Finish(status);
}

}  // namespace internal

template <class Request, class Response, class Handler>
grpc::ServerUnaryReactor* Host::Unary(grpc::CallbackServerContext* context, const Request* request,
                                      Response* response, Handler handler,
                                      const google::protobuf::MethodDescriptor* method) {
  auto* reactor = new internal::UnaryReactor(*this);
  internal::Completion<internal::UnaryReactor> completion(reactor);
  if (method == nullptr) method = MethodOf<Request>();
  absl::Status admitted = reactor->serving.Admit(*context, method, *request, /*stream=*/false);
  if (!admitted.ok()) {
    completion.Finish(admitted);
    return reactor;
  }
  loop_.Spawn(internal::ServeUnary<Request, Response, Handler>(std::move(completion), request, response,
                                                               std::move(handler)));
  return reactor;
}

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_UNARY_H_
