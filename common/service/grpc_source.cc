#include "common/service/grpc_source.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/status/errors.h"

namespace motcua::service {

namespace {

using async::Task;
using feed::v1::ReadResponse;
using feed::v1::SnapshotResponse;

class Stream final : public feed::SourceStream {
 public:
  Stream(std::shared_ptr<rpc::Client> client, rpc::StreamReader<ReadResponse> reader)
      : client_(std::move(client)), reader_(std::move(reader)) {}

  Task<absl::StatusOr<feed::Step>> Next(async::CancelToken cancel) override {
    absl::StatusOr<std::optional<grpc::ByteBuffer>> bytes = co_await reader_.ReadBytes(std::move(cancel));
    if (!bytes.ok()) co_return bytes.status();
    if (!bytes->has_value())
      co_return errors::Unavailable("PEER_UNAVAILABLE", "the source has ended the stream");
    grpc::Slice slice;
    std::optional<feed::Step> step = feed::Step::Parse(rpc::InOnePiece(**bytes, slice));
    if (!step.has_value()) co_return errors::Internal("REPLY_UNREADABLE", "the source's step cannot be read");
    co_return *std::move(step);
  }

 private:
  const std::shared_ptr<rpc::Client> client_;
  rpc::StreamReader<ReadResponse> reader_;
};

class Snapshot final : public feed::SnapshotStream {
 public:
  Snapshot(std::shared_ptr<rpc::Client> client, rpc::StreamReader<SnapshotResponse> reader)
      : client_(std::move(client)), reader_(std::move(reader)) {}

  Task<absl::StatusOr<std::optional<SnapshotResponse>>> Next(async::CancelToken cancel) override {
    return reader_.Read(std::move(cancel));
  }

 private:
  const std::shared_ptr<rpc::Client> client_;
  rpc::StreamReader<SnapshotResponse> reader_;
};

}  // namespace

std::shared_ptr<rpc::Client> GrpcSource::Current() {
  if (files_.Changed(absl::Now())) {
    absl::StatusOr<rpc::Client> made = make_();
    files_.Tell(made.status());
    if (made.ok()) client_ = std::make_shared<rpc::Client>(*std::move(made));
  }
  return client_;
}

Task<absl::StatusOr<std::vector<std::string>>> GrpcSource::ListShards(absl::Time deadline) {
  rpc::CallOptions options;
  options.deadline = deadline;
  feed::v1::ListShardsRequest request;
  const std::shared_ptr<rpc::Client> client = Current();
  auto call = client->Call<feed::v1::ListShardsResponse>(std::move(request), std::move(options));
  absl::StatusOr<feed::v1::ListShardsResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  std::vector<std::string> shards(response->shards().begin(), response->shards().end());
  co_return shards;
}

std::unique_ptr<feed::SourceStream> GrpcSource::Open(feed::v1::ReadRequest request) {
  std::shared_ptr<rpc::Client> client = Current();
  rpc::StreamReader<ReadResponse> reader = client->Open<ReadResponse>(std::move(request));
  return std::make_unique<Stream>(std::move(client), std::move(reader));
}

std::unique_ptr<feed::SnapshotStream> GrpcSource::OpenSnapshot(feed::v1::SnapshotRequest request) {
  std::shared_ptr<rpc::Client> client = Current();
  rpc::StreamReader<SnapshotResponse> reader = client->Open<SnapshotResponse>(std::move(request));
  return std::make_unique<Snapshot>(std::move(client), std::move(reader));
}

Task<absl::Status> GrpcSource::Acknowledge(feed::v1::AcknowledgeRequest request, absl::Time deadline) {
  rpc::CallOptions options;
  options.deadline = deadline;
  const std::shared_ptr<rpc::Client> client = Current();
  auto call = client->Call<feed::v1::AcknowledgeResponse>(std::move(request), std::move(options));
  absl::StatusOr<feed::v1::AcknowledgeResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::StatusOr<feed::v1::ReachResponse>> GrpcSource::Reach(feed::v1::ReachRequest request,
                                                                absl::Time deadline) {
  rpc::CallOptions options;
  options.deadline = deadline;
  const std::shared_ptr<rpc::Client> client = Current();
  auto call = client->Call<feed::v1::ReachResponse>(std::move(request), std::move(options));
  absl::StatusOr<feed::v1::ReachResponse> response = co_await std::move(call);
  co_return response;
}

}  // namespace motcua::service
