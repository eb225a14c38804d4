#include "services/routing/domain/custody/hand_over.h"

#include <gtest/gtest.h>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/routing/domain/consultation/consultation.h"
#include "services/routing/domain/custody/custody.h"
#include "services/routing/domain/route/route_model.h"
#include "services/routing/domain/supplement/supplement.h"
#include "tests/support/violations.h"

namespace motcua::routing {
namespace {

absl::StatusOr<RouteDecision> Offer(const internal::routing::RouteRecord& record, const std::string& by,
                                    const std::string& to, int minutes) {
  auto request = For<v1::OfferHandOverRequest>();
  request.set_receiver(to);
  return DecideOffer(&record, request, By(by, minutes), Catalogue());
}

absl::StatusOr<RouteDecision> Accept(const internal::routing::RouteRecord& record, const std::string& by,
                                     int minutes) {
  return DecideAccept(&record, For<v1::AcceptHandOverRequest>(), By(by, minutes));
}

TEST(HandOver, TheSenderHoldsUntilTheReceiverAccepts) {
  internal::routing::RouteRecord record = Opened({kDistrict});
  EXPECT_EQ(record.route().holder(), kDesk);
  auto accepted = Accept(record, kDistrict, 10);
  ASSERT_TRUE(accepted.ok());
  const v1::Route& route = accepted->record.route();
  EXPECT_EQ(route.holder(), kDistrict);
  EXPECT_EQ(time::FromTimestamp(route.held_since()), At(10));
  EXPECT_EQ(route.current_leg(), 1u);
  EXPECT_EQ(time::FromTimestamp(route.legs(0).started_at()), At(10));
  EXPECT_FALSE(route.has_offer());
  ASSERT_EQ(accepted->events.size(), 1u);
  EXPECT_EQ(accepted->events[0].hand_over_accepted().sender(), kDesk);
  EXPECT_EQ(accepted->events[0].hand_over_accepted().receiver(), kDistrict);
  EXPECT_EQ(accepted->events[0].hand_over_accepted().leg(), "leg-1");
  EXPECT_EQ(accepted->events[0].hand_over_accepted().limit().tenths(), 10u);
  EXPECT_EQ(accepted->events[0].actor().agency(), kDistrict);
  const v1::GetCustodyResponse ledger = LedgerOf(route);
  ASSERT_EQ(ledger.lines_size(), 2);
  EXPECT_EQ(time::FromTimestamp(ledger.lines(0).until()), At(10));
  EXPECT_EQ(time::FromTimestamp(ledger.lines(1).since()), At(10));
  EXPECT_FALSE(ledger.lines(1).has_until());
}

TEST(HandOver, ASecondAcceptanceIsNotOffered) {
  const internal::routing::RouteRecord record =
      After(Opened({kDistrict}), Accept(Opened({kDistrict}), kDistrict, 10));
  EXPECT_EQ(errors::Reason(Accept(record, kDistrict, 11).status()), "NOT_OFFERED");
  EXPECT_EQ(Accept(record, kDistrict, 11).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(HandOver, TheNextPlannedLegIsOfferedWhereNobodyIsNamed) {
  const internal::routing::RouteRecord record = Opened({kDesk, kDistrict});
  auto offered = Offer(record, kDesk, "", 5);
  ASSERT_TRUE(offered.ok());
  EXPECT_EQ(offered->record.route().offer().receiver(), kDistrict);
  EXPECT_EQ(offered->record.route().offer().leg(), 2u);
  internal::routing::RouteRecord after = After(offered->record, Accept(offered->record, kDistrict, 9));
  EXPECT_EQ(time::FromTimestamp(after.route().legs(0).done_at()), At(9));
  EXPECT_EQ(errors::Reason(Offer(after, kDistrict, "", 12).status()), "NO_NEXT_LEG");
}

TEST(HandOver, AnyOtherAgencyIsAnUnplannedHandOver) {
  const internal::routing::RouteRecord record = Opened({kDesk, kDistrict});
  auto offered = Offer(record, kDesk, kTax, 5);
  ASSERT_TRUE(offered.ok());
  EXPECT_EQ(offered->record.route().offer().leg(), 0u);
  EXPECT_EQ(offered->events[0].hand_over_offered().leg(), "");
  const internal::routing::RouteRecord at_tax = After(offered->record, Accept(offered->record, kTax, 6));
  EXPECT_EQ(at_tax.route().current_leg(), 1u);
  EXPECT_TRUE(at_tax.route().legs(0).has_done_at());
  // From there the plan goes on.
  auto on = Offer(at_tax, kTax, kDistrict, 7);
  ASSERT_TRUE(on.ok());
  EXPECT_EQ(on->record.route().offer().leg(), 2u);
}

TEST(HandOver, TheHoldersOwnNextLegBeginsAtOnceAndIsNoHandOver) {
  const internal::routing::RouteRecord record = Opened({kDesk, kDesk, kDistrict});
  for (const char* to : {"", kDesk}) {
    auto advanced = Offer(record, kDesk, to, 5);
    ASSERT_TRUE(advanced.ok());
    const v1::Route& route = advanced->record.route();
    EXPECT_EQ(route.current_leg(), 2u);
    EXPECT_EQ(time::FromTimestamp(route.legs(0).done_at()), At(5));
    EXPECT_EQ(time::FromTimestamp(route.legs(1).started_at()), At(5));
    EXPECT_EQ(route.custody_size(), 1);
    EXPECT_FALSE(route.has_offer());
    EXPECT_EQ(advanced->events[0].hand_over_accepted().sender(), kDesk);
    EXPECT_EQ(advanced->events[0].hand_over_accepted().receiver(), kDesk);
    EXPECT_EQ(advanced->events[0].hand_over_accepted().leg(), "leg-2");
    EXPECT_EQ(store::CountersOf<RouteModel>(advanced->record)["hand_overs"], 0);
  }
}

TEST(HandOver, NobodyOffersToHimself) {
  const absl::Status status = Offer(Opened({kDesk, kDistrict}), kDesk, kDesk, 5).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(errors::Reason(status), "SELF_HAND_OVER");
  ASSERT_EQ(motcua::test::Violations(status).size(), 1u);
  EXPECT_EQ(motcua::test::Violations(status)[0].first, "receiver");
}

TEST(HandOver, OnlyAnAgencyInForceIsOffered) {
  for (const auto& [to, reason] :
       {std::pair(kNowhere, "UNKNOWN_AGENCY"), std::pair(kClosed, "AGENCY_INACTIVE")}) {
    const absl::Status status = Offer(Opened({kDesk}), kDesk, to, 5).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << to;
    EXPECT_EQ(errors::Reason(status), reason);
    ASSERT_EQ(motcua::test::Violations(status).size(), 1u);
    EXPECT_EQ(motcua::test::Violations(status)[0].first, "receiver");
  }
}

TEST(HandOver, OneOfferAtATime) {
  EXPECT_EQ(errors::Reason(Offer(Opened({kDistrict}), kDesk, kTax, 5).status()), "ALREADY_OFFERED");
}

TEST(HandOver, NotWhileAQuestionOrASupplementIsOpen) {
  const internal::routing::RouteRecord record = Opened({kDesk, kDistrict});
  auto consult = For<v1::ConsultRequest>();
  consult.add_agencies(kTax);
  consult.set_question("?");
  const internal::routing::RouteRecord asking =
      After(record, DecideConsult(&record, consult, By(kDesk, 2), Catalogue()));
  EXPECT_EQ(errors::Reason(Offer(asking, kDesk, "", 5).status()), "CONSULTATION_OPEN");
  auto supplement = For<v1::RequestSupplementRequest>();
  const internal::routing::RouteRecord waiting =
      After(record, DecideRequestSupplement(&record, supplement, By(kDesk, 2)));
  EXPECT_EQ(errors::Reason(Offer(waiting, kDesk, "", 5).status()), "AWAITING_SUPPLEMENT");
}

TEST(HandOver, ARefusedOfferLeavesCustodyWhereItWas) {
  const internal::routing::RouteRecord record = Opened({kDistrict});
  auto request = For<v1::RefuseHandOverRequest>();
  request.set_reason("không đúng thẩm quyền");
  auto refused = DecideRefuse(&record, request, By(kDistrict, 4));
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->record.route().holder(), kDesk);
  EXPECT_EQ(refused->record.route().custody_size(), 1);
  EXPECT_FALSE(refused->record.route().has_offer());
  EXPECT_EQ(refused->events[0].hand_over_refused().reason(), "không đúng thẩm quyền");
  EXPECT_EQ(refused->history[0].note(), "không đúng thẩm quyền");
  EXPECT_TRUE(Offer(refused->record, kDesk, "", 5).ok());
}

TEST(HandOver, OnlyTheSenderRecalls) {
  const internal::routing::RouteRecord record = Opened({kDistrict});
  const auto request = For<v1::RecallHandOverRequest>();
  EXPECT_EQ(errors::Reason(DecideRecall(&record, request, By(kDistrict, 4)).status()), "NOT_OFFERER");
  auto recalled = DecideRecall(&record, request, By(kDesk, 4));
  ASSERT_TRUE(recalled.ok());
  EXPECT_FALSE(recalled->record.route().has_offer());
  EXPECT_EQ(errors::Reason(DecideRecall(&recalled->record, request, By(kDesk, 4)).status()), "NOT_OFFERED");
}

TEST(HandOver, TheOfficerIsClearedWithCustody) {
  internal::routing::RouteRecord record = Opened({kDistrict});
  record.mutable_route()->set_officer("H30.18.05-handler");
  EXPECT_EQ(Accept(record, kDistrict, 10)->record.route().officer(), "");
}

TEST(HandOver, CustodyNeverGoesBackInTime) {
  // The clock of another replica is behind: the acceptance takes effect when the offer was made.
  auto accepted = Accept(Opened({kDistrict}), kDistrict, -30);
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(time::FromTimestamp(accepted->record.route().held_since()), At(1));
  EXPECT_EQ(time::FromTimestamp(accepted->events[0].at()), At(1));
}

TEST(HandOver, SpansAreBounded) {
  internal::routing::RouteRecord record = Opened({kDesk});
  while (record.route().custody_size() < kMaxCustodySpans) *record.mutable_route()->add_custody() = record.route().custody(0);
  const absl::Status status = Offer(record, kDesk, kTax, 5).status();
  EXPECT_EQ(errors::Reason(status), "TOO_MANY_HAND_OVERS");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(HandOver, AFullHistoryBeginsNothingButClosesWhatIsOpen) {
  internal::routing::RouteRecord record = Opened({kDistrict});
  record.set_history_length(kMaxHistoryLines);
  EXPECT_EQ(errors::Reason(Offer(record, kDesk, kTax, 5).status()), "HISTORY_FULL");
  EXPECT_TRUE(Accept(record, kDistrict, 5).ok());
}

}  // namespace
}  // namespace motcua::routing
