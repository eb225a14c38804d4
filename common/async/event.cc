#include "common/async/event.h"

#include <utility>

namespace motcua::async {

void Event::Set() {
  set_ = true;
  while (Waiter* waiter = waiters_.PopFront()) waiter->Complete(absl::OkStatus());
}

void Event::Abort(absl::Status status) {
  while (Waiter* waiter = waiters_.PopFront()) waiter->Complete(status);
}

Task<absl::Status> Event::Wait(absl::Time deadline, CancelToken cancel) {
  if (set_) co_return absl::OkStatus();
  Waiter waiter(loop_, deadline, cancel);
  if (!waiter.completed()) waiters_.PushBack(waiter);
  absl::Status status = co_await waiter;
  co_return status;
}

}  // namespace motcua::async
