// The feeds of another service over gRPC.
#ifndef MOTCUA_COMMON_SERVICE_GRPC_SOURCE_H_
#define MOTCUA_COMMON_SERVICE_GRPC_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "common/feed/source.h"
#include "common/rpc/client.h"

namespace motcua::service {

// Confined to the loop that `client` was made with.
class GrpcSource final : public feed::Source {
 public:
  explicit GrpcSource(rpc::Client client) : client_(std::move(client)) {}

  async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline) override;
  std::unique_ptr<feed::SourceStream> Open(feed::v1::ReadRequest request) override;
  async::Task<absl::Status> Acknowledge(feed::v1::AcknowledgeRequest request, absl::Time deadline) override;
  async::Task<absl::StatusOr<feed::v1::ReachResponse>> Reach(feed::v1::ReachRequest request,
                                                             absl::Time deadline) override;

 private:
  rpc::Client client_;
};

}  // namespace motcua::service

#endif  // MOTCUA_COMMON_SERVICE_GRPC_SOURCE_H_
