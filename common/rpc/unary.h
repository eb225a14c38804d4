// Unary handlers as coroutines: the definition of Host::Unary (see host.h).
#ifndef MOTCUA_COMMON_RPC_UNARY_H_
#define MOTCUA_COMMON_RPC_UNARY_H_

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
    end.Finish(result.status(), result.ok() ? &*result : nullptr);
  }
};

}  // namespace internal

template <class Request, class Response, class Handler>
void Host::Unary(Handler handler, const google::protobuf::MethodDescriptor* method) {
  if (method == nullptr) method = MethodOf<Request>();
  Add(std::make_unique<internal::UnaryMethod<Request, Response, Handler>>(method, metrics_,
                                                                          std::move(handler)));
}

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_UNARY_H_
