#include "common/async/loop.h"

#include <absl/time/clock.h>
#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

#include "common/async/descriptor_watch.h"
#include "common/async/loop_thread.h"
#include "common/async/notification.h"
#include "common/async/waiter.h"

namespace motcua::async {
namespace {

// Coroutines resumed before the loop looks at its sockets again, so that two that wake each other cannot starve
// them.
constexpr size_t kResumesPerTurn = 10'000;

// Events of the poller that run in one turn, so that sockets, timers and ready coroutines have their turn,
// too.
constexpr size_t kPollerEventsPerTurn = 256;

// Keeps the end of the wait within what the clock can express.
constexpr absl::Duration kLongestDrain = absl::Hours(24 * 365);

class NotifyAtEnd {
 public:
  explicit NotifyAtEnd(Notification& notification) : notification_(notification) {}
  ~NotifyAtEnd() { notification_.Notify(); }

 private:
  Notification& notification_;
};

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

Loop::Loop(std::string thread_name, Poller* poller) : thread_name_(std::move(thread_name)), poller_(poller) {
  internal::Require(uv_loop_init(&uv_), "cannot start");
  internal::Require(
      uv_async_init(&uv_, &wake_, [](uv_async_t* wake) { static_cast<Loop*>(wake->data)->RunPosted(); }),
      "cannot create the wake-up handle");
  internal::Require(uv_timer_init(&uv_, &timer_), "cannot create the timer");
  internal::Require(uv_prepare_init(&uv_, &turn_), "cannot create the turn handle");
  wake_.data = timer_.data = turn_.data = this;
  if (poller_ == nullptr) {
    internal::Require(
        uv_prepare_start(&turn_, [](uv_prepare_t* turn) { static_cast<Loop*>(turn->data)->EndTurn(); }),
        "cannot start the turn handle");
  } else {
    watch_ = std::make_unique<internal::DescriptorWatch>(uv_backend_fd(&uv_), *poller_);
  }
  thread_ = std::thread([this] { Run(); });
}

Loop::~Loop() {
  Stop();
  while (internal::SpawnedTask* task = tasks_.PopFront()) task->Destroy();
  watch_.reset();
  if (poller_ != nullptr) poller_->Close();
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
  internal::Require(uv_loop_close(&uv_), "cannot close");
}

void Loop::Run() {
  internal::BlockSignals();
  pthread_setname_np(pthread_self(), thread_name_.substr(0, 15).c_str());
  owner_.store(std::this_thread::get_id(), std::memory_order_release);
  if (poller_ != nullptr) {
    RunWithPoller();
  } else {
    while (!stopping_) uv_run(&uv_, UV_RUN_DEFAULT);
  }
  EndTurn();
}

void Loop::RunWithPoller() {
  size_t events = 0;
  while (!stopping_) {
    uv_run(&uv_, UV_RUN_NOWAIT);
    events += poller_->Poll(kPollerEventsPerTurn - events);
    if (has_posted_.load(std::memory_order_acquire)) events += RunPosted();
    events += EndTurn();
    const bool quiet = events == 0 && ready_.empty() && turn_end_.empty() && !uv_has_news();
    events = quiet ? SleepInPoller() : 0;
  }
}

// Who posts looks at `sleeping_` after it has posted, and this at what is posted after it has set
// `sleeping_`: one of the two sees the other. The descriptor is level-triggered: what came before it was
// armed wakes, too.
size_t Loop::SleepInPoller() {
  sleeping_.store(true, std::memory_order_seq_cst);
  size_t events = 0;
  if (!has_posted_.load(std::memory_order_seq_cst)) {
    watch_->Arm();
    uv_update_time(&uv_);
    const int milliseconds = uv_backend_timeout(&uv_);
    events = poller_->Wait(milliseconds < 0 ? absl::InfiniteDuration() : absl::Milliseconds(milliseconds),
                           kPollerEventsPerTurn);
  }
  sleeping_.store(false, std::memory_order_seq_cst);
  return events;
}

bool Loop::uv_has_news() const {
  // libuv's queue of handles that its descriptor does not know yet; empty where it points to itself.
  const void* first = nullptr;
  std::memcpy(&first, &uv_.watcher_queue, sizeof(first));
  return first != &uv_.watcher_queue;
}

void Loop::Stop() {
  std::lock_guard<std::mutex> stop_lock(stop_mutex_);
  if (!thread_.joinable()) return;
  assert(!InLoop());
  Post([this] {
    stopping_ = true;
    if (poller_ == nullptr) uv_stop(&uv_);
  });
  thread_.join();
  owner_.store(std::this_thread::get_id(), std::memory_order_release);
  std::vector<absl::AnyInvocable<void()>> unrun;  // destroyed without the lock
  std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  unrun.swap(posted_);
}

void Loop::Post(absl::AnyInvocable<void()> work) {
  bool wake;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    wake = posted_.empty();
    posted_.push_back(std::move(work));
    has_posted_.store(true, std::memory_order_seq_cst);
  }
  if (!wake) return;
  if (poller_ == nullptr) {
    uv_async_send(&wake_);
  } else if (sleeping_.load(std::memory_order_seq_cst)) {
    poller_->Wake();
  }
}

size_t Loop::RunPosted() {
  std::vector<absl::AnyInvocable<void()>> batch;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    batch.swap(posted_);
    has_posted_.store(false, std::memory_order_seq_cst);
  }
  const size_t count = batch.size();
  posted_this_turn_ += count;
  for (absl::AnyInvocable<void()>& work : batch) {
    work();
    work = nullptr;  // what it holds goes now, not with the whole batch
  }
  return count;
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
  // Where the loop stops meanwhile, what was posted is destroyed without being run.
  Notification over;
  bool ran = false;
  Post([&work, &ran, tell = std::make_unique<NotifyAtEnd>(over)] {
    work();
    ran = true;
  });
  over.WaitForNotification();
  if (!ran) work();
}

void Loop::Spawn(Task<void> task, absl::AnyInvocable<void()> done) {
  spawned_.fetch_add(1, std::memory_order_relaxed);
  if (InLoop()) {
    internal::RunRoot(std::move(task)).Start(*this, std::move(done));
    return;
  }
  Post([this, task = std::move(task), done = std::move(done)]() mutable {
    internal::RunRoot(std::move(task)).Start(*this, std::move(done));
  });
}

void Loop::Finished() {
  if (spawned_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  std::lock_guard<std::mutex> lock(mutex_);  // who waits has either not looked yet or hears it
  idle_.notify_all();
}

size_t Loop::spawned() const { return spawned_.load(std::memory_order_acquire); }

bool Loop::Drain(absl::Duration timeout) {
  assert(!InLoop());
  std::unique_lock<std::mutex> lock(mutex_);
  return idle_.wait_for(lock, absl::ToChronoNanoseconds(std::min(timeout, kLongestDrain)),
                        [this] { return spawned() == 0; });
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
  internal::Require(
      uv_timer_start(
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

size_t Loop::EndTurn() {
  size_t resumed = 0;
  for (; resumed < kResumesPerTurn; ++resumed) {
    Waiter* waiter = ready_.PopFront();
    if (waiter == nullptr) break;
    waiter->awaiting_.resume();
  }
  busiest_turn_ = std::max(busiest_turn_, resumed + std::exchange(posted_this_turn_, 0));
  IntrusiveList<TurnEndHook> hooks;
  hooks.Append(turn_end_);
  size_t acted = resumed;
  for (; TurnEndHook* hook = hooks.PopFront(); ++acted) hook->OnTurnEnd();
  // What became ready meanwhile must not sleep through the poll that follows.
  if (poller_ == nullptr && (!ready_.empty() || !turn_end_.empty())) uv_async_send(&wake_);
  return acted;
}

}  // namespace motcua::async
