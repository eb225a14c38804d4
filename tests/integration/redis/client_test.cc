// What the Redis client promises while the server is well.
#include "common/redis/client.h"

#include <netdb.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/async/notification.h"
#include "common/async/sync_wait.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::redis {
namespace {

using async::CancelSource;
using async::SyncWait;
using async::Task;
using async::WhenAll;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

class ClientTest : public testing::Test {
 protected:
  ClientTest() { Connect(Options()); }

  void Connect(Options options) {
    if (options.address == Options().address) options.address = server_.address();
    client_ = std::make_unique<Client>(loop_, options);
    const absl::Status connected = SyncWait(loop_, client_->WaitConnected(Soon()));
    ASSERT_TRUE(connected.ok()) << connected << client_->last_error();
  }

  absl::StatusOr<Reply> Run(Command command, absl::Time deadline = Soon()) {
    return SyncWait(loop_, client_->Execute(std::move(command), deadline));
  }

  test::RedisProcess server_;
  async::Loop loop_{"test-loop"};
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, AnswersOfEveryKind) {
  EXPECT_EQ(*Run(Command("SET").Arg("k").Arg(std::string_view("a\0b\r\n", 5))), Reply::Status("OK"));
  EXPECT_EQ(*Run(Command("GET").Arg("k")), Reply::String(std::string("a\0b\r\n", 5)));
  EXPECT_EQ(*Run(Command("GET").Arg("none")), Reply());
  EXPECT_EQ(*Run(Command("INCRBY").Arg("n").Arg(-7)), Reply::Integer(-7));
  EXPECT_EQ(*Run(Command("ZADD").Arg("z").Arg(1.5).Arg("m")), Reply::Integer(1));
  EXPECT_EQ(*Run(Command("ZSCORE").Arg("z").Arg("m")), Reply::String("1.5"));
  EXPECT_EQ(*Run(Command("MGET").Arg("none").Arg("n")), Reply::Array({Reply(), Reply::String("-7")}));
  EXPECT_EQ(*Run(Command("LRANGE").Arg("none").Arg(0).Arg(-1)), Reply::Array({}));
  EXPECT_EQ(*Run(Command("EVAL").Arg("return {1,{2,{'three'}},false}").Arg(0)),
            Reply::Array({Reply::Integer(1),
                          Reply::Array({Reply::Integer(2), Reply::Array({Reply::String("three")})}), Reply()}));
}

TEST_F(ClientTest, AnErrorReplyIsAStatusWhoseTextStaysOutOfTheMessage) {
  ASSERT_TRUE(Run(Command("SET").Arg("secret-key").Arg("v")).ok());
  const absl::StatusOr<Reply> reply = Run(Command("LPUSH").Arg("secret-key").Arg("x"));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(errors::Reason(reply.status()), "STORE_ERROR");
  EXPECT_EQ(ErrorText(reply.status()), "WRONGTYPE Operation against a key holding the wrong kind of value");
  EXPECT_EQ(std::string(reply.status().message()).find("WRONGTYPE"), std::string::npos);
}

TEST_F(ClientTest, OneRoundTripInSixteenIsObserved) {
  std::vector<absl::Duration> observed;
  loop_.RunAndWait(
      [&] { client_->OnRoundTrip([&observed](absl::Duration taken) { observed.push_back(taken); }); });
  const absl::Time before = absl::Now();
  for (int i = 0; i < 160; ++i) ASSERT_TRUE(Run(Command("INCR").Arg("n")).ok());
  const absl::Duration all = absl::Now() - before;
  loop_.RunAndWait([&] {
    EXPECT_EQ(observed.size(), 10u);
    for (const absl::Duration taken : observed) {
      EXPECT_GT(taken, absl::ZeroDuration());
      EXPECT_LT(taken, all);
    }
  });
}

TEST_F(ClientTest, HundredThousandPipelinedCommandsAnswerInOrder) {
  constexpr int kCommands = 100'000;
  Options options;
  options.max_in_flight = kCommands;
  Connect(options);
  std::vector<Task<absl::StatusOr<Reply>>> tasks;
  for (int i = 0; i < kCommands; ++i) tasks.push_back(client_->Execute(Command("INCR").Arg("n"), Soon()));
  const std::vector<absl::StatusOr<Reply>> replies = SyncWait(loop_, WhenAll(std::move(tasks)));
  ASSERT_EQ(replies.size(), static_cast<size_t>(kCommands));
  for (int i = 0; i < kCommands; ++i) {
    ASSERT_TRUE(replies[i].ok()) << replies[i].status();
    ASSERT_EQ(replies[i]->integer(), i + 1);
  }
  EXPECT_EQ(client_->stats().in_flight, 0u);
}

Task<int> CountUp(Client* client, std::string key, int times) {
  int wrong = 0;
  for (int i = 1; i <= times; ++i) {
    Command incr("INCR");
    incr.Arg(key);
    absl::StatusOr<Reply> reply = co_await client->Execute(std::move(incr), Soon());
    if (!reply.ok() || reply->integer() != i) ++wrong;
  }
  co_return wrong;
}

TEST_F(ClientTest, ManyCoroutinesShareOneConnection) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(CountUp(client_.get(), "n" + std::to_string(i), 20));
  for (const int wrong : SyncWait(loop_, WhenAll(std::move(tasks)))) EXPECT_EQ(wrong, 0);
  EXPECT_EQ(client_->stats().connects, 1u);
}

Task<std::vector<absl::StatusOr<Reply>>> SetThenGet(Client* client) {
  std::vector<Task<absl::StatusOr<Reply>>> tasks;
  Command block("BLPOP");
  block.Arg("nothing").Arg(0.05);
  tasks.push_back(client->Execute(std::move(block), Soon()));
  tasks.push_back(client->Execute(Command("SET").Arg("k").Arg("v"), Soon()));
  tasks.push_back(client->Execute(Command("GET").Arg("k"), Soon()));
  return WhenAll(std::move(tasks));
}

TEST_F(ClientTest, CommandsTakeEffectInTheOrderOfIssue) {
  const auto replies = SyncWait(loop_, SetThenGet(client_.get()));
  EXPECT_EQ(*replies[0], Reply());
  EXPECT_EQ(*replies[2], Reply::String("v"));
}

TEST_F(ClientTest, ADeadlineEndsTheWaitAndTheLateAnswerIsDropped) {
  const absl::Time start = absl::Now();
  const absl::StatusOr<Reply> reply =
      Run(Command("BLPOP").Arg("nothing").Arg(0.4), start + absl::Milliseconds(100));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(errors::Reason(reply.status()), "STORE_DEADLINE");
  EXPECT_LT(absl::Now() - start, absl::Milliseconds(350));
  EXPECT_EQ(client_->stats().in_flight, 1u);
  // The next answer is its own, not the late one.
  EXPECT_EQ(*Run(Command("ECHO").Arg("mine")), Reply::String("mine"));
  EXPECT_EQ(client_->stats().late_replies, 1u);
  EXPECT_EQ(client_->stats().connects, 1u);
}

TEST_F(ClientTest, ACommandPastItsDeadlineIsNotSent) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(Run(Command("SET").Arg("k").Arg("v"), absl::InfinitePast()).status()));
  EXPECT_EQ(client_->stats().commands, 0u);
  EXPECT_EQ(*Run(Command("EXISTS").Arg("k")), Reply::Integer(0));
}

TEST_F(ClientTest, CancellationEndsTheWait) {
  CancelSource cancel(loop_);
  loop_.Post([&] { loop_.StartTimer(absl::Milliseconds(50), [&] { cancel.Cancel(); }); });
  const absl::StatusOr<Reply> reply =
      SyncWait(loop_, client_->Execute(Command("BLPOP").Arg("nothing").Arg(0.3), Soon(), cancel.token()));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(errors::Reason(reply.status()), "CANCELLED");
  EXPECT_EQ(*Run(Command("ECHO").Arg("mine")), Reply::String("mine"));
}

TEST_F(ClientTest, PastTheBoundCommandsAreRefusedAtOnce) {
  Options options;
  options.max_in_flight = 10;
  Connect(options);
  std::vector<Task<absl::StatusOr<Reply>>> tasks;
  for (int i = 0; i < 25; ++i) tasks.push_back(client_->Execute(Command("INCR").Arg("n"), Soon()));
  const std::vector<absl::StatusOr<Reply>> replies = SyncWait(loop_, WhenAll(std::move(tasks)));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(replies[i].ok()) << replies[i].status();
  for (int i = 10; i < 25; ++i) {
    EXPECT_EQ(replies[i].status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(errors::Reason(replies[i].status()), "STORE_BUSY");
  }
  EXPECT_EQ(client_->stats().refused, 15u);
  EXPECT_EQ(*Run(Command("GET").Arg("n")), Reply::String("10"));
}

TEST_F(ClientTest, UnsentBytesAreBoundedToo) {
  Options options;
  options.max_buffered_bytes = 1 << 20;
  Connect(options);
  const std::string half_megabyte(1 << 19, 'x');
  std::vector<Task<absl::StatusOr<Reply>>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(client_->Execute(Command("SET").Arg("k").Arg(half_megabyte), Soon()));
  const std::vector<absl::StatusOr<Reply>> replies = SyncWait(loop_, WhenAll(std::move(tasks)));
  EXPECT_TRUE(replies[0].ok());
  EXPECT_TRUE(replies[1].ok());
  EXPECT_TRUE(absl::IsResourceExhausted(replies[4].status()));
}

TEST_F(ClientTest, LargeValuesGoBothWays) {
  std::string value(20 << 20, 'x');
  for (size_t i = 0; i < value.size(); i += 997) value[i] = static_cast<char>(i);
  ASSERT_TRUE(Run(Command("SET").Arg("large").Arg(value)).ok());
  absl::StatusOr<Reply> reply = Run(Command("GET").Arg("large"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(reply->text() == value);
}

TEST_F(ClientTest, AScriptLoadsItselfAgainAfterAFlush) {
  const Script script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}");
  for (int i = 1; i <= 4; ++i) {
    const absl::StatusOr<Reply> reply = SyncWait(loop_, client_->Eval(script, {"n"}, {"a"}, Soon()));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(*reply, Reply::Array({Reply::String("n"), Reply::String("a"), Reply::Integer(i)}));
    if (i == 2) {
      ASSERT_TRUE(Run(Command("SCRIPT").Arg("FLUSH")).ok());
    }
  }
  EXPECT_EQ(client_->stats().script_loads, 2u);
}

TEST_F(ClientTest, AScriptThatRaisesIsAnErrorOnce) {
  const Script script("redis.call('INCR', KEYS[1]); return redis.error_reply('MINE no')");
  const absl::StatusOr<Reply> reply = SyncWait(loop_, client_->Eval(script, {"n"}, {}, Soon()));
  EXPECT_EQ(ErrorText(reply.status()), "MINE no");
  EXPECT_EQ(*Run(Command("GET").Arg("n")), Reply::String("1"));
}

TEST_F(ClientTest, NamesAreResolvedAndEachAddressIsTried) {
  Options options;
  // The server listens on 127.0.0.1 only; localhost may also be ::1. A bare system may have no hosts file at all.
  addrinfo* addresses = nullptr;
  const bool known = getaddrinfo("localhost", nullptr, nullptr, &addresses) == 0;
  if (known) freeaddrinfo(addresses);
  options.address = (known ? "localhost:" : "127.0.0.1:") + std::to_string(server_.port());
  Connect(options);
  EXPECT_EQ(*Run(Command("PING")), Reply::Status("PONG"));
}

TEST_F(ClientTest, DestroyingAClientFailsWhatIsInFlight) {
  std::optional<absl::StatusOr<Reply>> stored;
  async::Notification done;
  loop_.RunAndWait([&] {
    loop_.Spawn(async::internal::StoreResult(client_->Execute(Command("BLPOP").Arg("none").Arg(0), Soon()), &stored),
                [&] { done.Notify(); });
  });
  client_.reset();
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(10)));
  EXPECT_TRUE(absl::IsUnavailable(stored->status()));
}

TEST(ClientPasswordTest, AuthenticatesAndSaysWhyItCannot) {
  test::RedisProcess server({"--requirepass", "right"});
  async::Loop loop("test-loop");
  Options options;
  options.address = server.address();
  options.password = "right";
  Client good(loop, options);
  EXPECT_TRUE(SyncWait(loop, good.WaitConnected(Soon())).ok());
  options.password = "wrong";
  Client bad(loop, options);
  EXPECT_TRUE(absl::IsUnavailable(SyncWait(loop, bad.WaitConnected(absl::Now() + absl::Milliseconds(300)))));
  EXPECT_EQ(ErrorText(bad.last_error()).substr(0, 9), "WRONGPASS");
  options.password = "";
  Client none(loop, options);
  EXPECT_TRUE(absl::IsUnavailable(SyncWait(loop, none.WaitConnected(absl::Now() + absl::Milliseconds(300)))));
  EXPECT_EQ(ErrorText(none.last_error()).substr(0, 6), "NOAUTH");
}

}  // namespace
}  // namespace motcua::redis
