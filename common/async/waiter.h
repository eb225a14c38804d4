// Waiter: what a coroutine suspends on until somebody completes it, its deadline passes or it is cancelled.
// The one primitive under Sleep, Event, Queue, Semaphore and the Redis client.
//
//   Waiter waiter(loop, deadline, cancel);     // a local of the coroutine
//   waiters_.PushBack(waiter);                 // where the one who completes it finds it
//   absl::Status status = co_await waiter;     // OK, DEADLINE_EXCEEDED or CANCELLED, or what Complete was given
//
// Completion never resumes inside the call: the coroutine becomes ready and the loop resumes it in this turn. So
// Complete may be called from any place on the loop without being re-entered. The first completion counts.
// Destroying a waiter (with its coroutine) withdraws it from its list, the timer and the token.
//
// Thread-safety: confined to the loop.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <coroutine>
#include <optional>
#include <utility>

#include "common/async/cancel.h"
#include "common/async/intrusive_list.h"
#include "common/async/loop.h"

namespace motcua::async {

class Waiter : public ListNode {
 public:
  // A moment of the system clock (the deadline of an RPC), or a delay from now; infinite: none.
  Waiter(Loop& loop, absl::Time deadline, const CancelToken& cancel);
  Waiter(Loop& loop, absl::Duration delay, const CancelToken& cancel);
  ~Waiter();

  // Ends the wait with `status`. False if it had ended before.
  bool Complete(absl::Status status);
  bool completed() const { return completed_; }
  // Completed with OK, and the coroutine has not been resumed yet.
  bool succeeded() const { return completed_ && !resumed_ && status_.ok(); }

  bool await_ready() const noexcept { return completed_; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { awaiting_ = awaiting; }
  absl::Status await_resume() {
    resumed_ = true;
    return std::move(status_);
  }

 private:
  friend class Loop;
  void Watch(absl::Duration delay, const CancelToken& cancel);

  Loop& loop_;
  TimerId timer_;
  std::optional<CancelCallback> cancel_;
  std::coroutine_handle<> awaiting_ = nullptr;
  bool completed_ = false;
  bool resumed_ = false;
  absl::Status status_;
};

}  // namespace motcua::async
