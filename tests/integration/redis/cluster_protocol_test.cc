// What the Redis client makes of the answers of a cluster's nodes, of which each says what a test tells it
// to.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/async/sync_wait.h"
#include "common/redis/client.h"
#include "common/redis/slots.h"
#include "common/status/errors.h"
#include "tests/support/scripted_server.h"
#include "tests/support/wait.h"

namespace motcua::redis {
namespace {

using async::SyncWait;
using test::ScriptedServer;
using test::WaitUntil;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

std::string Bulk(const std::string& text) { return absl::StrCat("$", text.size(), "\r\n", text, "\r\n"); }

// Two nodes: the first has all slots but 0, the second has slot 0. What they answer to other commands is a
// test's.
class ClusterProtocolTest : public testing::Test {
 protected:
  using Answer = std::function<std::string(const std::vector<std::string>& command, bool asking)>;

  ClusterProtocolTest()
      : first_([this](ScriptedServer::Conversation& peer) { Converse(peer, 0); }),
        second_([this](ScriptedServer::Conversation& peer) { Converse(peer, 1); }) {}

  void Converse(ScriptedServer::Conversation& peer, size_t node) {
    bool asking = false;
    while (auto command = peer.Next()) {
      const std::string& name = command->front();
      if (name == "PING") {
        peer.Send("+PONG\r\n");
      } else if (name == "ROLE") {
        peer.Send("*1\r\n$6\r\nmaster\r\n");
      } else if (name == "ASKING") {
        peer.Send("+OK\r\n");
      } else if (name == "CLUSTER") {
        peer.Send(command->at(1) == "INFO" ? Bulk("cluster_state:ok\r\n") : Table());
      } else {
        peer.Send(Say(node, *command, asking));
      }
      asking = name == "ASKING";
    }
  }
  std::string Say(size_t node, const std::vector<std::string>& command, bool asking) {
    std::lock_guard<std::mutex> lock(mutex_);
    said_.push_back(absl::StrCat(node == 0 ? "first " : "second ", asking ? "asking " : "", command.front()));
    return answers_[node](command, asking);
  }
  std::string Table() {
    const auto range = [](int from, int to, const ScriptedServer& node) {
      const std::string address = node.address();
      const size_t colon = address.rfind(':');
      return absl::StrCat("*3\r\n:", from, "\r\n:", to, "\r\n*3\r\n", Bulk(address.substr(0, colon)), ":",
                          address.substr(colon + 1), "\r\n", Bulk("id"));
    };
    return absl::StrCat("*2\r\n", range(0, 0, second_), range(1, 16383, first_));
  }

  // Sends `GET k` and tells the answer, or why there is none.
  std::string Get() {
    absl::StatusOr<Reply> reply = SyncWait(loop_, client_->Execute(Command("GET").Arg("k"), Soon()));
    return reply.ok() ? reply->text() : errors::Reason(reply.status());
  }
  void Connect(Answer first, Answer second) {
    answers_[0] = std::move(first);
    answers_[1] = std::move(second);
    Options options;
    options.address = "cluster://" + first_.address();
    client_ = std::make_unique<Client>(loop_, options);
    ASSERT_TRUE(SyncWait(loop_, client_->WaitConnected(Soon())).ok());
  }
  std::vector<std::string> said() {
    std::lock_guard<std::mutex> lock(mutex_);
    return said_;
  }
  std::string Redirect(const char* kind, const std::string& to) {
    return absl::StrCat("-", kind, " ", internal::SlotOf("k"), " ", to, "\r\n");
  }

  std::mutex mutex_;
  Answer answers_[2];
  std::vector<std::string> said_;
  ScriptedServer first_;
  ScriptedServer second_;
  async::Loop loop_{"test-loop"};
  std::unique_ptr<Client> client_;
};

const auto kFine = [](const std::vector<std::string>&, bool) { return "$4\r\nfine\r\n"; };

TEST_F(ClusterProtocolTest, MovedIsFollowed) {
  Connect([this](auto&, bool) { return Redirect("MOVED", second_.address()); }, kFine);
  EXPECT_EQ(Get(), "fine");
  EXPECT_EQ(said(), (std::vector<std::string>{"first GET", "second GET"}));
}

TEST_F(ClusterProtocolTest, AskIsFollowedOnce) {
  Connect([this](auto&, bool) { return Redirect("ASK", second_.address()); },
          [](auto&, bool asking) { return asking ? "$4\r\nfine\r\n" : "-ERR not asked\r\n"; });
  EXPECT_EQ(Get(), "fine");
  EXPECT_EQ(Get(), "fine");
  EXPECT_EQ(said(),
            (std::vector<std::string>{"first GET", "second asking GET", "first GET", "second asking GET"}));
}

TEST_F(ClusterProtocolTest, NodesThatNameEachOtherAreGivenUp) {
  Connect([this](auto&, bool) { return Redirect("MOVED", second_.address()); },
          [this](auto&, bool) { return Redirect("MOVED", first_.address()); });
  EXPECT_EQ(Get(), "STORE_UNAVAILABLE");
  EXPECT_LE(said().size(), 8u);
}

// What the command was decided on may be of an older state than that node's.
TEST_F(ClusterProtocolTest, ANodeThatWasNotConnectedIsNotFollowedTo) {
  ScriptedServer third([this](ScriptedServer::Conversation& peer) { Converse(peer, 1); });
  Connect([&](auto&, bool) { return Redirect("MOVED", third.address()); }, kFine);
  EXPECT_EQ(Get(), "STORE_UNAVAILABLE");
  EXPECT_EQ(said(), std::vector<std::string>{"first GET"});
}

TEST_F(ClusterProtocolTest, TryAgainIsTriedAgain) {
  Connect([tries = 0](
              auto&, bool) mutable { return ++tries < 4 ? "-TRYAGAIN Multiple keys\r\n" : "$4\r\nfine\r\n"; },
          kFine);
  EXPECT_EQ(Get(), "fine");
  EXPECT_EQ(said().size(), 4u);
}

TEST_F(ClusterProtocolTest, ASlotThatStaysBetweenNodesIsUnavailableInTheEnd) {
  Connect([](auto&, bool) { return "-TRYAGAIN Multiple keys\r\n"; }, kFine);
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Get(), "STORE_UNAVAILABLE");
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

TEST_F(ClusterProtocolTest, AClusterThatIsDownIsUnavailableAndStaysConnected) {
  Connect([](auto&, bool) { return "-CLUSTERDOWN The cluster is down\r\n"; }, kFine);
  EXPECT_EQ(Get(), "STORE_UNAVAILABLE");
  EXPECT_TRUE(client_->connected());
  EXPECT_EQ(client_->stats().disconnects, 0u);
}

TEST_F(ClusterProtocolTest, AScriptThatANodeDoesNotKnowIsSentToThatNode) {
  Connect([this](auto&, bool) { return Redirect("MOVED", second_.address()); },
          [](const std::vector<std::string>& command, bool) {
            return command.front() == "EVAL" ? "$4\r\nfine\r\n" : "-NOSCRIPT No matching script.\r\n";
          });
  const Script script("return 1");
  absl::StatusOr<Reply> reply = SyncWait(loop_, client_->Eval(script, {"k"}, {}, Soon()));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->text(), "fine");
  EXPECT_EQ(said(), (std::vector<std::string>{"first EVALSHA", "second EVALSHA", "second EVAL"}));
}

}  // namespace
}  // namespace motcua::redis
