// IntakeStandIn: a process' worth of intake that only serves its feed, which the test writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/auth/jwt_verifier.h"
#include "common/rpc/health.h"
#include "common/rpc/host.h"
#include "common/rpc/server.h"
#include "common/service/backend.h"
#include "common/service/feed_service.h"
#include "common/telemetry/metrics.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::routing {

class IntakeStandIn {
 public:
  // Serves the shard H30 on a free port, in the given Redis; `keys`: of the callers' tokens.
  IntakeStandIn(const std::string& redis, auth::JwtKeys keys);
  ~IntakeStandIn();

  std::string address() const;
  // All in one commit, as of now. The position of the last one.
  uint64_t Emit(std::vector<feed::v1::Event> events);
  // Answers nobody from now on.
  void Stop();

 private:
  telemetry::PrometheusMetrics metrics_;
  rpc::Loop loop_;
  rpc::Health health_;
  std::unique_ptr<service::Backend> backend_;
  std::unique_ptr<rpc::Host> host_;
  std::unique_ptr<rpc::Server> server_;
  async::CancelSource cancel_;
  bool stopped_ = false;
};

}  // namespace motcua::routing
