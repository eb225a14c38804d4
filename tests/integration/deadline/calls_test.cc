// The calls of deadline-monitor against a real redis-server, without gRPC.
#include "common/status/errors.h"
#include "gmock/gmock.h"
#include "services/deadline_monitor/policy.h"
#include "tests/integration/deadline/surroundings.h"

namespace motcua::deadline {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kHour = 3600ULL * 1000 * 1000;

class CallsTest : public MonitorTest {
 protected:
  void SetUp() override {
    MonitorTest::SetUp();
    StartReplica();
  }
  Monitor& monitor() { return replicas_[0]->monitor; }

  absl::StatusOr<v1::ChangeDueResponse> ChangeDue(const std::string& id, int number, const std::string& date,
                                                  const std::string& agency = kCommune) {
    v1::ChangeDueRequest request;
    request.set_request_id(id);
    request.set_dossier(Code(number));
    request.set_date(date);
    request.set_kind(feed::v1::DUE_CHANGE_KIND_AGREED);
    request.set_reason("agreed");
    return SyncWait(loop_, monitor().ChangeDue(Officer(agency), CallerAt(agency), request));
  }
  absl::StatusOr<v1::GetClockResponse> GetClock(int number) {
    v1::GetClockRequest request;
    request.set_dossier(Code(number));
    return SyncWait(loop_, monitor().GetClock(Officer(kTax), CallerAt(kTax), request));
  }
  absl::StatusOr<v1::ListClocksResponse> List(const std::string& agency, v1::ClockFilter filter, uint32_t size = 0,
                                              const std::string& token = "", const std::string& as = "H30") {
    v1::ListClocksRequest request;
    request.set_agency(agency);
    request.set_filter(filter);
    request.set_page_size(size);
    request.set_page_token(token);
    return SyncWait(loop_, monitor().ListClocks(Officer(as), CallerAt(as), request));
  }
  v1::GetStatisticsResponse Statistics() {
    v1::GetStatisticsRequest request;
    request.set_shard(kShard);
    auto statistics = SyncWait(loop_, monitor().GetStatistics(Officer(kTax), CallerAt(kTax), request));
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    return *statistics;
  }
  void HandOver(int number, const std::string& to) {
    feed::v1::Event event = Routed(number);
    event.mutable_hand_over_accepted()->set_sender(kCommune);
    event.mutable_hand_over_accepted()->set_receiver(to);
    routing_.Emit({event});
  }
};

TEST_F(CallsTest, AClockShowsItsChargesUntilNow) {
  intake_.Emit({Accepted(1, "5wd")});
  Advance(At("2025-01-06T09:00"));
  HandOver(1, kDistrict);
  Advance(At("2025-01-06T12:00"));
  auto got = GetClock(1);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->clock().version(), 2u);
  EXPECT_EQ(got->clock().original_due().date(), "2025-01-13");
  EXPECT_EQ(got->clock().judged_due().date(), "2025-01-13");
  ASSERT_EQ(got->charges_size(), 2);
  EXPECT_EQ(got->charges(0).agency(), kDistrict);
  EXPECT_EQ(got->charges(0).held_micros(), 3 * kHour);
  EXPECT_EQ(got->charges(1).held_micros(), 2 * kHour);
  EXPECT_EQ(errors::Reason(GetClock(7).status()), "DOSSIER_NOT_FOUND");
}

TEST_F(CallsTest, ChangeDueTakesEffectOnceForARequestId) {
  intake_.Emit({Accepted(1, "5wd")});
  Advance(At("2025-01-06T09:00"));
  auto first = ChangeDue("r-1", 1, "2025-01-20");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->due().date(), "2025-01-20");
  EXPECT_GT(first->written().feed_position(), 0u);
  auto again = ChangeDue("r-1", 1, "2025-01-20");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->written().replayed());
  EXPECT_EQ(errors::Reason(ChangeDue("r-1", 1, "2025-01-21").status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(errors::Reason(ChangeDue("r-2", 1, "2025-01-21", kTax).status()), "NOT_YOUR_AGENCY");
  EXPECT_EQ(errors::Reason(ChangeDue("r-3", 9, "2025-01-21").status()), "DOSSIER_NOT_FOUND");
  EXPECT_EQ(GetClock(1)->clock().due_version(), 1u);
  EXPECT_EQ(Statistics().due_changed(), 1u);
}

TEST_F(CallsTest, ChangeDueWaitsForFeedsThatLagAndThenSaysSo) {
  intake_.Emit({Accepted(1, "5wd")});
  Advance(At("2025-01-06T09:00"));
  replicas_[0]->own.clock.AdvanceTo(At("2025-01-20T09:00"));
  EXPECT_EQ(errors::Reason(ChangeDue("r-1", 1, "2025-01-20").status()), "NOT_CAUGHT_UP");
  Advance(At("2025-01-20T09:00"));
  EXPECT_TRUE(ChangeDue("r-1", 1, "2025-01-20").ok());
  EXPECT_EQ(Statistics().alerts().at("OVERDUE"), 1u);
  EXPECT_EQ(Statistics().open_overdue(), 0u);
}

TEST_F(CallsTest, ListsAreByDueDateAndFollowCustody) {
  intake_.Emit({Accepted(1, "8wd"), Accepted(2, "2wd"), Accepted(3, "5wd"), Accepted(4, "20wd")});
  Advance(At("2025-01-06T09:00"));
  HandOver(3, kDistrict);
  Advance(At("2025-01-09T09:00"));
  const auto codes = [](const absl::StatusOr<v1::ListClocksResponse>& listed) {
    std::vector<std::string> codes;
    if (!listed.ok()) return std::vector<std::string>{listed.status().ToString()};
    for (const v1::Clock& clock : listed->clocks()) codes.push_back(clock.dossier());
    return codes;
  };
  EXPECT_THAT(codes(List("H30", v1::CLOCK_FILTER_OPEN)), ElementsAre(Code(2), Code(3), Code(1), Code(4)));
  EXPECT_THAT(codes(List(kCommune, v1::CLOCK_FILTER_UNSPECIFIED)), ElementsAre(Code(2), Code(1), Code(4)));
  EXPECT_THAT(codes(List("H30", v1::CLOCK_FILTER_OVERDUE)), ElementsAre(Code(2)));
  EXPECT_THAT(codes(List("H30", v1::CLOCK_FILTER_NEARING)), ElementsAre(Code(3)));
  EXPECT_THAT(codes(List(kDistrict, v1::CLOCK_FILTER_NEARING)), ElementsAre(Code(3)));
  auto page = List("H30", v1::CLOCK_FILTER_OPEN, 3);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->total(), 4u);
  EXPECT_THAT(codes(List("H30", v1::CLOCK_FILTER_OPEN, 3, page->next_page_token())), ElementsAre(Code(4)));
  EXPECT_EQ(errors::Reason(List("H30", v1::CLOCK_FILTER_OPEN, 3, "nonsense").status()), "BAD_PAGE_TOKEN");
}

// Before a dossier is moved to the successor its clock stands in the list of the agency that has ended.
TEST_F(CallsTest, AnAgencyListsTheClocksOfThoseThatItSucceededUntilAndAfterTheyAreMoved) {
  intake_.Emit({Accepted(1, "8wd"), Accepted(2, "5wd"), Accepted(3, "20wd")});
  Advance(At("2025-01-06T09:00"));
  HandOver(2, kTax);
  feed::v1::Event event;
  event.set_subject(kShard);
  *event.mutable_at() = time::ToTimestamp(intake_.clock.Now());
  reference::v1::ReferenceSet& set = *event.mutable_reference_applied()->mutable_set();
  set = TestCatalogue().set();
  set.set_version(2);
  for (reference::v1::Agency& agency : *set.mutable_agencies()) {
    if (agency.id() != kCommune) continue;
    agency.set_valid_until("2025-01-07");
    agency.set_successor(kTax);
  }
  intake_.Emit({event});
  const auto listed = [&](const char* agency, uint32_t size = 0) {
    std::vector<std::string> codes;
    std::string token;
    do {
      const auto page = List(agency, v1::CLOCK_FILTER_OPEN, size, token);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return codes;
      for (const v1::Clock& clock : page->clocks()) codes.push_back(clock.dossier());
      token = page->next_page_token();
    } while (!token.empty());
    return codes;
  };
  Advance(At("2025-01-06T23:59"));
  EXPECT_THAT(listed(kTax), ElementsAre(Code(2)));
  Advance(At("2025-01-07T08:00"));
  // The reference data of another moment may be remembered for a second.
  ASSERT_TRUE(WaitUntil([&] { return listed(kTax).size() == 3; }));
  EXPECT_THAT(listed(kTax, 1), ElementsAre(Code(2), Code(1), Code(3)));
  EXPECT_THAT(listed(kCommune), ElementsAre());
  feed::v1::Event moved = Routed(1);
  moved.mutable_agency_succeeded()->set_ended_agency(kCommune);
  moved.mutable_agency_succeeded()->set_successor(kTax);
  moved.mutable_agency_succeeded()->set_custody(true);
  routing_.Emit({moved});
  Advance(At("2025-01-07T09:00"));
  EXPECT_EQ(GetClock(1)->clock().holder(), kTax);
  EXPECT_EQ(GetClock(3)->clock().holder(), kCommune);
  EXPECT_THAT(listed(kTax, 2), ElementsAre(Code(2), Code(1), Code(3)));
  EXPECT_THAT(listed(kCommune), ElementsAre());
}

TEST_F(CallsTest, ListsAreForTheAgencyAndThoseAboveIt) {
  intake_.Emit({Accepted(1, "8wd")});
  Advance(At("2025-01-06T09:00"));
  EXPECT_TRUE(List(kCommune, v1::CLOCK_FILTER_OPEN, 0, "", kCommune).ok());
  EXPECT_TRUE(List(kCommune, v1::CLOCK_FILTER_OPEN, 0, "", kDistrict).ok());
  EXPECT_EQ(errors::Reason(List(kDistrict, v1::CLOCK_FILTER_OPEN, 0, "", kCommune).status()), "NOT_YOUR_AGENCY");
  EXPECT_EQ(errors::Reason(List(kCommune, v1::CLOCK_FILTER_OPEN, 0, "", "H13.01").status()), "NOT_YOUR_JURISDICTION");
}

TEST_F(CallsTest, HistoryTellsAndVerifies) {
  intake_.Emit({Accepted(1, "1wd")});
  Advance(At("2025-01-06T09:00"));
  HandOver(1, kDistrict);
  Advance(At("2025-01-08T09:00"));
  v1::GetHistoryRequest request;
  request.set_dossier(Code(1));
  auto history = SyncWait(loop_, monitor().GetHistory(Officer(kTax), CallerAt(kTax), request));
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_TRUE(history->history().verified());
  std::vector<std::string> actions;
  for (const auto& entry : history->history().entries()) actions.push_back(entry.action());
  EXPECT_THAT(actions, ElementsAre("DossierAccepted", "HandOverAccepted", "AlertRaised", "AlertRaised", "AlertRaised",
                                   "ApologyDue"));
}

TEST_F(CallsTest, StatisticsHoldAtEveryMoment) {
  intake_.Emit({Accepted(1, "1wd"), Accepted(2, "5wd"), Accepted(3, "1wd")});
  Advance(At("2025-01-06T09:00"));
  HandOver(1, kDistrict);
  feed::v1::Event result = Routed(3);
  result.mutable_result_ready()->set_outcome(feed::v1::OUTCOME_APPROVED);
  routing_.Emit({result});
  Advance(At("2025-01-08T09:00"));
  const v1::GetStatisticsResponse statistics = Statistics();
  EXPECT_EQ(time::FromTimestamp(statistics.as_of()), At("2025-01-08T09:00"));
  EXPECT_EQ(statistics.clocks(), 3u);
  EXPECT_EQ(statistics.open(), 2u);
  EXPECT_EQ(statistics.open_overdue(), 1u);
  EXPECT_EQ(statistics.ended(), 1u);
  EXPECT_EQ(statistics.agencies().at(kDistrict).held_micros(), 48 * kHour);
  EXPECT_EQ(statistics.agencies().at(kCommune).held_micros(), 2 * kHour + 50 * kHour + 2 * kHour);
}

TEST(DeadlinePolicy, CellByCell) {
  auth::Policy policy;
  AllowDeadlines(policy);
  const std::string service = "motcua.deadline.v1.DeadlineService/";
  const auto may = [&](const std::string& method, const auth::Principal& who) {
    return policy.Check(service + method, who).ok();
  };
  const auth::Principal nobody;
  const auth::Principal handler(auth::Kind::kOfficer, "a", kCommune, {"handler"});
  const auth::Principal leader(auth::Kind::kOfficer, "b", kCommune, {"leader"});
  const auth::Principal intake(auth::Kind::kOfficer, "c", kCommune, {"intake"});
  const auth::Principal admin(auth::Kind::kOfficer, "d", "", {"admin"});
  const auth::Principal service_caller = auth::Principal::Service("notification");
  for (const char* method : {"GetClock", "ListClocks", "GetHistory", "GetStatistics"}) {
    EXPECT_FALSE(may(method, nobody)) << method;
    EXPECT_TRUE(may(method, handler)) << method;
    EXPECT_TRUE(may(method, admin)) << method;
    EXPECT_TRUE(may(method, service_caller)) << method;
  }
  EXPECT_FALSE(may("ChangeDue", nobody));
  EXPECT_FALSE(may("ChangeDue", handler));
  EXPECT_FALSE(may("ChangeDue", service_caller));
  EXPECT_TRUE(may("ChangeDue", leader));
  EXPECT_TRUE(may("ChangeDue", intake));
  EXPECT_TRUE(may("ChangeDue", admin));
  EXPECT_FALSE(may("Anything", admin));
}

}  // namespace
}  // namespace motcua::deadline
