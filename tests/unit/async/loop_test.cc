// Loop: posting, timers, spawned tasks, the order of a turn.
#include "common/async/loop.h"

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/async/cancel.h"
#include "common/async/notification.h"
#include "common/async/sync_wait.h"

namespace motcua::async {
namespace {

TEST(LoopTest, RunsPostedWorkInOrderOnItsThread) {
  Loop loop("test-loop");
  std::vector<int> order;
  bool in_loop = true;
  for (int i = 0; i < 100; ++i) {
    loop.Post([&, i] {
      in_loop = in_loop && loop.InLoop();
      order.push_back(i);
    });
  }
  loop.RunAndWait([] {});
  EXPECT_FALSE(loop.InLoop());
  EXPECT_TRUE(in_loop);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(LoopTest, TakesPostsFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 20'000;
  Loop loop("test-loop");
  int ran = 0;  // loop-confined
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) loop.Post([&ran] { ++ran; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  loop.RunAndWait([&] { EXPECT_EQ(ran, kThreads * kPosts); });
}

TEST(LoopTest, WorkPostedAfterStopIsDestroyedUnrun) {
  Loop loop("test-loop");
  loop.Stop();
  loop.Stop();
  auto held = std::make_shared<int>(0);
  loop.Post([held] { ++*held; });
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
  EXPECT_TRUE(loop.InLoop());  // it belongs to whoever stopped it
}

Task<void> CountAfterTurn(Loop* loop, int* count) {
  co_await loop->Schedule();
  ++*count;
}

TEST(LoopTest, DrainWaitsForSpawnedTasks) {
  Loop loop("test-loop");
  int count = 0;
  for (int i = 0; i < 100; ++i) loop.Spawn(CountAfterTurn(&loop, &count));
  EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(count, 100);
  EXPECT_EQ(loop.spawned(), 0u);
}

TEST(LoopTest, TheBusiestTurnIsToldOnce) {
  Loop loop("test-loop");
  int count = 0;
  loop.RunAndWait([&] {
    for (int i = 0; i < 50; ++i) loop.Spawn(CountAfterTurn(&loop, &count));
  });
  ASSERT_TRUE(loop.Drain(absl::Seconds(10)));
  size_t busiest = 0, next = 0;
  loop.RunAndWait([&] {});  // the turn of the work before is over
  loop.RunAndWait([&] { busiest = loop.TakeBusiestTurn(); });
  loop.RunAndWait([&] {});
  loop.RunAndWait([&] { next = loop.TakeBusiestTurn(); });
  EXPECT_GE(busiest, 50u);
  EXPECT_LE(next, 5u);
}

TEST(LoopTest, SpawnOnTheLoopStartsAtOnceAndSaysWhenDone) {
  Loop loop("test-loop");
  int count = 0;
  Notification done;
  loop.RunAndWait([&] {
    loop.Spawn(CountAfterTurn(&loop, &count), [&] { done.Notify(); });
    EXPECT_EQ(loop.spawned(), 1u);
    EXPECT_EQ(count, 0);
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(10)));
  EXPECT_EQ(count, 1);
}

TEST(LoopTest, TimersFireInTheOrderOfTheirTimes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Loop loop("test-loop");
  constexpr int kTimers = 2000;
  std::vector<int> fired;
  Notification done;
  loop.RunAndWait([&] {
    for (int i = 0; i < kTimers; ++i) {
      const int delay = static_cast<int>(random() % 100);
      loop.StartTimer(absl::Milliseconds(delay), [&fired, delay] { fired.push_back(delay); });
    }
    loop.StartTimer(absl::Milliseconds(120), [&] { done.Notify(); });
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(10)));
  loop.RunAndWait([&] {
    EXPECT_EQ(fired.size(), static_cast<size_t>(kTimers));
    // They were started within some milliseconds, not at one instant.
    int latest = 0;
    for (const int delay : fired) {
      EXPECT_GE(delay, latest - 20);
      latest = std::max(latest, delay);
    }
  });
}

TEST(LoopTest, ATimerNeverFiresEarlyAndACancelledOneNever) {
  Loop loop("test-loop");
  Notification done;
  std::atomic<bool> cancelled_fired{false};
  const absl::Time start = absl::Now();
  loop.RunAndWait([&] {
    const TimerId cancelled = loop.StartTimer(absl::Milliseconds(5), [&] { cancelled_fired = true; });
    loop.StartTimer(absl::Milliseconds(30), [&] { done.Notify(); });
    EXPECT_TRUE(loop.CancelTimer(cancelled));
    EXPECT_FALSE(loop.CancelTimer(cancelled));
    EXPECT_FALSE(loop.CancelTimer(TimerId()));
    loop.StartTimer(absl::InfiniteDuration(), [&] { cancelled_fired = true; });
    loop.StartTimer(absl::InfiniteFuture(), [&] { cancelled_fired = true; });
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(10)));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(30));
  EXPECT_FALSE(cancelled_fired);
}

TEST(LoopTest, AnEarlierTimerStartedLaterIsNotHeldUp) {
  Loop loop("test-loop");
  Notification done;
  loop.RunAndWait([&] {
    loop.StartTimer(absl::Seconds(600), [] {});
    loop.StartTimer(absl::Milliseconds(1), [&] { done.Notify(); });
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(10)));
}

TEST(LoopTest, SleepEndsInTimeOrWhenCancelled) {
  Loop loop("test-loop");
  EXPECT_TRUE(SyncWait(loop, loop.Sleep(absl::Milliseconds(5))).ok());
  EXPECT_TRUE(SyncWait(loop, loop.Sleep(-absl::Seconds(1))).ok());
  CancelSource cancel(loop);
  loop.Post([&] { loop.StartTimer(absl::Milliseconds(5), [&] { cancel.Cancel(); }); });
  EXPECT_TRUE(absl::IsCancelled(SyncWait(loop, loop.Sleep(absl::Seconds(600), cancel.token()))));
  EXPECT_TRUE(absl::IsCancelled(SyncWait(loop, loop.Sleep(absl::Seconds(600), cancel.token()))));
}

class CountingHook : public TurnEndHook {
 public:
  explicit CountingHook(int* ready_before) : ready_before_(ready_before) {}
  void OnTurnEnd() override {
    ++calls;
    seen = *ready_before_;
  }
  int calls = 0;
  int seen = 0;

 private:
  int* ready_before_;
};

TEST(LoopTest, TurnEndHooksRunOnceAndAfterTheReadyCoroutines) {
  Loop loop("test-loop");
  int resumed = 0;
  CountingHook hook(&resumed);
  loop.RunAndWait([&] {
    for (int i = 0; i < 3; ++i) loop.AtTurnEnd(hook);
    loop.Spawn(CountAfterTurn(&loop, &resumed));
  });
  loop.Drain(absl::Seconds(10));
  loop.RunAndWait([&] { EXPECT_EQ(hook.calls, 1); });
  // A hook registered by a timer runs after the coroutine that the same turn made ready.
  loop.RunAndWait([&] {
    loop.Spawn(CountAfterTurn(&loop, &resumed));
    loop.StartTimer(absl::ZeroDuration(), [&] { loop.AtTurnEnd(hook); });
  });
  loop.Drain(absl::Seconds(10));
  loop.RunAndWait([&] { EXPECT_EQ(hook.seen, resumed); });
}

TEST(CancelTest, TellsEachCallbackOnceAndNoneThatIsGone) {
  Loop loop("test-loop");
  CancelSource cancel(loop);
  int called = 0;
  int gone_called = 0;
  loop.RunAndWait([&] {
    CancelCallback first(cancel.token(), [&] { ++called; });
    CancelCallback never(CancelToken(), [&] { ++gone_called; });
    { CancelCallback gone(cancel.token(), [&] { ++gone_called; }); }
    auto second = std::make_unique<CancelCallback>(cancel.token(), [&] { ++called; });
    CancelCallback destroyer(cancel.token(), [&] { second.reset(); });
    EXPECT_FALSE(cancel.token().cancelled());
    cancel.Cancel();
    cancel.Cancel();
    EXPECT_TRUE(cancel.token().cancelled());
    EXPECT_EQ(second, nullptr);
  });
  EXPECT_EQ(called, 2);
  EXPECT_EQ(gone_called, 0);
}

TEST(CancelTest, FromAnotherThreadItTakesEffectOnTheLoop) {
  Loop loop("test-loop");
  CancelSource cancel(loop);
  std::optional<absl::Status> slept;
  loop.Spawn(internal::StoreResult(loop.Sleep(absl::Seconds(600), cancel.token()), &slept));
  cancel.Cancel();
  ASSERT_TRUE(loop.Drain(absl::Seconds(10)));
  EXPECT_TRUE(absl::IsCancelled(*slept));
}

// Whichever comes first, and whatever was posted too late to run.
TEST(LoopStop, LeavesNobodyWaitingForWorkThatIsNotRun) {
  for (int i = 0; i < 3'000; ++i) {
    Loop loop("stopping");
    std::atomic<int> ran{0};
    std::thread other([&] {
      for (int k = 0; k < 20; ++k) loop.RunAndWait([&ran] { ++ran; });
    });
    while (ran == 0) {
    }
    loop.Stop();
    other.join();
    ASSERT_EQ(ran, 20);
  }
}

}  // namespace
}  // namespace motcua::async
