// A loop with a poller: whatever happens ends its sleep, and nobody is starved. (With gRPC's queue as the
// poller: tests/integration/rpc/one_loop_test.cc.)
#include "common/async/poller.h"

#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "common/async/loop.h"
#include "common/async/notification.h"
#include "common/async/sync_wait.h"

namespace motcua::async {
namespace {

// Longer than any of these takes, shorter than anything that would end a sleep by chance.
constexpr absl::Duration kPatience = absl::Seconds(20);

class FakePoller final : public Poller {
 public:
  void Happen(std::function<void()> event) {
    std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  size_t Poll(size_t limit) override {
    size_t count = 0;
    for (; count < limit; ++count) {
      std::function<void()> event;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        if (events_.empty()) break;
        event = std::move(events_.front());
        events_.pop_front();
      }
      event();
    }
    return count;
  }
  size_t Wait(absl::Duration timeout, size_t limit) override {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      ++waits_;
      const auto woken = [this] { return awake_ || !events_.empty(); };
      changed_.wait_for(lock, absl::ToChronoMilliseconds(std::min(timeout, kPatience)), woken);
      awake_ = false;
    }
    return Poll(limit);
  }
  void Wake() override {
    std::lock_guard<std::mutex> lock(mutex_);
    awake_ = true;
    changed_.notify_all();
  }
  void Close() override { closed_ = true; }

  int waits() const { return waits_; }
  bool closed() const { return closed_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> events_;
  bool awake_ = false;
  std::atomic<int> waits_{0};
  std::atomic<bool> closed_{false};
};

TEST(LoopWithPoller, RunsEventsOnItsThread) {
  FakePoller poller;
  Loop loop("polling", &poller);
  Notification done;
  bool in_loop = false;
  poller.Happen([&] {
    in_loop = loop.InLoop();
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience / 2));
  EXPECT_TRUE(in_loop);
  loop.Stop();
}

TEST(LoopWithPoller, IsWokenByPostsFromManyThreads) {
  FakePoller poller;
  Loop loop("polling", &poller);
  constexpr int kThreads = 4, kPosts = 5'000;
  int ran = 0;
  std::vector<std::thread> threads;
  const absl::Time start = absl::Now();
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) {
        loop.Post([&ran] { ++ran; });
        if (i % 50 == 0) loop.RunAndWait([] {});  // and sleeps in between
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  loop.RunAndWait([&] { EXPECT_EQ(ran, kThreads * kPosts); });
  EXPECT_LT(absl::Now() - start, kPatience);
  loop.Stop();
}

TEST(LoopWithPoller, SleepsNoLongerThanItsTimers) {
  FakePoller poller;
  Loop loop("polling", &poller);
  auto sleep = [](Loop* on) -> Task<absl::Status> { return on->Sleep(absl::Milliseconds(10)); };
  const absl::Time start = absl::Now();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(SyncWait(loop, sleep(&loop)).ok());
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(100));
  EXPECT_LT(absl::Now() - start, kPatience / 2);
  loop.Stop();
}

// A descriptor that libuv waits for.
class Watched {
 public:
  explicit Watched(Loop& loop) : loop_(loop) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
    loop_.RunAndWait([this] {
      uv_poll_init(loop_.uv(), &handle_, ends_[0]);
      handle_.data = this;
      uv_poll_start(&handle_, UV_READABLE, [](uv_poll_t* handle, int, int) {
        auto* self = static_cast<Watched*>(handle->data);
        char byte = 0;
        while (read(self->ends_[0], &byte, 1) == 1) ++self->bytes_;
      });
    });
  }
  ~Watched() {
    Notification closed;
    closed_ = &closed;
    loop_.RunAndWait([this] {
      uv_close(reinterpret_cast<uv_handle_t*>(&handle_),
               [](uv_handle_t* handle) { static_cast<Watched*>(handle->data)->closed_->Notify(); });
    });
    EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience / 2));
    close(ends_[0]);
    close(ends_[1]);
  }
  void Write() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  int bytes() const { return bytes_; }

 private:
  Loop& loop_;
  uv_poll_t handle_{};
  int ends_[2] = {-1, -1};
  std::atomic<int> bytes_{0};
  Notification* closed_ = nullptr;
};

TEST(LoopWithPoller, IsWokenByWhatLibuvWaitsForEachTime) {
  FakePoller poller;
  Loop loop("polling", &poller);
  {
    Watched watched(loop);
    for (int i = 1; i <= 2'000; ++i) {
      const absl::Time start = absl::Now();
      watched.Write();
      while (watched.bytes() < i && absl::Now() - start < kPatience / 2) std::this_thread::yield();
      ASSERT_EQ(watched.bytes(), i);
    }
  }
  loop.Stop();
}

TEST(LoopWithPoller, EventsWithoutEndLeaveTurnsToTheOthers) {
  FakePoller poller;
  Loop loop("polling", &poller);
  std::atomic<bool> stop{false};
  std::function<void()> again = [&] {
    if (!stop) poller.Happen(again);
  };
  for (int i = 0; i < 1'000; ++i) poller.Happen(again);
  {
    Watched watched(loop);
    watched.Write();
    auto sleep = [](Loop* on) -> Task<absl::Status> { return on->Sleep(absl::Milliseconds(5)); };
    EXPECT_TRUE(SyncWait(loop, sleep(&loop)).ok());
    loop.RunAndWait([] {});
    const absl::Time start = absl::Now();
    while (watched.bytes() < 1 && absl::Now() - start < kPatience / 2) std::this_thread::yield();
    EXPECT_EQ(watched.bytes(), 1);
    stop = true;
  }
  loop.Stop();
}

TEST(LoopWithPoller, SleepsWhileNothingHappens) {
  FakePoller poller;
  Loop loop("polling", &poller);
  loop.RunAndWait([] {});
  absl::SleepFor(absl::Milliseconds(50));  // what is tested is the idle time itself
  const int before = poller.waits();
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_LE(poller.waits() - before, 2);
  loop.Stop();
}

TEST(LoopWithPoller, ClosesItAtItsEnd) {
  FakePoller poller;
  {
    Loop loop("polling", &poller);
    loop.Stop();
    EXPECT_FALSE(poller.closed());
  }
  EXPECT_TRUE(poller.closed());
}

}  // namespace
}  // namespace motcua::async
