#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/source.h"
#include "common/store/session.h"
#include "common/store/store.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::feed {

// What a service makes of the events of another one.
class Projection {
 public:
  virtual ~Projection() = default;

  // Kinds of events that mean something here, as Event::BodyCase; empty = all. Others are not even sent.
  virtual std::vector<v1::Event::BodyCase> Wanted() const { return std::vector<v1::Event::BodyCase>(); }

  // Puts the effect of `events`, all of one shard and in their order, into `session`; commits nothing. May be called
  // again with the same events after a lost race or a failure: only what the session commits may count.
  //
  // Events that the projection emits bear the time of the event that caused them, or `not_before` where that is later.
  // An error is retried, for ever, with growing pauses: return one only for what passes (UNAVAILABLE); an event that
  // makes no sense is to be skipped.
  virtual async::Task<absl::Status> Apply(store::Session& session, const std::vector<v1::Event>& events,
                                          absl::Time not_before) = 0;
};

// Applies one shard of one source's feed, exactly once: the cursor is committed with the effect, compare-and-set, so
// crashes, repeated events and a second replica at the same work change nothing.
//
// Confined to the loop.
class Consumer {
 public:
  // `name`: of the consuming service, as the source knows it. `progressed` is called whenever `applied` or
  // `watermark` has moved. All references outlive the consumer.
  Consumer(async::Loop& loop, store::Store& store, Source& source, Projection& projection, std::string name,
           std::string source_name, std::string shard, std::function<void()> progressed);

  // Until cancelled; survives the loss of the source and of Redis.
  async::Task<void> Run(async::CancelToken cancel);

  // Everything up to this position has taken effect.
  uint64_t applied() const { return applied_; }
  // Highest position that the source has told of.
  uint64_t seen() const { return seen_; }
  // Every event with an earlier time has taken effect.
  absl::Time watermark() const { return watermark_; }
  // Why it does not go on; empty while it does.
  const std::string& trouble() const { return trouble_; }

  // Waits until `position` has been applied. Error: DEADLINE_EXCEEDED (NOT_CAUGHT_UP), CANCELLED.
  async::Task<absl::Status> AwaitApplied(uint64_t position, absl::Time deadline, async::CancelToken cancel);
  // The same for the watermark.
  async::Task<absl::Status> AwaitWatermark(absl::Time moment, absl::Time deadline);

 private:
  // What the stream has brought and is not yet applied. Lives as long as the stream.
  struct Arrivals {
    explicit Arrivals(async::Loop& loop) : changed(loop), taken(loop), stop(loop) {}

    std::deque<v1::Event> events;
    // Where the stream stands behind `events`.
    uint64_t position = 0;
    absl::Time watermark = absl::InfinitePast();
    bool fresh = false;
    async::Event changed;
    async::Event taken;
    async::CancelSource stop;
  };

  async::Task<absl::Status> RunOnce(async::CancelToken cancel);
  async::Task<absl::Status> Receive(SourceStream& stream, Arrivals& arrivals);
  async::Task<absl::Status> ApplyArrivals(Arrivals& arrivals);
  async::Task<absl::Status> ApplyOnce(Arrivals& arrivals);
  async::Task<absl::Status> ApplyBatch(std::vector<v1::Event> events, uint64_t up_to, async::CancelToken cancel);
  async::Task<absl::Status> CommitCursor();
  async::Task<absl::StatusOr<uint64_t>> ReadCursor();
  async::Task<void> AcknowledgeSometimes();
  void Progress();

  async::Loop& loop_;
  store::Store& store_;
  Source& source_;
  Projection& projection_;
  const std::string name_;
  const std::string source_name_;
  const std::string shard_;
  const std::function<void()> progressed_;
  // Where the committed cursor stands; what lies between it and `applied_` was not for this consumer.
  uint64_t cursor_ = 0;
  uint64_t applied_ = 0;
  uint64_t seen_ = 0;
  uint64_t acknowledged_ = 0;
  absl::Time acknowledged_at_ = absl::InfinitePast();
  absl::Time watermark_ = absl::InfinitePast();
  std::string trouble_;
  async::Event moved_;
};

// All that a service consumes: for every source a consumer per shard, shards that appear later included.
//
// Confined to the loop.
class Subscriptions {
 public:
  Subscriptions(async::Loop& loop, store::Store& store, std::string name);
  ~Subscriptions();

  // Before Run. `source_name` is the service's: `intake`, `routing` ... References outlive the subscriptions.
  void Add(std::string source_name, Source& source, Projection& projection);

  // Called whenever any consumer has moved.
  void OnProgress(std::function<void()> progressed) { progressed_ = std::move(progressed); }

  // Called, and waited for, before a shard's first event is consumed.
  void OnShard(std::function<async::Task<absl::Status>(std::string shard)> prepare) { prepare_ = std::move(prepare); }

  async::Task<void> Run(async::CancelToken cancel);

  // The least watermark over all sources of a shard; InfinitePast while one of them is not yet consumed,
  // InfiniteFuture where the service consumes nothing.
  absl::Time Watermark(const std::string& shard) const;

  // nullptr where there is none (yet).
  Consumer* Find(const std::string& source_name, const std::string& shard) const;
  std::vector<std::pair<std::pair<std::string, std::string>, const Consumer*>> All() const;

  // Read-your-writes: waits until the source's feed has been applied up to `position`.
  async::Task<absl::Status> AwaitApplied(std::string source_name, std::string shard, uint64_t position,
                                         absl::Time deadline, async::CancelToken cancel);
  // Waits until Watermark(shard) has reached `moment` for every shard in `shards`.
  async::Task<absl::Status> AwaitWatermark(std::vector<std::string> shards, absl::Time moment, absl::Time deadline);
  // Waits until the watermark of the source has reached `moment` in every shard of `shards`, those included that are
  // not consumed yet.
  async::Task<absl::Status> AwaitWatermark(std::string source_name, std::vector<std::string> shards, absl::Time moment,
                                           absl::Time deadline);

 private:
  struct Subscription {
    std::string name;
    Source* source;
    Projection* projection;
  };

  async::Task<void> Discover(size_t subscription, async::CancelToken cancel);

  async::Loop& loop_;
  store::Store& store_;
  const std::string name_;
  std::vector<Subscription> subscriptions_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Consumer>> consumers_;
  std::function<void()> progressed_;
  std::function<async::Task<absl::Status>(std::string)> prepare_;
  async::Event appeared_;
};

}  // namespace motcua::feed
