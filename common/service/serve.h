// Serve: from an RPC to the member function that answers it. Who may call, and what a request must look like,
// is checked by the host before.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "common/rpc/unary.h"
#include "common/service/caller.h"

namespace motcua::service {

template <class Response>
using Answered = async::Task<absl::StatusOr<Response>>;

// Adds to `host` the RPC that takes `Request`, to be answered by `handler` of `calls`, which outlives the
// server. Principal and request outlive the task that the handler returns.
template <class Calls, class Response, class Who, class Request>
void Serve(rpc::Host& host, Calls& calls, Answered<Response> (Calls::*handler)(Who, store::Caller, Request)) {
  using Asked = std::remove_cvref_t<Request>;
  host.Unary<Asked, Response>([&calls, handler](std::shared_ptr<rpc::Call> call, const Asked& request) {
    return (calls.*handler)(call->principal(), CallerOf(*call), request);
  });
}

// The same for an answer that does not depend on who asks.
template <class Calls, class Response, class Request>
void Serve(rpc::Host& host, Calls& calls, Answered<Response> (Calls::*handler)(store::Caller, Request)) {
  using Asked = std::remove_cvref_t<Request>;
  host.Unary<Asked, Response>([&calls, handler](std::shared_ptr<rpc::Call> call, const Asked& request) {
    return (calls.*handler)(CallerOf(*call), request);
  });
}

// The same for one that depends on more of the call.
template <class Calls, class Response, class Request>
void Serve(rpc::Host& host, Calls& calls,
           Answered<Response> (Calls::*handler)(std::shared_ptr<rpc::Call>, Request)) {
  using Asked = std::remove_cvref_t<Request>;
  host.Unary<Asked, Response>([&calls, handler](std::shared_ptr<rpc::Call> call, const Asked& request) {
    return (calls.*handler)(std::move(call), request);
  });
}

}  // namespace motcua::service
