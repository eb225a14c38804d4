#include "common/async/loop.h"

#include <absl/time/clock.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include "common/async/notification.h"
#include "common/async/waiter.h"

namespace motcua::async {
namespace {

// Coroutines resumed before the loop looks at its sockets again, so that two that wake each other cannot starve
// them.
constexpr size_t kResumesPerTurn = 10'000;

// Keeps the end of the wait within what the clock can express.
constexpr absl::Duration kLongestDrain = absl::Hours(24 * 365);

// libuv fails here only when the process is out of descriptors or memory, or is wrong.
void Require(int result, const char* what) {
  if (result == 0) return;
  std::fprintf(stderr, "event loop: %s: %s\n", what, uv_strerror(result));
  std::abort();
}

// The main thread takes the signals; and libuv writes to sockets without MSG_NOSIGNAL, so a peer that went away
// would end the process with SIGPIPE.
void BlockSignals() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int own_fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF}) {
    sigdelset(&blocked, own_fault);
  }
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

int64_t MonotonicNow() { return static_cast<int64_t>(uv_hrtime()); }

}  // namespace

namespace internal {

// The part of a spawned coroutine that the loop knows.
class SpawnedTask : public ListNode {
 public:
  void Start(Loop& loop, absl::AnyInvocable<void()> done, std::coroutine_handle<> coroutine) {
    loop_ = &loop;
    done_ = std::move(done);
    coroutine_ = coroutine;
    loop.tasks_.PushBack(*this);
    coroutine_.resume();
  }

  // Destroys the frame, this object with it.
  void Finish() {
    Loop& loop = *loop_;
    absl::AnyInvocable<void()> done = std::move(done_);
    coroutine_.destroy();
    if (done) done();
    loop.Finished();
  }

  void Destroy() { coroutine_.destroy(); }

 private:
  Loop* loop_ = nullptr;
  absl::AnyInvocable<void()> done_;
  std::coroutine_handle<> coroutine_;
};

namespace {

class Root {
 public:
  class promise_type : public SpawnedTask {
   public:
    class FinalAwaiter {
     public:
      FinalAwaiter() noexcept {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> finished) const noexcept {
        finished.promise().Finish();
      }
      void await_resume() const noexcept {}
    };

    Root get_return_object() noexcept {
      return Root(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };

  explicit Root(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  void Start(Loop& loop, absl::AnyInvocable<void()> done) {
    coroutine_.promise().Start(loop, std::move(done), coroutine_);
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

Root RunRoot(Task<void> task) { co_await std::move(task); }

}  // namespace
}  // namespace internal

Loop::Loop(std::string thread_name) : thread_name_(std::move(thread_name)) {
  Require(uv_loop_init(&uv_), "cannot start");
  Require(uv_async_init(&uv_, &wake_, [](uv_async_t* wake) { static_cast<Loop*>(wake->data)->RunPosted(); }),
          "cannot create the wake-up handle");
  Require(uv_timer_init(&uv_, &timer_), "cannot create the timer");
  Require(uv_prepare_init(&uv_, &turn_), "cannot create the turn handle");
  wake_.data = timer_.data = turn_.data = this;
  Require(uv_prepare_start(&turn_, [](uv_prepare_t* turn) { static_cast<Loop*>(turn->data)->EndTurn(); }),
          "cannot start the turn handle");
  thread_ = std::thread([this] { Run(); });
}

Loop::~Loop() {
  Stop();
  std::vector<absl::AnyInvocable<void()>> unrun;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    unrun.swap(posted_);
  }
  unrun.clear();
  while (internal::SpawnedTask* task = tasks_.PopFront()) task->Destroy();
  timers_.clear();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&turn_), nullptr);
  uv_walk(
      &uv_,
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle)) return;
        std::fprintf(stderr, "event loop: a %s handle outlives its loop\n",
                     uv_handle_type_name(uv_handle_get_type(handle)));
        std::abort();
      },
      nullptr);
  uv_run(&uv_, UV_RUN_DEFAULT);
  Require(uv_loop_close(&uv_), "cannot close");
}

void Loop::Run() {
  BlockSignals();
  pthread_setname_np(pthread_self(), thread_name_.substr(0, 15).c_str());
  owner_.store(std::this_thread::get_id(), std::memory_order_release);
  while (!stopping_) uv_run(&uv_, UV_RUN_DEFAULT);
  EndTurn();
}

void Loop::Stop() {
  std::lock_guard<std::mutex> stop_lock(stop_mutex_);
  if (!thread_.joinable()) return;
  assert(!InLoop());
  Post([this] {
    stopping_ = true;
    uv_stop(&uv_);
  });
  thread_.join();
  owner_.store(std::this_thread::get_id(), std::memory_order_release);
  std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
}

void Loop::Post(absl::AnyInvocable<void()> work) {
  bool wake;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    wake = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (wake) uv_async_send(&wake_);
}

void Loop::RunPosted() {
  std::vector<absl::AnyInvocable<void()>> batch;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    batch.swap(posted_);
  }
  posted_this_turn_ += batch.size();
  for (absl::AnyInvocable<void()>& work : batch) {
    work();
    work = nullptr;  // what it holds goes now, not with the whole batch
  }
}

void Loop::RunAndWait(absl::FunctionRef<void()> work) {
  bool stopped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped = stopped_;
  }
  if (stopped || InLoop()) {
    work();
    return;
  }
  Notification done;
  Post([&] {
    work();
    done.Notify();
  });
  done.WaitForNotification();
}

void Loop::Spawn(Task<void> task, absl::AnyInvocable<void()> done) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++spawned_;
  }
  if (InLoop()) {
    internal::RunRoot(std::move(task)).Start(*this, std::move(done));
    return;
  }
  Post([this, task = std::move(task), done = std::move(done)]() mutable {
    internal::RunRoot(std::move(task)).Start(*this, std::move(done));
  });
}

void Loop::Finished() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (--spawned_ == 0) idle_.notify_all();
}

size_t Loop::spawned() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return spawned_;
}

bool Loop::Drain(absl::Duration timeout) {
  assert(!InLoop());
  std::unique_lock<std::mutex> lock(mutex_);
  return idle_.wait_for(lock, absl::ToChronoNanoseconds(std::min(timeout, kLongestDrain)),
                        [this] { return spawned_ == 0; });
}

Task<void> Loop::Schedule() {
  absl::Status due = co_await Sleep(absl::ZeroDuration());
  due.IgnoreError();
}

Task<absl::Status> Loop::Sleep(absl::Duration duration, CancelToken cancel) {
  Waiter waiter(*this, std::max(duration, absl::ZeroDuration()), cancel);
  absl::Status status = co_await waiter;
  if (absl::IsDeadlineExceeded(status)) co_return absl::OkStatus();
  co_return status;
}

TimerId Loop::StartTimer(absl::Duration delay, absl::AnyInvocable<void()> on_time) {
  assert(InLoop());
  if (delay == absl::InfiniteDuration()) return TimerId();
  constexpr int64_t kFarthest = int64_t{1} << 61;  // 73 years; keeps the sum within an int64_t
  const int64_t nanoseconds = std::clamp(absl::ToInt64Nanoseconds(delay), int64_t{0}, kFarthest);
  const TimerId timer(MonotonicNow() + nanoseconds, ++timer_sequence_);
  timers_.emplace_hint(timers_.end(), timer, std::move(on_time));
  ArmTimer();
  return timer;
}

TimerId Loop::StartTimer(absl::Time when, absl::AnyInvocable<void()> on_time) {
  if (when == absl::InfiniteFuture()) return TimerId();
  return StartTimer(when - absl::Now(), std::move(on_time));
}

bool Loop::CancelTimer(TimerId timer) {
  if (timer.sequence_ == 0) return false;
  assert(InLoop());
  return timers_.erase(timer) > 0;
}

// The libuv timer is left running when the earliest timer is cancelled: most are, so it is cheaper to wake up once
// for nothing than to set it anew with every command.
void Loop::ArmTimer() {
  if (timers_.empty()) return;
  const int64_t due = timers_.begin()->first.when_;
  if (armed_for_ != 0 && armed_for_ <= due) return;
  armed_for_ = due;
  const int64_t left = std::max(due - MonotonicNow(), int64_t{0});
  const uint64_t milliseconds = static_cast<uint64_t>((left + 999'999) / 1'000'000);
  Require(uv_timer_start(
              &timer_, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->RunTimers(); }, milliseconds, 0),
          "cannot start the timer");
}

void Loop::RunTimers() {
  armed_for_ = 0;
  const int64_t now = MonotonicNow();
  while (!timers_.empty() && timers_.begin()->first.when_ <= now) {
    auto due = timers_.extract(timers_.begin());
    due.mapped()();
  }
  ArmTimer();
}

void Loop::MarkReady(Waiter& waiter) {
  assert(InLoop());
  ready_.PushBack(waiter);
}

void Loop::EndTurn() {
  size_t resumed = 0;
  for (; resumed < kResumesPerTurn; ++resumed) {
    Waiter* waiter = ready_.PopFront();
    if (waiter == nullptr) break;
    waiter->awaiting_.resume();
  }
  busiest_turn_ = std::max(busiest_turn_, resumed + std::exchange(posted_this_turn_, 0));
  IntrusiveList<TurnEndHook> hooks;
  hooks.Append(turn_end_);
  while (TurnEndHook* hook = hooks.PopFront()) hook->OnTurnEnd();
  // What became ready meanwhile must not sleep through the poll that follows.
  if (!ready_.empty() || !turn_end_.empty()) uv_async_send(&wake_);
}

}  // namespace motcua::async
