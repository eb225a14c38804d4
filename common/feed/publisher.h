#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/redis/client.h"
#include "common/store/store.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

class PublisherOptions {
 public:
  PublisherOptions() {}

  /// Pause between watermarks while time runs.
  absl::Duration watermark_interval = absl::Milliseconds(100);
  /// How far the watermark stays behind the system clock, so that calls in flight need not decide anew.
  /// Zero on simulated time, where the clock stands still meanwhile.
  absl::Duration grace = absl::Milliseconds(100);
  /// Events of a shard kept in memory for readers at the feed's end.
  size_t ring_events = 4096;
  /// Events kept in Redis although every durable consumer has applied them.
  uint64_t retention_events = 10000;
  absl::Duration trim_interval = absl::Seconds(5);
};

// Publishes one service's feeds: one tail per shard in Redis, any number of readers.
//
// Readers at the end of a feed are served from memory, others from Redis. Also moves each shard's watermark: the
// promise, kept by the commit script, that no event with an earlier time will be written any more.
//
// Confined to the loop. Outlives its readers; Run's task ends when its token is cancelled.
class Publisher {
 public:
  // Takes one step of a stream; completes when there is room for the next one.
  using Sink = absl::AnyInvocable<async::Task<absl::Status>(v1::ReadResponse step)>;

  // `tail` is a Redis client of the publisher's own: it blocks. All references outlive the publisher.
  Publisher(async::Loop& loop, store::Store& store, redis::Client& tail, PublisherOptions options);

  // The watermark never passes this moment. Default: unbounded. Call Kick when it has moved.
  void SetBound(std::function<absl::Time(const std::string& shard)> bound) { bound_ = std::move(bound); }

  // Tails all shards and moves watermarks until cancelled; survives the loss of Redis.
  async::Task<void> Run(async::CancelToken cancel);

  // Registers a shard, durably. Idempotent; must precede its first commit.
  async::Task<absl::Status> AddShard(std::string shard, absl::Time deadline);

  // Moves watermarks now rather than at the next interval.
  void Kick() { kicked_.Set(); }

  // Streams a feed into `sink` until cancelled or the sink fails.
  // Errors: NOT_FOUND (UNKNOWN_SHARD), OUT_OF_RANGE (FEED_TRIMMED), DATA_LOSS (FEED_BEHIND) where `after` is past the
  // feed's end, that is the feed has lost events.
  async::Task<absl::Status> Stream(v1::ReadRequest request, Sink sink, async::CancelToken cancel);

  async::Task<absl::Status> Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline);

  // Waits until the watermark of every shard has reached `moment`.
  async::Task<absl::Status> AwaitWatermark(absl::Time moment, absl::Time deadline);

  std::vector<std::string> shards() const;
  // What is known of a shard; zero and InfinitePast where it is unknown.
  uint64_t position(const std::string& shard) const;
  absl::Time watermark(const std::string& shard) const;
  // Open streams of a shard.
  size_t readers(const std::string& shard) const;

 private:
  struct Shard {
    explicit Shard(async::Loop& loop) : changed(loop) {}

    // Tail position; the ring holds the events up to it.
    uint64_t position = 0;
    std::deque<std::shared_ptr<const v1::Event>> ring;
    absl::Time watermark = absl::InfinitePast();
    // Position up to which a reader must be to be told the watermark.
    uint64_t watermark_position = 0;
    std::shared_ptr<size_t> readers = std::make_shared<size_t>(0);
    // Wakes readers; replaced by a pulse: set and reset in one turn.
    async::Event changed;
  };

  async::Task<void> Tail(async::CancelToken cancel);
  async::Task<absl::Status> TailOnce();
  async::Task<void> Watermarks(async::CancelToken cancel);
  async::Task<absl::Status> MoveWatermark(std::string shard, absl::Time to);
  async::Task<absl::Status> Refresh();
  async::Task<absl::Status> Trim();
  async::Task<absl::Status> Register(v1::ReadRequest request);
  async::Task<absl::StatusOr<std::vector<std::shared_ptr<const v1::Event>>>> ReadRange(std::string shard, uint64_t after,
                                                                                   uint32_t count);
  async::Task<absl::StatusOr<std::vector<std::shared_ptr<const v1::Event>>>> NextBatch(std::string shard, uint64_t after,
                                                                                   uint32_t count);
  static void Pulse(Shard& shard);

  async::Loop& loop_;
  store::Store& store_;
  redis::Client& tail_;
  const PublisherOptions options_;
  std::function<absl::Time(const std::string&)> bound_;
  std::map<std::string, std::unique_ptr<Shard>> shards_;
  async::Event kicked_;
  async::Event shard_added_;
};

}  // namespace motcua::feed
