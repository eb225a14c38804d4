// The feeds of another service over gRPC.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/feed/source.h"
#include "common/rpc/client.h"
#include "common/rpc/live_files.h"

namespace motcua::service {

// Confined to the loop that its clients are made with.
class GrpcSource final : public feed::Source {
 public:
  // Makes a client of what its files hold now: certificates, and the token that it shows.
  using MakeClient = std::function<absl::StatusOr<rpc::Client>()>;

  // When `files` have changed, the next call is made by another client; what is under way goes on by the old
  // one.
  GrpcSource(rpc::Client client, rpc::LiveFiles files, MakeClient make)
      : client_(std::make_shared<rpc::Client>(std::move(client))),
        files_(std::move(files)),
        make_(std::move(make)) {}

  async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline) override;
  std::unique_ptr<feed::SourceStream> Open(feed::v1::ReadRequest request) override;
  std::unique_ptr<feed::SnapshotStream> OpenSnapshot(feed::v1::SnapshotRequest request) override;
  async::Task<absl::Status> Acknowledge(feed::v1::AcknowledgeRequest request, absl::Time deadline) override;
  async::Task<absl::StatusOr<feed::v1::ReachResponse>> Reach(feed::v1::ReachRequest request,
                                                             absl::Time deadline) override;

 private:
  std::shared_ptr<rpc::Client> Current();

  std::shared_ptr<rpc::Client> client_;
  rpc::LiveFiles files_;
  const MakeClient make_;
};

}  // namespace motcua::service
