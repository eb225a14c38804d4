// The merger of 1 July 2025 as notification lives through it: who is told, and inboxes over several shards.
#include "tests/support/reform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/calls/notifications.h"
#include "services/notification/domain/letters/names.h"
#include "services/notification/projections/notification_projection.h"
#include "tests/support/merger.h"
#include "tests/support/redis_process.h"
#include "tests/support/wait.h"

namespace motcua::notification {
namespace {

using async::SyncWait;
using async::Task;
using feed::v1::Event;
using motcua::test::PassingTo;
using motcua::test::Reform;
using motcua::test::ReformTime;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kOld[] = "H30.18.05-250620-0001";
constexpr char kSocTrang[] = "H51.02.01-250620-0001";
constexpr char kCanTho[] = "H13.07.01-250620-0001";

class Merged : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Wait(client_.WaitConnected(Soon())).ok());
    clock_.AdvanceTo(ReformTime(2025, 6, 20));
    for (const char* name : {"h13", "h30", "h51"}) Reference(name, 1);
    for (const char* code : {kOld, kSocTrang, kCanTho}) Accept(code);
  }

  static redis::Options RedisOptions(const motcua::test::RedisProcess& redis) {
    redis::Options options;
    options.address = redis.address();
    return options;
  }
  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }
  template <class T>
  T Wait(Task<T> task) {
    return SyncWait(loop_, std::move(task));
  }

  static Task<absl::Status> Apply(store::Store& store, NotificationProjection& projection, std::string shard,
                                  const Event& event) {
    store::Session session(store, shard);
    std::vector<const Event*> events;
    events.push_back(&event);
    absl::Status applied = co_await projection.Apply(session, events, absl::InfinitePast());
    if (!applied.ok()) co_return applied;
    absl::StatusOr<store::CommitOutcome> outcome = co_await session.Commit(Soon());
    if (outcome.ok()) projection.Committed(shard, events);
    co_return outcome.status();
  }

  // The next event of a service's feed in the shard of its subject, at the clock's moment.
  void Tell(internal::notification::Source source, const std::string& subject, Event event) {
    const std::string shard = store::ShardOf(subject);
    event.set_subject(subject);
    event.set_position(++positions_[std::make_pair(source, shard)]);
    *event.mutable_at() = time::ToTimestamp(clock_.Now());
    NotificationProjection projection(source, catalogues_, ProjectionOptions(),
                                      [this, shard](Announcement told) {
                                        announced_.insert(told.recipients.begin(), told.recipients.end());
                                      });
    const absl::Status applied = Wait(Apply(store_, projection, shard, event));
    ASSERT_TRUE(applied.ok()) << applied;
  }

  void Reference(const std::string& name, uint64_t version) {
    Event event;
    *event.mutable_reference_applied()->mutable_set() = Reform(name);
    event.mutable_reference_applied()->mutable_set()->set_version(version);
    Tell(internal::notification::SOURCE_INTAKE,
         name == "h13-merged" ? "H13" : absl::StrCat("H", name.substr(1)), event);
  }
  void Merge() {
    Reference("h13-merged", 2);
    for (const char* shard : {"H30", "H51"}) {
      Event event;
      *event.mutable_shard_passed()->mutable_passing() = PassingTo(shard, "H13");
      Tell(internal::notification::SOURCE_INTAKE, shard, event);
    }
  }
  void Accept(const std::string& code) {
    Event event;
    event.mutable_dossier_accepted()->set_procedure("1.013831");
    event.mutable_dossier_accepted()->set_receiving_agency(code.substr(0, 9));
    Tell(internal::notification::SOURCE_INTAKE, code, event);
  }
  // The dossier is offered to an agency, which is told.
  void Offer(const std::string& code, const std::string& to) {
    Event event;
    event.mutable_hand_over_offered()->set_sender(code.substr(0, 9));
    event.mutable_hand_over_offered()->set_receiver(to);
    Tell(internal::notification::SOURCE_ROUTING, code, event);
    clock_.AdvanceTo(clock_.Now() + absl::Seconds(1));
  }

  std::shared_ptr<rpc::Call> By(const std::string& officer, const std::string& agency,
                                std::vector<std::string> roles = {"handler"}) {
    return std::make_shared<rpc::Call>(
        loop_, auth::Principal(auth::Kind::kOfficer, officer, agency, std::move(roles)), "test", Soon());
  }

  absl::StatusOr<v1::ListMessagesResponse> List(std::shared_ptr<rpc::Call> call, const std::string& shard,
                                                const std::string& recipient, uint32_t page = 0,
                                                const std::string& token = "", bool unread = false) {
    v1::ListMessagesRequest request;
    request.set_shard(shard);
    request.set_recipient(recipient);
    request.set_page_size(page);
    request.set_page_token(token);
    request.set_unread_only(unread);
    return Wait(notifications_.ListMessages(std::move(call), request));
  }

  absl::Status MarkRead(std::shared_ptr<rpc::Call> call, const std::string& message) {
    v1::MarkReadRequest request;
    request.set_request_id("mark-1");
    request.set_shard("H13");
    request.set_message(message);
    return Wait(notifications_.MarkRead(std::move(call), request)).status();
  }

  static std::vector<std::string> Ids(const absl::StatusOr<v1::ListMessagesResponse>& response) {
    std::vector<std::string> ids;
    if (!response.ok()) return {std::string(response.status().message())};
    for (const v1::InboxMessage& message : response->messages()) ids.push_back(message.id());
    return ids;
  }

  motcua::test::RedisProcess redis_;
  async::Loop loop_{"test"};
  redis::Client client_{loop_, RedisOptions(redis_)};
  time::SimulatedClock clock_{ReformTime(2025, 6, 1)};
  store::Store store_{client_, clock_, "no", absl::Hours(1)};
  service::Catalogues catalogues_{loop_, store_};
  InboxWatch watch_{loop_};
  Notifications notifications_{store_, catalogues_, watch_};
  std::map<std::pair<internal::notification::Source, std::string>, uint64_t> positions_;
  std::set<std::string> announced_;
};

TEST_F(Merged, TheAgencyInChargeOnTheDayIsTold) {
  Merge();
  clock_.AdvanceTo(ReformTime(2025, 6, 30, 20));
  Offer(kOld, "H30.18.LR");
  EXPECT_TRUE(announced_.contains("agency:H30.18.LR"));
  EXPECT_FALSE(announced_.contains("agency:H13.LR"));
  clock_.AdvanceTo(ReformTime(2025, 7, 1, 0));
  Offer(kOld, "H30.18.LR");
  EXPECT_TRUE(announced_.contains("agency:H13.LR"));
  // Leaders are those of the agency in charge, by the heir's reference data.
  Event apology;
  apology.mutable_apology_due()->set_holder("H30.18.06");
  apology.mutable_apology_due()->set_receiving_agency("H30.18.05");
  Tell(internal::notification::SOURCE_DEADLINE_MONITOR, kOld, apology);
  EXPECT_TRUE(announced_.contains("binh"));
}

TEST_F(Merged, AnInboxIsOneOverAllShardsAndPredecessors) {
  Offer(kOld, "H30.18.LR");  // routing/H30/1, to the predecessor
  Offer(kCanTho, "H13.07");  // not its affair
  Merge();
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  Offer(kSocTrang, "H13.LR");  // routing/H51/1
  Offer(kOld, "H30.18.LR");    // routing/H30/2, to the successor
  Offer(kCanTho, "H13.LR");    // routing/H13/2
  const auto all = List(By("lan", "H13.LR"), "H13", "agency:H13.LR");
  EXPECT_THAT(Ids(all), ElementsAre("routing/H13/2/agency:H13.LR", "routing/H30/2/agency:H13.LR",
                                    "routing/H51/1/agency:H13.LR", "routing/H30/1/agency:H30.18.LR"));
  EXPECT_EQ(all->total(), 4u);
  EXPECT_EQ(all->next_page_token(), "");
  // Whichever of its shards the jurisdiction is asked by.
  EXPECT_EQ(Ids(List(By("lan", "H13.LR"), "H30", "agency:H13.LR")), Ids(all));
  // By its own name a predecessor's is there for its successor alone.
  EXPECT_THAT(Ids(List(By("lan", "H13.LR"), "H30", "agency:H30.18.LR")),
              ElementsAre("routing/H30/1/agency:H30.18.LR"));
  EXPECT_EQ(errors::Reason(List(By("dung", "H13.07.01"), "H30", "agency:H30.18.LR").status()),
            "NOT_YOUR_AGENCY");
  EXPECT_EQ(errors::Reason(List(By("x", "H99.01"), "H30", "agency:H13.LR").status()),
            "NOT_YOUR_JURISDICTION");

  // And marked by it.
  EXPECT_EQ(errors::Reason(MarkRead(By("dung", "H13.07.01"), "routing/H30/1/agency:H30.18.LR")),
            "NOT_YOUR_AGENCY");
  const absl::Status marked = MarkRead(By("lan", "H13.LR"), "routing/H30/1/agency:H30.18.LR");
  EXPECT_TRUE(marked.ok()) << marked;
  EXPECT_EQ(List(By("lan", "H13.LR"), "H13", "agency:H13.LR", 0, "", /*unread=*/true)->total(), 3u);
}

TEST_F(Merged, PagesOfAMergedInboxTellEachMessageOnceNewestFirst) {
  for (int i = 0; i < 15; ++i) Offer(kOld, "H30.18.LR");
  Merge();
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  for (int i = 0; i < 40; ++i) Offer(i % 3 == 0 ? kOld : i % 3 == 1 ? kSocTrang : kCanTho, "H13.LR");
  for (const uint32_t size : {1u, 7u, 50u}) {
    std::vector<std::string> seen;
    std::string token;
    absl::Time last = absl::InfiniteFuture();
    do {
      const auto page = List(By("lan", "H13.LR"), "H13", "agency:H13.LR", size, token);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->messages_size(), static_cast<int>(size));
      EXPECT_EQ(page->total(), 55u);
      for (const v1::InboxMessage& message : page->messages()) {
        const absl::Time at = time::FromTimestamp(message.at());
        EXPECT_LE(at, last);
        last = at;
        seen.push_back(message.id());
      }
      token = page->next_page_token();
      EXPECT_LE(token.size(), 2000u);
    } while (!token.empty() && seen.size() <= 55);
    EXPECT_EQ(seen.size(), 55u);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 55u);
  }
}

TEST_F(Merged, WhatComesBetweenTwoPagesIsOnNeither) {
  Merge();
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  Offer(kSocTrang, "H13.LR");
  for (int i = 0; i < 4; ++i) Offer(kOld, "H13.LR");
  const auto first = List(By("lan", "H13.LR"), "H13", "agency:H13.LR", 2);
  ASSERT_EQ(first->messages_size(), 2);
  Offer(kSocTrang, "H13.LR");
  Offer(kCanTho, "H13.LR");
  Offer(kOld, "H13.LR");
  const auto second = List(By("lan", "H13.LR"), "H13", "agency:H13.LR", 50, first->next_page_token());
  EXPECT_THAT(Ids(second), ElementsAre("routing/H30/2/agency:H13.LR", "routing/H30/1/agency:H13.LR",
                                       "routing/H51/1/agency:H13.LR"));
  // A token is good for its own list alone.
  EXPECT_EQ(
      errors::Reason(
          List(By("lan", "H13.LR"), "H13", "agency:H13.LR", 2, first->next_page_token(), true).status()),
      "BAD_PAGE_TOKEN");
  EXPECT_EQ(
      errors::Reason(List(By("son", "H13.51"), "H13", "agency:H13.51", 2, first->next_page_token()).status()),
      "BAD_PAGE_TOKEN");
  EXPECT_EQ(errors::Reason(List(By("lan", "H13.LR"), "H13", "agency:H13.LR", 2, "AAAA").status()),
            "BAD_PAGE_TOKEN");
}

TEST_F(Merged, PreferencesAreTheJurisdictionsAndOldOnesHoldUntilNewAreSet) {
  const auto set = [this](const std::string& agency, const std::string& shard, const std::string& webhook) {
    v1::SetPreferencesRequest request;
    request.set_request_id(absl::StrCat("set-", webhook.size()));
    request.set_shard(shard);
    request.set_recipient("agency:H30.31");
    request.set_webhook(webhook);
    const auto done = Wait(notifications_.SetPreferences(By("an", agency, {"admin"}), request));
    EXPECT_TRUE(done.ok()) << done.status();
  };
  const auto address = [this] {
    Offer(kOld, "H30.31");
    const auto list = List(By("an", "H30.31"), "H13", "agency:H30.31");
    return list->messages(0).deliveries_size() == 0 ? "" : list->messages(0).deliveries(0).address();
  };
  set("H30", "H30", "https://old.example.org/");
  Merge();
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  EXPECT_EQ(address(), "https://old.example.org/");
  set("H13", "H30", "https://newer.example.org/");
  EXPECT_EQ(address(), "https://newer.example.org/");
  // They lie in the jurisdiction's own shard, so that they hold for what lies in each.
  Offer(kSocTrang, "H30.31");
  EXPECT_EQ(List(By("an", "H30.31"), "H13", "agency:H30.31")->messages(0).deliveries(0).address(),
            "https://newer.example.org/");
}

// A subscription, until it is dropped.
class Follower {
 public:
  Follower(async::Loop& loop, Notifications& notifications, std::shared_ptr<rpc::Call> call,
           const std::string& recipient, const std::string& after)
      : loop_(loop), call_(std::move(call)) {
    v1::SubscribeRequest request;
    request.set_shard("H13");
    request.set_recipient(recipient);
    request.set_after(after);
    Notifications::Sink sink = [this](v1::SubscribeResponse step) { return Take(std::move(step)); };
    loop_.Spawn(Follow(notifications, call_, std::move(request), std::move(sink), this));
  }
  ~Follower() {
    call_->Cancel();
    EXPECT_TRUE(motcua::test::WaitUntil([&] { return done(); }));
  }
  std::vector<v1::InboxMessage> messages() {
    std::vector<v1::InboxMessage> messages;
    for (const v1::SubscribeResponse& step : steps()) messages.push_back(step.message());
    return messages;
  }
  std::vector<v1::SubscribeResponse> steps() {
    std::vector<v1::SubscribeResponse> steps;
    loop_.RunAndWait([&] { steps = steps_; });
    return steps;
  }
  // Where it began; empty until it was told.
  std::string start() {
    std::string start;
    loop_.RunAndWait([&] { start = start_; });
    return start;
  }
  // What comes from now on is seen.
  bool begun(const InboxWatch& watch) {
    bool begun = false;
    loop_.RunAndWait([&] { begun = !watch.empty(); });
    return begun;
  }
  bool done() {
    bool done = false;
    loop_.RunAndWait([&] { done = done_; });
    return done;
  }

 private:
  Task<absl::Status> Take(v1::SubscribeResponse step) {
    if (!step.has_message()) start_ = step.resume();
    if (step.has_message()) steps_.push_back(std::move(step));
    co_return absl::OkStatus();
  }
  static Task<void> Follow(Notifications& notifications, std::shared_ptr<rpc::Call> call,
                           v1::SubscribeRequest request, Notifications::Sink sink, Follower* self) {
    absl::Status end = co_await notifications.Subscribe(std::move(call), std::move(request), std::move(sink));
    (void)end;
    self->done_ = true;
  }

  async::Loop& loop_;
  std::shared_ptr<rpc::Call> call_;
  std::string start_;
  std::vector<v1::SubscribeResponse> steps_;
  bool done_ = false;
};

TEST_F(Merged, ASubscriptionFollowsAllShardsAndResumesInEach) {
  Merge();
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  Offer(kOld, "H13.LR");  // before it began
  std::string resume;
  std::set<std::string> seen;
  {
    // From the one that is there: those of the other shards follow.
    Follower follower(loop_, notifications_, By("lan", "H13.LR"), "agency:H13.LR",
                      "routing/H30/1/agency:H13.LR");
    for (const char* code : {kOld, kSocTrang, kCanTho}) Offer(code, "H13.LR");
    ASSERT_TRUE(motcua::test::WaitUntil([&] { return follower.messages().size() == 3; }));
    for (const v1::InboxMessage& message : follower.messages()) EXPECT_TRUE(seen.insert(message.id()).second);
    resume = follower.steps()[1].resume();
    seen.erase(follower.messages()[2].id());
  }
  std::string start;
  {
    Follower follower(loop_, notifications_, By("lan", "H13.LR"), "agency:H13.LR", "");
    ASSERT_TRUE(motcua::test::WaitUntil([&] { return !follower.start().empty(); }));
    start = follower.start();
  }
  for (const char* code : {kSocTrang, kCanTho, kOld}) Offer(code, "H13.LR");
  Follower late(loop_, notifications_, By("lan", "H13.LR"), "agency:H13.LR", start);
  ASSERT_TRUE(motcua::test::WaitUntil([&] { return late.messages().size() == 3; }))
      << "who was cut off before the first message goes on from where he began";
  Follower follower(loop_, notifications_, By("lan", "H13.LR"), "agency:H13.LR", resume);
  ASSERT_TRUE(motcua::test::WaitUntil([&] { return follower.messages().size() >= 4; }));
  // What the first one had not taken, and what came since; nothing twice.
  for (const v1::InboxMessage& message : follower.messages())
    EXPECT_TRUE(seen.insert(message.id()).second) << message.id();
  EXPECT_EQ(seen.size(), 6u);
}

TEST_F(Merged, InboxesOfThoseWhoseWorkIsTakenOverJoinOnTheDay) {
  Merge();
  Offer(kOld, "H30.18.LR");  // to the predecessor, before: no news
  Follower follower(loop_, notifications_, By("lan", "H13.LR"), "agency:H13.LR", "");
  ASSERT_TRUE(motcua::test::WaitUntil([&] { return follower.begun(watch_); }));
  Offer(kCanTho, "H13.LR");
  ASSERT_TRUE(motcua::test::WaitUntil([&] { return follower.messages().size() == 1; }));
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  Offer(kOld, "H30.18.LR");
  Offer(kSocTrang, "H13.LR");
  ASSERT_TRUE(motcua::test::WaitUntil([&] { return follower.messages().size() == 3; }));
  std::vector<std::string> ids;
  for (const v1::InboxMessage& message : follower.messages()) ids.push_back(message.id());
  EXPECT_THAT(ids, testing::UnorderedElementsAre("routing/H13/1/agency:H13.LR", "routing/H30/2/agency:H13.LR",
                                                 "routing/H51/1/agency:H13.LR"));
}

}  // namespace
}  // namespace motcua::notification
