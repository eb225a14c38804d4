// Queue<T>: a bounded FIFO between coroutines of one loop.
//
//   Queue<Entry> queue(loop, 1000);
//   absl::Status s = queue.TryPush(std::move(entry));                 // RESOURCE_EXHAUSTED when full
//   absl::Status s = co_await queue.Push(std::move(entry), deadline); // waits for room
//   absl::StatusOr<Entry> e = co_await queue.Pop(deadline);
//
// After Close nothing more goes in; what is inside still comes out, then Pop fails with CANCELLED.
//
// Thread-safety: confined to its loop. Waiters must be gone before the queue is.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <deque>
#include <utility>

#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/semaphore.h"
#include "common/async/task.h"

namespace motcua::async {

template <class T>
class Queue {
 public:
  // `capacity`: at least 1.
  Queue(Loop& loop, size_t capacity) : room_(loop, capacity), filled_(loop, 0) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // RESOURCE_EXHAUSTED when full, CANCELLED when closed.
  absl::Status TryPush(T item) {
    if (closed_) return Closed();
    if (!room_.TryAcquire()) return absl::ResourceExhaustedError("queue is full");
    items_.push_back(std::move(item));
    filled_.Release();
    return absl::OkStatus();
  }

  // Waits for room; the item is lost if that fails.
  Task<absl::Status> Push(T item, absl::Time deadline, CancelToken cancel = CancelToken()) {
    if (closed_) co_return Closed();
    absl::Status status = co_await room_.Acquire(deadline, std::move(cancel));
    if (!status.ok()) co_return status;
    if (closed_) co_return Closed();
    items_.push_back(std::move(item));
    filled_.Release();
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<T>> Pop(absl::Time deadline, CancelToken cancel = CancelToken()) {
    if (closed_) {
      if (!filled_.TryAcquire()) co_return Closed();
    } else {
      absl::Status status = co_await filled_.Acquire(deadline, std::move(cancel));
      if (!status.ok()) co_return status;
    }
    T item = std::move(items_.front());
    items_.pop_front();
    room_.Release();
    co_return item;
  }

  void Close() {
    closed_ = true;
    room_.Abort(Closed());
    filled_.Abort(Closed());  // items left have their permits: only those who would wait in vain fail
  }

  size_t size() const { return items_.size(); }
  bool closed() const { return closed_; }

 private:
  static absl::Status Closed() { return absl::CancelledError("queue is closed"); }

  std::deque<T> items_;
  Semaphore room_;
  Semaphore filled_;
  bool closed_ = false;
};

}  // namespace motcua::async
