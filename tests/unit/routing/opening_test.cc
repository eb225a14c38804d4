#include "services/routing/domain/route/opening.h"

#include <gtest/gtest.h>

#include "common/time/timestamp.h"
#include "route_fixture.h"
#include "services/routing/domain/route/route_model.h"

namespace motcua::routing {
namespace {

RouteDecision Open(const std::vector<std::string>& legs) {
  return OpenRoute(Accepted(legs), store::Context(At(1), common::v1::Actor()));
}

TEST(Opening, CustodyBeginsWithTheReceiptNotWithTheAcceptance) {
  const RouteDecision opened = Open({});
  const v1::Route& route = opened.record.route();
  EXPECT_EQ(route.holder(), kDesk);
  ASSERT_EQ(route.custody_size(), 1);
  EXPECT_EQ(time::FromTimestamp(route.custody(0).since()), At());
  EXPECT_EQ(time::FromTimestamp(route.held_since()), At());
  EXPECT_EQ(route.status(), common::v1::DOSSIER_STATUS_PROCESSING);
  ASSERT_EQ(opened.events.size(), 1u);
  EXPECT_EQ(opened.events[0].route_opened().holder(), kDesk);
  EXPECT_EQ(time::FromTimestamp(opened.events[0].route_opened().since()), At());
  EXPECT_EQ(time::FromTimestamp(opened.events[0].at()), At(1));
}

TEST(Opening, TheFirstLegBeginsAtOnceWhereItIsTheReceivingAgencys) {
  const RouteDecision opened = Open({kDesk, kDistrict});
  EXPECT_EQ(opened.record.route().current_leg(), 1u);
  EXPECT_EQ(time::FromTimestamp(opened.record.route().legs(0).started_at()), At());
  EXPECT_FALSE(opened.record.route().has_offer());
  EXPECT_EQ(opened.events.size(), 1u);
}

TEST(Opening, TheFirstLegIsOfferedWhereItIsAnothers) {
  const RouteDecision opened = Open({kDistrict, kDesk});
  const v1::Route& route = opened.record.route();
  EXPECT_EQ(route.current_leg(), 0u);
  EXPECT_EQ(route.offer().receiver(), kDistrict);
  EXPECT_EQ(route.offer().leg(), 1u);
  EXPECT_EQ(route.holder(), kDesk);
  ASSERT_EQ(opened.events.size(), 2u);
  EXPECT_EQ(opened.events[1].hand_over_offered().sender(), kDesk);
  EXPECT_EQ(opened.events[1].hand_over_offered().receiver(), kDistrict);
  EXPECT_EQ(opened.events[1].hand_over_offered().leg(), "leg-1");
  EXPECT_EQ(opened.history.size(), 2u);
}

TEST(Opening, AnEventThatTellsTooLittleOpensNothing) {
  EXPECT_TRUE(CanOpen(Accepted({kDistrict})));
  feed::v1::Event nobody = Accepted({});
  nobody.mutable_dossier_accepted()->clear_receiving_agency();
  EXPECT_FALSE(CanOpen(nobody));
  EXPECT_FALSE(CanOpen(Accepted({""})));
  feed::v1::Event no_code = Accepted({});
  no_code.set_subject("?");
  EXPECT_FALSE(CanOpen(no_code));
  EXPECT_FALSE(CanOpen(feed::v1::Event()));
}

TEST(Opening, ADossierWithoutADueDateIsListedAfterAllOthers) {
  feed::v1::Event event = Accepted({});
  event.mutable_dossier_accepted()->clear_due();
  const RouteDecision opened = OpenRoute(event, store::Context(At(1), common::v1::Actor()));
  const store::Indexes indexes = store::IndexesOf<RouteModel>(opened.record);
  ASSERT_EQ(indexes.size(), 1u);
  EXPECT_EQ(indexes[0].score, kNoDueScore);
  EXPECT_EQ(static_cast<double>(static_cast<int64_t>(kNoDueScore)), kNoDueScore);
  const store::Indexes with_due = store::IndexesOf<RouteModel>(Opened({}));
  EXPECT_EQ(with_due[0].index, "h:H30.18.05");
  EXPECT_EQ(with_due[0].score, static_cast<double>(absl::ToUnixMicros(At(7 * 24 * 60 + 480))));
}

TEST(Opening, AnOpenRouteStaysSmall) {
  EXPECT_LE(Opened({kDistrict, kTax, kDesk, kDistrict}).ByteSizeLong(), 400u);
}

}  // namespace
}  // namespace motcua::routing
