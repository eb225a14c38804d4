// `motcua health`: what containers ask of themselves, so it does no more than it must.
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/motcua/commands.h"
#include "common/rpc/client.h"
#include "common/rpc/grpc_status.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace motcua::client {

int CheckHealth(const Settings& settings, const std::string& name, const std::string& address,
                absl::Duration timeout) {
  using grpc::health::v1::HealthCheckResponse;
  const auto tell = [&](const std::string& what, bool good) {
    if (settings.json) {
      nlohmann::json line = {{"service", name}, {"address", address}, {"serving", good}, {"state", what}};
      std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    } else {
      std::cout << name << (name.empty() ? "" : " ") << address << " " << what << "\n";
    }
    return good ? kExitOk : kExitFailed;
  };
  if (address.empty()) return tell("has no address: set MOTCUA_INTAKE ..., or give one", false);
  rpc::ChannelOptions options(address);
  options.tls = rpc::TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_ca);
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = rpc::MakeChannel(options);
  if (!channel.ok()) return tell(std::string(channel.status().message()), false);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  HealthCheckResponse response;
  const grpc::Status asked = grpc::health::v1::Health::NewStub(*channel)->Check(
      &context, grpc::health::v1::HealthCheckRequest(), &response);
  if (asked.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return tell(absl::StrCat("no answer within ", absl::FormatDuration(timeout)), false);
  }
  if (!asked.ok()) return tell(asked.error_message(), false);
  const bool serving = response.status() == HealthCheckResponse::SERVING;
  return tell(HealthCheckResponse::ServingStatus_Name(response.status()), serving);
}

}  // namespace motcua::client
