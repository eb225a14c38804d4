// grpc.health.v1 on the host: what orchestrators, load balancers and `motcua health` ask.
//
// Check answers for a known name, else NOT_FOUND (UNKNOWN_SERVICE). Watch tells the state at once and then
// each change; an unknown name is told as SERVICE_UNKNOWN and followed all the same, as the protocol has it.
// Both are open to everybody and have budgets of their own (HostOptions). They are answered on the loop: a
// process whose loop is stuck is not healthy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/event.h"
#include "common/async/task.h"
#include "common/rpc/health.h"
#include "common/rpc/host.h"
#include "common/rpc/server_stream.h"
#include "grpc/health/v1/health.pb.h"

namespace motcua::rpc {

class HealthService {
 public:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;

  // Adds its methods to `host` and attaches itself to `health` under `service_names`, for as long as it
  // lives.
  HealthService(Host& host, Health& health, std::vector<std::string> service_names);
  ~HealthService();

 private:
  async::Task<absl::StatusOr<Response>> Answer(std::string service);
  async::Task<absl::Status> Tell(std::shared_ptr<Call> call, std::string service,
                                 StreamWriter<Response> writer);

  Health& health_;
  // Confined to the loop; also held by what is posted there.
  const std::shared_ptr<async::Event> changed_;
};

}  // namespace motcua::rpc
