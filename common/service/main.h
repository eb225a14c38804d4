// Main: the life of a service's process, the same for all four.
//
//   int main(int argc, char** argv) {
//     service::Description description("routing", "ro", {"intake"}, /*derives_events=*/true,
//                                      store::Definition(1, {&store::KindOf<RouteModel>()}));
//     return service::Main(argc, argv, description, "Keeps the route of each dossier.", AllowRouting, {},
//     MakeRouting);
//   }
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/auth/policy.h"
#include "common/rpc/host.h"
#include "common/rpc/service_options.h"
#include "common/service/backend.h"
#include "common/service/sampler.h"

namespace motcua::service {

// What a service is built from. All of it outlives the service.
class Environment {
 public:
  Environment(Backend& backend, rpc::Host& host, const rpc::ServiceOptions& options, Sampler& sampler)
      : backend(backend), host(host), options(options), sampler(sampler) {}

  Backend& backend;
  // To be given the handlers of the service's RPCs.
  rpc::Host& host;
  const rpc::ServiceOptions& options;
  // For the numbers of the service itself.
  Sampler& sampler;
};

// What a service adds to the common parts. Made before anything runs, destroyed after everything has ended.
class Service {
 public:
  virtual ~Service() = default;

  // Work in the background, on the loop, until cancelled.
  virtual async::Task<void> Run(async::CancelToken cancel) = 0;
};

using Factory = std::function<absl::StatusOr<std::unique_ptr<Service>>(Environment& environment)>;

// Exit codes of a service.
enum ExitCode { kExitOk = 0, kExitFailed = 1, kExitUsage = 2 };

// Runs the service until SIGTERM or SIGINT: parses options, connects, serves, and stops gracefully: not serving in
// health, then calls in hand end (at most --drain), then consumers and timers stop. A second signal ends at once.
int Main(int argc, char** argv, Description description, const std::string& purpose,
         const std::function<void(auth::Policy&)>& allow, const std::vector<rpc::ExtraFlag>& extra_flags,
         const Factory& factory);

}  // namespace motcua::service
