// What the slots of a cluster, its redirections and its servers' roles are read from.
#include "common/redis/slots.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/redis/command.h"
#include "common/redis/role.h"
#include "common/redis/script.h"
#include "common/redis/sentinel.h"

namespace motcua::redis {
namespace {

using internal::SlotOf;
using internal::SlotTable;

Reply Node(const std::string& host, int port) {
  return Reply::Array(
      {host.empty() ? Reply() : Reply::String(host), Reply::Integer(port), Reply::String("id")});
}

Reply Range(int first, int last, Reply node) {
  return Reply::Array({Reply::Integer(first), Reply::Integer(last), std::move(node), Node("replica", 1)});
}

TEST(SlotsTest, AKeysSlotIsRedisOwn) {
  // From the specification of Redis Cluster, and from CLUSTER KEYSLOT.
  EXPECT_EQ(SlotOf("123456789"), 0x31C3);
  EXPECT_EQ(SlotOf("foo"), 12182);
  EXPECT_EQ(SlotOf(""), 0);
  EXPECT_EQ(SlotOf("motcua:in:{foo}:d:1"), 12182);
  EXPECT_EQ(SlotOf("{foo}{bar}"), 12182);
  EXPECT_EQ(SlotOf("{foo"), SlotOf(std::string("{foo")));
  EXPECT_NE(SlotOf("{}foo"), SlotOf("foo"));  // an empty tag is none
  EXPECT_EQ(SlotOf("{{foo}}"), SlotOf("{foo"));
}

TEST(SlotsTest, TheTableNamesTheOwners) {
  const absl::StatusOr<SlotTable> table =
      SlotTable::Parse(Reply::Array({Range(0, 99, Node("a", 1)), Range(100, 199, Node("", 2)),
                                     Range(300, 16383, Node("a", 1))}),
                       "b");
  ASSERT_TRUE(table.ok());
  ASSERT_EQ(table->nodes().size(), 2u);
  EXPECT_EQ(table->nodes()[0].ToString(), "a:1");
  EXPECT_EQ(table->nodes()[1].ToString(), "b:2");
  EXPECT_EQ(table->OwnerOf(0), 0);
  EXPECT_EQ(table->OwnerOf(99), 0);
  EXPECT_EQ(table->OwnerOf(100), 1);
  EXPECT_EQ(table->OwnerOf(200), SlotTable::kNobody);
  EXPECT_EQ(table->OwnerOf(16383), 0);
}

TEST(SlotsTest, AMalformedTableIsRefused) {
  for (const Reply& bad :
       {Reply(), Reply::Array({Reply::Integer(1)}), Reply::Array({Range(0, 16384, Node("a", 1))}),
        Reply::Array({Range(5, 4, Node("a", 1))}), Reply::Array({Range(-1, 4, Node("a", 1))}),
        Reply::Array({Range(0, 4, Reply::Array({Reply::String("a")}))})}) {
    EXPECT_FALSE(SlotTable::Parse(bad, "b").ok()) << bad.DebugString();
  }
}

TEST(SlotsTest, RedirectionsAreRead) {
  const auto moved = internal::ParseRedirection("MOVED 3999 127.0.0.1:6381", "b");
  ASSERT_TRUE(moved.has_value());
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->node.ToString(), "127.0.0.1:6381");
  const auto ask = internal::ParseRedirection("ASK 1 :6381", "b");
  ASSERT_TRUE(ask.has_value());
  EXPECT_TRUE(ask->ask);
  EXPECT_EQ(ask->node.ToString(), "b:6381");
  EXPECT_EQ(internal::ParseRedirection("MOVED 1 ::1:6381", "b")->node.ToString(), "[::1]:6381");
  for (const char* none :
       {"", "MOVED", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1", "ERR MOVED 1 a:1", "ASK 1 a"}) {
    EXPECT_FALSE(internal::ParseRedirection(none, "b").has_value()) << none;
  }
}

TEST(SlotsTest, ACommandsKeyIsFound) {
  EXPECT_EQ(Command("GET").Arg("k").key(), "k");
  EXPECT_EQ(Command("MGET").Arg("a").Arg("b").key(), "a");
  EXPECT_EQ(Command("XREAD").Arg("COUNT").Arg(1).Arg("BLOCK").Arg(5).Arg("STREAMS").Arg("f").Arg("0-1").key(),
            "f");
  EXPECT_EQ(Command("EVAL").Arg("return 1").Arg(1).Arg("k").key(), "k");
  EXPECT_EQ(Command("SET").Arg("").Arg("v").key(), "");
  EXPECT_EQ(Command("PING").key(), std::nullopt);
  EXPECT_EQ(Command("CLUSTER").Arg("SLOTS").key(), std::nullopt);
  const Script script("return 1");
  EXPECT_EQ(ScriptCall(script).key(), std::nullopt);
  ScriptCall call(script);
  call.Key("first").Key("second").Arg("x");
  EXPECT_EQ(call.key(), "first");
}

TEST(RoleTest, OnlyAPrimaryTakesWrites) {
  EXPECT_TRUE(internal::CheckPrimary(Reply::Array({Reply::String("master"), Reply::Integer(1)})).ok());
  for (const char* other : {"slave", "sentinel", ""}) {
    EXPECT_TRUE(absl::IsUnavailable(internal::CheckPrimary(Reply::Array({Reply::String(other)})))) << other;
  }
  EXPECT_FALSE(internal::CheckPrimary(Reply::Status("OK")).ok());
  EXPECT_FALSE(internal::CheckPrimary(Reply::Array({})).ok());
}

TEST(RoleTest, AHistoryIsThatOfAProcessAndItsPromotion) {
  const auto history = [](const char* run, const char* replid, const char* before, const char* offset) {
    return internal::HistoryOf(
        absl::StrCat("# Server\r\nrun_id:", run, "\r\n\r\n# Replication\r\nmaster_replid:", replid,
                     "\r\nmaster_replid2:", before, "\r\nsecond_repl_offset:", offset, "\r\n"));
  };
  const std::string first = history("abc", "111", "000", "-1");
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, history("abc", "222", "000", "-1"));  // its first replica has come
  EXPECT_NE(first, history("abd", "111", "000", "-1"));  // it was started again
  EXPECT_NE(first, history("abc", "333", "222", "70"));  // it was promoted
  EXPECT_NE(history("abc", "333", "222", "70"), history("abc", "444", "222", "90"));
  EXPECT_EQ(internal::HistoryOf("role:master\r\n"), "");
}

TEST(SentinelTest, ThePrimaryIsReadWithItsEpoch) {
  const Reply address = Reply::Array({Reply::String("10.0.0.1"), Reply::String("6379")});
  const Reply details = Reply::Array(
      {Reply::String("name"), Reply::String("motcua"), Reply::String("config-epoch"), Reply::String("7")});
  const auto named = internal::ParseNamedPrimary(address, details);
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->address.ToString(), "10.0.0.1:6379");
  EXPECT_EQ(named->epoch, 7);
  EXPECT_FALSE(internal::ParseNamedPrimary(Reply(), details).has_value());
}

}  // namespace
}  // namespace motcua::redis
