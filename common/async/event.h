// Event: a flag that coroutines wait for. Stays set, and lets everybody pass, until Reset.
//
// Thread-safety: confined to its loop. Waiters must be gone before the event is.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/async/waiter.h"

namespace motcua::async {

class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Whoever waits now becomes ready, in the order of arrival, even if Reset follows in the same turn.
  void Set();
  void Reset() { set_ = false; }
  // Fails everybody who waits now with `status`.
  void Abort(absl::Status status);
  bool is_set() const { return set_; }

  // OK once set (at once if it is), DEADLINE_EXCEEDED or CANCELLED otherwise.
  Task<absl::Status> Wait(absl::Time deadline, CancelToken cancel = CancelToken());

 private:
  Loop& loop_;
  bool set_ = false;
  IntrusiveList<Waiter> waiters_;
};

}  // namespace motcua::async
