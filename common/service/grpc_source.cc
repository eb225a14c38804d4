#include "common/service/grpc_source.h"

#include "common/status/errors.h"

namespace motcua::service {

namespace {

using async::Task;
using feed::v1::ReadResponse;

class Stream final : public feed::SourceStream {
 public:
  explicit Stream(rpc::StreamReader<ReadResponse> reader) : reader_(std::move(reader)) {}

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
  rpc::StreamReader<ReadResponse> reader_;
};

}  // namespace

Task<absl::StatusOr<std::vector<std::string>>> GrpcSource::ListShards(absl::Time deadline) {
  rpc::CallOptions options;
  options.deadline = deadline;
  feed::v1::ListShardsRequest request;
  auto call = client_.Call<feed::v1::ListShardsResponse>(std::move(request), std::move(options));
  absl::StatusOr<feed::v1::ListShardsResponse> response = co_await std::move(call);
  if (!response.ok()) co_return response.status();
  std::vector<std::string> shards(response->shards().begin(), response->shards().end());
  co_return shards;
}

std::unique_ptr<feed::SourceStream> GrpcSource::Open(feed::v1::ReadRequest request) {
  return std::make_unique<Stream>(client_.Open<ReadResponse>(std::move(request)));
}

Task<absl::Status> GrpcSource::Acknowledge(feed::v1::AcknowledgeRequest request, absl::Time deadline) {
  rpc::CallOptions options;
  options.deadline = deadline;
  auto call = client_.Call<feed::v1::AcknowledgeResponse>(std::move(request), std::move(options));
  absl::StatusOr<feed::v1::AcknowledgeResponse> response = co_await std::move(call);
  co_return response.status();
}

Task<absl::StatusOr<feed::v1::ReachResponse>> GrpcSource::Reach(feed::v1::ReachRequest request,
                                                                absl::Time deadline) {
  rpc::CallOptions options;
  options.deadline = deadline;
  auto call = client_.Call<feed::v1::ReachResponse>(std::move(request), std::move(options));
  absl::StatusOr<feed::v1::ReachResponse> response = co_await std::move(call);
  co_return response;
}

}  // namespace motcua::service
