#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/children.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/retelling.h"
#include "common/feed/ring.h"
#include "common/feed/watermarks.h"
#include "common/feed/wire.h"
#include "common/redis/client.h"
#include "common/store/leases.h"
#include "common/store/store.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

class PublisherOptions {
 public:
  PublisherOptions() {}

  // Pause between watermarks while there is news.
  absl::Duration watermark_interval = absl::Milliseconds(100);
  // How far the watermark stays behind the system clock, so that calls in flight need not decide anew.
  // Zero on simulated time, where the clock stands still meanwhile.
  absl::Duration grace = absl::Milliseconds(100);
  // Watermarks follow the clock and the bound wherever they go, for simulated time, which costs nothing
  // while it stands still. Else they move for news and for those who ask alone: see Reach.
  bool eager = false;
  // Of a shard, kept in memory for readers at the feed's end.
  size_t ring_events = 4096;
  size_t ring_bytes = size_t{2} << 20;
  // Events kept in Redis although every durable consumer has applied them.
  uint64_t retention_events = 10000;
  absl::Duration trim_interval = absl::Seconds(5);
};

// Publishes one service's feeds: one tail per shard in Redis, any number of readers.
//
// Readers at the end of a feed are served from memory, others from Redis. Also moves each shard's watermark:
// the promise, kept by the commit script, that no event with an earlier time will be written any more.
//
// At rest it neither commits nor tells anything. A watermark moves soon after events came into the feed, or
// after the bound moved, as long as somebody reads; and at once when somebody asks for a moment.
//
// Confined to the loop. Outlives its readers; Run's task ends when its token is cancelled.
class Publisher {
 public:
  // Takes one step of a stream, a serialised v1::ReadResponse; completes when there is room for the next one.
  using Sink = absl::AnyInvocable<async::Task<absl::Status>(std::string step)>;
  // Sees to it that the bound of a shard reaches `moment`, and returns when it has.
  using Ask =
      std::function<async::Task<absl::Status>(std::string shard, absl::Time moment, absl::Time deadline)>;

  // `tail` is a Redis client of the publisher's own: it blocks. On a cluster, where one command cannot read
  // the feeds of several shards, each has a sibling of it. All references outlive the publisher.
  Publisher(async::Loop& loop, store::Store& store, redis::Client& tail, PublisherOptions options);

  // The watermark never passes this moment. Default: unbounded. Call Kick when it has moved.
  void SetBound(std::function<absl::Time(const std::string& shard)> bound) { bound_ = std::move(bound); }
  // How a bound is moved that stands still because nobody has asked. Default: it moves by itself.
  void SetAsk(Ask ask) { ask_ = std::move(ask); }

  // Before Run: shards that are not held are trimmed by another replica; and where a bound is moved there,
  // for news, it is asked for here. They outlive the publisher.
  void SetLeases(store::Leases& leases) { leases_ = &leases; }

  // Before Run: what is told of records. It outlives the publisher.
  void SetRetelling(Retelling& retelling) { retelling_ = &retelling; }

  // Tails all shards and moves watermarks until cancelled; survives the loss of Redis.
  async::Task<void> Run(async::CancelToken cancel);

  // Registers a shard, durably. Idempotent; must precede its first commit.
  async::Task<absl::Status> AddShard(std::string shard, absl::Time deadline);

  // Time, and with it every bound, may have moved.
  void Kick();
  // The bound of one shard may have moved.
  void Kick(const std::string& shard);

  // Streams a feed into `sink` until cancelled or the sink fails.
  // Errors: those of FeedService.Read.
  async::Task<absl::Status> Stream(v1::ReadRequest request, Sink sink, async::CancelToken cancel);

  // Streams the shard's records into `sink`, each step a serialised v1::SnapshotResponse, and ends.
  // Errors: those of FeedService.Snapshot.
  async::Task<absl::Status> Snapshot(v1::SnapshotRequest request, Sink sink, async::CancelToken cancel);

  async::Task<absl::Status> Acknowledge(v1::AcknowledgeRequest request, absl::Time deadline);
  // See FeedService.
  async::Task<absl::StatusOr<v1::ListConsumersResponse>> ListConsumers(v1::ListConsumersRequest request,
                                                                       absl::Time deadline);
  async::Task<absl::StatusOr<v1::RemoveConsumerResponse>> RemoveConsumer(v1::RemoveConsumerRequest request,
                                                                         absl::Time deadline);

  // Moves watermarks to the moments asked for. Answers when all are reached, at the latest after
  // kReachPatience, with how far each has come; of a shard that is unknown, nothing. Errors: NOT_FOUND
  // (UNKNOWN_SHARD) where none is known, the store's.
  async::Task<absl::StatusOr<v1::ReachResponse>> Reach(v1::ReachRequest request, absl::Time deadline,
                                                       async::CancelToken cancel);
  static constexpr absl::Duration kReachPatience = absl::Milliseconds(500);

  // Waits until the watermark of every shard has reached `moment`.
  async::Task<absl::Status> AwaitWatermark(absl::Time moment, absl::Time deadline);

  bool eager() const { return options_.eager; }
  std::vector<std::string> shards() const;
  bool has(const std::string& shard) const { return shards_.contains(shard); }
  // What is known of a shard; zero and InfinitePast where it is unknown.
  uint64_t position(const std::string& shard) const;
  absl::Time watermark(const std::string& shard) const;
  // nullptr where it is unknown. Stays as it is until the loop goes on.
  const store::FeedHistory* history(const std::string& shard) const;
  // For how long somebody has been asking for a moment that the watermark does not reach; zero where nobody
  // is.
  absl::Duration owed(const std::string& shard) const;
  // Open streams of a shard.
  size_t readers(const std::string& shard) const;

 private:
  struct Shard {
    Shard(async::Loop& loop, std::string name, std::string feed, const PublisherOptions& options)
        : name(std::move(name)),
          feed(std::move(feed)),
          ring(options.ring_events, options.ring_bytes),
          changed(loop) {}

    const std::string name;
    // Its key.
    const std::string feed;
    // The history that is told to readers; all that follows is of its present epoch.
    store::FeedHistory history;
    // Tail position; the ring ends with it.
    uint64_t position = 0;
    Ring ring;
    // What the tail's server has: of which connection that was found out, and the epoch.
    uint64_t tail_connection = 0;
    uint64_t tail_epoch = 0;
    absl::Time grown_at = absl::InfinitePast();
    // The entry behind `position` is no event: readers are told so, and nothing behind it.
    bool unreadable = false;
    // Part of the blocking read that is under way.
    bool tailed = false;

    Watermarks watermarks;
    absl::Time watermark = absl::InfinitePast();
    absl::Time moved_at = absl::InfinitePast();
    // This host's clock is ahead of Redis': not to be moved before.
    absl::Time held_until = absl::InfinitePast();
    // Moments that are asked for.
    std::multiset<absl::Time> wanted;
    absl::Time owed_since = absl::InfiniteFuture();
    absl::Time asked_at = absl::InfinitePast();
    // When events came that no watermark has passed: the first and the last of them. InfiniteFuture,
    // InfinitePast: none.
    absl::Time news_first = absl::InfiniteFuture();
    absl::Time news_last = absl::InfinitePast();
    bool bound_moved = false;
    // When the bound was last asked for, for news; and it is being asked for.
    absl::Time bound_asked_at = absl::InfinitePast();
    bool asking = false;

    // There may be something to trim.
    bool trim = true;
    std::shared_ptr<size_t> readers = std::make_shared<size_t>(0);
    // Consumers that are taking snapshots.
    std::shared_ptr<std::multiset<std::string>> bootstrapping =
        std::make_shared<std::multiset<std::string>>();
    // Wakes readers; a pulse: set and reset in one turn.
    async::Event changed;
  };
  class Reader;
  class SnapshotTeller;
  // Records of one moment.
  class SnapshotPage {
   public:
    std::vector<StoredRecordOf> records;
    // The last member of their registry; empty = there is none.
    std::string through;
  };
  using Entries = std::vector<Entry>;

  // publisher_epochs.cc: histories and durable consumers.
  async::Task<void> FollowEpochs(async::CancelToken cancel);
  // Sees to it that what is told is what the server has that commands go to. Error: UNAVAILABLE
  // (FEED_EPOCH_UNKNOWN) where that one is behind.
  async::Task<absl::Status> Agree(Shard* shard, absl::Time deadline);
  // Whether it is, as far as is known.
  bool Agreed(const Shard& shard) const;
  // The same of what a tail reads, on the connection that it has now.
  static bool TailAgreed(const Shard& shard, const redis::Client& tail);
  async::Task<absl::Status> AgreeTail(Shard* shard, redis::Client* tail);
  static void Take(Shard& shard, const store::FeedHistory& history);
  async::Task<absl::Status> Trim(Shard* shard);
  async::Task<absl::Status> Register(Shard* shard, std::string consumer, uint64_t after);

  // publisher.cc: tails, shards.
  async::Task<void> Tail(async::CancelToken cancel);
  async::Task<absl::Status> TailOnce(async::CancelToken cancel);
  async::Task<void> FollowNewcomers(async::CancelToken cancel);
  async::Task<void> TailEach(async::CancelToken cancel);
  async::Task<void> TailOne(Shard* shard, async::CancelToken cancel);
  async::Task<absl::Status> TailOneOnce(Shard* shard, redis::Client* tail, async::CancelToken cancel);
  absl::Duration Gathering(bool unread) const;
  absl::Duration Block() const;
  async::Task<void> KeepHouse(async::CancelToken cancel);
  absl::Status Take(Shard& shard, const redis::Reply& entries);
  async::Task<absl::Status> Refresh();
  async::Task<absl::StatusOr<std::unique_ptr<Shard>>> Discover(std::string name);
  static void Pulse(Shard& shard);

  // publisher_stream.cc: what readers are told.
  async::Task<absl::StatusOr<Entries>> ReadRange(Shard* shard, uint64_t after, uint32_t count);
  async::Task<absl::StatusOr<uint64_t>> ReadEnd(Shard* shard, absl::Time deadline);
  async::Task<absl::Status> CheckEnd(Shard* shard, uint64_t after);
  static absl::Status Follow(const Shard& shard, Reader* reader);
  async::Task<absl::Status> Serve(Shard* shard, Reader* reader, Sink* sink, async::CancelToken cancel);

  // publisher_snapshot.cc
  async::Task<absl::Status> BeginSnapshot(Shard* shard, std::string consumer, v1::SnapshotProgress* progress);
  async::Task<absl::Status> ResumeSnapshot(Shard* shard, const v1::SnapshotProgress* progress);
  async::Task<absl::StatusOr<SnapshotPage>> ReadSnapshotPage(Shard* shard, v1::SnapshotProgress* progress);

  // publisher_watermark.cc
  async::Task<void> MoveWatermarks(async::CancelToken cancel);
  absl::Time Limit(const Shard& shard) const;
  // The bound stands before news of which readers wait to hear, and it is another replica that moves it.
  bool MustAsk(const Shard& shard) const;
  async::Task<void> AskForNews(Shard* shard);
  // When the watermark is to be moved next; InfiniteFuture: not before something happens.
  absl::Time DueAt(const Shard& shard, absl::Time now) const;
  async::Task<absl::Status> MoveWatermark(Shard* shard);
  async::Task<absl::Status> ReachMoment(v1::ReachMoment asked, v1::Reached* reached, absl::Time deadline,
                                        async::CancelToken cancel);

  async::Loop& loop_;
  store::Store& store_;
  redis::Client& tail_;
  const PublisherOptions options_;
  std::function<absl::Time(const std::string&)> bound_;
  Ask ask_;
  store::Leases* leases_ = nullptr;
  Retelling* retelling_ = nullptr;
  std::map<std::string, std::unique_ptr<Shard>> shards_;
  // The shards of the blocking read, and its beginning.
  std::vector<Shard*> tailed_;
  std::optional<redis::Command> read_;
  async::Event kicked_;
  async::Event shard_added_;
  // Of TailEach: how many run, and that none does.
  // One tail a shard, and questions for news.
  async::Children children_;
  // Shared with the client, whose observers stay.
  std::shared_ptr<async::Event> look_again_;
};

}  // namespace motcua::feed
