#include "services/routing/domain/work/work.h"

#include <gtest/gtest.h>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/routing/domain/custody/custody.h"
#include "services/routing/domain/route/route_model.h"
#include "tests/support/violations.h"

namespace motcua::routing {
namespace {

v1::CompleteWorkRequest Work() {
  auto request = For<v1::CompleteWorkRequest>();
  request.set_activity("thẩm định");
  request.set_note("đủ");
  return request;
}

absl::StatusOr<RouteDecision> Finish(const internal::routing::RouteRecord& record, int minutes) {
  auto request = For<v1::FinishRequest>();
  request.set_outcome(feed::v1::OUTCOME_APPROVED);
  return DecideFinish(&record, request, By(kDesk, minutes));
}

TEST(Work, IsCountedAndTold) {
  const internal::routing::RouteRecord record = Opened({kDesk});
  auto done = DecideCompleteWork(&record, Work(), By(kDesk, 3));
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done->refusal.ok());
  EXPECT_EQ(done->record.route().work_done(), 1u);
  EXPECT_EQ(done->events[0].work_completed().activity(), "thẩm định");
  EXPECT_EQ(done->history[0].note(), "thẩm định: đủ");
  EXPECT_EQ(done->history[0].holder(), kDesk);
}

TEST(Work, AfterTheEndIsRefusedAndCountedWhoeverTries) {
  const internal::routing::RouteRecord ended = After(Opened({kDesk}), Finish(Opened({kDesk}), 20));
  for (const char* agency : {kDesk, kTax}) {
    auto late = DecideCompleteWork(&ended, Work(), By(agency, 30));
    ASSERT_TRUE(late.ok());
    EXPECT_EQ(late->refusal.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(errors::Reason(late->refusal), "DOSSIER_ENDED");
    EXPECT_EQ(late->record.route().work_refused(), 1u);
    EXPECT_EQ(late->record.route().work_done(), 0u);
    EXPECT_TRUE(late->events.empty());
    ASSERT_EQ(late->history.size(), 1u);
    EXPECT_EQ(late->history[0].action(), "WorkRefused");
    EXPECT_EQ(store::CountersOf<RouteModel>(late->record)["work_refused"], 1);
  }
}

TEST(Work, AfterTheEndIsStillCountedWhereTheHistoryIsFull) {
  internal::routing::RouteRecord ended = After(Opened({kDesk}), Finish(Opened({kDesk}), 20));
  ended.set_history_length(kMaxHistoryLines);
  auto late = DecideCompleteWork(&ended, Work(), By(kDesk, 30));
  ASSERT_TRUE(late.ok());
  EXPECT_TRUE(late->history.empty());
  EXPECT_EQ(late->record.route().work_refused(), 1u);
}

TEST(Finish, EndsCustodyLegAndInboxes) {
  auto finished = Finish(Opened({kDesk}), 20);
  ASSERT_TRUE(finished.ok());
  const v1::Route& route = finished->record.route();
  EXPECT_EQ(route.status(), common::v1::DOSSIER_STATUS_RESULT_READY);
  EXPECT_EQ(time::FromTimestamp(route.ended_at()), At(20));
  EXPECT_EQ(time::FromTimestamp(route.legs(0).done_at()), At(20));
  EXPECT_EQ(route.outcome(), feed::v1::OUTCOME_APPROVED);
  EXPECT_EQ(time::FromTimestamp(LedgerOf(route).lines(0).until()), At(20));
  EXPECT_TRUE(store::IndexesOf<RouteModel>(finished->record).empty());
  EXPECT_EQ(store::CountersOf<RouteModel>(finished->record)["open"], 0);
  EXPECT_EQ(store::CountersOf<RouteModel>(finished->record)["ended"], 1);
  EXPECT_EQ(finished->events[0].result_ready().agency(), kDesk);
}

TEST(Finish, NotWhileTheDossierIsOffered) {
  EXPECT_EQ(errors::Reason(Finish(Opened({kDistrict}), 20).status()), "ALREADY_OFFERED");
}

TEST(Assign, NamesAnOfficerOfTheHolder) {
  const internal::routing::RouteRecord record = Opened({kDesk});
  auto request = For<v1::AssignRequest>();
  request.set_officer("H30.18.05-handler");
  auto assigned = DecideAssign(&record, request, By(kDesk, 3), Catalogue());
  ASSERT_TRUE(assigned.ok());
  EXPECT_EQ(assigned->record.route().officer(), "H30.18.05-handler");
  EXPECT_EQ(assigned->events[0].officer_assigned().agency(), kDesk);
  EXPECT_EQ(errors::Reason(DecideAssign(&assigned->record, request, By(kDesk, 4), Catalogue()).status()),
            "ALREADY_ASSIGNED");
  for (const char* officer : {"H30.18.TH-handler", "nobody"}) {
    request.set_officer(officer);
    const absl::Status status = DecideAssign(&record, request, By(kDesk, 3), Catalogue()).status();
    EXPECT_EQ(errors::Reason(status), "UNKNOWN_OFFICER");
    ASSERT_EQ(motcua::test::Violations(status).size(), 1u);
    EXPECT_EQ(motcua::test::Violations(status)[0].first, "officer");
  }
}

TEST(History, ANoteIsCutBetweenCharacters) {
  EXPECT_EQ(Shortened("việc", 4), "việc");
  EXPECT_EQ(Shortened("việc", 3), "việ");
  EXPECT_EQ(Shortened("việc", 0), "");
  EXPECT_EQ(Shortened("", 3), "");
}

}  // namespace
}  // namespace motcua::routing
