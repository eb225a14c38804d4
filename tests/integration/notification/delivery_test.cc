// Deliveries over a real redis-server to real mail and web servers that refuse at first.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/notification/domain/inbox/records.h"
#include "tests/integration/notification/office.h"
#include "tests/support/http_server.h"
#include "tests/support/redis_group.h"
#include "tests/support/smtp_server.h"

namespace motcua::notification {
namespace {

using async::SyncWait;
using ::testing::HasSubstr;

class DeliveryTest : public Office {
 protected:
  OfficeOptions Options() {
    OfficeOptions options;
    options.projection.channels.email = true;
    options.transport.smtp_url = smtp_.url();
    options.transport.smtp_from = "motcua@example.org";
    options.transport.webhook_allow_private = true;
    options.transport.webhook_secret = "secret";
    options.delivery.retry.base = absl::Milliseconds(20);
    options.delivery.retry.factor = 1.2;
    options.delivery.poll_interval = absl::Milliseconds(20);
    return options;
  }
  // Where the tax branch wants its messages.
  void SendTaxTo(Replica& replica, const std::string& url) {
    v1::SetPreferencesRequest request;
    request.set_request_id(absl::StrCat("preferences-", url));
    request.set_shard("H30");
    request.set_recipient("agency:H30.18.TX");
    request.set_webhook(url);
    auto response = SyncWait(loop_, replica.notifications().SetPreferences(By("tax", "H30.18.TX"), std::move(request)));
    ASSERT_TRUE(response.ok()) << response.status();
  }
  v1::Delivery FirstDelivery(Replica& replica, const std::string& recipient) {
    const v1::ListMessagesResponse inbox = List(replica, recipient);
    if (inbox.messages_size() == 0 || inbox.messages(0).deliveries_size() == 0) return v1::Delivery();
    return inbox.messages(0).deliveries(0);
  }
  bool Reaches(Replica& replica, const std::string& recipient, v1::DeliveryState state) {
    return test::WaitUntil([&] { return FirstDelivery(replica, recipient).state() == state; }, absl::Seconds(20));
  }

  const std::string applicant_ = std::string("applicant:") + kCode;
  test::SmtpServer smtp_;
  test::HttpServer http_;
};

TEST_F(DeliveryTest, AMailIsDeliveredAfterTheServerRefusedForAWhile) {
  smtp_.Answer(451);
  Replica& replica = Start(Options());
  intake_.Give(Accepted(0));
  ASSERT_TRUE(test::WaitUntil([&] { return smtp_.attempts() >= 2; }));
  EXPECT_EQ(Figures(replica).deliveries_pending(), 1u);
  smtp_.Answer(250);
  ASSERT_TRUE(Reaches(replica, applicant_, v1::DELIVERY_STATE_DELIVERED));
  const auto mails = smtp_.mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].from, "motcua@example.org");
  EXPECT_EQ(mails[0].to[0], "a@example.org");
  EXPECT_THAT(mails[0].text, HasSubstr("Message-ID: <intake_H30_2_applicant=H30.18.05-260714-0001@example.org>"));
  EXPECT_THAT(mails[0].text, HasSubstr("Subject: =?UTF-8?B?"));
  const v1::GetStatisticsResponse figures = Figures(replica);
  EXPECT_EQ(figures.deliveries_pending(), 0u);
  EXPECT_EQ(figures.deliveries_done(), 1u);
}

// What an outsider complains of is found by the trace that came with it.
TEST_F(DeliveryTest, MailWebhookAndMessageBearTheTraceOfTheEvent) {
  Replica& replica = Start(Options());
  SendTaxTo(replica, http_.url("/in"));
  feed::v1::Event accepted = Accepted(0);
  accepted.set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  intake_.Give(accepted);
  feed::v1::Event offered = Offered(0, "H30.18.05", "H30.18.TX");
  offered.set_traceparent("00-11111111111111111111111111111111-b7ad6b7169203331-01");
  routing_.Give(offered);
  ASSERT_TRUE(Reaches(replica, applicant_, v1::DELIVERY_STATE_DELIVERED));
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_DELIVERED));
  EXPECT_THAT(smtp_.mails().at(0).text,
              HasSubstr("\r\nX-Motcua-Trace: 0af7651916cd43dd8448eb211c80319c\r\n"));
  EXPECT_EQ(http_.requests().at(0).headers.at("traceparent").substr(0, 36),
            "00-11111111111111111111111111111111-");
  EXPECT_EQ(List(replica, applicant_).messages(0).trace(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(List(replica, "agency:H30.18.TX").messages(0).trace(), "11111111111111111111111111111111");
}

TEST_F(DeliveryTest, EachOutcomeIsCountedAndTheBacklogTold) {
  http_.Answer(503);
  OfficeOptions options = Options();
  options.delivery.retry.max_attempts = 3;
  Replica& replica = Start(options);
  std::map<std::pair<v1::DeliveryChannel, Conclusion>, int> concluded;
  loop_.RunAndWait([&] {
    replica.worker().OnConcluded([&](v1::DeliveryChannel channel, Conclusion conclusion) {
      ++concluded[{channel, conclusion}];
    });
  });
  SendTaxTo(replica, http_.url("/in"));
  intake_.Give(Accepted(0));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
  ASSERT_TRUE(Reaches(replica, applicant_, v1::DELIVERY_STATE_DELIVERED));
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_FAILED));
  http_.Answer(404);
  routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_FAILED));
  const auto count = [&](v1::DeliveryChannel channel, Conclusion conclusion) {
    int value = 0;
    loop_.RunAndWait([&] { value = concluded[{channel, conclusion}]; });
    return value;
  };
  EXPECT_TRUE(
      test::WaitUntil([&] { return count(v1::DELIVERY_CHANNEL_WEBHOOK, Conclusion::kRefused) == 1; }));
  EXPECT_EQ(count(v1::DELIVERY_CHANNEL_EMAIL, Conclusion::kDelivered), 1);
  EXPECT_EQ(count(v1::DELIVERY_CHANNEL_WEBHOOK, Conclusion::kRetried), 2);
  EXPECT_EQ(count(v1::DELIVERY_CHANNEL_WEBHOOK, Conclusion::kGivenUp), 1);
  EXPECT_EQ(count(v1::DELIVERY_CHANNEL_WEBHOOK, Conclusion::kDelivered), 0);
  EXPECT_EQ(SyncWait(loop_, replica.worker().ReadBacklog())->waiting, 0u);
}

TEST_F(DeliveryTest, ADeliveryThatNobodyAttemptsAgesInTheBacklog) {
  OfficeOptions options = Options();
  options.delivery.concurrency = 0;  // as if all were busy for ever
  Replica& replica = Start(options);
  const auto backlog = [&] { return *SyncWait(loop_, replica.worker().ReadBacklog()); };
  EXPECT_EQ(backlog().waiting, 0u);
  EXPECT_EQ(backlog().longest_due, absl::ZeroDuration());
  const absl::Time before = absl::Now();
  intake_.Give(Accepted(0));
  ASSERT_TRUE(test::WaitUntil([&] { return backlog().waiting == 1; }));
  ASSERT_TRUE(test::WaitUntil([&] { return backlog().longest_due > absl::Milliseconds(20); }));
  EXPECT_LE(backlog().longest_due, absl::Now() - before);
}

TEST_F(DeliveryTest, ARefusalForGoodIsNotRepeated) {
  smtp_.Answer(550);
  Replica& replica = Start(Options());
  intake_.Give(Accepted(0));
  ASSERT_TRUE(Reaches(replica, applicant_, v1::DELIVERY_STATE_FAILED));
  EXPECT_EQ(smtp_.attempts(), 1u);
  EXPECT_THAT(FirstDelivery(replica, applicant_).last_error(), HasSubstr("550"));
  EXPECT_EQ(Figures(replica).deliveries_failed(), 1u);
}

TEST_F(DeliveryTest, AWebhookIsSignedNamedAndDeliveredAfterErrors) {
  http_.Answer(503);
  Replica& replica = Start(Options());
  SendTaxTo(replica, http_.url("/in?x=1"));
  intake_.Give(Accepted(0));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
  ASSERT_TRUE(test::WaitUntil([&] { return http_.requests().size() >= 2; }));
  http_.Answer(204);
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_DELIVERED));
  for (const test::HttpServer::Request& request : http_.requests()) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/in?x=1");
    EXPECT_EQ(request.headers.at("motcua-message-id"), "routing/H30/1/agency:H30.18.TX");
    EXPECT_EQ(request.headers.at("motcua-signature"), Signature("secret", request.body));
    EXPECT_THAT(request.body, HasSubstr("\"event\":\"HandOverOffered\""));
    EXPECT_THAT(request.body, HasSubstr("\"id\":\"routing/H30/1/agency:H30.18.TX\""));
  }
}

TEST_F(DeliveryTest, WebhooksEndAtRedirectsAndClientErrorsButWaitWhereAsked) {
  Replica& replica = Start(Options());
  SendTaxTo(replica, http_.url("/in"));
  intake_.Give(Accepted(0));
  size_t expected = 0;
  for (const int status : {301, 400, 404, 410}) {
    http_.Answer(status, http_.url("/elsewhere"));
    routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
    ++expected;
    ASSERT_TRUE(test::WaitUntil([&] { return Figures(replica).deliveries_failed() == expected; })) << status;
    EXPECT_EQ(http_.requests().size(), expected);
  }
  http_.Answer(429);
  routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
  ASSERT_TRUE(test::WaitUntil([&] { return http_.requests().size() >= expected + 2; }));
  http_.Answer(200);
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_DELIVERED));
}

TEST_F(DeliveryTest, AfterTheLastAttemptItIsADeadLetter) {
  http_.Answer(500);
  OfficeOptions options = Options();
  options.delivery.retry.max_attempts = 3;
  Replica& replica = Start(options);
  SendTaxTo(replica, http_.url("/in"));
  intake_.Give(Accepted(0));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_FAILED));
  EXPECT_EQ(http_.requests().size(), 3u);
  EXPECT_EQ(FirstDelivery(replica, "agency:H30.18.TX").attempts(), 3u);
  EXPECT_EQ(FirstDelivery(replica, "agency:H30.18.TX").last_error(), "HTTP 500");
}

TEST_F(DeliveryTest, WebhooksReachNoPrivateAddress) {
  OfficeOptions options = Options();
  options.transport.webhook_allow_private = false;
  Replica& replica = Start(options);
  SendTaxTo(replica, http_.url("/in"));
  intake_.Give(Accepted(0));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.TX"));
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.TX", v1::DELIVERY_STATE_FAILED));
  EXPECT_TRUE(http_.requests().empty());
}

TEST_F(DeliveryTest, AtNightTheApplicantsMailWaitsForTheMorning) {
  const absl::Time night = Morning() + absl::Hours(13);  // 22:00
  clock_.AdvanceTo(night);
  Replica& replica = Start(Options());
  intake_.Give(Accepted(0, night));
  routing_.Give(Offered(0, "H30.18.05", "H30.18.LR"));
  ASSERT_TRUE(Reaches(replica, "agency:H30.18.LR", v1::DELIVERY_STATE_DELIVERED));
  EXPECT_EQ(time::FromTimestamp(FirstDelivery(replica, applicant_).next_attempt_at()), Morning() + absl::Hours(22));
  EXPECT_EQ(smtp_.mails().size(), 1u);
  clock_.AdvanceTo(Morning() + absl::Hours(22));
  ASSERT_TRUE(Reaches(replica, applicant_, v1::DELIVERY_STATE_DELIVERED));
  EXPECT_EQ(smtp_.mails().size(), 2u);
}

TEST_F(DeliveryTest, WithoutAMailServerNoMailIsPlanned) {
  OfficeOptions options = Options();
  options.projection.channels.email = false;
  Replica& replica = Start(options);
  intake_.Give(Accepted(0));
  CatchUp(replica);
  EXPECT_EQ(Figures(replica).deliveries_pending(), 0u);
  EXPECT_EQ(List(replica, applicant_).messages_size(), 1);
}

// Nothing told the worker of it, and a shard with nothing to deliver is looked at every half minute.
TEST_F(DeliveryTest, WhatARestoredBackupHasToDeliverGoesOutAtOnce) {
  OfficeOptions idle = Options();
  idle.delivery.concurrency = 0;  // as if all were busy for ever
  Replica& before = Start(idle);
  intake_.Give(Accepted(0));
  CatchUp(before);
  ASSERT_TRUE(test::WaitUntil([&] { return Figures(before).deliveries_pending() == 1; }));
  before.Cancel();
  EXPECT_TRUE(loop_.Drain(absl::Seconds(30)));
  redis_.KeepData();
  Replica& replica = Start(Options());
  ASSERT_TRUE(Reaches(replica, applicant_, v1::DELIVERY_STATE_DELIVERED));
  // It has seen that there is nothing left, and rests.
  const auto pages = [&] { return test::CallsOf("zcard", redis_.port()); };
  ASSERT_TRUE(test::WaitUntil([&] {
    const uint64_t seen = pages();
    absl::SleepFor(absl::Milliseconds(200));  // ten passes
    return pages() == seen;
  }));
  redis_.RestartWithKeptData();
  EXPECT_TRUE(test::WaitUntil([&] { return smtp_.mails().size() == 2; }, absl::Seconds(20)));
}

TEST_F(DeliveryTest, ReplicasShareTheWorkAndDeliverEachMessageOnce) {
  Replica& a = Start(Options());
  Start(Options());
  for (int i = 0; i < 40; ++i) {
    feed::v1::Event accepted = Accepted(0);
    accepted.set_subject(absl::StrCat("H30.18.05-260714-", 1000 + i));
    intake_.Give(accepted);
  }
  ASSERT_TRUE(test::WaitUntil([&] { return Figures(a).deliveries_done() == 40; }, absl::Seconds(30)));
  EXPECT_EQ(smtp_.mails().size(), 40u);
}

}  // namespace
}  // namespace motcua::notification
