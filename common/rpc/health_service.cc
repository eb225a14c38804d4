#include "common/rpc/health_service.h"

#include <optional>
#include <utility>

#include "common/rpc/keep_alive.h"
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
    : host_(host), health_(health), changed_(std::make_shared<async::Event>(host.loop())) {
  health_.Attach(std::move(service_names), [loop = &host.loop(), changed = changed_] {
    loop->Post([changed] {
      changed->Set();
      changed->Reset();
    });
  });
}

HealthService::~HealthService() { health_.Detach(); }

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context, const Request* request,
                                               Response* response) {
  if (request->service() == CallbackPoolKeepAlive::kServiceName) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  static const google::protobuf::MethodDescriptor* const method = Method("Check");
  return host_.Unary(
      context, request, response,
      [this](std::shared_ptr<Call>, const Request& r) { return Answer(r.service()); }, method);
}

async::Task<absl::StatusOr<HealthCheckResponse>> HealthService::Answer(std::string service) {
  const std::optional<bool> serving = health_.ServingOf(service);
  if (!serving.has_value()) co_return errors::NotFound("UNKNOWN_SERVICE", "service: is not served here");
  Response response;
  response.set_status(StatusOf(serving));
  co_return std::move(response);
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(grpc::CallbackServerContext* context,
                                                                    const Request* request) {
  static const google::protobuf::MethodDescriptor* const method = Method("Watch");
  return host_.Stream<Request, Response>(
      context, request,
      [this](std::shared_ptr<Call> call, Request r, StreamWriter<Response> writer) {
        return Tell(std::move(call), r.service(), std::move(writer));
      },
      method);
}

async::Task<absl::Status> HealthService::Tell(std::shared_ptr<Call> call, std::string service,
                                              StreamWriter<Response> writer) {
  std::optional<HealthCheckResponse::ServingStatus> told;
  while (true) {
    const HealthCheckResponse::ServingStatus status = StatusOf(health_.ServingOf(service));
    if (told != status) {
      Response response;
      response.set_status(status);
      absl::Status written = co_await writer.Write(std::move(response));
      if (!written.ok()) co_return written;
      told = status;
      continue;  // it may have changed meanwhile
    }
    absl::Status woken = co_await changed_->Wait(absl::InfiniteFuture(), call->cancel());
    if (!woken.ok()) co_return woken;
  }
}

}  // namespace motcua::rpc
