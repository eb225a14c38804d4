// Pages of an index against a real redis-server: stable under writes, one trip, O(log n) commands.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::store {
namespace {

using async::SyncWait;
using testing::ElementsAre;

class IndexReaderTest : public testing::Test {
 protected:
  static redis::Options RedisOptions(const test::RedisProcess& redis) {
    redis::Options options;
    options.address = redis.address();
    return options;
  }

  void SetUp() override { ASSERT_TRUE(SyncWait(loop_, client_.WaitConnected(Soon())).ok()); }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  redis::Reply Do(redis::Command command) {
    absl::StatusOr<redis::Reply> reply = SyncWait(loop_, client_.Execute(std::move(command), Soon()));
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : redis::Reply();
  }
  void Put(const std::vector<std::pair<std::string, double>>& members) {
    for (size_t i = 0; i < members.size();) {
      redis::Command add("ZADD");
      add.Arg(key_);
      for (const size_t end = std::min(members.size(), i + 1000); i < end; ++i) {
        add.Arg(members[i].second).Arg(members[i].first);
      }
      Do(std::move(add));
    }
  }
  void Remove(const std::string& member) {
    redis::Command remove("ZREM");
    remove.Arg(key_).Arg(member);
    Do(std::move(remove));
  }
  absl::StatusOr<IndexPage> Read(Order order, uint32_t size, std::string token, std::string index = "box:a") {
    return SyncWait(loop_, store_.ReadIndex("H30", std::move(index), order, size, std::move(token), Soon()));
  }
  // All that Redis has done so far, inside of scripts too.
  uint64_t Commands() {
    redis::Command info("INFO");
    info.Arg("commandstats");
    const redis::Reply reply = Do(std::move(info));
    uint64_t sum = 0, calls = 0;
    for (absl::string_view line : absl::StrSplit(reply.text(), "\r\n")) {
      const size_t at = line.find("calls=");
      if (at == absl::string_view::npos || absl::StartsWith(line, "cmdstat_info") ||
          absl::StartsWith(line, "cmdstat_ping")) {
        continue;
      }
      line = line.substr(at + 6);
      if (absl::SimpleAtoi(line.substr(0, line.find(',')), &calls)) sum += calls;
    }
    return sum;
  }

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  redis::Client client_{loop_, RedisOptions(redis_)};
  time::SimulatedClock clock_{absl::FromUnixSeconds(1'752'480'000)};
  Store store_{client_, clock_, "ro", absl::Hours(1)};
  const std::string key_ = store_.Keys("H30").Index(1, "box:a");
};

TEST_F(IndexReaderTest,
       APageIsALogarithmOfCommandsWhereTheLastMemberHasGoneAmongAHundredThousandEqualScores) {
  std::vector<std::pair<std::string, double>> members;
  for (int i = 0; i < 100'000; ++i) members.emplace_back(absl::StrFormat("H30-260714-%06d", i), 1.75e15);
  Put(members);
  for (Order order : {Order::kAscending, Order::kDescending}) {
    // Somewhere in the midst: a page that ends with a member, which then goes.
    std::string token;
    for (int pages = 0; pages < 57; ++pages) token = Read(order, 1000, token)->next_page_token;
    const std::string gone = absl::StrFormat("H30-260714-%06d", order == Order::kAscending ? 56'999 : 43'000);
    const std::string next = absl::StrFormat("H30-260714-%06d", order == Order::kAscending ? 57'000 : 42'999);
    for (const bool there : {true, false}) {
      if (!there) Remove(gone);
      const uint64_t before = Commands();
      absl::StatusOr<IndexPage> page = Read(order, 50, token);
      const uint64_t used = Commands() - before;
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->members.size(), 50);
      EXPECT_EQ(page->members.front(), next);
      EXPECT_LE(used, there ? 6 : 24) << "17 steps halve 100,000";
    }
    Put({{gone, 1.75e15}});
  }
}

TEST_F(IndexReaderTest, PagingWhileMembersComeAndGoNeitherRepeatsNorHides) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 40; ++round) {
    Do(redis::Command("DEL").Arg(key_));
    const Order order = random() % 2 == 0 ? Order::kAscending : Order::kDescending;
    const uint64_t scores = 1 + random() % 5;
    int serial = 0;
    // Bytes that a locale would order otherwise; of different lengths.
    auto fresh = [&] {
      const char* const heads[] = {"a", "B", "_", "Ấ", "a-", "\x7f", "\xff", "Z", "z"};
      return absl::StrCat(heads[random() % std::size(heads)], random() % 50, "-", serial++);
    };
    std::map<std::string, double> live;
    auto add = [&] {
      const std::string member = fresh();
      const double score = 1.75e15 + static_cast<double>(random() % scores);
      live[member] = score;
      Put({{member, score}});
    };
    for (uint64_t n = random() % 120; n > 0; --n) add();
    std::set<std::string> throughout;
    for (const auto& [member, score] : live) throughout.insert(member);

    std::vector<std::string> seen;
    std::map<std::string, double> scored = live;
    std::string token;
    do {
      absl::StatusOr<IndexPage> page = Read(order, static_cast<uint32_t>(1 + random() % 9), token);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->total, live.size());
      seen.insert(seen.end(), page->members.begin(), page->members.end());
      token = page->next_page_token;
      for (uint64_t n = random() % 3; n > 0; --n) {
        add();
        scored.insert(live.begin(), live.end());
      }
      // Those that a page has ended with, above all.
      for (uint64_t n = random() % 3; n > 0 && !live.empty(); --n) {
        auto victim = live.begin();
        if (random() % 2 == 0 && !page->members.empty()) victim = live.find(page->members.back());
        if (victim == live.end()) continue;
        Remove(victim->first);
        throughout.erase(victim->first);
        live.erase(victim);
      }
    } while (!token.empty());

    const std::set<std::string> once(seen.begin(), seen.end());
    EXPECT_EQ(once.size(), seen.size()) << "a member was repeated";
    for (const std::string& member : throughout)
      EXPECT_TRUE(once.contains(member)) << member << " was hidden";
    auto before = [&](const std::string& a, const std::string& b) {
      const auto left = std::make_pair(scored[a], a), right = std::make_pair(scored[b], b);
      return order == Order::kAscending ? left < right : right < left;
    };
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end(), before));
    if (HasFailure()) return;
  }
}

TEST_F(IndexReaderTest, ATokenIsGoodForItsOwnListAndOrderAlone) {
  Put({{"a", 1}, {"b", 2}, {"c", 2}});
  const std::string token = Read(Order::kAscending, 1, "")->next_page_token;
  EXPECT_THAT(Read(Order::kAscending, 5, token)->members, ElementsAre("b", "c"));
  EXPECT_EQ(errors::Reason(Read(Order::kDescending, 5, token).status()), "BAD_PAGE_TOKEN");
  EXPECT_EQ(errors::Reason(Read(Order::kAscending, 5, token, "box:b").status()), "BAD_PAGE_TOKEN");

  std::string text;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(token, &text));
  const std::string mark = text.substr(0, text.find(':') - 1);
  for (const char* tail : {"nan:x", "inf:x", "-inf:x", ":x", "1", "", "1 2:x"}) {
    EXPECT_EQ(errors::Reason(Read(Order::kAscending, 5, absl::WebSafeBase64Escape(mark + tail)).status()),
              "BAD_PAGE_TOKEN")
        << tail;
  }
  for (const char* bad : {"%%", "x", "bmFuOng"}) {
    EXPECT_EQ(errors::Reason(Read(Order::kAscending, 5, bad).status()), "BAD_PAGE_TOKEN") << bad;
  }
  // Whatever else stands in it, it is a place in the list.
  EXPECT_THAT(Read(Order::kAscending, 5, absl::WebSafeBase64Escape(mark + "-1e300:"))->members,
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Read(Order::kAscending, 5, absl::WebSafeBase64Escape(mark + "3:x"))->members, ElementsAre());
}

TEST_F(IndexReaderTest, APageAndItsCountsAreOneTrip) {
  Put({{"a", 1}, {"b", 2}, {"c", 2}});
  ASSERT_TRUE(Read(Order::kAscending, 1, "").ok());  // the script is known
  redis_.Pause();
  const uint64_t before = client_.stats().commands;
  auto page = [](Store& store) -> async::Task<absl::Status> {
    absl::StatusOr<IndexPage> read =
        co_await store.ReadIndex("H30", "box:a", Order::kAscending, 2, "", Soon());
    co_return read.status();
  };
  auto sizes = [](Store& store, std::vector<std::string> keys) -> async::Task<absl::Status> {
    absl::StatusOr<std::vector<uint64_t>> read = co_await store.IndexSizes("H30", std::move(keys), Soon());
    co_return read.status();
  };
  std::vector<async::Task<absl::Status>> reads;
  reads.push_back(page(store_));
  reads.push_back(sizes(store_, {"box:a", "x", "y", "z"}));
  // All is asked before Redis has answered anything.
  std::vector<absl::Status> results;
  std::thread asking([&] { results = SyncWait(loop_, async::WhenAll(std::move(reads))); });
  const bool all = test::WaitUntil([&] { return client_.stats().commands - before >= 5; });
  redis_.Resume();
  asking.join();
  EXPECT_TRUE(all);
  EXPECT_EQ(client_.stats().commands - before, 5);
  for (const absl::Status& result : results) EXPECT_TRUE(result.ok()) << result;
}

// ---------------------------------------------------------------- several lists as one

class SeveralListsTest : public IndexReaderTest {
 protected:
  // In shards of their own, so that no list is where the first is.
  std::vector<ListName> Names() {
    std::vector<ListName> names;
    for (const char* shard : {"H13", "H30", "H51"}) names.emplace_back(shard, "h:agency");
    return names;
  }
  void Add(const ListName& list, const std::string& member, double score) {
    redis::Command add("ZADD");
    add.Arg(store_.Keys(list.shard).Index(1, list.index)).Arg(score).Arg(member);
    Do(std::move(add));
  }
  void Move(const ListName& from, const ListName& to, const std::string& member, double score) {
    redis::Command remove("ZREM");
    remove.Arg(store_.Keys(from.shard).Index(1, from.index)).Arg(member);
    Do(std::move(remove));
    Add(to, member, score);
  }
  absl::StatusOr<IndexPage> Page(std::vector<ListName> lists, uint32_t size, const std::string& token) {
    return SyncWait(loop_, store_.ReadIndexes(std::move(lists), size, token, Soon()));
  }
};

TEST_F(SeveralListsTest, AreReadInOneOrderWhateverMovesFromOneToAnotherBetweenPages) {
  std::mt19937 random(7);
  const std::vector<ListName> names = Names();
  for (int round = 0; round < 20; ++round) {
    Do(redis::Command("FLUSHALL"));
    std::vector<std::pair<double, std::string>> all;
    for (int i = 0; i < 60; ++i) {
      // Many of the same score.
      all.emplace_back(static_cast<double>(random() % 7), absl::StrCat("m", random() % 1000, "-", i));
      Add(names[random() % 3], all.back().second, all.back().first);
    }
    std::sort(all.begin(), all.end());
    std::vector<std::string> seen;
    std::string token;
    do {
      const auto page = Page(names, 1 + random() % 9, token);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->total, 60u);
      seen.insert(seen.end(), page->members.begin(), page->members.end());
      token = page->next_page_token;
      // Any of them, seen or not, moves to the first list.
      for (int i = 0; i < 5; ++i) {
        const auto& [score, member] = all[random() % all.size()];
        for (size_t from = 1; from < names.size(); ++from) {
          redis::Command held("ZSCORE");
          held.Arg(store_.Keys(names[from].shard).Index(1, names[from].index)).Arg(member);
          if (!Do(std::move(held)).is_nil()) Move(names[from], names[0], member, score);
        }
      }
    } while (!token.empty());
    std::vector<std::string> expected;
    for (const auto& [score, member] : all) expected.push_back(member);
    EXPECT_EQ(seen, expected);
  }
}

TEST_F(SeveralListsTest, AMemberOfTwoComesOnceAndTokensAreTheFirstLists) {
  const std::vector<ListName> names = Names();
  for (int i = 0; i < 6; ++i) {
    Add(names[1], absl::StrCat("m", i), i);
    Add(names[2], absl::StrCat("m", i), i);
  }
  const auto first = Page(names, 4, "");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(first->members, ElementsAre("m0", "m1", "m2", "m3"));
  EXPECT_EQ(first->total, 12u);
  const auto second = Page(names, 4, first->next_page_token);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(second->members, ElementsAre("m4", "m5"));
  EXPECT_EQ(second->next_page_token, "");
  // Good for the first alone, too, and for no other.
  EXPECT_TRUE(Page(std::vector<ListName>(1, names[0]), 4, first->next_page_token).ok());
  EXPECT_EQ(errors::Reason(Page(std::vector<ListName>(1, names[1]), 4, first->next_page_token).status()),
            "BAD_PAGE_TOKEN");
  std::vector<ListName> others(names.begin() + 1, names.end());
  EXPECT_EQ(errors::Reason(Page(others, 4, first->next_page_token).status()), "BAD_PAGE_TOKEN");
  EXPECT_TRUE(Page({}, 4, "").value().members.empty());
}

}  // namespace
}  // namespace motcua::store
