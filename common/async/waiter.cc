#include "common/async/waiter.h"

#include <absl/time/clock.h>

#include <utility>

namespace motcua::async {
namespace {

absl::Status Cancelled() { return absl::CancelledError("cancelled"); }
absl::Status DeadlineExceeded() { return absl::DeadlineExceededError("deadline exceeded"); }

}  // namespace

Waiter::Waiter(Loop& loop, absl::Time deadline, const CancelToken& cancel) : loop_(loop) {
  if (cancel.cancelled()) {
    Complete(Cancelled());
    return;
  }
  absl::Duration left = absl::InfiniteDuration();
  if (deadline != absl::InfiniteFuture()) left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) {
    Complete(DeadlineExceeded());
    return;
  }
  Watch(left, cancel);
}

Waiter::Waiter(Loop& loop, absl::Duration delay, const CancelToken& cancel) : loop_(loop) {
  if (cancel.cancelled()) {
    Complete(Cancelled());
    return;
  }
  Watch(delay, cancel);
}

Waiter::~Waiter() { loop_.CancelTimer(timer_); }

void Waiter::Watch(absl::Duration delay, const CancelToken& cancel) {
  timer_ = loop_.StartTimer(delay, [this] { Complete(DeadlineExceeded()); });
  if (cancel.cancellable()) cancel_.emplace(cancel, [this] { Complete(Cancelled()); });
}

bool Waiter::Complete(absl::Status status) {
  if (completed_) return false;
  completed_ = true;
  status_ = std::move(status);
  Unlink();
  loop_.CancelTimer(timer_);
  timer_ = TimerId();
  cancel_.reset();
  if (awaiting_) loop_.MarkReady(*this);
  return true;
}

}  // namespace motcua::async
