// Event, Semaphore and Queue: who is woken, in which order, and what is not lost.
#include <absl/status/status.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/queue.h"
#include "common/async/semaphore.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"

namespace motcua::async {
namespace {

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }
absl::Time InMilliseconds(int count) { return absl::Now() + absl::Milliseconds(count); }

Task<void> Note(Event* event, int number, std::vector<int>* order) {
  const absl::Status status = co_await event->Wait(Soon());
  if (status.ok()) order->push_back(number);
}

TEST(EventTest, WakesEverybodyInTheOrderOfArrivalEvenWhenResetFollows) {
  Loop loop("test-loop");
  Event event(loop);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) loop.Spawn(Note(&event, i, &order));
  loop.RunAndWait([&] {
    EXPECT_TRUE(order.empty());
    event.Set();
    EXPECT_TRUE(order.empty());  // never inside the call
    event.Reset();
  });
  EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_FALSE(event.is_set());
}

TEST(EventTest, WaitEndsWithTheDeadlineTheTokenOrAtOnce) {
  Loop loop("test-loop");
  Event event(loop);
  EXPECT_TRUE(absl::IsDeadlineExceeded(SyncWait(loop, event.Wait(InMilliseconds(5)))));
  EXPECT_TRUE(absl::IsDeadlineExceeded(SyncWait(loop, event.Wait(absl::InfinitePast()))));
  CancelSource cancel(loop);
  cancel.Cancel();
  EXPECT_TRUE(absl::IsCancelled(SyncWait(loop, event.Wait(Soon(), cancel.token()))));
  loop.RunAndWait([&] { event.Set(); });
  EXPECT_TRUE(SyncWait(loop, event.Wait(absl::InfinitePast(), cancel.token())).ok());
}

Task<void> Section(Loop* loop, Semaphore* semaphore, int* inside, int* most) {
  const absl::Status admitted = co_await semaphore->Acquire(Soon());
  if (!admitted.ok()) co_return;
  SemaphorePermit permit(*semaphore);
  *most = std::max(*most, ++*inside);
  for (int i = 0; i < 3; ++i) co_await loop->Schedule();
  --*inside;
}

TEST(SemaphoreTest, AdmitsNoMoreThanItsPermits) {
  Loop loop("test-loop");
  Semaphore semaphore(loop, 3);
  int inside = 0;
  int most = 0;
  for (int i = 0; i < 20; ++i) loop.Spawn(Section(&loop, &semaphore, &inside, &most));
  EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
  EXPECT_EQ(most, 3);
  EXPECT_EQ(semaphore.available(), 3u);
}

TEST(SemaphoreTest, AWaitGivenUpTakesNoPermit) {
  Loop loop("test-loop");
  Semaphore semaphore(loop, 1);
  loop.RunAndWait([&] { EXPECT_TRUE(semaphore.TryAcquire()); });
  EXPECT_TRUE(absl::IsDeadlineExceeded(SyncWait(loop, semaphore.Acquire(InMilliseconds(5)))));
  loop.RunAndWait([&] {
    semaphore.Release();
    EXPECT_EQ(semaphore.available(), 1u);
  });
}

Task<void> AcquireForever(Semaphore* semaphore) {
  const absl::Status status = co_await semaphore->Acquire(absl::InfiniteFuture());
  ADD_FAILURE() << "resumed: " << status;
}

TEST(SemaphoreTest, APermitGrantedToADestroyedCoroutineComesBack) {
  auto loop = std::make_unique<Loop>("test-loop");
  Semaphore semaphore(*loop, 0);
  loop->Spawn(AcquireForever(&semaphore));
  loop->RunAndWait([] {});
  loop->Stop();
  // Granted, but the loop turns no more: its end destroys the coroutine instead.
  semaphore.Release();
  EXPECT_EQ(semaphore.available(), 0u);
  loop.reset();
  EXPECT_EQ(semaphore.available(), 1u);
}

TEST(QueueTest, IsFifoAndBounded) {
  Loop loop("test-loop");
  Queue<int> queue(loop, 2);
  loop.RunAndWait([&] {
    EXPECT_TRUE(queue.TryPush(1).ok());
    EXPECT_TRUE(queue.TryPush(2).ok());
    EXPECT_TRUE(absl::IsResourceExhausted(queue.TryPush(3)));
    EXPECT_EQ(queue.size(), 2u);
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(SyncWait(loop, queue.Push(3, InMilliseconds(5)))));
  EXPECT_EQ(*SyncWait(loop, queue.Pop(Soon())), 1);
  EXPECT_EQ(*SyncWait(loop, queue.Pop(Soon())), 2);
  EXPECT_TRUE(absl::IsDeadlineExceeded(SyncWait(loop, queue.Pop(InMilliseconds(5))).status()));
}

Task<void> Produce(Queue<int>* queue, int from, int to) {
  for (int i = from; i < to; ++i) {
    const absl::Status pushed = co_await queue->Push(i, Soon());
    if (!pushed.ok()) co_return;
  }
}

Task<void> Consume(Queue<int>* queue, std::vector<int>* got) {
  while (true) {
    absl::StatusOr<int> item = co_await queue->Pop(Soon());
    if (!item.ok()) co_return;
    got->push_back(*item);
  }
}

TEST(QueueTest, LosesAndRepeatsNothingBetweenManyProducersAndConsumers) {
  Loop loop("test-loop");
  Queue<int> queue(loop, 3);
  std::vector<int> got;
  for (int i = 0; i < 3; ++i) loop.Spawn(Consume(&queue, &got));
  std::vector<Task<void>> producers;
  for (int i = 0; i < 5; ++i) producers.push_back(Produce(&queue, i * 100, (i + 1) * 100));
  SyncWait(loop, WhenAll(std::move(producers)));
  loop.RunAndWait([&] { queue.Close(); });
  EXPECT_TRUE(loop.Drain(absl::Seconds(10)));
  std::sort(got.begin(), got.end());
  ASSERT_EQ(got.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(got[i], i);
}

TEST(QueueTest, AfterCloseItGivesOutWhatItHoldsAndTakesNothing) {
  Loop loop("test-loop");
  Queue<std::unique_ptr<int>> queue(loop, 2);
  loop.RunAndWait([&] {
    EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)).ok());
    queue.Close();
    EXPECT_TRUE(absl::IsCancelled(queue.TryPush(nullptr)));
  });
  EXPECT_TRUE(absl::IsCancelled(SyncWait(loop, queue.Push(nullptr, Soon()))));
  EXPECT_EQ(**SyncWait(loop, queue.Pop(Soon())), 1);
  EXPECT_TRUE(absl::IsCancelled(SyncWait(loop, queue.Pop(Soon())).status()));
}

}  // namespace
}  // namespace motcua::async
