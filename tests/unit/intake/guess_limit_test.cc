#include "services/intake/calls/guess_limit.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"

namespace motcua::intake {
namespace {

class Guessing : public testing::Test {
 protected:
  // True where one more guess is allowed.
  bool Guess(const std::string& code = "a") { return limit_.Begin(code).ok(); }
  void Exhaust(const std::string& code = "a") {
    for (int i = 0; i < GuessLimit::kMaxFailures; ++i) EXPECT_TRUE(Guess(code));
  }

  time::SimulatedClock clock_{absl::FromUnixSeconds(1'752'480'000)};
  GuessLimit limit_{clock_};
};

TEST_F(Guessing, EndsAtTheLimitAndOnlyForThatCode) {
  Exhaust();
  const absl::Status refused = limit_.Begin("a");
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::Reason(refused), "TOO_MANY_GUESSES");
  EXPECT_TRUE(Guess("b"));
}

TEST_F(Guessing, MayGoOnAfterAWhile) {
  Exhaust();
  clock_.AdvanceTo(clock_.Now() + GuessLimit::kWindow - absl::Seconds(1));
  EXPECT_FALSE(Guess());
  clock_.AdvanceTo(clock_.Now() + absl::Seconds(1));
  EXPECT_TRUE(Guess());
}

TEST_F(Guessing, ASuccessForgetsTheFailures) {
  for (int i = 0; i < 3 * GuessLimit::kMaxFailures; ++i) {
    EXPECT_TRUE(Guess());
    if (i % 5 == 4) limit_.Succeeded("a");
  }
}

TEST_F(Guessing, WhatCouldNotBeLookedAtDoesNotCount) {
  for (int i = 0; i < 3 * GuessLimit::kMaxFailures; ++i) {
    EXPECT_TRUE(Guess());
    limit_.Withdraw("a");
  }
  EXPECT_EQ(limit_.size(), 0u);
}

TEST_F(Guessing, TakesBoundedMemory) {
  for (size_t i = 0; i < GuessLimit::kMaxCodes + 1000; ++i) EXPECT_TRUE(Guess(absl::StrCat(i)));
  EXPECT_EQ(limit_.size(), GuessLimit::kMaxCodes);
}

}  // namespace
}  // namespace motcua::intake
