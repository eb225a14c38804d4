// Agencies end while dossiers are open with them: nobody loses one, and each is moved once.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "test_bed.h"
#include "tests/support/wait.h"

namespace motcua::routing {
namespace {

using admin::v1::SuccessionStatus;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

// The clock of the tests stands on 14 July.
constexpr char kToday[] = "2026-07-14";

class SuccessionTest : public TestBed {
 protected:
  // Of kDesk: held, waiting. Of kTax: offered, consulted, planned (beside what is held by kDistrict).
  void Populate(int each) {
    int n = 0;
    for (int i = 0; i < each; ++i) {
      held_.push_back(Code(++n));
      Accept(held_.back(), {kDesk, kTax}, 1 + i % 7);
    }
    for (int i = 0; i < each; ++i) {
      waiting_.push_back(Code(++n));
      Accept(waiting_.back(), {kDesk}, 1 + i % 5);
    }
    for (int i = 0; i < each; ++i) {
      offered_.push_back(Code(++n));
      Accept(offered_.back(), {kTax}, 1 + i % 3);
    }
    for (int i = 0; i < each; ++i) {
      planned_.push_back(Code(++n));
      Accept(planned_.back(), {kDistrict, kTax}, 1 + i % 4);
    }
    AwaitRoutes(static_cast<uint64_t>(n));
    for (const std::string& code : waiting_) {
      auto request = For<v1::RequestSupplementRequest>(code);
      request.set_reason("Thiếu trích đo");
      ASSERT_TRUE(Call(&Routing::RequestSupplement, kDesk, request).ok());
    }
    for (const std::string& code : planned_)
      ASSERT_TRUE(Call(&Routing::AcceptHandOver, kDistrict, For<v1::AcceptHandOverRequest>(code)).ok());
    for (size_t i = 0; i < planned_.size() / 2; ++i) {
      auto request = For<v1::ConsultRequest>(planned_[i]);
      request.add_agencies(kTax);
      request.set_question("?");
      ASSERT_TRUE(Call(&Routing::Consult, kDistrict, request).ok());
      consulted_.push_back(planned_[i]);
    }
  }

  void EndDeskAndTax() { ApplyReference({{kDesk, kToday, kDistrict}, {kTax, kToday, kPolice}}); }

  std::vector<std::string> Inbox(const std::string& agency, v1::Box box, uint32_t page_size = 7) {
    std::vector<std::string> dossiers;
    v1::ListInboxRequest request;
    request.set_agency(agency);
    request.set_box(box);
    request.set_page_size(page_size);
    do {
      auto page = Call(&Routing::ListInbox, agency, request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return dossiers;
      for (const v1::Route& route : page->routes()) dossiers.push_back(route.dossier());
      request.set_page_token(page->next_page_token());
      if (between_pages_) between_pages_();
    } while (!request.page_token().empty());
    return dossiers;
  }

  v1::ListInboxResponse Counts(const std::string& agency) {
    v1::ListInboxRequest request;
    request.set_agency(agency);
    auto page = Call(&Routing::ListInbox, agency, request);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *std::move(page) : v1::ListInboxResponse();
  }

  v1::PreviewSuccessionResponse Preview(const std::string& day = "") {
    v1::PreviewSuccessionRequest request;
    request.set_shard("H30");
    request.set_day(day);
    return Ask(first(), &Successions::PreviewSuccession, request);
  }
  void Start(Replica& replica) {
    v1::StartSuccessionRequest request;
    request.set_shard("H30");
    EXPECT_EQ(Ask(replica, &Successions::StartSuccession, request).status().step(),
              SuccessionStatus::STEP_RUNNING);
  }
  SuccessionStatus Status(Replica& replica) {
    v1::GetSuccessionRequest request;
    request.set_shard("H30");
    return Ask(replica, &Successions::GetSuccession, request).status();
  }
  void AwaitDone(Replica& replica) {
    ASSERT_TRUE(test::WaitUntil([&] { return Status(replica).step() == SuccessionStatus::STEP_DONE; },
                                absl::Seconds(60)))
        << Status(replica).DebugString();
  }

  // Nobody holds anything that others have; each was moved once; every history verifies.
  void ExpectAllMovedOnce() {
    EXPECT_EQ(Statistics().successions(), held_.size() + waiting_.size() + offered_.size() + planned_.size());
    std::map<std::string, int> moves;
    for (const feed::v1::Event& event : RoutingEvents()) {
      if (!event.has_agency_succeeded()) continue;
      EXPECT_FALSE(event.has_actor());
      EXPECT_EQ(++moves[event.subject() + event.agency_succeeded().ended_agency()], 1)
          << event.ShortDebugString();
    }
    for (const std::string& agency : {std::string(kDesk), std::string(kTax)}) {
      const std::vector<std::string> boxes = {"h:", "o:", "c:", "w:"};
      for (const std::string& box : boxes) {
        auto sizes = async::SyncWait(
            loop_, first().store.IndexSizes("H30", std::vector<std::string>(1, box + agency), Soon()));
        ASSERT_TRUE(sizes.ok());
        EXPECT_EQ(sizes->front(), 0u) << box << agency;
      }
    }
    for (const auto* codes : {&held_, &waiting_, &offered_, &planned_}) {
      for (const std::string& code : *codes) {
        v1::GetHistoryRequest request;
        request.set_dossier(code);
        auto history = Call(&Routing::GetHistory, kDistrict, request);
        ASSERT_TRUE(history.ok());
        EXPECT_TRUE(history->history().verified()) << code;
      }
    }
  }

  void ExpectInboxesComplete() {
    std::vector<std::string> at_district = held_;
    at_district.insert(at_district.end(), offered_.begin(), offered_.end());
    at_district.insert(at_district.end(), planned_.begin(), planned_.end());
    EXPECT_THAT(Inbox(kDistrict, v1::BOX_HELD), UnorderedElementsAreArray(at_district));
    EXPECT_THAT(Inbox(kDistrict, v1::BOX_WAITING), UnorderedElementsAreArray(waiting_));
    EXPECT_THAT(Inbox(kPolice, v1::BOX_OFFERED), UnorderedElementsAreArray(offered_));
    EXPECT_THAT(Inbox(kPolice, v1::BOX_CONSULTED), UnorderedElementsAreArray(consulted_));
    const v1::ListInboxResponse district = Counts(kDistrict);
    EXPECT_EQ(district.held(), at_district.size());
    EXPECT_EQ(district.waiting(), waiting_.size());
    EXPECT_EQ(Counts(kPolice).offered(), offered_.size());
    EXPECT_EQ(Counts(kPolice).consulted(), consulted_.size());
    for (const char* agency : {kDesk, kTax}) {
      EXPECT_THAT(Inbox(agency, v1::BOX_HELD), IsEmpty());
      EXPECT_THAT(Inbox(agency, v1::BOX_OFFERED), IsEmpty());
      EXPECT_EQ(Counts(agency).held() + Counts(agency).waiting() + Counts(agency).offered(), 0u);
    }
  }

  template <class Request, class Response>
  Response Ask(Replica& replica,
               async::Task<absl::StatusOr<Response>> (Successions::*method)(const auth::Principal&,
                                                                            store::Caller, const Request&),
               const Request& request) {
    const auth::Principal who = Officer("H30", "admin");
    auto response = async::SyncWait(loop_, (*replica.successions.*method)(who, CallerOf(who), request));
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : Response();
  }

  std::vector<std::string> held_, waiting_, offered_, planned_, consulted_;
  std::function<void()> between_pages_;
};

TEST_F(SuccessionTest, PreviewSaysWhatTheRunMovesAndItIsMovedOnceAlsoByTwoAndWhenCutOffHalfWay) {
  Populate(40);
  first().StartSuccessions();
  EXPECT_THAT(Preview().successions(), IsEmpty());
  ApplyReference({{kDesk, "2026-07-20", kDistrict}, {kTax, "2026-07-20", kPolice}});
  EXPECT_THAT(Preview("2026-07-19").successions(), IsEmpty());
  EXPECT_EQ(Preview("2026-07-20").dossiers(), 160u);
  EndDeskAndTax();
  const v1::PreviewSuccessionResponse preview = Preview();
  EXPECT_EQ(preview.dossiers(), 160u);
  ASSERT_EQ(preview.successions_size(), 2);
  const v1::Succession& desk = preview.successions(0);
  EXPECT_EQ(desk.ended_agency(), kDesk);
  EXPECT_EQ(desk.successor(), kDistrict);
  EXPECT_EQ(desk.held(), 120u);
  EXPECT_EQ(desk.planned(), 0u);
  const v1::Succession& tax = preview.successions(1);
  EXPECT_EQ(tax.ended_agency(), kTax);
  EXPECT_EQ(tax.successor(), kPolice);
  EXPECT_EQ(tax.held(), 0u);
  EXPECT_EQ(tax.offered(), 40u);
  EXPECT_EQ(tax.consulted(), 20u);
  EXPECT_EQ(tax.planned(), 40u + 40u + 40u);

  // The successors see all of it before anything has moved.
  EXPECT_EQ(Statistics().successions(), 0u);
  ExpectInboxesComplete();

  // Cut off half-way.
  Start(first());
  ASSERT_TRUE(test::WaitUntil([&] { return Statistics().successions() >= 30; }));
  first().StopSuccessions();
  const SuccessionStatus stopped = Status(first());
  EXPECT_EQ(stopped.step(), SuccessionStatus::STEP_RUNNING);
  ExpectInboxesComplete();

  // Two others go on with it, at the same time.
  Replica& second = AddReplica();
  Replica& third = AddReplica();
  ASSERT_TRUE(test::WaitUntil([&] {
    auto catalogue = async::SyncWait(loop_, third.catalogues.Get("H30", Soon()));
    return catalogue.ok() && (*catalogue)->version() == reference_version_;
  }));
  second.StartSuccessions();
  third.StartSuccessions();
  AwaitDone(second);
  AwaitDone(third);
  ExpectAllMovedOnce();
  ExpectInboxesComplete();
  const SuccessionStatus done = Status(second);
  EXPECT_EQ(done.moved(), 160u);
  EXPECT_EQ(done.left(), 0u);
  EXPECT_THAT(Preview().successions(), IsEmpty());
  for (const std::string& code : planned_) EXPECT_EQ(Route(code).legs(1).agency(), kPolice);

  // Begun again, it finds nothing to do.
  Start(second);
  AwaitDone(second);
  EXPECT_EQ(Status(second).moved(), 0u);
  ExpectAllMovedOnce();
}

TEST_F(SuccessionTest, AnInboxIsPagedThroughWhileItsDossiersAreMoved) {
  Populate(30);
  EndDeskAndTax();
  first().StartSuccessions();
  int pages = 0;
  between_pages_ = [&] {
    // Some pages before, some after the move.
    if (++pages != 3) return;
    Start(first());
    AwaitDone(first());
  };
  std::vector<std::string> expected = held_;
  expected.insert(expected.end(), offered_.begin(), offered_.end());
  expected.insert(expected.end(), planned_.begin(), planned_.end());
  EXPECT_THAT(Inbox(kDistrict, v1::BOX_HELD), UnorderedElementsAreArray(expected));
  EXPECT_GT(pages, 4);
}

TEST_F(SuccessionTest, ATokenOfOneInboxIsNoneOfAnother) {
  Populate(10);
  EndDeskAndTax();
  v1::ListInboxRequest request;
  request.set_agency(kDistrict);
  request.set_page_size(3);
  const auto page = Call(&Routing::ListInbox, kDistrict, request);
  ASSERT_TRUE(page.ok());
  request.set_page_token(page->next_page_token());
  request.set_box(v1::BOX_WAITING);
  EXPECT_EQ(errors::Reason(Call(&Routing::ListInbox, kDistrict, request).status()), "BAD_PAGE_TOKEN");
  request.set_agency(kPolice);
  request.set_box(v1::BOX_HELD);
  EXPECT_EQ(errors::Reason(Call(&Routing::ListInbox, kPolice, request).status()), "BAD_PAGE_TOKEN");
}

TEST_F(SuccessionTest, TheSuccessorActsAtOnceAndTheDossierPassesWithWhatItDoes) {
  Populate(2);
  EndDeskAndTax();
  const std::string code = held_[0];
  auto work = For<v1::CompleteWorkRequest>(code);
  work.set_activity("Thẩm tra");
  EXPECT_EQ(errors::Reason(Call(&Routing::CompleteWork, kDesk, work).status()), "NOT_HOLDER");
  const auto done = Call(&Routing::CompleteWork, kDistrict, work);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->holder(), kDistrict);
  EXPECT_EQ(Route(code).holder(), kDistrict);
  EXPECT_EQ(Statistics().successions(), 1u);
  // Repeated, it is answered as the first time.
  const auto again = Call(&Routing::CompleteWork, kDistrict, work);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->written().version(), done->written().version());
  EXPECT_EQ(Statistics().successions(), 1u);
  // The plan leads to who continues the work of the next.
  const auto offered = Call(&Routing::OfferHandOver, kDistrict, For<v1::OfferHandOverRequest>(code));
  ASSERT_TRUE(offered.ok()) << offered.status();
  EXPECT_EQ(Route(code).offer().receiver(), kPolice);
  EXPECT_TRUE(Call(&Routing::AcceptHandOver, kPolice, For<v1::AcceptHandOverRequest>(code)).ok());
}

TEST_F(SuccessionTest, OnItsOwnItBeginsWithTheDayAndWithReferenceData) {
  Populate(5);
  first().StartSuccessions(Successions::Start::kAutomatic);
  ApplyReference({{kTax, "2026-07-15", kPolice}});
  ApplyReference({{kTax, "2026-07-15", kPolice}, {kDesk, kToday, kDistrict}});
  ASSERT_TRUE(
      test::WaitUntil([&] { return Counts(kDistrict).held() == 15 && Statistics().successions() == 15; }));
  AwaitDone(first());
  EXPECT_EQ(Inbox(kTax, v1::BOX_OFFERED).size(), 5u);
  // Midnight in the jurisdiction's zone.
  Pass(absl::Hours(15));
  ASSERT_TRUE(test::WaitUntil([&] { return Statistics().successions() >= 30; }))
      << Statistics().DebugString();
  ASSERT_TRUE(test::WaitUntil([&] { return Route(planned_[0]).legs(1).agency() == kPolice; }));
}

}  // namespace
}  // namespace motcua::routing
