#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/async/task.h"
#include "common/store/session.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::feed {

// Events of one shard in their order; they live as long as the call that is given them.
using Events = absl::Span<const v1::Event* const>;

// What a service makes of the events of another one.
class Projection {
 public:
  virtual ~Projection() = default;

  // Kinds of events that mean something here, as Event::BodyCase; empty = all. Others are not even sent.
  virtual std::vector<v1::Event::BodyCase> Wanted() const { return std::vector<v1::Event::BodyCase>(); }

  // Puts the effect of `events` into `session`; commits nothing. The session may hold effects already, of
  // events before these and of other sources. May be called again with the same events, in another session,
  // after a lost race or a failure: only what a session commits may count.
  //
  // Events that the projection emits bear the time of the event that caused them, or `not_before` where that
  // is later. An error is retried, for ever, with growing pauses: return one only for what passes
  // (UNAVAILABLE); an event that makes no sense is to be skipped.
  virtual async::Task<absl::Status> Apply(store::Session& session, Events events, absl::Time not_before) = 0;

  // The effect of these events has just been committed; nobody who waits for them has been told yet.
  virtual void Committed(const std::string& shard, Events events) { (void)shard, (void)events; }
};

}  // namespace motcua::feed
