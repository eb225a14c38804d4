#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/children.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/consumer.h"
#include "common/store/leases.h"
#include "common/store/session.h"
#include "common/store/store.h"

namespace motcua::feed {

// Applies one shard of the feeds of all sources, exactly once: what has arrived from all of them goes through
// their projections into one session, and their cursors are committed with the effect, compare-and-set; so
// crashes, repeated events and a second replica at the same work change nothing. A record that several events
// touch is loaded, decided on and written once.
//
// Where a source has lost events that have taken effect here, the effect is kept, the cursor goes back to the
// last position that the source has kept, and what was lost is reported by position.
//
// A source whose events cannot be applied, or whose cursor was moved by another replica, holds up none of the
// others.
//
// Where a source no longer keeps the events behind the cursor, its snapshot is taken in their place, page by
// page, each in a commit with how far it is (see Bootstrap); of several such sources one after the other, as
// what is made of the later builds on the earlier.
//
// Confined to the loop.
class Applier {
 public:
  // `progressed` is called whenever an `applied` or a `watermark` has moved. `leases`: where given, the
  // applier of a replica that does not hold the shard applies nothing. It follows: for those who wait it
  // looks where the cursors stand, then reads along, and where nobody applies what they wait for, it does.
  // References outlive the applier.
  Applier(async::Loop& loop, store::Store& store, std::string name, std::string shard,
          std::function<void()> progressed, const ConsumerOptions& options, store::Leases* leases = nullptr);

  // Adds a source and reads it until cancelled. Sources are applied in the order of their `rank`, lowest
  // first.
  Consumer& Add(size_t rank, Source& source, Projection& projection, std::string source_name,
                async::CancelToken cancel);
  // nullptr where there is none (yet).
  Consumer* Find(const std::string& source_name) const;
  size_t size() const { return followed_.size(); }
  // The leases may have changed.
  void Look() { wake_.Set(); }
  // Where another replica applies the shard: reads how far it has come.
  async::Task<void> LookUp();

  // Until cancelled; survives the loss of Redis. Nothing that it began runs any more when it returns.
  async::Task<void> Run(async::CancelToken cancel);

 private:
  struct Followed {
    Followed(size_t rank, Source& source, Projection& projection)
        : rank(rank), source(source), projection(projection) {}
    const size_t rank;
    Source& source;
    Projection& projection;
    std::unique_ptr<Consumer> consumer;
    bool acknowledging = false;
    // Its snapshot is being taken.
    bool bootstrapping = false;
    // The cursor is being moved over what was not for this service; nothing is applied meanwhile.
    bool moving = false;
    bool Unacknowledged() const {
      return consumer->located() &&
             !(store::Cursor(consumer->epoch(), consumer->applied()) == consumer->acknowledged);
    }
  };
  // What one source adds to a commit.
  struct Part {
    Part(Followed* followed, Consumer::Batch batch) : followed(followed), batch(std::move(batch)) {}
    Followed* followed;
    Consumer::Batch batch;
  };
  using Parts = std::vector<Part>;
  static std::string TraceOf(const Part& part);

  void Arrived();
  // Takes the shard up, or lays it down, as the leases say. True: it is another replica's.
  bool Follows();
  // A turn of one that follows.
  async::Task<void> Follow(async::CancelToken cancel);
  // Reads all cursors.
  async::Task<absl::Status> Locate();
  // When the next commit is to begin: InfinitePast at once, InfiniteFuture when something arrives.
  absl::Time DueAt(absl::Time now) const;
  Parts Collect(absl::Time now) const;
  // Commits the parts together or, where they do not go together, each by itself.
  async::Task<void> Apply(Parts parts, async::CancelToken cancel);
  // One attempt after the other until the parts are committed or fail. `failed` tells whose projection it was
  // that did; npos = not one alone.
  async::Task<absl::Status> Commit(const Parts* parts, size_t* failed, async::CancelToken cancel);
  async::Task<absl::Status> Project(store::Session* session, const Part* part, absl::Time not_before);
  void Progress();
  async::Task<void> Acknowledge(Followed* followed);
  async::Task<absl::Status> CommitCursor(Consumer* consumer);
  // Adds the move of a cursor to a commit.
  void AddCursor(store::Transaction& tx, const Consumer& consumer, const store::Cursor& to) const;
  // applier_loss.cc: what happens where a source has lost events.
  async::Task<absl::Status> SettleAll();
  async::Task<absl::Status> Settle(Consumer* consumer);
  // applier_bootstrap.cc: what happens where a source no longer keeps the events.
  class Taking;
  void StartBootstraps(const async::CancelToken& cancel);
  async::Task<void> TakeSnapshot(Followed* followed, async::CancelToken cancel);
  async::Task<absl::Status> TakeSnapshotOnce(Followed* followed, async::CancelToken cancel);
  async::Task<absl::Status> TakeStep(Taking* taking, const v1::SnapshotResponse* step,
                                     async::CancelToken cancel);
  async::Task<absl::Status> GiveUpSnapshot(Taking* taking, uint64_t kept);
  // Which events the snapshot had, where the cursor has not passed them all.
  async::Task<absl::Status> LearnKnown(Consumer* consumer, Bootstrap bootstrap);

  async::Loop& loop_;
  store::Store& store_;
  const std::string name_;
  const std::string shard_;
  const std::function<void()> progressed_;
  const ConsumerOptions options_;
  std::vector<std::unique_ptr<Followed>> followed_;
  // The cursors must be read (again): one is not known, or the outcome of a commit.
  bool lost_ = true;
  bool applying_ = false;
  store::Leases* const leases_;
  bool following_ = false;
  // Of one that follows: since when somebody has waited, and until when the streams stay open.
  absl::Time awaited_since_ = absl::InfiniteFuture();
  absl::Time open_until_ = absl::InfinitePast();
  async::Event wake_;
  // The consumers that receive, and acknowledgements.
  async::Children children_;
};

}  // namespace motcua::feed
