// The wire form of commands and scripts, and the reading of replies.
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/redis/command.h"
#include "common/redis/reply.h"
#include "common/redis/reply_parser.h"
#include "common/redis/script.h"
#include "common/status/errors.h"

namespace motcua::redis {
namespace {

std::string Wire(const Command& command) {
  std::string out;
  command.AppendTo(out);
  return out;
}

TEST(CommandTest, IsLengthPrefixedThroughout) {
  EXPECT_EQ(Wire(Command("PING")), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(Wire(Command("SET").Arg("k").Arg(std::string_view("a\r\n\0", 4))),
            std::string("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\n\0\r\n", 30));
  EXPECT_EQ(Wire(Command("SET").Arg("").Arg(std::string())), "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n");
}

TEST(CommandTest, NumbersReadBackAsTheyWere) {
  EXPECT_EQ(Wire(Command("X").Arg(std::numeric_limits<int64_t>::min())),
            "*2\r\n$1\r\nX\r\n$20\r\n-9223372036854775808\r\n");
  EXPECT_EQ(Wire(Command("X").Arg(0).Arg(7u).Arg(true)), "*4\r\n$1\r\nX\r\n$1\r\n0\r\n$1\r\n7\r\n$1\r\n1\r\n");
  EXPECT_EQ(Wire(Command("X").Arg(0.1).Arg(1753000000123.0)),
            "*3\r\n$1\r\nX\r\n$3\r\n0.1\r\n$13\r\n1753000000123\r\n");
  EXPECT_EQ(Wire(Command("X").Arg(-1.7976931348623157e308)), "*2\r\n$1\r\nX\r\n$24\r\n-1.7976931348623157e+308\r\n");
}

TEST(CommandTest, BuildsTheSameAsAVariableOrATemporary) {
  Command command("HSET");
  command.Reserve(100);
  command.Arg("h").Arg(1).Arg(2.5);
  EXPECT_EQ(command.args(), 4u);
  EXPECT_EQ(Wire(command), Wire(Command("HSET").Arg("h").Arg(1).Arg(2.5)));
}

TEST(ScriptTest, KnowsItsNameAndFormatsBothCalls) {
  const Script script("return 1");
  EXPECT_EQ(script.sha(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  ScriptCall call(script);
  call.Key("k1").Key("k2").Arg("a").Arg(5);
  std::string by_name;
  call.AppendEvalShaTo(by_name);
  EXPECT_EQ(by_name, "*7\r\n$7\r\nEVALSHA\r\n$40\r\n" + script.sha() +
                         "\r\n$1\r\n2\r\n$2\r\nk1\r\n$2\r\nk2\r\n$1\r\na\r\n$1\r\n5\r\n");
  std::string by_source;
  call.AppendEvalTo(by_source);
  EXPECT_EQ(by_source, "*7\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n2\r\n$2\r\nk1\r\n$2\r\nk2\r\n$1\r\na\r\n$1\r\n5\r\n");
}

std::vector<Reply> ParseAll(ReplyParser& parser) {
  std::vector<Reply> replies;
  while (true) {
    Reply reply;
    const absl::StatusOr<bool> whole = parser.Next(&reply);
    EXPECT_TRUE(whole.ok()) << whole.status();
    if (!whole.ok() || !*whole) return replies;
    replies.push_back(std::move(reply));
  }
}

TEST(ReplyParserTest, GivesTheSameForEveryWayOfCuttingTheBytes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string stream =
      "+OK\r\n$5\r\na\r\nb\r\r\n:-5\r\n*0\r\n*-1\r\n$-1\r\n$0\r\n\r\n-ERR no\r\n"
      "*3\r\n*2\r\n$1\r\nx\r\n:1\r\n*1\r\n*1\r\n$3\r\nabc\r\n-WRONG x\r\n";
  const std::vector<Reply> expected = {
      Reply::Status("OK"), Reply::String("a\r\nb\r"), Reply::Integer(-5), Reply::Array({}), Reply(), Reply(),
      Reply::String(""),   Reply::Error("ERR no"),
      Reply::Array({Reply::Array({Reply::String("x"), Reply::Integer(1)}),
                    Reply::Array({Reply::Array({Reply::String("abc")})}), Reply::Error("WRONG x")})};
  for (int round = 0; round < 300; ++round) {
    ReplyParser parser;
    std::vector<Reply> replies;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = std::min<size_t>(1 + random() % (round % 20 + 1), stream.size() - at);
      ASSERT_TRUE(parser.Feed(std::string_view(stream).substr(at, size)).ok());
      for (Reply& reply : ParseAll(parser)) replies.push_back(std::move(reply));
      at += size;
    }
    ASSERT_EQ(replies, expected);
  }
}

TEST(ReplyParserTest, RandomBytesAreAnErrorOrAReplyAndNeverMore) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "+-:$*0123456789\r\n\r\n\r\nab";
  for (int round = 0; round < 20'000; ++round) {
    ReplyParser parser;
    std::string bytes;
    for (size_t i = random() % 60; i > 0; --i) bytes.push_back(alphabet[random() % alphabet.size()]);
    if (!parser.Feed(bytes).ok()) continue;
    Reply reply;
    while (true) {
      const absl::StatusOr<bool> whole = parser.Next(&reply);
      if (!whole.ok()) {
        EXPECT_EQ(errors::Reason(whole.status()), "STORE_PROTOCOL");
        break;
      }
      if (!*whole) break;
    }
  }
}

TEST(ReplyTest, AccessorsSayWhatTheyFoundInsteadOfGuessing) {
  EXPECT_EQ(*Reply::Integer(5).AsInteger(), 5);
  EXPECT_EQ(*Reply::String("-12").AsInteger(), -12);
  const absl::Status wrong = Reply::String("12x").AsInteger().status();
  EXPECT_EQ(errors::Reason(wrong), "STORE_PROTOCOL");
  EXPECT_EQ(std::string(wrong.message()), "the store answered with string where an integer was expected");
  const Reply text = Reply::Status("OK");
  EXPECT_EQ(*text.AsString(), "OK");
  EXPECT_FALSE(Reply().AsString().ok());
  EXPECT_FALSE(Reply::Error("ERR").AsString().ok());
  EXPECT_FALSE(Reply::Integer(1).AsArray().ok());
  EXPECT_EQ(Reply::Array({Reply::Integer(1), Reply()}).TakeArray()->size(), 2u);
  EXPECT_EQ(*Reply::String("moved").TakeString(), "moved");
}

TEST(ReplyTest, DebugStringIsBounded) {
  EXPECT_EQ(Reply::Array({Reply::String("a\n"), Reply::Integer(1), Reply(), Reply::Error("E"), Reply::Status("OK")})
                .DebugString(),
            "[\"a\\n\", 1, nil, -E, +OK]");
  EXPECT_LT(Reply::String(std::string(100'000, 'x')).DebugString().size(), 300u);
  EXPECT_LT(Reply::Array(std::vector<Reply>(100'000)).DebugString().size(), 300u);
}

}  // namespace
}  // namespace motcua::redis
