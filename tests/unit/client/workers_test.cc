#include "clients/motcua/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace motcua::client {
namespace {

TEST(Workers, DoEveryPieceOnceInEveryRound) {
  Workers workers(4);
  for (size_t pieces : {0u, 1u, 2u, 3u, 7u, 100u, 1u, 50u}) {
    std::vector<std::atomic<int>> done(pieces);
    ASSERT_TRUE(workers
                    .RunAll(pieces,
                            [&](size_t piece) {
                              ++done[piece];
                              return absl::OkStatus();
                            })
                    .ok());
    for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
  }
}

// None of the four can end before all have begun.
TEST(Workers, AsManyAsAllowedWorkAtTheSameTime) {
  Workers workers(4);
  absl::Mutex mutex;
  int begun = 0;
  EXPECT_TRUE(workers
                  .RunAll(4,
                          [&](size_t) {
                            absl::MutexLock lock(&mutex);
                            ++begun;
                            const bool all =
                                mutex.AwaitWithTimeout(absl::Condition(
                                                           +[](int* count) { return *count == 4; }, &begun),
                                                       absl::Seconds(30));
                            return all ? absl::OkStatus() : absl::DeadlineExceededError("alone");
                          })
                  .ok());
}

TEST(Workers, NoMoreThanAllowedWorkAtTheSameTime) {
  Workers workers(3);
  std::atomic<int> now = 0, most = 0;
  EXPECT_TRUE(workers
                  .RunAll(200,
                          [&](size_t) {
                            const int mine = ++now;
                            for (int seen = most; mine > seen && !most.compare_exchange_weak(seen, mine);) {
                            }
                            --now;
                            return absl::OkStatus();
                          })
                  .ok());
  EXPECT_LE(most, 3);
}

TEST(Workers, AnErrorEndsTheRoundAndNotTheNext) {
  Workers workers(2);
  std::atomic<int> begun = 0;
  const absl::Status failed = workers.RunAll(1000, [&](size_t piece) {
    ++begun;
    return piece == 3 ? absl::InternalError("third") : absl::OkStatus();
  });
  EXPECT_EQ(failed.message(), "third");
  EXPECT_LT(begun, 1000);
  EXPECT_TRUE(workers.RunAll(5, [](size_t) { return absl::OkStatus(); }).ok());
}

}  // namespace
}  // namespace motcua::client
