#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/bootstrap.h"
#include "common/feed/projection.h"
#include "common/feed/source.h"
#include "common/feed/watermarks.h"
#include "common/store/cursor.h"

namespace motcua::feed {

class ConsumerOptions {
 public:
  ConsumerOptions() {}

  // A consumer that has been in trouble for longer logs it, once, and once more when it goes on.
  absl::Duration stuck_after = absl::Seconds(30);
  // How long events wait for others, so that they share a commit; not where somebody waits for them.
  absl::Duration linger = absl::Milliseconds(3);
  // Events, of all sources of a shard together, and their bytes that one commit applies at the most; and as
  // many events of a source wait for it before no more are read.
  size_t batch_events = 512;
  size_t batch_bytes = size_t{1} << 20;
  // Events that a projection is given at a time; in between, others have their turn.
  size_t slice_events = 64;
};

// What a source has lost though its effect stands here.
class Losses {
 public:
  Losses() {}

  // All positions ever; of the last loss its epoch, the first and the last position, and when it was found.
  uint64_t total = 0;
  uint64_t epoch = 0;
  uint64_t first = 0;
  uint64_t last = 0;
  absl::Time found_at = absl::InfinitePast();

  // As it is kept beside the cursor.
  std::string Text() const;
  static std::optional<Losses> Parse(std::string_view text);
};

// The feed of one source in one shard, as it arrives: reads it ahead of the applier, which takes the events
// from here, and knows how far it has been applied.
//
// Confined to the loop.
class Consumer {
 public:
  // `name`: of the consuming service, as the source knows it. `arrived` is called when there is something for
  // the applier to do. All references outlive the consumer.
  Consumer(async::Loop& loop, Source& source, Projection& projection, std::string name,
           std::string source_name, std::string shard, std::function<void()> arrived,
           const ConsumerOptions& options);

  const std::string& source_name() const { return source_name_; }
  // Everything up to this position has taken effect.
  uint64_t applied() const { return applied_; }
  // The epoch of that position; 0 = not known.
  uint64_t epoch() const { return epoch_; }
  // Since the beginning of all times, and the positions that this replica has found to be lost.
  const Losses& losses() const { return losses_; }
  uint64_t lost_positions() const { return lost_positions_; }
  // Highest position that the source has told of.
  uint64_t seen() const { return seen_; }
  // Every event with an earlier time has taken effect.
  absl::Time watermark() const { return watermark_; }
  // Why it does not go on; empty while it does.
  const std::string& trouble() const { return trouble_; }
  // In trouble since when; InfiniteFuture while it goes on.
  absl::Time troubled_since() const { return troubled_since_; }
  // When it began.
  absl::Time started() const { return started_; }
  // For how long it has been behind: since all that the source had told was applied, and the source was
  // there.
  absl::Duration behind(absl::Time now) const;
  // Events that took effect here, and the commits that they did it by.
  uint64_t events() const { return events_; }
  uint64_t batches() const { return batches_; }

  // It takes, or took a moment ago, the source's snapshot: the source no longer keeps all that it has not
  // applied.
  bool trimmed() const { return trimmed_; }
  const Bootstrap& bootstrap() const { return bootstrap_; }
  // How many snapshots this replica has begun to take.
  uint64_t bootstraps() const { return bootstraps_; }

  // Waits until `position` has been applied. Error: DEADLINE_EXCEEDED (NOT_CAUGHT_UP), CANCELLED,
  // INVALID_ARGUMENT (POSITION_UNKNOWN) where the source loses it meanwhile.
  async::Task<absl::Status> AwaitApplied(uint64_t position, absl::Time deadline, async::CancelToken cancel);
  // The same for the watermark.
  async::Task<absl::Status> AwaitWatermark(absl::Time moment, absl::Time deadline);

  // The source has promised `watermark` for who has come as far as that. Of another epoch it says nothing.
  void Promised(store::Cursor position, absl::Time watermark);

  // What follows is the applier's.

  // Reads until cancelled; survives the loss of the source.
  async::Task<void> Receive(async::CancelToken cancel);

  // The cursor as it is committed. The first time, reading begins there. Where another replica has moved it
  // on, what it has applied is skipped; where it is behind what was known, reading begins there anew.
  void Locate(store::Cursor cursor);
  bool located() const { return located_; }

  // Another replica applies the shard: until it is to open its stream, nothing is read, and what is applied
  // shows by the cursor.
  void Follow(bool following);
  // Follows or not, with its stream open or closed.
  void OpenStream(bool open);
  // Somebody waits for what has not been applied.
  bool awaited() const;
  const store::Cursor& cursor() const { return cursor_; }
  // What is known of losses, as it is kept.
  void Remember(const Losses& losses) { losses_ = losses; }

  // The source has said that an epoch ended at a position. Nothing is read or applied until the cursor is
  // located again: behind that position it belongs to what is lost.
  class Ended {
   public:
    Ended(uint64_t kept, uint64_t epoch) : kept(kept), epoch(epoch) {}
    // The last position that was kept, and the epoch in which it goes on from there.
    uint64_t kept;
    uint64_t epoch;
  };
  const std::optional<Ended>& ended() const { return ended_; }
  // The cursor was moved back for it.
  void Lost(const Losses& losses);

  // The source no longer has what follows the cursor, or a snapshot was left half-way: nothing is read until
  // the cursor is located again.
  void Trimmed();
  void BootstrapBegins();
  // How far it is; with what was known of earlier pages, which events the records had.
  void SetBootstrap(Bootstrap bootstrap);
  // Logs how far it is, after `pause` at the earliest, and its end.
  void TellBootstrap(bool complete, absl::Duration pause);
  bool knows() const { return !known_.empty(); }
  void SetKnown(KnownPages known) { known_ = std::move(known); }
  // What it had behind that position is lost.
  void CutKnown(uint64_t kept) {
    bootstrap_.as_of = std::min(bootstrap_.as_of, kept);
    known_.CutAt(kept);
  }
  // The cursor has passed all that the snapshot had, or is about to by going to `up_to`.
  bool Outgrows(const store::Cursor& up_to) const {
    return bootstrap_.step == Bootstrap::Step::kKnown && up_to.position >= bootstrap_.as_of;
  }

  // The next events to be applied, with the position that holds when they are.
  class Batch {
   public:
    Batch() {}
    std::vector<const v1::Event*> events;
    store::Cursor up_to;
    // What keeps the events alive.
    std::vector<Step> steps;
    size_t bytes = 0;
  };
  Batch Next(size_t max_events, size_t max_bytes) const;
  // Counts events that wait; at most `most`.
  size_t waiting() const { return waiting_; }
  // Somebody waits for what is waiting here.
  bool urgent() const;
  // Since when the first of them waits.
  absl::Time arrived_at() const { return pieces_.empty() ? absl::InfiniteFuture() : pieces_.front().arrived; }
  // Takes over what needs no commit: positions and watermarks in front of the next event. True where
  // something moved.
  bool Advance();
  // The batch has been committed, together with the cursor.
  void Applied(const Batch& batch);
  // The cursor has been moved over what was not for this consumer.
  void CursorMoved(store::Cursor cursor);

  // Tells those who wait.
  void Progress();
  // Not before this moment may the applier try again.
  absl::Time rests_until() const { return rests_until_; }
  // `traceparent`: of the first event that could not be applied; empty where the trouble is not with events.
  void Failed(const absl::Status& status, const std::string& traceparent);
  void GoesOn();

  // What the source was told of having been applied, and when.
  store::Cursor acknowledged;
  absl::Time acknowledged_at = absl::InfinitePast();

 private:
  // A step, or what is left of it.
  struct Piece {
    Piece(Step step, absl::Time arrived) : step(std::move(step)), arrived(arrived) {}
    Step step;
    absl::Time arrived;
    int next = 0;
  };

  async::Task<absl::Status> ReceiveOnce(async::CancelToken cancel);
  void Arrive(Step step);
  void End(const Step& step);
  void Skip(uint64_t up_to);
  // The step is of another epoch than the snapshot was; what became of the snapshot's events?
  bool IsStrangeToSnapshot(const v1::ReadResponse& step) const;
  // The first step of one who has come as far as the snapshot: tells where its epoch ended, if events are
  // lost.
  async::Task<absl::StatusOr<Step>> AskSnapshotsEnd(async::CancelToken cancel);
  // The snapshot of the event's record had it.
  bool Had(const v1::Event& event) const;
  void Outgrow();
  void InTrouble(const absl::Status& status, const std::string& traceparent);

  async::Loop& loop_;
  Source& source_;
  Projection& projection_;
  const std::string name_;
  const std::string source_name_;
  const std::string shard_;
  const std::function<void()> arrived_;
  const ConsumerOptions options_;
  const absl::Time started_;

  std::deque<Piece> pieces_;
  size_t waiting_ = 0;
  size_t waiting_bytes_ = 0;
  Watermarks promised_;
  // Where the stream stands, behind `pieces_`.
  uint64_t received_ = 0;
  uint64_t received_epoch_ = 0;
  std::optional<Ended> ended_;
  bool trimmed_ = false;
  Bootstrap bootstrap_;
  KnownPages known_;
  // The latest one in which all positions up to the snapshot's are known to be the same.
  uint64_t known_epoch_ = 0;
  uint64_t bootstraps_ = 0;
  absl::Time told_of_bootstrap_ = absl::InfinitePast();
  bool located_ = false;
  // Ends the stream that is open.
  std::unique_ptr<async::CancelSource> restart_;
  bool connected_ = false;
  bool following_ = false;
  async::Event open_;
  absl::Time level_at_;

  // Where the committed cursor stands; what lies between it and `applied_` was not for this consumer.
  store::Cursor cursor_;
  uint64_t applied_ = 0;
  uint64_t epoch_ = 0;
  Losses losses_;
  uint64_t lost_positions_ = 0;
  uint64_t seen_ = 0;
  absl::Time watermark_ = absl::InfinitePast();
  std::multiset<uint64_t> awaited_positions_;
  std::multiset<absl::Time> awaited_moments_;

  std::string trouble_;
  absl::Time troubled_since_ = absl::InfiniteFuture();
  bool told_of_trouble_ = false;
  absl::Time rests_until_ = absl::InfinitePast();
  absl::Duration rest_;
  uint64_t events_ = 0;
  uint64_t batches_ = 0;
  async::Event moved_;
  async::Event located_event_;
  async::Event taken_;
};

}  // namespace motcua::feed
