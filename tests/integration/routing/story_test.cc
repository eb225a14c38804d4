// Calls against a real redis-server: a dossier's whole way, and what each wrong step is answered.
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "gmock/gmock.h"
#include "services/routing/domain/route/route_model.h"
#include "test_bed.h"

namespace motcua::routing {
namespace {

using testing::ElementsAre;

class StoryTest : public TestBed {
 protected:
  absl::StatusOr<v1::OfferHandOverResponse> Offer(const std::string& code, const std::string& by,
                                                  const std::string& to) {
    auto request = For<v1::OfferHandOverRequest>(code);
    request.set_receiver(to);
    return Call(&Routing::OfferHandOver, by, request);
  }
  absl::StatusOr<v1::AcceptHandOverResponse> Take(const std::string& code, const std::string& by) {
    return Call(&Routing::AcceptHandOver, by, For<v1::AcceptHandOverRequest>(code));
  }
  absl::StatusOr<v1::FinishResponse> Finish(const std::string& code, const std::string& by) {
    auto request = For<v1::FinishRequest>(code);
    request.set_outcome(feed::v1::OUTCOME_APPROVED);
    return Call(&Routing::Finish, by, request);
  }
  std::vector<std::string> Box(const std::string& agency, v1::Box box, v1::ListInboxResponse* response = nullptr,
                               uint32_t page_size = 0, std::string token = "") {
    v1::ListInboxRequest request;
    request.set_agency(agency);
    request.set_box(box);
    request.set_page_size(page_size);
    request.set_page_token(std::move(token));
    auto inbox = Call(&Routing::ListInbox, agency, request);
    EXPECT_TRUE(inbox.ok()) << inbox.status();
    std::vector<std::string> codes;
    if (!inbox.ok()) return codes;
    for (const v1::Route& route : inbox->routes()) codes.push_back(route.dossier());
    if (response != nullptr) *response = *std::move(inbox);
    return codes;
  }
};

TEST_F(StoryTest, OfferedAcceptedConsultedSupplementedRefusedRecalledFinished) {
  const std::string code = Code(1);
  Accept(code, {kDistrict, kDesk});
  AwaitRoutes(1);
  EXPECT_THAT(Box(kDesk, v1::BOX_HELD), ElementsAre(code));
  EXPECT_THAT(Box(kDistrict, v1::BOX_OFFERED), ElementsAre(code));

  Pass(absl::Hours(1));
  auto accepted = Take(code, kDistrict);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->holder(), kDistrict);
  EXPECT_EQ(accepted->written().version(), 2u);
  const absl::Time moved = Now();
  EXPECT_THAT(Box(kDesk, v1::BOX_HELD), ElementsAre());
  EXPECT_THAT(Box(kDistrict, v1::BOX_HELD), ElementsAre(code));
  EXPECT_EQ(errors::Reason(Take(code, kDistrict).status()), "NOT_OFFERED");

  auto assign = For<v1::AssignRequest>(code);
  assign.set_officer("H30.18-handler");
  EXPECT_TRUE(Call(&Routing::Assign, kDistrict, assign).ok());

  auto consult = For<v1::ConsultRequest>(code);
  consult.add_agencies(kTax);
  consult.add_agencies(kPolice);
  consult.set_question("Có vướng mắc không?");
  auto asked = Call(&Routing::Consult, kDistrict, consult);
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_THAT(asked->consultations(), ElementsAre(1, 2));
  EXPECT_THAT(Box(kTax, v1::BOX_CONSULTED), ElementsAre(code));
  EXPECT_EQ(errors::Reason(Offer(code, kDistrict, "").status()), "CONSULTATION_OPEN");
  for (const char* agency : {kTax, kPolice}) {
    auto answer = For<v1::AnswerConsultationRequest>(code);
    answer.set_consultation(agency == kTax ? 1 : 2);
    answer.set_answer("Không.");
    EXPECT_TRUE(Call(&Routing::AnswerConsultation, agency, answer).ok());
  }
  EXPECT_THAT(Box(kTax, v1::BOX_CONSULTED), ElementsAre());

  auto supplement = For<v1::RequestSupplementRequest>(code);
  supplement.set_reason("thiếu bản vẽ");
  auto waiting = Call(&Routing::RequestSupplement, kDistrict, supplement);
  ASSERT_TRUE(waiting.ok());
  EXPECT_EQ(waiting->status(), common::v1::DOSSIER_STATUS_SUPPLEMENT);
  EXPECT_THAT(Box(kDistrict, v1::BOX_HELD), ElementsAre());
  EXPECT_THAT(Box(kDistrict, v1::BOX_WAITING), ElementsAre(code));
  EXPECT_EQ(errors::Reason(Finish(code, kDistrict).status()), "AWAITING_SUPPLEMENT");
  EXPECT_EQ(errors::Reason(Call(&Routing::ReceiveSupplement, kDesk, For<v1::ReceiveSupplementRequest>(code)).status()),
            "NOT_HOLDER");
  EXPECT_TRUE(Call(&Routing::ReceiveSupplement, kDesk, For<v1::ReceiveSupplementRequest>(code), "intake").ok());

  auto offered = Offer(code, kDistrict, kTax);
  ASSERT_TRUE(offered.ok()) << offered.status();
  auto refuse = For<v1::RefuseHandOverRequest>(code);
  refuse.set_reason("không đúng thẩm quyền");
  EXPECT_EQ(errors::Reason(Call(&Routing::RefuseHandOver, kPolice, refuse).status()), "NOT_OFFERED_TO_YOU");
  EXPECT_TRUE(Call(&Routing::RefuseHandOver, kTax, refuse).ok());
  EXPECT_TRUE(Offer(code, kDistrict, kPolice).ok());
  EXPECT_TRUE(Call(&Routing::RecallHandOver, kDistrict, For<v1::RecallHandOverRequest>(code)).ok());

  EXPECT_TRUE(Offer(code, kDistrict, "").ok());
  Pass(absl::Hours(2));
  EXPECT_TRUE(Take(code, kDesk).ok());
  const absl::Time back = Now();
  Pass(absl::Hours(3));
  auto finished = Finish(code, kDesk);
  ASSERT_TRUE(finished.ok()) << finished.status();
  EXPECT_EQ(finished->status(), common::v1::DOSSIER_STATUS_RESULT_READY);
  EXPECT_THAT(Box(kDesk, v1::BOX_HELD), ElementsAre());

  v1::GetCustodyRequest of;
  of.set_dossier(code);
  auto ledger = Call(&Routing::GetCustody, kTax, of);
  ASSERT_TRUE(ledger.ok());
  ASSERT_EQ(ledger->lines_size(), 3);
  EXPECT_EQ(time::FromTimestamp(ledger->lines(1).since()), moved);
  EXPECT_EQ(time::FromTimestamp(ledger->lines(1).until()), back);
  EXPECT_EQ(time::FromTimestamp(ledger->lines(2).until()), Now());

  v1::GetHistoryRequest history_of;
  history_of.set_dossier(code);
  auto history = Call(&Routing::GetHistory, kTax, history_of);
  ASSERT_TRUE(history.ok());
  EXPECT_TRUE(history->history().verified());
  EXPECT_EQ(history->history().entries().rbegin()->action(), "ResultReady");
  EXPECT_EQ(Route(code).version(), finished->written().version());

  const v1::GetStatisticsResponse statistics = Statistics();
  EXPECT_EQ(statistics.routes(), 1u);
  EXPECT_EQ(statistics.open(), 0u);
  EXPECT_EQ(statistics.ended(), 1u);
  EXPECT_EQ(statistics.hand_overs(), 2u);
}

TEST_F(StoryTest, WorkAfterTheEndIsRefusedAndCountedOnceForARequestId) {
  Accept(Code(1), {kDesk});
  AwaitRoutes(1);
  auto work = For<v1::CompleteWorkRequest>(Code(1));
  work.set_activity("thẩm định");
  ASSERT_TRUE(Call(&Routing::CompleteWork, kDesk, work).ok());
  auto again = Call(&Routing::CompleteWork, kDesk, work);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->written().replayed());
  ASSERT_TRUE(Finish(Code(1), kDesk).ok());
  auto late = For<v1::CompleteWorkRequest>(Code(1));
  late.set_activity("thẩm định");
  for (int i = 0; i < 3; ++i) {
    const absl::Status refused = Call(&Routing::CompleteWork, kTax, late).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(errors::Reason(refused), "DOSSIER_ENDED");
  }
  EXPECT_EQ(Statistics().work_done(), 1u);
  EXPECT_EQ(Statistics().work_refused(), 1u);
  EXPECT_EQ(Route(Code(1)).work_refused(), 1u);
}

TEST_F(StoryTest, AVersionThatMovedOnChangesNothing) {
  Accept(Code(1), {kDesk});
  AwaitRoutes(1);
  auto work = For<v1::CompleteWorkRequest>(Code(1));
  work.set_activity("a");
  work.set_expected_version(1);
  ASSERT_TRUE(Call(&Routing::CompleteWork, kDesk, work).ok());
  auto stale = For<v1::CompleteWorkRequest>(Code(1));
  stale.set_activity("b");
  stale.set_expected_version(1);
  const absl::Status status = Call(&Routing::CompleteWork, kDesk, stale).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(errors::Reason(status), "VERSION_MISMATCH");
  EXPECT_EQ(Route(Code(1)).work_done(), 1u);
}

TEST_F(StoryTest, OfTwoAgenciesThatAcceptOnlyTheOneOfferedGetsIt) {
  Accept(Code(1), {kDistrict});
  AwaitRoutes(1);
  EXPECT_EQ(errors::Reason(Take(Code(1), kTax).status()), "NOT_OFFERED_TO_YOU");
  EXPECT_TRUE(Take(Code(1), kDistrict).ok());
  EXPECT_EQ(Route(Code(1)).holder(), kDistrict);
}

TEST_F(StoryTest, UnknownDossiersAndOtherJurisdictions) {
  Accept(Code(1), {kDesk});
  AwaitRoutes(1);
  EXPECT_EQ(errors::Reason(Take(Code(9), kDesk).status()), "DOSSIER_NOT_FOUND");
  EXPECT_EQ(errors::Reason(Take(Code(1), "H31.18").status()), "NOT_YOUR_JURISDICTION");
  EXPECT_EQ(errors::Reason(Offer("H31.18-260714-0001", "H31.18", "H31.19").status()), "DOSSIER_NOT_FOUND");
  v1::GetRouteRequest get;
  get.set_dossier(Code(1));
  EXPECT_EQ(errors::Reason(Call(&Routing::GetRoute, "H31.18", get).status()), "NOT_YOUR_JURISDICTION");
  v1::ListInboxRequest list;
  list.set_agency(kDesk);
  EXPECT_EQ(errors::Reason(Call(&Routing::ListInbox, kTax, list).status()), "NOT_YOUR_AGENCY");
  EXPECT_TRUE(Call(&Routing::ListInbox, "H30", list, "admin").ok());
}

TEST_F(StoryTest, AnInboxIsPagedMostUrgentFirst) {
  constexpr int kDossiers = 25;
  for (int i = 0; i < kDossiers; ++i) Accept(Code(i), {kDistrict}, kDossiers - i);
  AwaitRoutes(kDossiers);
  std::vector<std::string> seen;
  std::string token;
  do {
    v1::ListInboxResponse page;
    for (std::string& code : Box(kDistrict, v1::BOX_OFFERED, &page, 10, token)) seen.push_back(std::move(code));
    EXPECT_EQ(page.offered(), static_cast<uint64_t>(kDossiers));
    EXPECT_EQ(page.held(), 0u);
    token = page.next_page_token();
  } while (!token.empty());
  ASSERT_EQ(seen.size(), static_cast<size_t>(kDossiers));
  for (int i = 0; i < kDossiers; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], Code(kDossiers - 1 - i));
}

}  // namespace
}  // namespace motcua::routing
