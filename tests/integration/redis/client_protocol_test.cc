// What the Redis client makes of servers that answer badly, late or not at all.
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/async/sync_wait.h"
#include "common/redis/client.h"
#include "common/status/errors.h"
#include "tests/support/scripted_server.h"
#include "tests/support/wait.h"

namespace motcua::redis {
namespace {

using async::Loop;
using async::SyncWait;
using test::ScriptedServer;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

Options FastOptions(const ScriptedServer& server) {
  Options options;
  options.address = server.address();
  options.min_backoff = absl::Milliseconds(1);
  options.max_backoff = absl::Milliseconds(10);
  return options;
}

absl::StatusOr<Reply> Get(Loop& loop, Client& client, absl::Time deadline = Soon()) {
  const absl::Status connected = SyncWait(loop, client.WaitConnected(Soon()));
  if (!connected.ok()) return connected;
  return SyncWait(loop, client.Execute(Command("GET").Arg("k"), deadline));
}

TEST(ClientProtocolTest, AnAnswerCutInHalfIsAnUnknownOutcome) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (!peer.Greet() || !peer.Expect({"GET", "k"})) return;
    peer.Send("$5\r\nhel");
    peer.Close();
  });
  Loop loop("test-loop");
  Client client(loop, FastOptions(server));
  const absl::StatusOr<Reply> reply = Get(loop, client);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(errors::Reason(reply.status()), "OUTCOME_UNKNOWN");
  EXPECT_TRUE(WaitUntil([&] { return client.stats().connects >= 2; }));
}

TEST(ClientProtocolTest, GarbageDropsTheConnection) {
  for (const std::string garbage :
       {"hello\r\n", "*2000000000\r\n", "$-5\r\n", ":12x\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    SCOPED_TRACE(garbage);
    ScriptedServer server([&garbage](ScriptedServer::Conversation& peer) {
      if (!peer.Greet() || !peer.Expect({"GET", "k"})) return;
      peer.Send(peer.number() == 1 ? garbage : "+fine\r\n");
      peer.AwaitClose();
    });
    Loop loop("test-loop");
    Client client(loop, FastOptions(server));
    EXPECT_EQ(errors::Reason(Get(loop, client).status()), "OUTCOME_UNKNOWN");
    EXPECT_EQ(errors::Reason(client.last_error()), "STORE_PROTOCOL");
    const absl::StatusOr<Reply> again = Get(loop, client);
    EXPECT_TRUE(again.ok()) << again.status();
  }
}

TEST(ClientProtocolTest, AnAnswerNobodyAskedForDropsTheConnection) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (!peer.Greet()) return;
    if (peer.number() == 1) peer.Send("+surprise\r\n");
    peer.AwaitClose();
  });
  Loop loop("test-loop");
  Client client(loop, FastOptions(server));
  EXPECT_TRUE(WaitUntil([&] { return client.stats().connects == 2; }));
  EXPECT_EQ(errors::Reason(client.last_error()), "STORE_PROTOCOL");
}

TEST(ClientProtocolTest, AnswersInAnyPiecesAreWhole) {
  const std::string answer = "*4\r\n$5\r\nhello\r\n:-12\r\n$-1\r\n*2\r\n+fine\r\n-ERR inner\r\n";
  ScriptedServer server([&answer](ScriptedServer::Conversation& peer) {
    if (!peer.Greet()) return;
    while (peer.Next().has_value()) {
      for (const char byte : answer) {
        peer.Send(std::string_view(&byte, 1));
        std::this_thread::yield();
      }
    }
  });
  Loop loop("test-loop");
  Client client(loop, FastOptions(server));
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<Reply> reply = Get(loop, client);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(*reply, Reply::Array({Reply::String("hello"), Reply::Integer(-12), Reply(),
                                    Reply::Array({Reply::Status("fine"), Reply::Error("ERR inner")})}));
  }
}

TEST(ClientProtocolTest, AServerThatIsLoadingIsNotReady) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (!peer.Expect({"PING"})) return;
    peer.Send(peer.number() < 3 ? "-LOADING Redis is loading the dataset in memory\r\n" : "+PONG\r\n");
    peer.AnswerRole();
    peer.AwaitClose();
  });
  Loop loop("test-loop");
  Client client(loop, FastOptions(server));
  EXPECT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
  EXPECT_EQ(server.connections(), 3);
  EXPECT_EQ(client.stats().connects, 1u);
}

TEST(ClientProtocolTest, RepliesThatMeanNotNowAreUnavailable) {
  for (const std::string kind :
       {"LOADING", "MISCONF", "NOREPLICAS", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MOVED", "ASK"}) {
    SCOPED_TRACE(kind);
    ScriptedServer server([&kind](ScriptedServer::Conversation& peer) {
      if (!peer.Greet() || !peer.Expect({"GET", "k"})) return;
      peer.Send("-" + kind + " not now\r\n");
      peer.AwaitClose();
    });
    Loop loop("test-loop");
    Client client(loop, FastOptions(server));
    const absl::StatusOr<Reply> reply = Get(loop, client);
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(errors::Reason(reply.status()), "STORE_UNAVAILABLE");
    EXPECT_EQ(ErrorText(reply.status()), kind + " not now");
    EXPECT_TRUE(client.connected());
  }
}

TEST(ClientProtocolTest, AReplicaIsLeftForTheServerThatTakesWrites) {
  for (const std::string kind : {"READONLY", "MASTERDOWN", "UNBLOCKED"}) {
    SCOPED_TRACE(kind);
    ScriptedServer server([&kind](ScriptedServer::Conversation& peer) {
      if (!peer.Greet() || !peer.Expect({"GET", "k"})) return;
      peer.Send(peer.number() == 1 ? "-" + kind + " You can't write against a read only replica.\r\n" : "+OK\r\n");
      peer.AwaitClose();
    });
    Loop loop("test-loop");
    Client client(loop, FastOptions(server));
    EXPECT_EQ(errors::Reason(Get(loop, client).status()), "STORE_UNAVAILABLE");
    EXPECT_TRUE(WaitUntil([&] { return server.connections() == 2; }));
    EXPECT_TRUE(Get(loop, client).ok());
  }
}

TEST(ClientProtocolTest, OutOfMemoryIsResourceExhausted) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (!peer.Greet() || !peer.Expect({"GET", "k"})) return;
    peer.Send("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    peer.AwaitClose();
  });
  Loop loop("test-loop");
  Client client(loop, FastOptions(server));
  EXPECT_EQ(errors::Reason(Get(loop, client).status()), "STORE_FULL");
}

TEST(ClientProtocolTest, AnEvalThatStaysUnknownDoesNotLoopForEver) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (!peer.Greet()) return;
    while (peer.Next().has_value()) peer.Send("-NOSCRIPT No matching script.\r\n");
  });
  Loop loop("test-loop");
  Client client(loop, FastOptions(server));
  ASSERT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
  const Script script("return 1");
  const absl::StatusOr<Reply> reply = SyncWait(loop, client.Eval(script, {}, {}, Soon()));
  EXPECT_EQ(errors::Reason(reply.status()), "STORE_ERROR");
}

TEST(ClientProtocolTest, AServerThatAcceptsAndSaysNothingIsGivenUp) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (peer.number() == 1) {
      peer.AwaitClose();
    } else {
      if (peer.Greet()) peer.AwaitClose();
    }
  });
  Loop loop("test-loop");
  Options options = FastOptions(server);
  options.connect_timeout = absl::Milliseconds(100);
  Client client(loop, options);
  EXPECT_TRUE(SyncWait(loop, client.WaitConnected(Soon())).ok());
  EXPECT_EQ(server.connections(), 2);
}

TEST(ClientProtocolTest, AConnectionWithoutHeartbeatIsGivenUp) {
  ScriptedServer server([](ScriptedServer::Conversation& peer) {
    if (!peer.Greet()) return;
    if (peer.number() == 1) {
      peer.AwaitClose();
    } else {
      while (peer.AnswerRole()) {
      }
    }
  });
  Loop loop("test-loop");
  Options options = FastOptions(server);
  options.ping_interval = absl::Milliseconds(30);
  Client client(loop, options);
  EXPECT_TRUE(WaitUntil([&] { return client.stats().connects == 2; }));
  // And one whose heartbeat is answered is kept.
  EXPECT_FALSE(WaitUntil([&] { return client.stats().disconnects > 1; }, absl::Milliseconds(300)));
}

TEST(ClientProtocolTest, AnAddressThatIsNoneIsUnavailableAtOnce) {
  for (const std::string& address : std::vector<std::string>{"", "nonsense", "unix:", ":1", "host:", "unix:" + std::string(200, 'x')}) {
    Loop loop("test-loop");
    Options options;
    options.address = address;
    Client client(loop, options);
    const auto reply = SyncWait(loop, client.Execute(Command("PING"), Soon()));
    EXPECT_TRUE(absl::IsUnavailable(reply.status())) << address;
  }
}

TEST(ClientProtocolTest, NamesThatDoNotResolveAreRetried) {
  Loop loop("test-loop");
  Options options;
  options.address = "no-such-host.invalid:6379";
  options.connect_timeout = absl::Seconds(30);
  Client client(loop, options);
  EXPECT_TRUE(WaitUntil([&] { return !client.last_error().ok(); }));
  EXPECT_TRUE(absl::IsUnavailable(client.last_error()));
}

}  // namespace
}  // namespace motcua::redis
