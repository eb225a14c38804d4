// Creations take the numbers 1, 2, 3 ... of their sequence, without a gap and each for one record, however many
// processes take them, and what that costs.
#include <set>

#include "tests/integration/store/store_fixture.h"

namespace motcua::store {
namespace {

using testing::IsEmpty;

class NumbersTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_TRUE(Wait(other_.client.WaitConnected(Soon())).ok());
  }

  // Opens of so many requests, in turn by two processes, all at once; the numbers that they took.
  void OpenByBoth(int from, int requests) {
    std::vector<async::Task<absl::StatusOr<Response>>> opens;
    for (int i = from; i < from + requests; ++i) {
      opens.push_back(OpenBy(i % 2 == 0 ? store_ : other_.store, Officer(), "open-" + std::to_string(i), 1));
    }
    for (const auto& result : Wait(async::WhenAll(std::move(opens)))) {
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_TRUE(codes_.insert(result->holder()).second) << result->holder() << " was given twice";
    }
  }
  std::string ReservationOf(const std::string& request) {
    return store_.Keys("H30").Reservation(
        "day", RequestDigest(internal::RequestOwner(Officer().actor), request));
  }
  uint64_t Missed() const { return store_.tally().cursor_moved + other_.store.tally().cursor_moved; }
  void ExpectNoGap(uint64_t numbers) {
    EXPECT_EQ(codes_.size(), numbers);
    for (uint64_t i = 1; i <= numbers; ++i) EXPECT_EQ(codes_.count("day-" + std::to_string(i)), 1u) << i;
    EXPECT_THAT(Ask("KEYS", "ro:{H30}:r:*").items(), IsEmpty()) << "what was reserved was taken";
  }

  Process other_{loop_, redis_, clock_};
  std::set<std::string> codes_;
};

TEST_F(NumbersTest, ACreationTakesOneNumberWhateverIsRepeatedAndLost) {
  uint64_t opened = 0;
  for (int round = 0; round < 20; ++round) {
    // Some are refused by the decision, after they had a number in prospect; all are sent twice, from two
    // processes.
    std::vector<async::Task<absl::StatusOr<Response>>> opens;
    for (int i = 0; i < 6; ++i) {
      const std::string name = "open-" + std::to_string(round) + "-" + std::to_string(i);
      const uint32_t amount = i % 3 == 2 ? 2000 : 1;
      opens.push_back(OpenBy(store_, Officer(), name, amount));
      opens.push_back(OpenBy(other_.store, Officer(), name, amount));
    }
    for (const auto& result : Wait(async::WhenAll(std::move(opens)))) {
      if (result.ok()) {
        codes_.insert(result->holder());
      } else {
        EXPECT_EQ(errors::Reason(result.status()), "TOO_MUCH");
      }
    }
    opened += 4;
    // The watermark passes the time: all that is under way is decided again, under the same numbers.
    clock_.AdvanceTo(clock_.Now() + absl::Seconds(1));
    Transaction tx(store_.Keys("H30"));
    tx.MoveWatermark(clock_.Now() + absl::Milliseconds(1), /*bounded=*/false);
    ASSERT_TRUE(Wait(store_.Commit(tx, Soon())).ok());
  }
  ExpectNoGap(opened);
}

TEST_F(NumbersTest, ANumberWhoseRecordExistsIsPassedOver) {
  ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "first", 1)).ok());
  ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "second", 1)).ok());
  Ask("DEL", store_.Keys("H30").Sequence("day"));  // as after a restore from an older copy of that key alone
  auto third = Wait(OpenBy(store_, Officer(), "third", 1));
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->holder(), "day-3");
}

TEST_F(NumbersTest, ManyPassedOverNumbersAreFoundInTheEnd) {
  constexpr int kBefore = 40;
  for (int i = 0; i < kBefore; ++i) ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "open-" + std::to_string(i), 1)).ok());
  Ask("DEL", store_.Keys("H30").Sequence("day"));
  absl::StatusOr<Response> next;
  for (int tries = 0; tries < 5; ++tries) {
    next = Wait(OpenBy(other_.store, Officer(), "another", 1));
    if (next.ok()) break;
    EXPECT_EQ(errors::Reason(next.status()), "CONFLICT");
  }
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->holder(), "day-" + std::to_string(kBefore + 1));
}

TEST_F(NumbersTest, ProcessesThatTakeThemTogetherSeldomGuessWrong) {
  constexpr int kRounds = 100, kAtOnce = 16;
  for (int round = 0; round < kRounds; ++round) OpenByBoth(round * kAtOnce, kAtOnce);
  ExpectNoGap(kRounds * kAtOnce);
  // Of 1600; guessing every time it was more than one for each.
  EXPECT_LT(Missed(), 160u);
}

TEST_F(NumbersTest, OneProcessGuessesRight) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "open-" + std::to_string(i), 1)).ok());
  EXPECT_EQ(store_.tally().cursor_moved, 0u);
  EXPECT_EQ(store_.tally().committed, 50u);
  // One that comes anew learns where the sequence stands by its first commit, and nothing of others.
  for (int i = 50; i < 100; ++i)
    ASSERT_TRUE(Wait(OpenBy(other_.store, Officer(), "open-" + std::to_string(i), 1)).ok());
  EXPECT_EQ(other_.store.tally().cursor_moved, 1u);
  EXPECT_EQ(other_.store.tally().committed, 50u);
}

TEST_F(NumbersTest, WhoeverRepeatsARequestTakesWhatWasReservedForIt) {
  ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "first", 1)).ok());
  // A process reserved a number and ended.
  const Keyspace keys = store_.Keys("H30");
  auto reserved = Wait(store_.ReserveNumber(
      keys, keys.Sequence("day"), ReservationOf("open"),
      keys.Made(RequestDigest(internal::RequestOwner(Officer().actor), "open")), 0, Soon()));
  ASSERT_TRUE(reserved.ok()) << reserved.status();
  EXPECT_EQ(reserved->number, 2u);
  const int64_t ttl = Ask("TTL", ReservationOf("open")).integer();
  EXPECT_GT(ttl, 3500);
  EXPECT_LE(ttl, 3600);
  auto later = Wait(OpenBy(store_, Officer(), "later", 1));
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(later->holder(), "day-3");
  // It is the same request, here by a process that guesses.
  auto open = Wait(OpenBy(other_.store, Officer(), "open", 1));
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->holder(), "day-2");
  EXPECT_EQ(Ask("EXISTS", ReservationOf("open")).integer(), 0);
  auto again = Wait(store_.ReserveNumber(
      keys, keys.Sequence("day"), ReservationOf("open"),
      keys.Made(RequestDigest(internal::RequestOwner(Officer().actor), "open")), 0, Soon()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->number, 0u);
  EXPECT_THAT(again->made, testing::EndsWith("day-2"));
}

TEST(Sequences, AGuessIsOnlyInProspectWhereOthersTakeNumbers) {
  Sequences sequences;
  Sequences::Guess first = sequences.Next("day");
  EXPECT_EQ(first.number, 1u);
  EXPECT_FALSE(first.in_prospect);
  // It was not known where the sequence stands: that says nothing of others.
  sequences.Missed("day", first, 8);
  Sequences::Guess second = sequences.Next("day");
  EXPECT_EQ(second.number, 8u);
  EXPECT_FALSE(second.in_prospect);
  Sequences::Guess behind = sequences.Next("day");
  EXPECT_EQ(behind.number, 9u);
  sequences.Missed("day", second, 9);
  sequences.Missed("day", behind, 10);  // of the same guess that went wrong
  Sequences::Guess reserved = sequences.Next("day");
  EXPECT_TRUE(reserved.in_prospect);
  EXPECT_EQ(reserved.number, 9u);
  sequences.Reserved("day", 12);
  uint64_t in_prospect = 1;
  while (sequences.Next("day").in_prospect) ASSERT_LT(++in_prospect, 10'000u);
  EXPECT_EQ(in_prospect, 64u);
  // Still wrong: twice as many.
  Sequences::Guess third = sequences.Next("day");
  EXPECT_GE(third.number, 13u);
  sequences.Missed("day", third, 20);
  in_prospect = 0;
  while (sequences.Next("day").in_prospect) ASSERT_LT(++in_prospect, 10'000u);
  EXPECT_EQ(in_prospect, 128u);
  // Right: as at first.
  sequences.Taken("day", sequences.Next("day"));
  sequences.Missed("day", sequences.Next("day"), 40);
  in_prospect = 0;
  while (sequences.Next("day").in_prospect) ASSERT_LT(++in_prospect, 10'000u);
  EXPECT_EQ(in_prospect, 64u);
}

TEST(Numbered, WhatIsReservedIsOfItsSequence) {
  Sequences sequences;
  internal::Numbered numbered;
  numbered.Begin(sequences, "monday");
  numbered.Reserve(sequences, 7);
  numbered.Begin(sequences, "monday");
  EXPECT_EQ(numbered.number(), 7u);
  numbered.Begin(sequences, "tuesday");  // midnight has passed
  EXPECT_FALSE(numbered.reserved());
  EXPECT_EQ(numbered.number(), 1u);
}

TEST_F(NumbersTest, AReservationThatRedisHasLostIsNotTaken) {
  const Keyspace keys = store_.Keys("H30");
  internal::Numbered numbered;
  numbered.Begin(store_.sequences(), keys.Sequence("day"));
  numbered.Reserve(store_.sequences(), 1);
  Transaction tx(keys);
  numbered.Take(tx, keys.Reservation("day", "request"));
  auto outcome = Wait(store_.Commit(std::move(tx), Soon()));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->kind, CommitOutcome::Kind::kCursorMoved) << "another may have the number by now";
}

}  // namespace
}  // namespace motcua::store
