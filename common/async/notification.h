// Notification: tells waiting threads, once, that something has happened.
//
// In place of absl::Notification, and std::mutex in place of absl::Mutex throughout this library and the Redis client:
// Debian's Abseil is not built for ThreadSanitizer, which would see no order between the two sides.
//
// Thread-safe. Notify is the notifier's last touch: the waiter may destroy the object as soon as it returns.
#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>

namespace motcua::async {

class Notification {
 public:
  void Notify() {
    std::lock_guard<std::mutex> lock(mutex_);
    notified_ = true;
    changed_.notify_all();
  }

  void WaitForNotification() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return notified_; });
  }

  // False when `timeout` passes before.
  bool WaitForNotificationWithTimeout(absl::Duration timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return notified_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

}  // namespace motcua::async
