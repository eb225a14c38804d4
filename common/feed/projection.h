#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/async/task.h"
#include "common/store/session.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

// Events of one shard in their order; they live as long as the call that is given them.
using Events = absl::Span<const v1::Event* const>;

// Records that are told in the place of events; they live as long as the call that is given them.
using Records = absl::Span<const v1::SnapshotRecord* const>;

// What a service makes of the events of another one.
class Projection {
 public:
  virtual ~Projection() = default;

  // Kinds of events that mean something here, as Event::BodyCase; empty = all. Others are not even sent.
  virtual std::vector<v1::Event::BodyCase> Wanted() const { return std::vector<v1::Event::BodyCase>(); }

  // The same of what records are told as. A record of which none is wanted is not told of at all.
  virtual std::vector<v1::Event::BodyCase> WantedOfSnapshot() const { return Wanted(); }

  // Puts the effect of `events` into `session`; commits nothing. The session may hold effects already, of
  // events before these and of other sources. May be called again with the same events, in another session,
  // after a lost race or a failure: only what a session commits may count.
  //
  // Events that the projection emits bear the time of the event that caused them, or `not_before` where that
  // is later. An error is retried, for ever, with growing pauses: return one only for what passes
  // (UNAVAILABLE); an event that makes no sense is to be skipped. SNAPSHOT_NEEDED: the source's snapshot
  // tells what is missing.
  virtual async::Task<absl::Status> Apply(store::Session& session, Events events, absl::Time not_before) = 0;

  // Brings what is kept here of each record to what all its events would have made of it, some of which may
  // have been applied; the same record a second time changes nothing. By default applies the events that the
  // records are told as: for a projection whose events, applied again, change nothing. The rest as Apply.
  virtual async::Task<absl::Status> ApplySnapshot(store::Session& session, Records records,
                                                  absl::Time not_before);

  // The effect of these events has just been committed; nobody who waits for them has been told yet. Those of
  // a snapshot's records, too.
  virtual void Committed(const std::string& shard, Events events) { (void)shard, (void)events; }

  // Whether the event, that a snapshot had in it, is to be applied nevertheless: because applying it again
  // changes nothing, or because it is news still.
  virtual bool IsRepeatable(const v1::Event& event) const {
    (void)event;
    return false;
  }
};

}  // namespace motcua::feed
