#include "services/routing/domain/supplement/supplement.h"

#include <gtest/gtest.h>

#include "common/status/errors.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/routing/domain/custody/hand_over.h"
#include "services/routing/domain/route/route_model.h"

namespace motcua::routing {
namespace {

absl::StatusOr<RouteDecision> Request(const internal::routing::RouteRecord& record, const std::string& by) {
  auto request = For<v1::RequestSupplementRequest>();
  request.set_reason("thiếu bản vẽ");
  request.add_components("bản vẽ");
  return DecideRequestSupplement(&record, request, By(by, 5));
}

absl::StatusOr<RouteDecision> Receive(const internal::routing::RouteRecord& record, const std::string& by,
                                      bool at_desk) {
  return DecideReceiveSupplement(&record, For<v1::ReceiveSupplementRequest>(), By(by, 9), at_desk,
                                 Catalogue());
}

TEST(Supplement, MovesTheDossierToTheWaitingBoxAndBack) {
  auto asked = Request(Opened({kDesk}), kDesk);
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->record.route().status(), common::v1::DOSSIER_STATUS_SUPPLEMENT);
  EXPECT_EQ(asked->events[0].supplement_requested().components_size(), 1);
  ASSERT_EQ(store::IndexesOf<RouteModel>(asked->record).size(), 1u);
  EXPECT_EQ(store::IndexesOf<RouteModel>(asked->record)[0].index, "w:H30.18.05");
  auto received = Receive(asked->record, kDesk, false);
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->record.route().status(), common::v1::DOSSIER_STATUS_PROCESSING);
  EXPECT_FALSE(received->record.route().has_supplement_requested_at());
  EXPECT_EQ(store::IndexesOf<RouteModel>(received->record)[0].index, "h:H30.18.05");
}

TEST(Supplement, TheDeskOfTheReceivingAgencyMayTakeThePapers) {
  internal::routing::RouteRecord record = Opened({kDistrict});
  record = After(record, DecideAccept(&record, For<v1::AcceptHandOverRequest>(), By(kDistrict, 2)));
  record = After(record, Request(record, kDistrict));
  EXPECT_EQ(errors::Reason(Receive(record, kDesk, false).status()), "NOT_HOLDER");
  EXPECT_EQ(errors::Reason(Receive(record, kTax, true).status()), "NOT_HOLDER");
  EXPECT_TRUE(Receive(record, kDesk, true).ok());
  EXPECT_TRUE(Receive(record, kDistrict, false).ok());
}

TEST(Supplement, AsOftenAsTheProcedureAllows) {
  internal::routing::RouteRecord record = Opened({kDesk});
  for (int i = 0; i < 2; ++i) {
    record = After(record, Request(record, kDesk));
    EXPECT_EQ(errors::Reason(Request(record, kDesk).status()), "AWAITING_SUPPLEMENT");
    record = After(record, Receive(record, kDesk, true));
  }
  EXPECT_EQ(errors::Reason(Request(record, kDesk).status()), "TOO_MANY_SUPPLEMENTS");
  EXPECT_EQ(errors::Reason(Receive(record, kDesk, true).status()), "NO_SUPPLEMENT_REQUESTED");
}

TEST(Supplement, NotWhileTheDossierIsOffered) {
  EXPECT_EQ(errors::Reason(Request(Opened({kDistrict}), kDesk).status()), "ALREADY_OFFERED");
}

}  // namespace
}  // namespace motcua::routing
