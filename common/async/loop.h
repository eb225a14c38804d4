// Loop: one thread that runs all coroutines, timers and Redis connections of a process.
//
// Everything a service computes happens on its loop, so nothing there needs a lock; other threads (gRPC's)
// only Post work to it. Nothing on the loop may block.
//
// A turn of the loop: due timers and finished I/O mark waiting coroutines as ready; the ready ones are
// resumed in order; then what they wrote is flushed (one write per connection and turn: that is the
// pipelining). A loop with a poller also serves the poller's events in each turn, and sleeps there
// (poller.h).
//
//   Loop loop("motcua-loop");
//   loop.Spawn(Serve());                     // a detached, counted coroutine
//   StatusOr<Reply> r = SyncWait(loop, Ask());   // from main or a test
//   loop.Drain(absl::Seconds(5));
//   loop.Stop();
//
// Thread-safety: Post, Spawn, spawned, Drain, RunAndWait, InLoop and Stop may be called from any thread; the
// rest only on the loop (asserted). After Stop the loop belongs to the thread that called it.
//
// Lifetime: what lives on the loop (Redis clients, events, queues) is destroyed before it. ~Loop destroys the
// coroutines that are still suspended.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/async/cancel.h"
#include "common/async/intrusive_list.h"
#include "common/async/poller.h"
#include "common/async/task.h"

namespace motcua::async {

class Waiter;
namespace internal {
class SpawnedTask;
class DescriptorWatch;
}  // namespace internal

// Names a running timer; default-constructed: none.
class TimerId {
 public:
  TimerId() noexcept {}
  bool operator<(const TimerId& other) const {
    return when_ != other.when_ ? when_ < other.when_ : sequence_ < other.sequence_;
  }

 private:
  friend class Loop;
  TimerId(int64_t when, uint64_t sequence) : when_(when), sequence_(sequence) {}
  int64_t when_ = 0;       // nanoseconds of the monotonic clock
  uint64_t sequence_ = 0;  // 0: no timer
};

// Something that wants to act once at the end of the current turn, after all ready coroutines have run.
class TurnEndHook : public ListNode {
 public:
  // Must not resume coroutines or run foreign code (Post that).
  virtual void OnTurnEnd() = 0;

 protected:
  ~TurnEndHook() = default;
};

class Loop {
 public:
  // Starts the thread. `thread_name`: at most 15 characters are shown by the system.
  // `poller` (optional) outlives the loop.
  explicit Loop(std::string thread_name, Poller* poller = nullptr);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `work` on the loop in a later turn, in the order of posting. Any thread. Work posted after Stop is
  // destroyed without being run.
  void Post(absl::AnyInvocable<void()> work);

  // True on the loop's thread.
  bool InLoop() const { return owner_.load(std::memory_order_acquire) == std::this_thread::get_id(); }

  // For code that registers its own libuv handles, which it closes before the loop goes away.
  uv_loop_t* uv() { return &uv_; }

  // Runs `task` detached: it starts at once when called on the loop, else by a post. Its end is counted, and
  // then `done` (optional) is called on the loop, when the task's frame is gone.
  void Spawn(Task<void> task) { Spawn(std::move(task), nullptr); }
  void Spawn(Task<void> task, absl::AnyInvocable<void()> done);

  // Spawned and not finished yet.
  size_t spawned() const;

  // The most that one turn has found to do since the last call: coroutines that were ready and work that was
  // posted. For metrics: how deep the queue before the loop becomes. On the loop.
  size_t TakeBusiestTurn() { return std::exchange(busiest_turn_, 0); }

  // Waits, on another thread, until no spawned task is left; false if `timeout` passes before that.
  bool Drain(absl::Duration timeout);

  // Runs `work` on the loop and returns when it has run (inline when already there, or after Stop).
  void RunAndWait(absl::FunctionRef<void()> work);

  // Ends the thread after the current turn. Idempotent; not to be called on the loop.
  void Stop();

  // Lets everything else that is ready run first.
  Task<void> Schedule();

  // OK after `duration` of the monotonic clock, CANCELLED when `cancel` is cancelled before.
  Task<absl::Status> Sleep(absl::Duration duration, CancelToken cancel = CancelToken());

  // Calls `on_time` on the loop once `delay` has passed (at the earliest; resolution 1 ms). O(log n).
  // InfiniteDuration: never.
  TimerId StartTimer(absl::Duration delay, absl::AnyInvocable<void()> on_time);

  // The same for a moment of the system clock, measured when called.
  TimerId StartTimer(absl::Time when, absl::AnyInvocable<void()> on_time);

  // False if the timer has fired or never was. O(log n).
  bool CancelTimer(TimerId timer);

  // Calls `hook` once at the end of this turn; registering twice in a turn is once.
  void AtTurnEnd(TurnEndHook& hook) { turn_end_.PushBack(hook); }

 private:
  friend class Waiter;
  friend class internal::SpawnedTask;

  void Run();
  void RunWithPoller();
  // Until something happens. Returns how many events of the poller there were.
  size_t SleepInPoller();
  // libuv learns of sockets and timers when it runs: true where some were added since.
  bool uv_has_news() const;
  size_t RunPosted();
  void RunTimers();
  // Returns how many coroutines it resumed and hooks it ran.
  size_t EndTurn();
  void ArmTimer();
  void MarkReady(Waiter& waiter);
  void Finished();

  const std::string thread_name_;
  Poller* const poller_;
  std::unique_ptr<internal::DescriptorWatch> watch_;  // where there is a poller
  uv_loop_t uv_;
  uv_async_t wake_;
  uv_timer_t timer_;
  uv_prepare_t turn_;
  std::atomic<std::thread::id> owner_;

  // Loop-confined.
  std::map<TimerId, absl::AnyInvocable<void()>> timers_;
  uint64_t timer_sequence_ = 0;
  int64_t armed_for_ = 0;  // what timer_ is set to; 0: not running
  IntrusiveList<Waiter> ready_;
  IntrusiveList<TurnEndHook> turn_end_;
  IntrusiveList<internal::SpawnedTask> tasks_;
  bool stopping_ = false;
  size_t posted_this_turn_ = 0;
  size_t busiest_turn_ = 0;

  // The loop is in the poller, or about to be: who posts work must wake it.
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> has_posted_{false};

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<absl::AnyInvocable<void()>> posted_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<size_t> spawned_{0};

  std::mutex stop_mutex_;  // serialises Stop
  std::thread thread_;
};

}  // namespace motcua::async
