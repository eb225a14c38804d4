// A client's Watch of grpc.health.v1.
#pragma once

#include <memory>
#include <string>

#include "common/rpc/grpc_status.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace motcua::rpc::test {

class Watch {
 public:
  Watch(const std::shared_ptr<grpc::Channel>& channel, const std::string& service)
      : stub_(grpc::health::v1::Health::NewStub(channel)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    reader_ = stub_->Watch(&context_, request);
  }
  ~Watch() { Leave(); }
  // UNKNOWN at the end.
  grpc::health::v1::HealthCheckResponse::ServingStatus Next() {
    grpc::health::v1::HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : grpc::health::v1::HealthCheckResponse::UNKNOWN;
  }
  // Reads up to the end.
  absl::Status End() {
    while (Next() != grpc::health::v1::HealthCheckResponse::UNKNOWN) {
    }
    ended_ = true;
    return FromGrpc(reader_->Finish());
  }
  void Leave() {
    if (ended_) return;
    context_.TryCancel();
    End().IgnoreError();
  }

 private:
  std::unique_ptr<grpc::health::v1::Health::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>> reader_;
  bool ended_ = false;
};

}  // namespace motcua::rpc::test
