// Semaphore: at most N coroutines of one loop in a section, first come first served.
//
//   absl::Status admitted = co_await slots.Acquire(deadline, cancel);
//   if (!admitted.ok()) co_return admitted;
//   SemaphorePermit permit(slots);             // releases at the end of the scope
//
// Thread-safety: confined to its loop. Waiters must be gone before the semaphore is.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>

#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/async/waiter.h"

namespace motcua::async {

class Semaphore {
 public:
  Semaphore(Loop& loop, size_t permits) : loop_(loop), permits_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // OK with a permit taken; DEADLINE_EXCEEDED or CANCELLED without.
  Task<absl::Status> Acquire(absl::Time deadline, CancelToken cancel = CancelToken());
  bool TryAcquire();
  // Passes the permit to the one who has waited longest.
  void Release();

  // Fails everybody who waits now with `status`.
  void Abort(absl::Status status);

  size_t available() const { return permits_; }

 private:
  class Grant;

  Loop& loop_;
  size_t permits_;
  IntrusiveList<Waiter> waiters_;
};

// Gives a permit that has been acquired back at the end of the scope.
class SemaphorePermit {
 public:
  explicit SemaphorePermit(Semaphore& semaphore) : semaphore_(semaphore) {}
  SemaphorePermit(const SemaphorePermit&) = delete;
  SemaphorePermit& operator=(const SemaphorePermit&) = delete;
  ~SemaphorePermit() { semaphore_.Release(); }

 private:
  Semaphore& semaphore_;
};

}  // namespace motcua::async
