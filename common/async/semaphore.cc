#include "common/async/semaphore.h"

#include <utility>

namespace motcua::async {

// Gives a permit back that was granted to a coroutine destroyed before it could take it.
class Semaphore::Grant {
 public:
  Grant(Semaphore& semaphore, Waiter& waiter) : semaphore_(semaphore), waiter_(waiter) {}
  Grant(const Grant&) = delete;
  Grant& operator=(const Grant&) = delete;
  ~Grant() {
    if (waiter_.succeeded()) semaphore_.Release();
  }

 private:
  Semaphore& semaphore_;
  Waiter& waiter_;
};

bool Semaphore::TryAcquire() {
  if (permits_ == 0) return false;
  --permits_;
  return true;
}

Task<absl::Status> Semaphore::Acquire(absl::Time deadline, CancelToken cancel) {
  if (TryAcquire()) co_return absl::OkStatus();
  Waiter waiter(loop_, deadline, cancel);
  if (!waiter.completed()) waiters_.PushBack(waiter);
  Grant grant(*this, waiter);
  absl::Status status = co_await waiter;
  co_return status;
}

void Semaphore::Release() {
  if (Waiter* next = waiters_.PopFront()) {
    next->Complete(absl::OkStatus());
  } else {
    ++permits_;
  }
}

void Semaphore::Abort(absl::Status status) {
  while (Waiter* waiter = waiters_.PopFront()) waiter->Complete(status);
}

}  // namespace motcua::async
