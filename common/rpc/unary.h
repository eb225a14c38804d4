// Unary handlers as coroutines: the definition of Host::Unary (see host.h).
#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/rpc/host.h"
#include "common/rpc/method.h"
#include "common/rpc/server_call.h"

namespace motcua::rpc {
namespace internal {

template <class Request, class Response, class Handler>
class UnaryMethod final : public HandledMethod<Request, Handler> {
 public:
  using Base = HandledMethod<Request, Handler>;
  using Base::Base;

  async::Task<void> Serve(CallEnd end) override {
    ServerCall& call = end.call();
    std::shared_ptr<Call> served = call.serving().call();
    async::Task<absl::StatusOr<Response>> task =
        this->handler_(std::move(served), static_cast<const Request&>(call.request()));
    absl::StatusOr<Response> result = co_await std::move(task);
    Host& host = call.serving().host();
    if (!result.ok() && host.MayBeEarly(result.status())) {
      absl::Status again = co_await host.Again(call.serving().call(), call.request(), result.status());
      if (again.ok()) {
        async::Task<absl::StatusOr<Response>> second =
            this->handler_(call.serving().call(), static_cast<const Request&>(call.request()));
        result = co_await std::move(second);
      } else {
        result = std::move(again);
      }
    }
    end.Finish(result.status(), result.ok() ? &*result : nullptr);
  }
};

}  // namespace internal

template <class Request, class Response, class Handler>
void Host::Unary(Handler handler, const google::protobuf::MethodDescriptor* method) {
  if (method == nullptr) method = MethodOf<Request, Response>();
  Add(std::make_unique<internal::UnaryMethod<Request, Response, Handler>>(method, metrics_,
                                                                          std::move(handler)));
}

}  // namespace motcua::rpc
