// Task, WhenAll and SyncWait.
#include "common/async/task.h"

#include <absl/status/statusor.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"

namespace motcua::async {
namespace {

// GCC makes no tail calls, which symmetric transfer rests on, in code that a sanitizer instruments.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kScale = 1000;
#else
constexpr int kScale = 1;
#endif

Task<int> Number(int value) { co_return value; }

Task<std::unique_ptr<int>> MoveOnly(int value) { co_return std::make_unique<int>(value); }

Task<absl::StatusOr<std::string>> MayFail(bool fail) {
  if (fail) co_return absl::NotFoundError("no such thing");
  co_return std::string("found");
}

Task<int> Sum(int left, int right) {
  const int l = co_await Number(left);
  const int r = co_await Number(right);
  co_return l + r;
}

Task<void> Mark(bool* ran) {
  *ran = true;
  co_return;
}

TEST(TaskTest, HandsItsResultOver) {
  Loop loop("test-loop");
  EXPECT_EQ(SyncWait(loop, Sum(2, 3)), 5);
  EXPECT_EQ(*SyncWait(loop, MoveOnly(7)), 7);
  EXPECT_EQ(*SyncWait(loop, MayFail(false)), "found");
  EXPECT_TRUE(absl::IsNotFound(SyncWait(loop, MayFail(true)).status()));
}

TEST(TaskTest, DoesNothingUntilAwaited) {
  Loop loop("test-loop");
  bool ran = false;
  {
    Task<void> task = Mark(&ran);
    EXPECT_TRUE(task.valid());
  }
  EXPECT_FALSE(ran);
  SyncWait(loop, Mark(&ran));
  EXPECT_TRUE(ran);
}

TEST(TaskTest, IsMovable) {
  Loop loop("test-loop");
  Task<int> first = Number(1);
  Task<int> second = std::move(first);
  EXPECT_FALSE(first.valid());
  first = std::move(second);
  EXPECT_EQ(SyncWait(loop, std::move(first)), 1);
}

Task<int64_t> AwaitManyTimes(int times) {
  int64_t sum = 0;
  for (int i = 0; i < times; ++i) sum += co_await Number(1);
  co_return sum;
}

TEST(TaskTest, ALongLoopOfTasksNeedsNoStack) {
  Loop loop("test-loop");
  EXPECT_EQ(SyncWait(loop, AwaitManyTimes(1'000'000 / kScale)), 1'000'000 / kScale);
}

Task<int> Nest(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await Nest(depth - 1);
  co_return below + 1;
}

TEST(TaskTest, ADeepChainOfTasksNeedsNoStack) {
  Loop loop("test-loop");
  EXPECT_EQ(SyncWait(loop, Nest(100'000 / kScale)), 100'000 / kScale);
}

// Counts its living copies, to see frames come and go.
class Witness {
 public:
  explicit Witness(int* alive) : alive_(alive) { ++*alive_; }
  Witness(Witness&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  ~Witness() { --*alive_; }

 private:
  int* alive_;
};

Task<int> HoldUntil(Event* event, [[maybe_unused]] Witness witness) {
  const absl::Status status = co_await event->Wait(absl::InfiniteFuture());
  co_return status.ok() ? 1 : 0;
}

Task<void> HoldOuter(Event* event, int* alive) {
  Witness outer(alive);
  Task<int> inner = HoldUntil(event, Witness(alive));
  co_await std::move(inner);
}

TEST(TaskTest, DestroyingASuspendedTaskDestroysWhatItAwaits) {
  int alive = 0;
  auto loop = std::make_unique<Loop>("test-loop");
  auto event = std::make_unique<Event>(*loop);
  for (int i = 0; i < 3; ++i) loop->Spawn(HoldOuter(event.get(), &alive));
  loop->RunAndWait([&] { EXPECT_EQ(alive, 6); });
  EXPECT_EQ(loop->spawned(), 3u);
  EXPECT_FALSE(loop->Drain(absl::Milliseconds(20)));
  loop.reset();
  EXPECT_EQ(alive, 0);
}

Task<int> AfterTurns(Loop* loop, int turns, int value) {
  for (int i = 0; i < turns; ++i) co_await loop->Schedule();
  co_return value;
}

TEST(WhenAllTest, KeepsTheOrderWhateverEndsFirst) {
  Loop loop("test-loop");
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(AfterTurns(&loop, i % 3 == 0 ? 5 : i % 3 - 1, i));
  const std::vector<int> results = SyncWait(loop, WhenAll(std::move(tasks)));
  ASSERT_EQ(results.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results[i], i);
}

TEST(WhenAllTest, OfNothingIsDoneAtOnce) {
  Loop loop("test-loop");
  EXPECT_TRUE(SyncWait(loop, WhenAll(std::vector<Task<int>>())).empty());
  SyncWait(loop, WhenAll(std::vector<Task<void>>()));
}

TEST(WhenAllTest, RunsTasksWithoutResult) {
  Loop loop("test-loop");
  bool ran[2] = {false, false};
  std::vector<Task<void>> tasks;
  tasks.push_back(Mark(&ran[0]));
  tasks.push_back(Mark(&ran[1]));
  SyncWait(loop, WhenAll(std::move(tasks)));
  EXPECT_TRUE(ran[0] && ran[1]);
}

Task<void> HoldMany(Event* event, int* alive) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(HoldUntil(event, Witness(alive)));
  co_await WhenAll(std::move(tasks));
}

TEST(WhenAllTest, DestroyingItDestroysItsBranches) {
  int alive = 0;
  auto loop = std::make_unique<Loop>("test-loop");
  auto event = std::make_unique<Event>(*loop);
  loop->Spawn(HoldMany(event.get(), &alive));
  loop->RunAndWait([&] { EXPECT_EQ(alive, 5); });
  loop.reset();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace motcua::async
