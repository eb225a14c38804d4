#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
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

class ConsumerOptions {
 public:
  ConsumerOptions() {}

  /// A consumer that has been in trouble for longer logs it, once, and once more when it goes on.
  absl::Duration stuck_after = absl::Seconds(30);
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
           std::string source_name, std::string shard, std::function<void()> progressed,
           ConsumerOptions options = ConsumerOptions());

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
  // Since when, of the system clock; InfiniteFuture while it goes on.
  absl::Time troubled_since() const { return troubled_since_; }
  // When it began, of the system clock.
  absl::Time started() const { return started_; }
  // Events that took effect here, and the commits that they did it by.
  uint64_t events() const { return events_; }
  uint64_t batches() const { return batches_; }

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
  // `traceparent`: of the first event that could not be applied; empty where the trouble is not with events.
  void InTrouble(const absl::Status& status, const std::string& traceparent);
  void GoesOn();
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
  const ConsumerOptions options_;
  const absl::Time started_;
  std::string trouble_;
  absl::Time troubled_since_ = absl::InfiniteFuture();
  bool told_of_trouble_ = false;
  uint64_t events_ = 0;
  uint64_t batches_ = 0;
  async::Event moved_;
};

}  // namespace motcua::feed
