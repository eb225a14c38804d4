// What a process remembers of records is never trusted: a commit proves it, and nothing is refused because of
// it.
#include "tests/integration/store/store_fixture.h"
#include "tests/support/reconnected.h"
#include "tests/support/wait.h"

namespace motcua::store {
namespace {

class CacheTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_TRUE(Wait(other_.client.WaitConnected(Soon())).ok());
  }

  async::Task<absl::StatusOr<Response>> AddElsewhere(std::string id, std::string request_id,
                                                     uint32_t amount) {
    return AddBy(other_.store, Officer("officer-2"), std::move(id), std::move(request_id), amount);
  }

  uint64_t Commands() { return client_.stats().commands; }

  Process other_{loop_, redis_, clock_};
};

TEST_F(CacheTest, AWarmMutationIsOneCommandAndACreationToo) {
  ASSERT_TRUE(Wait(Add(kId, "request-0", 1)).ok());
  ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "open-0", 1)).ok());
  const uint64_t before = Commands();
  for (int i = 1; i <= 10; ++i) {
    ASSERT_TRUE(Wait(Add(kId, "request-" + std::to_string(i), 1)).ok());
    ASSERT_TRUE(Wait(OpenBy(store_, Officer(), "open-" + std::to_string(i), 1)).ok());
  }
  EXPECT_EQ(Commands() - before, 20u);
  EXPECT_GE(store_.cache().tally().hits, 10u);
}

TEST_F(CacheTest, ARecordThatAnotherProcessChangedIsLoadedAndDecidedAnew) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  ASSERT_TRUE(Wait(AddElsewhere(kId, "request-2", 10)).ok());
  auto added = Wait(Add(kId, "request-3", 100));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->written().version(), 3u);
  EXPECT_EQ(Load(kId).route().work_done(), 111u);
  EXPECT_EQ(ReadCounters()["sum"], 111);
  EXPECT_EQ(store_.cache().tally().stale, 1u);
  EXPECT_TRUE(History(kId).verified());
  EXPECT_EQ(History(kId).entries_size(), 3);
}

TEST_F(CacheTest, NothingIsRefusedBecauseOfWhatIsRemembered) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 990)).ok());
  // Elsewhere the account is emptied: what is remembered here would refuse.
  Ledger::Record empty = Load(kId);
  empty.mutable_route()->set_work_done(0);
  Transaction tx(store_.Keys("H30"));
  tx.CheckVersion(KeyOf(kId), 1);
  tx.PutRecord(KeyOf(kId), 2, empty.SerializeAsString());
  ASSERT_TRUE(Wait(other_.store.Commit(tx, Soon())).ok());
  auto added = Wait(Add(kId, "request-2", 500));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->written().version(), 3u);
  // The expected version is the stored one, not the remembered one.
  ASSERT_TRUE(Wait(AddElsewhere(kId, "request-3", 1)).ok());
  auto expected = Wait(Add(kId, "request-4", 1, "a", 4));
  EXPECT_TRUE(expected.ok()) << expected.status();
  auto stale = Wait(Add(kId, "request-5", 1, "a", 4));
  EXPECT_EQ(errors::Reason(stale.status()), "VERSION_MISMATCH");
  EXPECT_EQ(errors::MetadataValue(stale.status(), "version"), "5");
}

TEST_F(CacheTest, ARecordThatIsGoneIsNotBroughtBackFromMemory) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 5)).ok());
  Ask("DEL", KeyOf(kId));
  auto added = Wait(Add(kId, "request-2", 7));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->written().version(), 1u);
  EXPECT_EQ(Load(kId).route().work_done(), 7u);
}

// Redis comes back with an older state in which another process then goes on: the version is the same, the
// record is not.
TEST_F(CacheTest, NothingIsRememberedOverALostConnection) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  const std::string old = *Wait(store_.Get({KeyOf(kId)}, Soon()))->front();
  ASSERT_TRUE(Wait(Add(kId, "request-2", 10)).ok());
  redis_.Restart();
  ASSERT_TRUE(test::WaitUntil(
      [&] { return client_.stats().disconnects == 1 && other_.client.stats().disconnects == 1; }));
  ASSERT_TRUE(Wait(client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(Wait(other_.client.WaitConnected(Soon())).ok());
  redis::Command set("SET");
  set.Arg(KeyOf(kId)).Arg(old);
  Ask(std::move(set));
  ASSERT_TRUE(Wait(AddElsewhere(kId, "request-3", 100)).ok());  // version 2 again, of 101
  auto added = Wait(Add(kId, "request-4", 500));
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(Load(kId).route().work_done(), 601u);
}

TEST_F(CacheTest, ASessionThatGivesUpForgetsWhatItWasGiven) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  ASSERT_TRUE(Wait(AddElsewhere(kId, "request-2", 1)).ok());
  for (uint64_t version : {1u, 2u}) {
    Session session(store_, "H30");
    ASSERT_TRUE(Wait(session.FetchToChange({KeyOf(kId)}, Soon())).ok());
    EXPECT_EQ(session.VersionOf<Ledger>(kId), version) << "the first is out of date, the next is not";
  }
}

TEST_F(CacheTest, ARecordThatWasOnlyLookedAtIsCheckedByTheCommit) {
  const std::string peer = "H30.18.05-260714-0002";
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  ASSERT_TRUE(Wait(Add(peer, "request-2", 1)).ok());
  ASSERT_TRUE(Wait(AddElsewhere(kId, "request-3", 1)).ok());
  Session session(store_, "H30");
  ASSERT_TRUE(Wait(session.FetchToChange({KeyOf(kId), KeyOf(peer)}, Soon())).ok());
  // Decided by the one, about the other.
  const uint32_t seen = session.Find<Ledger>(kId)->route().work_done();
  Context context(clock_.Now(), common::v1::Actor());
  session.Apply<Ledger>(peer, *Ledger::Add(session.Find<Ledger>(peer), context, peer, seen, "a"));
  EXPECT_EQ(Wait(session.Commit(Soon()))->kind, CommitOutcome::Kind::kConflict);
}

TEST_F(CacheTest, ARecordThatCameOutAsItWasIsNotWrittenButChecked) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  auto touch = [&] {
    Session session(store_, "H30");
    EXPECT_TRUE(Wait(session.FetchToChange({KeyOf(kId)}, Soon())).ok());
    session.Apply<Ledger>(kId, Decision<Ledger::Record>(*session.Find<Ledger>(kId)));
    return Wait(session.Commit(Soon()))->kind;
  };
  const std::string before = Ask("GET", KeyOf(kId)).text();
  EXPECT_EQ(touch(), CommitOutcome::Kind::kCommitted);
  EXPECT_EQ(Ask("GET", KeyOf(kId)).text(), before);
  ASSERT_TRUE(Wait(AddElsewhere(kId, "request-2", 1)).ok());
  EXPECT_EQ(touch(), CommitOutcome::Kind::kConflict);
}

TEST_F(CacheTest, ARecordOfGoodVersionAndBadBytesIsNeverOverwritten) {
  Transaction tx(store_.Keys("H30"));
  tx.PutRecord(KeyOf(kId), 7, "\xff\xff no route");
  ASSERT_TRUE(Wait(store_.Commit(tx, Soon())).ok());
  const std::string before = Ask("GET", KeyOf(kId)).text();
  EXPECT_EQ(errors::Reason(Wait(Add(kId, "request-1", 1)).status()), "CORRUPT_RECORD");
  Session session(store_, "H30");
  ASSERT_TRUE(Wait(session.FetchToChange({KeyOf(kId)}, Soon())).ok());
  Context context(clock_.Now(), common::v1::Actor());
  session.Apply<Ledger>(kId, *Ledger::Add(nullptr, context, kId, 1, "a"));
  EXPECT_EQ(errors::Reason(Wait(session.Commit(Soon())).status()), "CORRUPT_RECORD");
  EXPECT_EQ(Ask("GET", KeyOf(kId)).text(), before);
}

TEST_F(CacheTest, WhatIsStoredWithoutAVersionIsNeverOverwrittenEither) {
  for (const char* bytes : {"", "short"}) {
    redis::Command set("SET");
    set.Arg(KeyOf(kId)).Arg(bytes);
    Ask(std::move(set));
    EXPECT_EQ(errors::Reason(Wait(Add(kId, "request-1", 1)).status()), "CORRUPT_RECORD");
    // One that creates the record looks at nothing before.
    Session session(store_, "H30");
    Context context(clock_.Now(), common::v1::Actor());
    session.Apply<Ledger>(kId, *Ledger::Add(nullptr, context, kId, 1, "a"));
    auto outcome = Wait(session.Commit(Soon()));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->kind, CommitOutcome::Kind::kConflict) << bytes;
    EXPECT_EQ(Ask("GET", KeyOf(kId)).text(), bytes);
    EXPECT_EQ(FeedLength(), 0u);
  }
}

// What is checked is read by a command that tells nothing of other types.
TEST_F(CacheTest, WhatIsNoStringIsNeverOverwrittenByACreation) {
  redis::Command push("RPUSH");
  push.Arg(KeyOf(kId)).Arg("x");
  Ask(std::move(push));
  Session session(store_, "H30");
  Context context(clock_.Now(), common::v1::Actor());
  session.Apply<Ledger>(kId, *Ledger::Add(nullptr, context, kId, 1, "a"));
  EXPECT_FALSE(Wait(session.Commit(Soon())).ok());
  EXPECT_EQ(Ask("LLEN", KeyOf(kId)).integer(), 1);
  EXPECT_EQ(FeedLength(), 0u);
}

// Loaded, not remembered: of an older state the same version may be another record.
TEST_F(CacheTest, WhatWasLoadedBeforeAConnectionWasLostIsNotCommittedAfterIt) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  Session session(store_, "H30");
  ASSERT_TRUE(Wait(session.Fetch({KeyOf(kId)}, Soon())).ok());
  Context context(clock_.Now(), common::v1::Actor());
  loop_.RunAndWait([&] {
    session.Apply<Ledger>(kId, *Ledger::Add(session.Find<Ledger>(kId), context, kId, 1, "a"));
  });
  Session reader(store_, "H30");
  ASSERT_TRUE(Wait(reader.Fetch({KeyOf(kId)}, Soon())).ok());
  ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.Restart(); }));
  loop_.RunAndWait([&] {
    EXPECT_NE(reader.Find<Ledger>(kId), nullptr);
    EXPECT_EQ(store_.cache().Get(KeyOf(kId)), nullptr) << "nor remembered";
  });
  EXPECT_EQ(Wait(session.Commit(Soon()))->kind, CommitOutcome::Kind::kConflict);
}

// More of everything than Lua's stack holds arguments, in one commit, applied whole or not at all.
TEST_F(CacheTest, ACommitOfThousandsIsWholeOrNothing) {
  constexpr int kMany = 2500;
  const auto id = [](int i) { return absl::StrCat("H30.18.05-260714-", 10000 + i); };
  auto write = [&](uint64_t version, uint64_t wrong, const char* from, const char* to) {
    Transaction tx(store_.Keys("H30"));
    for (int i = 0; i < kMany; ++i) {
      tx.CheckVersion(KeyOf(id(i)), i + 1 == kMany ? version + wrong : version);
      tx.Emit(std::string("\x12\x01x", 3));
      tx.PutRecord(KeyOf(id(i)), version + 1, absl::StrCat(to, i));
      // Taken out and put in by different records: what is put stays.
      tx.IndexPut(1, to, id(i), i);
      tx.IndexRemove(1, from, id(i));
      tx.IndexPut(1, "shared", "one", i);
      tx.IndexRemove(1, "shared", "one");
      for (int k = 0; k < 20; ++k) tx.IndexPut(1, absl::StrCat("of-", k), id(i), i);
    }
    for (int i = 0; i < 1100; ++i) {
      tx.CheckCursor(store_.Keys("H30").Cursor(absl::StrCat(i)), version);
      tx.SetCursor(store_.Keys("H30").Cursor(absl::StrCat(i)), version + 1);
    }
    auto outcome = Wait(store_.Commit(std::move(tx), Soon()));
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? outcome->kind : CommitOutcome::Kind::kStale;
  };
  const auto size = [&](const std::string& index) {
    return Ask("ZCARD", store_.Keys("H30").Index(1, index)).integer();
  };
  EXPECT_EQ(write(0, 7, "none", "first"), CommitOutcome::Kind::kConflict) << "by the last of all";
  EXPECT_EQ(Ask(redis::Command("DBSIZE")).integer(), 1) << "the shard's epochs alone";
  EXPECT_EQ(write(0, 0, "none", "first"), CommitOutcome::Kind::kCommitted);
  EXPECT_EQ(size("first"), kMany);
  EXPECT_EQ(write(1, 0, "first", "second"), CommitOutcome::Kind::kCommitted);
  EXPECT_EQ(size("first"), 0);
  EXPECT_EQ(size("second"), kMany);
  EXPECT_EQ(size("shared"), 1);
  EXPECT_EQ(size("of-19"), kMany);
  EXPECT_EQ(FeedLength(), 2u * kMany);
  for (int i = 0; i < kMany; i += 499) {
    uint64_t version = 0;
    std::string_view bytes;
    const std::string stored = Ask("GET", KeyOf(id(i))).text();
    ASSERT_TRUE(DecodeRecord(stored, version, bytes));
    EXPECT_EQ(version, 2u);
    EXPECT_EQ(bytes, absl::StrCat("second", i));
  }
  EXPECT_EQ(Ask("GET", store_.Keys("H30").Cursor("1099")).text(), "2");
}

TEST_F(CacheTest, TheEffectTimeOfACommitIsItsEarliestEvents) {
  const absl::Time now = clock_.Now();
  Transaction tx(store_.Keys("H30"));
  tx.MoveWatermark(now + absl::Seconds(10), /*bounded=*/false);
  ASSERT_TRUE(Wait(store_.Commit(tx, Soon())).ok());
  for (const auto& [first, second] : {std::pair(5, 20), std::pair(20, 5)}) {
    Session session(store_, "H30");
    session.Emit(NewEvent(Context(now + absl::Seconds(first), common::v1::Actor()), kId));
    session.Emit(NewEvent(Context(now + absl::Seconds(second), common::v1::Actor()), kId));
    EXPECT_EQ(Wait(session.Commit(Soon()))->kind, CommitOutcome::Kind::kStale)
        << first << " before " << second;
  }
  Session session(store_, "H30");
  session.Emit(NewEvent(Context(now + absl::Seconds(10), common::v1::Actor()), kId));
  EXPECT_EQ(Wait(session.Commit(Soon()))->kind, CommitOutcome::Kind::kCommitted);
}

TEST_F(CacheTest, AStormOnOneHotRecordLosesNothing) {
  std::vector<async::Task<absl::StatusOr<Response>>> adds;
  for (int i = 0; i < 12; ++i) {
    adds.push_back(Add(kId, "mine-" + std::to_string(i), 1));
    adds.push_back(AddElsewhere(kId, "theirs-" + std::to_string(i), 1));
  }
  uint32_t done = 0;
  for (const auto& result : Wait(async::WhenAll(std::move(adds)))) {
    // Lost sixteen races: allowed, but without effect.
    if (!result.ok()) {
      EXPECT_EQ(errors::Reason(result.status()), "CONFLICT");
    }
    done += result.ok() ? 1 : 0;
  }
  EXPECT_GE(done, 16u);
  EXPECT_EQ(Load(kId).route().work_done(), done);
  EXPECT_EQ(ReadCounters()["sum"], done);
  EXPECT_EQ(FeedLength(), done);
  EXPECT_TRUE(History(kId).verified());
  EXPECT_EQ(History(kId).entries_size(), static_cast<int>(done));
}

TEST_F(CacheTest, AScriptThatIsFlushedInMidLoadIsSentAgain) {
  std::vector<async::Task<absl::StatusOr<Response>>> adds;
  for (int i = 0; i < 300; ++i) {
    adds.push_back(
        Add("H30.18.05-260714-" + std::to_string(1000 + i % 100), "request-" + std::to_string(i), 1));
    if (i % 50 == 25) {
      adds.push_back([](redis::Client& client) -> async::Task<absl::StatusOr<Response>> {
        redis::Command flush("SCRIPT");
        flush.Arg("FLUSH");
        absl::StatusOr<redis::Reply> reply = co_await client.Execute(std::move(flush), Soon());
        if (!reply.ok()) co_return reply.status();
        co_return Response();
      }(other_.client));
    }
  }
  for (const auto& result : Wait(async::WhenAll(std::move(adds))))
    EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(ReadCounters()["sum"], 300);
  EXPECT_EQ(FeedLength(), 300u);
}

TEST_F(CacheTest, TheEstimateIsNearTheMemoryThatARecordTakes) {
  ASSERT_TRUE(Wait(Add(kId, "request-1", 1)).ok());
  Ledger::Record record = Load(kId);
  for (int i = 0; i < 4; ++i) {
    routing::v1::CustodySpan& span = *record.mutable_route()->add_custody();
    span.set_agency("H30.18.05.TC");
    routing::v1::Consultation& consultation = *record.mutable_route()->add_consultations();
    consultation.set_asked_agency("H30.18.05.TM");
    consultation.set_question("Is the plot of land in the plan for the road, and since when?");
  }
  record.mutable_route()->mutable_due()->set_date("2025-07-30");
  const size_t memory = record.SpaceUsedLong() + 2 * KeyOf(kId).size() + 300;
  RecordCache cache(1 << 20);
  auto loaded = std::make_shared<LoadedRecord>();
  loaded->version = 1;
  loaded->record_size = record.ByteSizeLong();
  cache.Put(KeyOf(kId), std::move(loaded));
  EXPECT_GT(cache.bytes(), memory * 2 / 3);
  EXPECT_LT(cache.bytes(), memory * 3 / 2);
}

TEST(RecordCache, IsBoundedAndForgetsWhatWasUsedLongestAgo) {
  RecordCache cache(10'000);
  auto record = [](uint64_t version, size_t size) {
    auto loaded = std::make_shared<LoadedRecord>();
    loaded->version = version;
    loaded->record_size = size;
    return loaded;
  };
  for (int i = 0; i < 100; ++i) {
    cache.Put("key-" + std::to_string(i), record(1, 100));
    EXPECT_LE(cache.bytes(), 10'000u);
    EXPECT_NE(cache.Get("key-0"), nullptr) << "used all the time";
  }
  EXPECT_EQ(cache.Get("key-1"), nullptr);
  EXPECT_NE(cache.Get("key-99"), nullptr);
  EXPECT_GT(cache.tally().evictions, 80u);
  // Later versions stay, whoever comes late.
  cache.Put("key-0", record(5, 100));
  cache.Put("key-0", record(4, 100));
  EXPECT_EQ(cache.Get("key-0")->version, 5u);
  cache.Drop("key-0", 4);
  EXPECT_NE(cache.Get("key-0"), nullptr);
  cache.Drop("key-0", 5);
  EXPECT_EQ(cache.Get("key-0"), nullptr);
  // What is larger than all the room is not kept, and its predecessor neither.
  cache.Put("key-99", record(2, 100'000));
  EXPECT_EQ(cache.Get("key-99"), nullptr);
  const uint64_t epoch = cache.epoch();
  cache.Clear();
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_NE(cache.epoch(), epoch);
  RecordCache none(0);
  none.Put("key", record(1, 0));
  EXPECT_EQ(none.Get("key"), nullptr);
}

}  // namespace
}  // namespace motcua::store
