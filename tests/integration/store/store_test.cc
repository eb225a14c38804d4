// The commit against a real redis-server: all of a transaction or nothing, once for a request id.
#include "common/store/store.h"

#include <random>
#include <set>

#include "tests/integration/store/store_fixture.h"
#include "tests/support/reconnected.h"

namespace motcua::store {
namespace {

using async::SyncWait;
using async::Task;
using routing::v1::CompleteWorkResponse;
using testing::ElementsAre;

TEST_F(StoreTest, ACommitWritesRecordIndexCountersFeedAndHistoryTogether) {
  auto first = SyncWait(loop_, Add(kId, "request-1", 5));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->written().version(), 1);
  EXPECT_EQ(first->written().feed_position(), 1);
  EXPECT_FALSE(first->written().replayed());
  auto second = SyncWait(loop_, Add(kId, "request-2", 7, "b", 1));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->written().version(), 2);
  EXPECT_EQ(second->written().feed_position(), 2);

  Ledger::Record record = Load(kId);
  EXPECT_EQ(record.route().work_done(), 12);
  EXPECT_THAT(ReadBox("a").members, ElementsAre());
  EXPECT_THAT(ReadBox("b").members, ElementsAre(kId));
  Counters counters = ReadCounters();
  EXPECT_EQ(counters["accounts"], 1);
  EXPECT_EQ(counters["sum"], 12);
  EXPECT_EQ(counters["in:a"], 0);
  EXPECT_EQ(counters["in:b"], 1);
  common::v1::History history = History(kId);
  EXPECT_TRUE(history.verified());
  EXPECT_EQ(history.entries_size(), 2);
}

TEST_F(StoreTest, ARecordIsRemovedWithTheRestOfTheCommitOrNotAtAll) {
  ASSERT_TRUE(SyncWait(loop_, Add(kId, "request-1", 5)).ok());
  const Keyspace keys = store_.Keys("H30");
  const std::string key = keys.Record("other", "1");
  const auto commit = [&](const std::function<void(Transaction&)>& fill) {
    Transaction tx(keys);
    fill(tx);
    auto outcome = SyncWait(loop_, store_.Commit(std::move(tx), Soon()));
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome->kind;
  };
  const auto there = [&] { return *SyncWait(loop_, store_.VersionOf(key, Soon())) > 0; };
  commit([&](Transaction& tx) { tx.PutRecord(key, 1, "body"); });
  EXPECT_TRUE(there());
  EXPECT_EQ(commit([&](Transaction& tx) {
              tx.CheckVersion(key, 7);
              tx.Delete(key);
            }),
            CommitOutcome::Kind::kConflict);
  EXPECT_TRUE(there());
  EXPECT_EQ(commit([&](Transaction& tx) {
              tx.CheckVersion(key, 1);
              tx.Delete(key);
            }),
            CommitOutcome::Kind::kCommitted);
  EXPECT_FALSE(there());
  // Put after it was removed, in one commit: it is there.
  commit([&](Transaction& tx) {
    tx.Delete(key);
    tx.PutRecord(key, 2, "again");
  });
  EXPECT_TRUE(there());
}

TEST_F(StoreTest, ARepeatedRequestIdReturnsTheStoredReplyAndHasNoSecondEffect) {
  auto first = SyncWait(loop_, Add(kId, "request-1", 5));
  auto again = SyncWait(loop_, Add(kId, "request-1", 5));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->written().replayed());
  EXPECT_EQ(again->written().feed_position(), first->written().feed_position());
  EXPECT_EQ(again->written().version(), 1);
  EXPECT_EQ(Load(kId).route().work_done(), 5);
  EXPECT_EQ(FeedLength(), 1);
}

TEST_F(StoreTest, TheSameRequestIdWithAnotherBodyIsRefused) {
  ASSERT_TRUE(SyncWait(loop_, Add(kId, "request-1", 5)).ok());
  auto other = SyncWait(loop_, Add(kId, "request-1", 6));
  EXPECT_TRUE(absl::IsAlreadyExists(other.status()));
  EXPECT_EQ(errors::Reason(other.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(Load(kId).route().work_done(), 5);
}

TEST_F(StoreTest, AVersionThatMovedOnIsAborted) {
  ASSERT_TRUE(SyncWait(loop_, Add(kId, "request-1", 5)).ok());
  auto stale = SyncWait(loop_, Add(kId, "request-2", 5, "a", 7));
  EXPECT_TRUE(absl::IsAborted(stale.status()));
  EXPECT_EQ(errors::Reason(stale.status()), "VERSION_MISMATCH");
  EXPECT_EQ(errors::MetadataValue(stale.status(), "version"), "1");
}

TEST_F(StoreTest, ARefusedDecisionChangesNothing) {
  auto refused = SyncWait(loop_, Add(kId, "request-1", 2000));
  EXPECT_EQ(errors::Reason(refused.status()), "TOO_MUCH");
  EXPECT_EQ(FeedLength(), 0);
  EXPECT_TRUE(ReadCounters().empty());
  EXPECT_TRUE(SyncWait(loop_, Add(kId, "request-1", 2)).ok()) << "and the request id is still free";
}

TEST_F(StoreTest, RacingMutationsAllTakeEffectOnce) {
  std::vector<Task<absl::StatusOr<CompleteWorkResponse>>> adds;
  for (int i = 0; i < 8; ++i) {
    adds.push_back(Add(kId, "request-" + std::to_string(i), 1));
    adds.push_back(Add(kId, "request-" + std::to_string(i), 1));  // the same request twice at once
  }
  auto results = SyncWait(loop_, async::WhenAll(std::move(adds)));
  std::set<uint64_t> versions;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    versions.insert(result->written().version());
  }
  EXPECT_EQ(versions.size(), 8);
  EXPECT_EQ(Load(kId).route().work_done(), 8);
  EXPECT_EQ(ReadCounters()["sum"], 8);
  EXPECT_EQ(FeedLength(), 8);
}

TEST_F(StoreTest, NothingIsCommittedBeforeTheWatermark) {
  const absl::Time now = clock_.Now();
  Transaction tx(store_.Keys("H30"));
  tx.MoveWatermark(now + absl::Hours(1), /*bounded=*/false);
  ASSERT_TRUE(SyncWait(loop_, store_.Commit(tx, Soon())).ok());
  // The mutation is decided again at the watermark, not before it.
  auto added = SyncWait(loop_, Add(kId, "request-1", 1));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(time::FromTimestamp(added->written().at()), now + absl::Hours(1));
  EXPECT_EQ(store_.tally().stale, 1);
  // And the watermark never goes back.
  Transaction back(store_.Keys("H30"));
  back.MoveWatermark(now, /*bounded=*/false);
  auto outcome = SyncWait(loop_, store_.Commit(back, Soon()));
  EXPECT_EQ(outcome->position, 1);
  auto later = SyncWait(loop_, Add(kId, "request-2", 1));
  EXPECT_EQ(time::FromTimestamp(later->written().at()), now + absl::Hours(1));
}

TEST_F(StoreTest, ACursorMovesOnlyFromWhereItStood) {
  const std::string key = store_.Keys("H30").Cursor("intake");
  auto move = [&](uint64_t from, uint64_t to) {
    Transaction tx(store_.Keys("H30"));
    tx.CheckCursor(key, from);
    tx.SetCursor(key, to);
    tx.Count(1, "", "effects", 1);
    return *SyncWait(loop_, store_.Commit(tx, Soon()));
  };
  EXPECT_EQ(move(0, 10).kind, CommitOutcome::Kind::kCommitted);
  CommitOutcome lost = move(0, 10);
  EXPECT_EQ(lost.kind, CommitOutcome::Kind::kCursorMoved);
  EXPECT_EQ(store_.tally().cursor_moved, 1u);
  EXPECT_EQ(lost.position, 10);
  EXPECT_EQ(move(10, 12).kind, CommitOutcome::Kind::kCommitted);
  EXPECT_EQ(ReadCounters()["effects"], 2);
}

TEST_F(StoreTest, PagesNeitherRepeatNorSkipWhileTheIndexChanges) {
  const uint32_t seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::set<std::string> all;
  for (int i = 0; i < 60; ++i) {
    const std::string id = "H30.18.05-260714-" + std::to_string(1000 + i);
    // Few different scores: most members share theirs with others.
    ASSERT_TRUE(SyncWait(loop_, Add(id, "request-" + id, 1 + random() % 3)).ok());
    all.insert(id);
  }
  for (Order order : {Order::kAscending, Order::kDescending}) {
    std::multiset<std::string> seen;
    std::set<std::string> removed;
    std::string token;
    do {
      IndexPage page = ReadBox("a", 7, token, order);
      seen.insert(page.members.begin(), page.members.end());
      token = page.next_page_token;
      // The very member that the token names goes away, and another one comes.
      if (!page.members.empty() && removed.size() < 3) {
        const std::string gone = page.members.back();
        ASSERT_TRUE(SyncWait(loop_, Add(gone, "move-" + gone + std::to_string(static_cast<int>(order)), 1, "b")).ok());
        removed.insert(gone);
      }
    } while (!token.empty());
    for (const std::string& id : all) EXPECT_EQ(seen.count(id), 1) << id;
    for (const std::string& id : removed) {
      ASSERT_TRUE(SyncWait(loop_, Add(id, "back-" + id + std::to_string(static_cast<int>(order)), 1, "a")).ok());
    }
  }
  auto bad = SyncWait(loop_, store_.ReadIndex("H30", "box:a", Order::kAscending, 5, "%%", Soon()));
  EXPECT_EQ(errors::Reason(bad.status()), "BAD_PAGE_TOKEN");
}

TEST_F(StoreTest, WhatWasAcknowledgedSurvivesKill9) {
  std::vector<std::string> acknowledged;
  for (int i = 0; i < 50; ++i) {
    const std::string id = "H30.18.05-260714-" + std::to_string(1000 + i);
    if (SyncWait(loop_, Add(id, "request-" + id, 1)).ok()) acknowledged.push_back(id);
    if (i == 25) redis_.Kill9();
  }
  EXPECT_GE(acknowledged.size(), 25);
  ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.Restart(); }));
  for (const std::string& id : acknowledged) EXPECT_EQ(Load(id).route().work_done(), 1) << id;
  EXPECT_GE(ReadCounters()["accounts"], static_cast<int64_t>(acknowledged.size()));
}

TEST_F(StoreTest, RedisGoneIsUnavailableAtOnce) {
  redis_.Kill9();
  const absl::Time start = absl::Now();
  auto refused = SyncWait(loop_, Add(kId, "request-1", 1));
  for (int i = 0; i < 100 && refused.ok(); ++i) refused = SyncWait(loop_, Add(kId, "request-x", 1));
  EXPECT_TRUE(absl::IsUnavailable(refused.status())) << refused.status();
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

TEST(ShardOf, KnowsBothFormsOfTheCode) {
  EXPECT_EQ(ShardOf("H30.18.05-260714-0001"), "H30");
  EXPECT_EQ(ShardOf("H30-260714-0001"), "H30");
  EXPECT_EQ(ShardOf("000.05.18.H30-260714-0001"), "H30");
  EXPECT_EQ(ShardOf("H30.18"), "H30");
  EXPECT_EQ(ShardOf("18.05"), "");
  EXPECT_EQ(ShardOf(""), "");
}

}  // namespace
}  // namespace motcua::store
