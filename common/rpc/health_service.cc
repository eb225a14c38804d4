#include "common/rpc/health_service.h"

#include <optional>
#include <utility>

#include "common/rpc/unary.h"
#include "common/status/errors.h"

namespace motcua::rpc {
namespace {

using grpc::health::v1::HealthCheckResponse;

// Both methods take the same message, so it does not name them.
const google::protobuf::MethodDescriptor* Method(const char* name) {
  return grpc::health::v1::HealthCheckRequest::descriptor()->file()->service(0)->FindMethodByName(name);
}

HealthCheckResponse::ServingStatus StatusOf(std::optional<bool> serving) {
  if (!serving.has_value()) return HealthCheckResponse::SERVICE_UNKNOWN;
  return *serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

}  // namespace

HealthService::HealthService(Host& host, Health& health, std::vector<std::string> service_names)
    : health_(health), changed_(std::make_shared<async::Event>(host.loop())) {
  host.Unary<Request, Response>(
      [this](std::shared_ptr<Call>, const Request& request) { return Answer(request.service()); },
      Method("Check"));
  host.Stream<Request, Response>(
      [this](std::shared_ptr<Call> call, const Request& request, StreamWriter<Response> writer) {
        return Tell(std::move(call), request.service(), std::move(writer));
      },
      Method("Watch"));
  health_.Attach(std::move(service_names), [loop = &host.loop(), changed = changed_] {
    loop->Post([changed] {
      changed->Set();
      changed->Reset();
    });
  });
}

HealthService::~HealthService() { health_.Detach(); }

async::Task<absl::StatusOr<HealthCheckResponse>> HealthService::Answer(std::string service) {
  const std::optional<bool> serving = health_.ServingOf(service);
  if (!serving.has_value()) co_return errors::NotFound("UNKNOWN_SERVICE", "service: is not served here");
  Response response;
  response.set_status(StatusOf(serving));
  co_return std::move(response);
}

async::Task<absl::Status> HealthService::Tell(std::shared_ptr<Call> call, std::string service,
                                              StreamWriter<Response> writer) {
  std::optional<HealthCheckResponse::ServingStatus> told;
  while (true) {
    const HealthCheckResponse::ServingStatus status = StatusOf(health_.ServingOf(service));
    if (told != status) {
      Response response;
      response.set_status(status);
      absl::Status written = co_await writer.Write(response);
      if (!written.ok()) co_return written;
      told = status;
      continue;  // it may have changed meanwhile
    }
    absl::Status woken = co_await changed_->Wait(absl::InfiniteFuture(), call->cancel());
    if (!woken.ok()) co_return woken;
  }
}

}  // namespace motcua::rpc
