// Inboxes over a real redis-server: each message once, bounded, paged, marked, followed.
#include <gmock/gmock.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "services/notification/domain/inbox/records.h"
#include "tests/integration/notification/office.h"

namespace motcua::notification {
namespace {

using async::SyncWait;
using ::testing::ElementsAre;

class InboxTest : public Office {};

std::vector<std::string> Ids(const v1::ListMessagesResponse& response) {
  std::vector<std::string> ids;
  for (const v1::InboxMessage& message : response.messages()) ids.push_back(message.id());
  return ids;
}

feed::v1::Event Of(const std::string& code, feed::v1::Event event) {
  event.set_subject(code);
  return event;
}

TEST_F(InboxTest, EventsOfThreeFeedsBecomeMessages) {
  Replica& replica = Start();
  monitor_.Give(Alert(0, feed::v1::ALERT_KIND_OVERDUE, "H30.18.LR", {"holder", "holder-leader"}));  // intake lags
  routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
  intake_.Give(Accepted(0));
  CatchUp(replica);
  EXPECT_THAT(Ids(List(replica, std::string("applicant:") + kCode)),
              ElementsAre(std::string("intake/H30/2/applicant:") + kCode));
  EXPECT_EQ(List(replica, "agency:H30.18.LR").messages_size(), 2);
  const v1::ListMessagesResponse leader = List(replica, "lr-leader-1");
  ASSERT_THAT(Ids(leader), ElementsAre("deadline-monitor/H30/1/lr-leader-1"));
  EXPECT_EQ(leader.messages(0).event(), "Overdue");
  EXPECT_EQ(leader.messages(0).dossier(), kCode);
  EXPECT_NE(leader.messages(0).body(), "");
  EXPECT_EQ(OfDossier(replica).messages_size(), 5);
  const v1::GetStatisticsResponse figures = Figures(replica);
  EXPECT_EQ(figures.messages(), 5u);
  EXPECT_EQ(figures.by_event().at("Overdue"), 3u);
  EXPECT_EQ(figures.by_event().at("HandOverOffered"), 1u);
  EXPECT_EQ(figures.by_event().at("DossierAccepted"), 1u);
}

TEST_F(InboxTest, TwoReplicasMakeEachMessageOnce) {
  Replica& a = Start();
  Replica& b = Start();
  for (int i = 0; i < 60; ++i) {
    const std::string code = absl::StrCat("H30.18.05-260714-", 1000 + i);
    intake_.Give(Of(code, Accepted(0)));
    routing_.Give(Of(code, Offered(0, "H30.18.05", "H30.18.LR")));
    monitor_.Give(Of(code, Alert(0, feed::v1::ALERT_KIND_NEARING, "H30.18.LR", {"holder"})));
  }
  CatchUp(a);
  CatchUp(b);
  const v1::ListMessagesResponse inbox = List(a, "agency:H30.18.LR", false, 200);
  const std::vector<std::string> ids = Ids(inbox);
  EXPECT_EQ(ids.size(), 120u);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 120u);
  EXPECT_EQ(Figures(b).messages(), 180u);
}

TEST_F(InboxTest, TheOldestLeavesAFullInboxAndStaysCounted) {
  OfficeOptions options;
  options.projection.inbox_bound = 10;
  Replica& replica = Start(options);
  for (int i = 0; i < 45; ++i) {
    const std::string code = absl::StrCat("H30.18.05-260714-", 1000 + i);
    intake_.Give(Of(code, Accepted(0)));
    routing_.Give(Of(code, Offered(0, "H30.18.05", "H30.18.LR")));
  }
  CatchUp(replica);
  const v1::ListMessagesResponse inbox = List(replica, "agency:H30.18.LR");
  ASSERT_EQ(inbox.messages_size(), 10);
  EXPECT_EQ(inbox.total(), 10u);
  EXPECT_EQ(inbox.messages(0).id(), "routing/H30/45/agency:H30.18.LR");
  EXPECT_EQ(List(replica, "agency:H30.18.LR", true).total(), 10u);
  EXPECT_EQ(Figures(replica).by_event().at("HandOverOffered"), 45u);
  EXPECT_EQ(OfDossier(replica, "H30.18.05-260714-1000").messages_size(), 1);
}

TEST_F(InboxTest, PagesShowEverythingOnce) {
  Replica& replica = Start();
  intake_.Give(Accepted(0));
  for (int i = 0; i < 25; ++i) {
    routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
    feed::v1::Event received = At(0);
    received.mutable_supplement_received();
    routing_.Give(received);
  }
  CatchUp(replica);
  for (const std::string& recipient : {std::string("agency:H30.18.LR"), std::string("applicant:") + kCode}) {
    std::set<std::string> seen;
    std::string token;
    size_t listed = 0;
    do {
      const v1::ListMessagesResponse page = List(replica, recipient, false, 7, token);
      EXPECT_LE(page.messages_size(), 7);
      for (const std::string& id : Ids(page)) seen.insert(id);
      listed += page.messages_size();
      token = page.next_page_token();
    } while (!token.empty());
    EXPECT_EQ(listed, seen.size());
    EXPECT_EQ(seen.size(), recipient[1] == 'g' ? 25u : 26u);
  }
}

TEST_F(InboxTest, MarkingAsReadIsOnceAndForTheRecipient) {
  Replica& replica = Start();
  intake_.Give(Accepted(0));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
  CatchUp(replica);
  v1::MarkReadRequest request;
  request.set_request_id("mark-read-1");
  request.set_shard("H30");
  request.set_message("routing/H30/1/agency:H30.18.LR");
  const auto mark = [&](std::shared_ptr<rpc::Call> call) {
    return SyncWait(loop_, replica.notifications().MarkRead(std::move(call), request));
  };
  EXPECT_EQ(errors::Reason(mark(By("x", "H30.18.TX")).status()), "NOT_YOUR_AGENCY");
  const auto first = mark(By("lr", "H30.18.LR"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->written().replayed());
  const auto again = mark(By("lr", "H30.18.LR"));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->written().replayed());
  EXPECT_EQ(List(replica, "agency:H30.18.LR", true).messages_size(), 0);
  EXPECT_TRUE(List(replica, "agency:H30.18.LR").messages(0).has_read_at());
  request.set_request_id("mark-read-2");
  request.set_message("routing/H30/99/agency:H30.18.LR");
  EXPECT_EQ(errors::Reason(mark(By("lr", "H30.18.LR")).status()), "MESSAGE_NOT_FOUND");
}

TEST_F(InboxTest, OnlyTheRecipientReadsAnInbox) {
  Replica& replica = Start();
  CatchUp(replica);
  const auto list = [&](std::shared_ptr<rpc::Call> call, const std::string& recipient) {
    v1::ListMessagesRequest request;
    request.set_shard("H30");
    request.set_recipient(recipient);
    return errors::Reason(
        SyncWait(loop_, replica.notifications().ListMessages(std::move(call), std::move(request))).status());
  };
  EXPECT_EQ(list(By("lr", "H30.18.LR"), "agency:H30.18.LR"), "");
  EXPECT_EQ(list(By("lr", "H30.18.LR"), "lr"), "");
  EXPECT_EQ(list(By("lr", "H30.18.LR"), "agency:H30.18.TX"), "NOT_YOUR_AGENCY");
  EXPECT_EQ(list(By("lr", "H30.18.LR"), "someone"), "NOT_YOUR_AGENCY");
  EXPECT_EQ(list(By("lr", "H30.18.LR"), std::string("applicant:") + kCode), "NOT_YOUR_AGENCY");
  EXPECT_EQ(list(By("root", "H30", {"admin"}), "agency:H30.18.TX"), "");
  EXPECT_EQ(list(By("root", "H31", {"admin"}), "agency:H30.18.TX"), "NOT_YOUR_JURISDICTION");
}

// Reads a subscription into a vector.
class Follower {
 public:
  Follower(async::Loop& loop, Replica& replica, std::shared_ptr<rpc::Call> call, const std::string& recipient,
           const std::string& after)
      : loop_(loop), call_(std::move(call)) {
    v1::SubscribeRequest request;
    request.set_shard("H30");
    request.set_recipient(recipient);
    request.set_after(after);
    Notifications::Sink sink = [this](v1::SubscribeResponse step) { return Take(std::move(step)); };
    loop_.Spawn(Follow(replica, call_, std::move(request), std::move(sink), this));
  }
  ~Follower() {
    call_->Cancel();
    EXPECT_TRUE(test::WaitUntil([&] { return done(); }));
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    loop_.RunAndWait([&] { ids = ids_; });
    return ids;
  }
  bool done() {
    bool done = false;
    loop_.RunAndWait([&] { done = done_; });
    return done;
  }
  absl::Status end() const { return end_; }

 private:
  async::Task<absl::Status> Take(v1::SubscribeResponse step) {
    if (step.has_message()) ids_.push_back(step.message().id());
    co_return absl::OkStatus();
  }
  static async::Task<void> Follow(Replica& replica, std::shared_ptr<rpc::Call> call, v1::SubscribeRequest request,
                                  Notifications::Sink sink, Follower* self) {
    self->end_ = co_await replica.notifications().Subscribe(std::move(call), std::move(request), std::move(sink));
    self->done_ = true;
  }

  async::Loop& loop_;
  std::shared_ptr<rpc::Call> call_;
  std::vector<std::string> ids_;
  bool done_ = false;
  absl::Status end_;
};

TEST_F(InboxTest, ASubscriptionGoesOnWhereAnotherEnded) {
  Replica& replica = Start();
  intake_.Give(Accepted(0));
  for (int i = 0; i < 150; ++i) routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
  CatchUp(replica);
  Follower follower(loop_, replica, ByService(), "agency:H30.18.LR", "routing/H30/10/agency:H30.18.LR");
  ASSERT_TRUE(test::WaitUntil([&] { return follower.ids().size() == 140; }));
  const absl::Time before = absl::Now();
  for (int i = 0; i < 5; ++i) routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
  ASSERT_TRUE(test::WaitUntil([&] { return follower.ids().size() == 145; }));
  EXPECT_LT(absl::Now() - before, absl::Seconds(5));
  const std::vector<std::string> ids = follower.ids();
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], absl::StrCat("routing/H30/", 11 + i, "/agency:H30.18.LR"));
}

TEST_F(InboxTest, ASubscriptionBeginsNowAndSeesWhatAnotherReplicaCommits) {
  Replica& writer = Start();
  intake_.Give(Accepted(0));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
  CatchUp(writer);
  Replica& reader = Start();
  CatchUp(reader);
  Follower agency(loop_, reader, ByService(), "agency:H30.18.LR", "");
  Follower applicant(loop_, reader, ByService(), std::string("applicant:") + kCode, "");
  // Two messages each, given until both have been seen: a follower that begins later sees only the later ones.
  int given = 0;
  ASSERT_TRUE(test::WaitUntil([&] {
    if (given < 200) {
      ++given;
      routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
      feed::v1::Event received = At(0);
      received.mutable_supplement_received();
      routing_.Give(received);
    }
    return agency.ids().size() >= 2 && applicant.ids().size() >= 2;
  }, absl::Seconds(20)));
  EXPECT_NE(agency.ids()[0], "routing/H30/1/agency:H30.18.LR");
}

TEST_F(InboxTest, ASubscriptionAfterAnUnknownMessageFails) {
  Replica& replica = Start();
  CatchUp(replica);
  Follower follower(loop_, replica, ByService(), "agency:H30.18.LR", "routing/H30/77/agency:H30.18.LR");
  ASSERT_TRUE(test::WaitUntil([&] { return follower.done(); }));
  EXPECT_EQ(errors::Reason(follower.end()), "MESSAGE_NOT_FOUND");
}

TEST_F(InboxTest, RedisDyingInBetweenLosesAndDoublesNothing) {
  Replica& replica = Start();
  for (int i = 0; i < 40; ++i) {
    const std::string code = absl::StrCat("H30.18.05-260714-", 1000 + i);
    intake_.Give(Of(code, Accepted(0)));
    routing_.Give(Of(code, Offered(0, "H30.18.05", "H30.18.LR")));
    if (i % 15 == 7) redis_.Restart();
  }
  CatchUp(replica);
  EXPECT_EQ(Figures(replica).messages(), 80u);
  const std::vector<std::string> ids = Ids(List(replica, "agency:H30.18.LR", false, 200));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 40u);
}

}  // namespace
}  // namespace motcua::notification
