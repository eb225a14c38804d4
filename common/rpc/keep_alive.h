// Keeps gRPC's callback threads awake.
//
// gRPC 1.51's callback API naps: after a second without an event each of its threads sleeps 100 ms, and a call that
// arrives meanwhile waits for it (measured: median 57 ms). A call of our own within the process every 400 ms keeps
// them polling. Guarded by tests/integration/rpc/keep_alive_test.cc; grpc::Alarm does not help.
#ifndef MOTCUA_COMMON_RPC_KEEP_ALIVE_H_
#define MOTCUA_COMMON_RPC_KEEP_ALIVE_H_

#include <memory>

#include "absl/time/time.h"

namespace grpc {
class Channel;
}

namespace motcua::rpc {

// Ticks on a thread of its own from construction to destruction. The server behind `channel` (an in-process
// one) must have the health service (health_service.h), which answers these calls without troubling the loop.
class CallbackPoolKeepAlive {
 public:
  // What the calls name as the service whose health they ask for.
  static constexpr char kServiceName[] = "motcua.keep-alive";

  explicit CallbackPoolKeepAlive(std::shared_ptr<grpc::Channel> channel,
                                 absl::Duration interval = absl::Milliseconds(400));
  ~CallbackPoolKeepAlive();

 private:
  class Ticker;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace motcua::rpc

#endif  // MOTCUA_COMMON_RPC_KEEP_ALIVE_H_
