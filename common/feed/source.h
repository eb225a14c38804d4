#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/feed/wire.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

// An open stream of one feed. Destroying it ends the stream.
class SourceStream {
 public:
  virtual ~SourceStream() = default;

  // The next step. An error ends the stream. Confined to the loop; one call at a time.
  virtual async::Task<absl::StatusOr<Step>> Next(async::CancelToken cancel) = 0;
};

// A snapshot on its way. Destroying it ends the stream.
class SnapshotStream {
 public:
  virtual ~SnapshotStream() = default;

  // The next step; nullopt where the source has ended the stream with OK. Confined to the loop; one call at a
  // time.
  virtual async::Task<absl::StatusOr<std::optional<v1::SnapshotResponse>>> Next(
      async::CancelToken cancel) = 0;
};

// The feeds of another service, wherever it runs. Confined to the loop.
class Source {
 public:
  virtual ~Source() = default;

  virtual async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline) = 0;
  virtual std::unique_ptr<SourceStream> Open(v1::ReadRequest request) = 0;
  // See FeedService.Snapshot. nullptr where the source has none.
  virtual std::unique_ptr<SnapshotStream> OpenSnapshot(v1::SnapshotRequest request) {
    (void)request;
    return nullptr;
  }
  virtual async::Task<absl::Status> Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline) = 0;
  // See FeedService.Reach.
  virtual async::Task<absl::StatusOr<v1::ReachResponse>> Reach(v1::ReachRequest request,
                                                               absl::Time deadline) = 0;
};

}  // namespace motcua::feed
