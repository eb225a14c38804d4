// A populated store goes from one definition of its indexes and counters to the next while it is used: no
// entry is stale or missing, whoever is killed half-way; what is read is right throughout; the program of
// before writes no more.
#include <random>

#include "motcua/internal/routing/records.pb.h"
#include "tests/integration/store/definition_fixture.h"
#include "tests/support/reconnected.h"

namespace motcua::store {
namespace {

TEST_F(DefinitionTest, APopulatedStoreIsUpgradedWithoutAStaleOrMissingEntry) {
  Populate(230);
  EXPECT_EQ(Held("1"), Expected<Before>("1"));
  BuildOut(second_.store);
  CheckDone();
  CheckBox(second_.store, "box1");
}

TEST_F(DefinitionTest, NothingIsStaleOrMissingWhereWritersGoOnAndBuildersAreKilledAnywhere) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Ask(redis::Command("FLUSHALL"));
    first_.store.cache().Clear();
    second_.store.cache().Clear();
    first_.store.definitions().Clear();
    second_.store.definitions().Clear();
    Populate(150);
    if (HasFatalFailure()) return;
    std::mt19937 random(seed);
    std::vector<std::unique_ptr<IndexBuilder>> builders;
    builders.push_back(Builder(second_.store, "a"));
    uint32_t next = 150;
    for (int step = 0; PhaseText() != "2" && step < 4000; ++step) {
      const uint32_t what = random() % 100;
      if (what < 45) {
        // Killed in the midst: what it asked Redis for may have been done, and it knows nothing of it.
        if (random() % 4 == 0) {
          const absl::Status cut =
              Wait(builders[0]->Step("H30", absl::Now() + absl::Microseconds(random() % 1500))).status();
          (void)cut;
          builders[0] = Builder(second_.store, std::string(1, static_cast<char>('b' + random() % 20)));
        } else {
          Step(*builders[0]);
        }
      } else if (what < 75) {
        const std::string id = IdOf(random() % next);
        ASSERT_TRUE(Put<After>(second_.store, id, random() % 9, "box" + std::to_string(random() % 5)).ok());
      } else if (what < 80) {
        ASSERT_TRUE(Put<After>(second_.store, IdOf(next++), random() % 90, "box0").ok());
      } else if (what < 85) {
        const absl::Status old = Put<Before>(store_, IdOf(random() % next), 1, "box3");
        EXPECT_EQ(errors::Reason(old), "SHARD_UPGRADED") << PhaseText();
      } else if (what < 95) {
        CheckBox(second_.store, "box" + std::to_string(random() % 5));
        if (PhaseText() == "1>2") {
          EXPECT_EQ(Held("1"), Expected<Before>("1"));
        }
      } else if (PhaseText() == "1>2") {
        CheckBox(store_, "box" + std::to_string(random() % 5));
      }
      // The first thing that the new program does begins the upgrade.
      if (step == 0) {
        Step(*builders[0]);
        EXPECT_EQ(errors::Reason(Put<Before>(store_, IdOf(0), 1, "box3")), "SHARD_UPGRADED") << PhaseText();
      }
      if (HasFailure()) return;
    }
    CheckDone();
    if (HasFailure()) return;
  }
}

TEST_F(DefinitionTest, TheProgramOfBeforeIsRefusedOnceTheUpgradeHasBegun) {
  Populate(3);
  ASSERT_TRUE(Wait(second_.store.LearnPhase("H30", Soon())).ok());
  EXPECT_EQ(PhaseText(), "1>2");
  // It has not heard of it: the commit itself is refused, and after that nothing is sent.
  const absl::Status late = Put<Before>(store_, IdOf(1), 1, "box3");
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::Reason(late), "SHARD_UPGRADED");
  EXPECT_TRUE(errors::IsRetryable(late));
  EXPECT_EQ(Load(IdOf(1)).route().work_done(), 1u);
  const uint64_t commands = client_.stats().commands;
  EXPECT_EQ(errors::Reason(Put<Before>(store_, IdOf(1), 1, "box3")), "SHARD_UPGRADED");
  EXPECT_LE(client_.stats().commands, commands + 1) << "no more than its load";
  // What it reads stays right until the new is read ...
  CheckBox(store_, "box1");
  ASSERT_TRUE(Put<After>(second_.store, IdOf(1), 7, "box2").ok());
  CheckBox(store_, "box1");
  CheckBox(store_, "box2");
  // ... and is refused afterwards.
  BuildOut(second_.store);
  absl::SleepFor(kLease);
  const absl::Status read =
      Wait(store_.ReadIndex("H30", "box:box2", Order::kAscending, 10, "", Soon())).status();
  EXPECT_EQ(errors::Reason(read), "SHARD_UPGRADED");
  CheckDone();
}

TEST_F(DefinitionTest, AListThatTheDefinitionBeforeDidNotHaveIsRefusedUntilItIsBuilt) {
  Populate(120);
  const auto poor = [&] {
    return Wait(second_.store.ReadIndex("H30", "poor:box1", Order::kAscending, 100, "", Soon()));
  };
  const auto sums = [&] {
    return Wait(second_.store.ReadCounters("H30", "sums", {"of:box1", "of:nobody"}, Soon()));
  };
  EXPECT_EQ(errors::Reason(poor().status()), "LIST_BEING_BUILT");
  EXPECT_EQ(errors::Reason(sums().status()), "LIST_BEING_BUILT");
  CheckBox(second_.store, "box1");
  BuildOut(second_.store);
  ASSERT_TRUE(poor().ok());
  EXPECT_EQ(poor()->members.size(), 20u);
  ASSERT_TRUE(sums().ok());
  EXPECT_EQ(sums()->size(), 1u);
}

TEST_F(DefinitionTest, WhatIsLeftOfTheOldIsRemovedOnlyWhenNobodyCanReadItAnyMore) {
  Populate(20);
  const std::unique_ptr<IndexBuilder> builder = Builder(second_.store, "a");
  while (PhaseText() != "1=2") Step(*builder);
  const absl::Time built = absl::Now();
  // Both are kept right meanwhile.
  ASSERT_TRUE(Put<After>(second_.store, IdOf(2), 60, "box3").ok());
  EXPECT_EQ(Held("1"), Expected<Before>("1"));
  EXPECT_EQ(Held("2"), Expected<After>("2"));
  while (PhaseText() == "1=2") Step(*builder);
  EXPECT_GE(absl::Now() - built, kLease);
  BuildOut(second_.store);
  CheckDone();
}

TEST_F(DefinitionTest, AProgramThatSkipsADefinitionTouchesNothing) {
  Populate(3);
  const Entries before = Held("1");
  second_.store.SetDefinition(Definition(3, {&KindOf<After>()}), kLease);
  EXPECT_EQ(errors::Reason(Put<After>(second_.store, IdOf(1), 1, "box0")), "UPGRADE_SKIPS_DEFINITION");
  EXPECT_EQ(PhaseText(), "1");
  EXPECT_EQ(Held("1"), before);
}

TEST_F(DefinitionTest, ReplicasThatBuildTogetherDoNoHarm) {
  Populate(150);
  const std::unique_ptr<IndexBuilder> a = Builder(second_.store, "a");
  Process third(loop_, redis_, clock_);
  ASSERT_TRUE(Wait(third.client.WaitConnected(Soon())).ok());
  third.store.SetDefinition(Two(), kLease);
  const std::unique_ptr<IndexBuilder> b = Builder(third.store, "b");
  std::mt19937 random(7);
  while (PhaseText() != "2") {
    std::vector<async::Task<absl::StatusOr<bool>>> both;
    both.push_back(a->Step("H30", Soon()));
    both.push_back(b->Step("H30", Soon()));
    Wait(async::WhenAll(std::move(both)));
    ASSERT_TRUE(
        Put<After>(random() % 2 == 0 ? third.store : second_.store, IdOf(random() % 150), 1, "box1").ok());
  }
  CheckDone();
}

TEST_F(DefinitionTest, ACheckFindsWhatIsMissingStaleMiscountedOrLeft) {
  Populate(60);
  const auto check = [&](Store& store) { return *Wait(CheckEntries(store, "H30", Soon())); };
  EXPECT_EQ(check(store_).records, 60u);
  EXPECT_EQ(check(store_).entries, 70u);
  EXPECT_THAT(check(store_).violations, testing::IsEmpty());
  const Keyspace keys = store_.Keys("H30");
  Ask(redis::Command("ZREM").Arg(keys.Index(1, "box:box1")).Arg(IdOf(1)));
  EXPECT_THAT(check(store_).violations, testing::ElementsAre("index box:box1: " + IdOf(1) + " is missing",
                                                             "index box:box1: has 14 members instead of 15"));
  Ask(redis::Command("ZADD").Arg(keys.Index(1, "box:box1")).Arg(7).Arg(IdOf(1)));
  EXPECT_THAT(check(store_).violations,
              testing::ElementsAre("index box:box1: " + IdOf(1) + " stands at 7 instead of 1"));
  Ask(redis::Command("ZADD").Arg(keys.Index(1, "box:box1")).Arg(1).Arg(IdOf(1)));
  Ask(redis::Command("ZADD").Arg(keys.Index(1, "rich")).Arg(1).Arg(IdOf(1)));
  EXPECT_THAT(check(store_).violations, testing::ElementsAre("index rich: has 11 members instead of 10"));
  Ask(redis::Command("ZREM").Arg(keys.Index(1, "rich")).Arg(IdOf(1)));
  Ask(redis::Command("HINCRBY").Arg(keys.Counters(1, "boxes")).Arg("in:box2").Arg(3));
  EXPECT_THAT(check(store_).violations, testing::ElementsAre("counter in:box2: is 18 instead of 15"));
  Ask(redis::Command("HDEL").Arg(keys.Counters(1, "boxes")).Arg("in:box2"));
  EXPECT_THAT(check(store_).violations, testing::ElementsAre("counter in:box2: is missing, instead of 15"));
  Ask(redis::Command("HINCRBY").Arg(keys.Counters(1, "boxes")).Arg("in:box2").Arg(15));
  // While it is being built, what is read is checked.
  ASSERT_TRUE(Wait(second_.store.LearnPhase("H30", Soon())).ok());
  EXPECT_EQ(check(second_.store).entries, 70u);
  EXPECT_THAT(check(second_.store).violations, testing::IsEmpty());
  BuildOut(second_.store);
  EXPECT_EQ(check(second_.store).entries, 110u);
  EXPECT_THAT(check(second_.store).violations, testing::IsEmpty());
  EXPECT_FALSE(check(second_.store).leftovers);
  Ask(redis::Command("ZADD").Arg(keys.Retired()).Arg(0).Arg("x1:box:box1"));
  EXPECT_TRUE(check(second_.store).leftovers);
}

// ---------------------------------------------------------------- schemas
struct Renamed {
  using Record = motcua::internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "d";
  static constexpr uint32_t kSchema = 3;
  static void Upgrade(Record& record, uint32_t from) {
    if (from < 3) record.mutable_route()->set_work_refused(from);
  }
  static void IndexesOf(const Record& record, IndexSink& indexes) { Before::IndexesOf(record, indexes); }
  static void CountersOf(const Record& record, CounterSink& counters) {
    Before::CountersOf(record, counters);
  }
};

TEST_F(DefinitionTest, ARecordOfALowerSchemaIsReadAndIsWrittenInThePresentOne) {
  Populate(2);
  first_.store.cache().Clear();
  const auto stored = [&] { return *Wait(store_.Get({KeyOf(IdOf(1))}, Soon()))->front(); };
  motcua::internal::routing::RouteRecord record;
  uint64_t version = 0;
  ASSERT_TRUE(ReadStored<Renamed>(stored(), record, version).ok());
  EXPECT_EQ(record.route().work_refused(), 1u);
  ASSERT_TRUE(Put<Renamed>(store_, IdOf(1), 1, "box1").ok());
  EXPECT_EQ(Load(IdOf(1)).route().work_refused(), 1u);
  // Not upgraded a second time.
  StoredRecord parts;
  ASSERT_TRUE(DecodeStored(stored(), parts));
  EXPECT_EQ(parts.schema, 3u);
  EXPECT_EQ(Held("1"), Expected<Before>("1"));
}

TEST_F(DefinitionTest, ARecordOfAHigherSchemaIsNeverReadWrongly) {
  Populate(2);
  ASSERT_TRUE(Put<Renamed>(store_, IdOf(1), 1, "box1").ok());
  first_.store.cache().Clear();
  const absl::Status changed = Put<Before>(store_, IdOf(1), 1, "box1");
  EXPECT_EQ(changed.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::Reason(changed), "RECORD_NEWER");
  EXPECT_TRUE(Put<Before>(store_, IdOf(0), 1, "box1").ok()) << "others are as they were";
}

// ---------------------------------------------------------------- records that come and go
struct Scrap {
  using Record = motcua::internal::routing::RouteRecord;
  static constexpr std::string_view kKind = "scrap";
  static constexpr bool kRemovable = true;
};

TEST_F(DefinitionTest, OfARecordThatIsRemovedNothingIsLeftBeforeWhileOrAfterListsAreRebuilt) {
  Populate(30);
  const auto commit = [&](Store& store, const std::function<void(Session&)>& change) {
    Session session(store, "H30");
    std::vector<std::string> wanted;
    wanted.push_back(session.KeyOf<Scrap>("ab12"));
    ASSERT_TRUE(Wait(session.Fetch(std::move(wanted), Soon())).ok());
    change(session);
    const absl::StatusOr<CommitOutcome> outcome = Wait(session.Commit(Soon()));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->kind, CommitOutcome::Kind::kCommitted);
  };
  Scrap::Record record;
  record.mutable_route()->set_holder("box1");
  // Among the session's records, and past them.
  const auto put = [&](Session& session) {
    session.Apply<Scrap>("ab12", Decision<Scrap::Record>(record));
    session.Put<Scrap>("cd34", record);
  };
  const auto remove = [](Session& session) {
    session.Remove<Scrap>("ab12");
    session.Remove<Scrap>("cd34");
  };
  const auto scraps = [&] {
    std::vector<std::string> keys = AllKeys();
    std::erase_if(keys, [](const std::string& key) { return key.find("scrap") == std::string::npos; });
    return keys;
  };
  const auto check = [&](Store& store) {
    const EntryCheck checked = *Wait(CheckEntries(store, "H30", Soon()));
    EXPECT_EQ(checked.records, 30u);
    EXPECT_THAT(checked.violations, testing::IsEmpty());
  };
  const std::vector<std::string> before = AllKeys();
  commit(store_, put);
  EXPECT_THAT(scraps(), testing::UnorderedElementsAre("scrap:ab12", "scrap:cd34"));
  check(store_);
  commit(store_, remove);
  EXPECT_THAT(AllKeys(), testing::UnorderedElementsAreArray(before));

  const std::unique_ptr<IndexBuilder> builder = Builder(second_.store, "a");
  Step(*builder);
  ASSERT_EQ(PhaseText(), "1>2");
  commit(second_.store, put);
  Step(*builder);
  check(second_.store);
  commit(second_.store, remove);
  EXPECT_THAT(scraps(), testing::IsEmpty());
  commit(second_.store, put);
  BuildOut(second_.store);
  CheckDone();
  check(second_.store);
  Session session(second_.store, "H30");
  std::vector<std::string> wanted;
  wanted.push_back(session.KeyOf<Scrap>("cd34"));
  ASSERT_TRUE(Wait(session.Fetch(std::move(wanted), Soon())).ok());
  ASSERT_NE(session.Find<Scrap>("cd34"), nullptr);
  EXPECT_EQ(session.Find<Scrap>("cd34")->route().holder(), "box1");
  commit(second_.store, remove);
  EXPECT_THAT(scraps(), testing::IsEmpty());
}

// ---------------------------------------------------------------- what it costs
TEST_F(DefinitionTest, AWarmChangeIsOneCommandAndAListReadTakesNoMoreThanItsOwn) {
  Populate(2);
  CheckBox(store_, "box1");
  const uint64_t before = client_.stats().commands;
  ASSERT_TRUE(Put<Before>(store_, IdOf(1), 1, "box1").ok());
  EXPECT_EQ(client_.stats().commands, before + 1);
  ASSERT_TRUE(Wait(store_.ReadIndex("H30", "box:box1", Order::kAscending, 10, "", Soon())).ok());
  EXPECT_EQ(client_.stats().commands, before + 2);
}

TEST_F(DefinitionTest, EveryRecordIsInItsRegistryWhoeverEnteredItsHundred) {
  const auto members = [&] {
    const auto read = Wait(store_.ReadRegistry("H30", "d", "", 1000, Soon()));
    return read.ok() ? *read : std::vector<std::string>();
  };
  Populate(101);
  EXPECT_THAT(members(), testing::ElementsAre("H30.18.05-260714-00#", "H30.18.05-260714-01#"));
  // Redis may come back without what it was told: nothing is taken for known any more.
  redis::Command remove("DEL");
  remove.Arg(store_.Keys("H30").Registry("d"));
  Ask(std::move(remove));
  ASSERT_TRUE(Put<Before>(store_, IdOf(150), 1, "box1").ok());
  EXPECT_TRUE(members().empty()) << "known to be there";
  ASSERT_TRUE(test::Reconnected(client_, [&] { redis_.Restart(); }));
  ASSERT_TRUE(Put<Before>(store_, IdOf(151), 1, "box1").ok());
  EXPECT_THAT(members(), testing::ElementsAre("H30.18.05-260714-01#"));
}

TEST(PhaseTest, IsReadAsItIsWritten) {
  for (const char* text : {"1", "7", "1>2", "1=2", "41-42"}) {
    ASSERT_TRUE(Phase::Parse(text).has_value()) << text;
    EXPECT_EQ(Phase::Parse(text)->ToString(), text);
  }
  for (const char* text : {"", "0", "x", "2>", "2>2", "3>2", "1>2x", "1<2", "70000"}) {
    EXPECT_FALSE(Phase::Parse(text).has_value()) << text;
  }
}

TEST(RegistryTest, AMemberStandsForEachOfItsIds) {
  for (const char* id :
       {"H30.18.05-260714-0001", "H30", "H30.18.05-intake", "7", "07", "x#", "x=", "agency:H30.18"}) {
    std::string group;
    Registry::AppendGroup(group, id);
    std::vector<std::string> ids;
    Registry::AppendIds(group, ids);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), id), 1) << id << " in " << group;
  }
}

}  // namespace
}  // namespace motcua::store
