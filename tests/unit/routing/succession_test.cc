// Who may do what when agencies end, and what of a route passes to whom.
#include "services/routing/domain/succession/succession.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/routing/domain/consultation/consultation.h"
#include "services/routing/domain/custody/custody.h"
#include "services/routing/domain/custody/hand_over.h"
#include "services/routing/domain/route/route_model.h"
#include "services/routing/domain/supplement/supplement.h"
#include "services/routing/domain/work/work.h"
#include "tests/support/violations.h"

namespace motcua::routing {
namespace {

using feed::v1::Event;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Local midnight of 15 July, when the agencies of these tests end; their last minute is the one before.
constexpr int kMidnight = 15 * 60;
constexpr char kDay[] = "2026-07-15";

using Judge = std::function<absl::StatusOr<RouteDecision>(
    const internal::routing::RouteRecord*, const store::Context&, const reference::Catalogue&)>;

absl::StatusOr<RouteDecision> Judged(const Judge& judge, const internal::routing::RouteRecord& record,
                                     const store::Context& context, const reference::Catalogue& catalogue) {
  return AfterSuccession(&record, context, catalogue,
                         [&](const internal::routing::RouteRecord* as_in_charge) {
                           return judge(as_in_charge, context, catalogue);
                         });
}

// Held by kTax after a hand-over.
internal::routing::RouteRecord HeldByTax(const std::vector<std::string>& legs = {kTax}) {
  const internal::routing::RouteRecord record = Opened(legs);
  return After(record, DecideAccept(&record, For<v1::AcceptHandOverRequest>(), By(kTax, 2)));
}

internal::routing::RouteRecord OfferedBy(const internal::routing::RouteRecord& record,
                                         const std::string& from, const std::string& to) {
  auto request = For<v1::OfferHandOverRequest>();
  request.set_receiver(to);
  return After(record, DecideOffer(&record, request, By(from, 3), Catalogue()));
}

internal::routing::RouteRecord Asked(const internal::routing::RouteRecord& record, const std::string& by,
                                     const std::vector<std::string>& agencies) {
  auto request = For<v1::ConsultRequest>();
  for (const std::string& agency : agencies) request.add_agencies(agency);
  return After(record, DecideConsult(&record, request, By(by, 3), Catalogue()));
}

internal::routing::RouteRecord Waiting() {
  const internal::routing::RouteRecord record = HeldByTax();
  return After(record, DecideRequestSupplement(&record, For<v1::RequestSupplementRequest>(), By(kTax, 3)));
}

RouteDecision Succeeded(const internal::routing::RouteRecord& record, const reference::Catalogue& catalogue,
                        int minutes = kMidnight) {
  auto decision = DecideSuccession(record, store::Context(At(minutes), common::v1::Actor()), catalogue);
  EXPECT_TRUE(decision.has_value());
  return decision.has_value() ? *std::move(decision) : RouteDecision(record);
}

std::vector<Event::BodyCase> Kinds(const RouteDecision& decision) {
  std::vector<Event::BodyCase> kinds;
  for (const Event& event : decision.events) kinds.push_back(event.body_case());
  return kinds;
}

// ---------------------------------------------------------------- rights, cell by cell

struct Right {
  const char* name;
  internal::routing::RouteRecord record;
  Judge judge;
  // What the agency that has ended is told.
  const char* refusal;
};

std::vector<Right> Rights() {
  const auto offer = [](const auto* record, const auto& context, const auto& catalogue) {
    auto request = For<v1::OfferHandOverRequest>();
    request.set_receiver(kPolice);
    return DecideOffer(record, request, context, catalogue);
  };
  const auto assign = [](const auto* record, const auto& context, const auto& catalogue) {
    auto request = For<v1::AssignRequest>();
    request.set_officer(context.actor.agency() + "-handler");
    return DecideAssign(record, request, context, catalogue);
  };
  const auto consult = [](const auto* record, const auto& context, const auto& catalogue) {
    auto request = For<v1::ConsultRequest>();
    request.add_agencies(kPolice);
    return DecideConsult(record, request, context, catalogue);
  };
  const auto answer = [](const auto* record, const auto& context, const auto&) {
    auto request = For<v1::AnswerConsultationRequest>();
    request.set_consultation(1);
    return DecideAnswer(record, request, context);
  };
  const auto receive = [](const auto* record, const auto& context, const auto& catalogue) {
    return DecideReceiveSupplement(record, For<v1::ReceiveSupplementRequest>(), context, false, catalogue);
  };
  const auto accept = [](const auto* record, const auto& context, const auto&) {
    return DecideAccept(record, For<v1::AcceptHandOverRequest>(), context);
  };
  const auto refuse = [](const auto* record, const auto& context, const auto&) {
    return DecideRefuse(record, For<v1::RefuseHandOverRequest>(), context);
  };
  const auto recall = [](const auto* record, const auto& context, const auto&) {
    return DecideRecall(record, For<v1::RecallHandOverRequest>(), context);
  };
  const auto work = [](const auto* record, const auto& context, const auto&) {
    return DecideCompleteWork(record, For<v1::CompleteWorkRequest>(), context);
  };
  const auto request_supplement = [](const auto* record, const auto& context, const auto&) {
    return DecideRequestSupplement(record, For<v1::RequestSupplementRequest>(), context);
  };
  const auto finish = [](const auto* record, const auto& context, const auto&) {
    return DecideFinish(record, For<v1::FinishRequest>(), context);
  };
  return {
      {"offer", HeldByTax(), offer, "NOT_HOLDER"},
      {"assign", HeldByTax(), assign, "NOT_HOLDER"},
      {"work", HeldByTax(), work, "NOT_HOLDER"},
      {"consult", HeldByTax(), consult, "NOT_HOLDER"},
      {"request a supplement", HeldByTax(), request_supplement, "NOT_HOLDER"},
      {"receive a supplement", Waiting(), receive, "NOT_HOLDER"},
      {"finish", HeldByTax(), finish, "NOT_HOLDER"},
      {"recall", OfferedBy(HeldByTax(), kTax, kPolice), recall, "NOT_OFFERER"},
      {"accept", Opened({kTax}), accept, "NOT_OFFERED_TO_YOU"},
      {"refuse", Opened({kTax}), refuse, "NOT_OFFERED_TO_YOU"},
      {"answer", Asked(Opened({kDesk}), kDesk, {kTax}), answer, "NOT_CONSULTED"},
  };
}

TEST(Succession, FromItsLastMidnightOnTheSuccessorMayWhatTheAgencyCouldAndThatOneNothing) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kCommuneOfH13}});
  for (const Right& right : Rights()) {
    SCOPED_TRACE(right.name);
    const auto as = [&](const std::string& agency, int minutes) {
      return Judged(right.judge, right.record, By(agency, minutes), *catalogue);
    };
    EXPECT_TRUE(as(kTax, kMidnight - 1).ok()) << as(kTax, kMidnight - 1).status();
    EXPECT_EQ(errors::Reason(as(kCommuneOfH13, kMidnight - 1).status()), right.refusal);
    EXPECT_EQ(errors::Reason(as(kTax, kMidnight).status()), right.refusal);
    const absl::StatusOr<RouteDecision> decided = as(kCommuneOfH13, kMidnight);
    ASSERT_TRUE(decided.ok()) << decided.status();
    // What passed is told before what was done, and was nobody's deed.
    ASSERT_GE(decided->events.size(), 2u);
    EXPECT_TRUE(decided->events[0].has_agency_succeeded());
    EXPECT_FALSE(decided->events[0].has_actor());
    EXPECT_EQ(decided->events[0].agency_succeeded().ended_agency(), kTax);
    EXPECT_EQ(decided->events[0].agency_succeeded().successor(), kCommuneOfH13);
    EXPECT_EQ(decided->events.back().actor().agency(), kCommuneOfH13);
    EXPECT_EQ(decided->history.front().action(), "AgencySucceeded");
    EXPECT_FALSE(decided->history.front().has_actor());
    EXPECT_EQ(decided->history.back().actor().agency(), kCommuneOfH13);
  }
}

TEST(Succession, WhoHoldsItNowIsToldToTheAgencyThatHasEnded) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kCommuneOfH13}});
  const Judge finish = [](const auto* record, const auto& context, const auto&) {
    return DecideFinish(record, For<v1::FinishRequest>(), context);
  };
  const absl::Status status = Judged(finish, HeldByTax(), By(kTax, kMidnight), *catalogue).status();
  EXPECT_EQ(errors::MetadataValue(status, "holder"), kCommuneOfH13);
}

TEST(Succession, TheDeskThatContinuesTheReceivingAgencysWorkReceivesTheSupplement) {
  const auto catalogue = CatalogueWith({{kDesk, kDay, kWardOfH13}});
  const Judge receive = [](const auto* record, const auto& context, const auto& with) {
    return DecideReceiveSupplement(record, For<v1::ReceiveSupplementRequest>(), context, true, with);
  };
  EXPECT_TRUE(Judged(receive, Waiting(), By(kDesk, kMidnight - 1), *catalogue).ok());
  EXPECT_EQ(errors::Reason(Judged(receive, Waiting(), By(kDesk, kMidnight), *catalogue).status()),
            "NOT_HOLDER");
  const auto received = Judged(receive, Waiting(), By(kWardOfH13, kMidnight), *catalogue);
  ASSERT_TRUE(received.ok()) << received.status();
  // It stays the one that received.
  EXPECT_EQ(received->record.route().receiving_agency(), kDesk);
}

TEST(Succession, ARefusedCommandMovesNothingAndAnEndedRouteIsLeftAlone) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kCommuneOfH13}});
  const internal::routing::RouteRecord held = HeldByTax();
  const internal::routing::RouteRecord ended =
      After(held, DecideFinish(&held, For<v1::FinishRequest>(), By(kTax, kMidnight - 1)));
  EXPECT_FALSE(
      DecideSuccession(ended, store::Context(At(kMidnight), common::v1::Actor()), *catalogue).has_value());
  EXPECT_THAT(PassagesOf(ended.route(), *catalogue, At(kMidnight)), IsEmpty());
}

TEST(Succession, AnAgencyThatEndsWithoutASuccessorWindsUpItsAffairs) {
  const auto catalogue = CatalogueWith({{kTax, kDay, ""}});
  const Judge work = [](const auto* record, const auto& context, const auto&) {
    return DecideCompleteWork(record, For<v1::CompleteWorkRequest>(), context);
  };
  EXPECT_TRUE(Judged(work, HeldByTax(), By(kTax, kMidnight), *catalogue).ok());
  EXPECT_THAT(PassagesOf(HeldByTax().route(), *catalogue, At(kMidnight)), IsEmpty());
}

// ---------------------------------------------------------------- what passes

TEST(Succession, AllThatIsOpenPassesInOneChangeAndOnlyOnce) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kCommuneOfH13}, {kPolice, kDay, kWardOfH13}});
  const internal::routing::RouteRecord before =
      Asked(HeldByTax({kTax, kPolice, kDistrict, kPolice}), kTax, {kPolice, kDistrict});
  const RouteDecision decision = Succeeded(before, *catalogue);
  const v1::Route& route = decision.record.route();
  EXPECT_EQ(route.holder(), kCommuneOfH13);
  EXPECT_EQ(time::FromTimestamp(route.held_since()), At(kMidnight));
  EXPECT_EQ(route.legs(0).agency(), kCommuneOfH13);
  EXPECT_EQ(route.legs(1).agency(), kWardOfH13);
  EXPECT_EQ(route.legs(2).agency(), kDistrict);
  EXPECT_EQ(route.legs(3).agency(), kWardOfH13);
  EXPECT_EQ(route.consultations(0).asked_agency(), kWardOfH13);
  EXPECT_EQ(route.consultations(0).asking_agency(), kCommuneOfH13);
  EXPECT_EQ(route.consultations(1).asked_agency(), kDistrict);
  EXPECT_EQ(route.consultations(1).asking_agency(), kCommuneOfH13);
  ASSERT_EQ(decision.events.size(), 2u);
  const feed::v1::AgencySucceeded& first = decision.events[0].agency_succeeded();
  EXPECT_EQ(first.ended_agency(), kTax);
  EXPECT_TRUE(first.custody());
  EXPECT_THAT(first.legs(), IsEmpty());
  const feed::v1::AgencySucceeded& second = decision.events[1].agency_succeeded();
  EXPECT_EQ(second.ended_agency(), kPolice);
  EXPECT_FALSE(second.custody());
  EXPECT_FALSE(second.offer());
  EXPECT_THAT(second.consultations(), ElementsAre(1u));
  EXPECT_THAT(second.legs(), ElementsAre("leg-2", "leg-4"));
  // The ledger: the time before is the agency's that has ended.
  const v1::GetCustodyResponse ledger = LedgerOf(route);
  ASSERT_EQ(ledger.lines_size(), 3);
  EXPECT_EQ(ledger.lines(1).agency(), kTax);
  EXPECT_FALSE(ledger.lines(1).succeeded());
  EXPECT_EQ(time::FromTimestamp(ledger.lines(1).until()), At(kMidnight));
  EXPECT_EQ(ledger.lines(2).agency(), kCommuneOfH13);
  EXPECT_TRUE(ledger.lines(2).succeeded());
  // Nothing was handed over, and nothing passes twice.
  const store::Counters counters = store::CountersOf<RouteModel>(decision.record);
  EXPECT_EQ(counters.at("hand_overs"), 1);
  EXPECT_EQ(counters.at("successions"), 1);
  EXPECT_FALSE(
      DecideSuccession(decision.record, store::Context(At(kMidnight + 1), common::v1::Actor()), *catalogue)
          .has_value());
}

TEST(Succession, LeadsToTheLastOfSeveralSuccessors) {
  const auto catalogue = CatalogueWith({{kTax, "2026-07-01", kPolice}, {kPolice, kDay, kWardOfH13}});
  EXPECT_EQ(Succeeded(HeldByTax(), *catalogue, 10).record.route().holder(), kPolice);
  EXPECT_EQ(Succeeded(HeldByTax(), *catalogue).record.route().holder(), kWardOfH13);
}

TEST(Succession, NeverTakesEffectBeforeWhatTheRouteTellsOfAlready) {
  const auto catalogue = CatalogueWith({{kTax, "2026-07-01", kCommuneOfH13}});
  const RouteDecision decision = Succeeded(HeldByTax(), *catalogue, 0);
  EXPECT_EQ(time::FromTimestamp(decision.record.route().held_since()), At(2));
}

TEST(Succession, AnOfficerWhoMovedAlongGoesOnWithHisDossiers) {
  auto set = CatalogueWith({{kTax, kDay, kCommuneOfH13}})->set();
  const internal::routing::RouteRecord held = HeldByTax();
  auto assign = For<v1::AssignRequest>();
  assign.set_officer("H30.18.TH-handler");
  const internal::routing::RouteRecord assigned =
      After(held, DecideAssign(&held, assign, By(kTax, 3), Catalogue()));
  EXPECT_EQ(Succeeded(assigned, **reference::Catalogue::CompileValid(set)).record.route().officer(), "");
  for (reference::v1::Officer& officer : *set.mutable_officers()) {
    if (officer.id() == assign.officer()) officer.set_agency(kCommuneOfH13);
  }
  EXPECT_EQ(Succeeded(assigned, **reference::Catalogue::CompileValid(set)).record.route().officer(),
            assign.officer());
}

// ---------------------------------------------------------------- two become one

TEST(Succession, APlannedLegBeginsAtOnceWhereSenderAndReceiverBecomeOne) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kWardOfH13}, {kPolice, kDay, kWardOfH13}});
  const internal::routing::RouteRecord offered =
      OfferedBy(HeldByTax({kTax, kPolice, kDistrict}), kTax, kPolice);
  const RouteDecision decision = Succeeded(offered, *catalogue);
  const v1::Route& route = decision.record.route();
  EXPECT_THAT(Kinds(decision),
              ElementsAre(Event::kAgencySucceeded, Event::kAgencySucceeded, Event::kHandOverAccepted));
  EXPECT_EQ(decision.events[2].hand_over_accepted().sender(), kWardOfH13);
  EXPECT_EQ(decision.events[2].hand_over_accepted().receiver(), kWardOfH13);
  EXPECT_EQ(decision.events[2].hand_over_accepted().leg(), "leg-2");
  EXPECT_EQ(decision.events[2].hand_over_accepted().limit().tenths(), 10u);
  EXPECT_EQ(route.holder(), kWardOfH13);
  EXPECT_FALSE(route.has_offer());
  EXPECT_EQ(route.current_leg(), 2u);
  EXPECT_TRUE(route.legs(0).has_done_at());
  EXPECT_EQ(route.legs(1).agency(), kWardOfH13);
  EXPECT_FALSE(route.legs(1).has_done_at());
}

TEST(Succession, AnUnplannedOfferIsTakenBackWhereItsReceiverBecomesTheHolder) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kPolice}});
  const RouteDecision decision = Succeeded(OfferedBy(HeldByTax(), kTax, kPolice), *catalogue);
  EXPECT_THAT(Kinds(decision), ElementsAre(Event::kAgencySucceeded, Event::kHandOverRecalled));
  EXPECT_EQ(decision.record.route().holder(), kPolice);
  EXPECT_FALSE(decision.record.route().has_offer());
}

TEST(Succession, TwoWhoWereAskedAndHaveBecomeOneAreListedOnceAndAnswerBoth) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kWardOfH13}, {kPolice, kDay, kWardOfH13}});
  RouteDecision decision = Succeeded(Asked(Opened({kDesk}), kDesk, {kTax, kPolice}), *catalogue);
  const auto lists = [](const internal::routing::RouteRecord& record) {
    std::vector<std::string> names;
    for (const store::IndexEntry& entry : store::IndexesOf<RouteModel>(record)) names.push_back(entry.index);
    return names;
  };
  EXPECT_THAT(lists(decision.record), ElementsAre("h:H30.18.05", "c:H13.02"));
  for (const uint32_t number : {1u, 2u}) {
    auto request = For<v1::AnswerConsultationRequest>();
    request.set_consultation(number);
    auto answered = DecideAnswer(&decision.record, request, By(kWardOfH13, kMidnight + 1));
    ASSERT_TRUE(answered.ok()) << answered.status();
    decision = *std::move(answered);
    EXPECT_THAT(lists(decision.record).size(), number == 1 ? 2u : 1u);
  }
}

// ---------------------------------------------------------------- offers to agencies that have ended

TEST(Succession, ThePlanLeadsToTheSuccessor) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kCommuneOfH13}});
  const Judge offer = [](const auto* record, const auto& context, const auto& with) {
    return DecideOffer(record, For<v1::OfferHandOverRequest>(), context, with);
  };
  const auto offered = Judged(offer, Opened({kDesk, kTax}), By(kDesk, kMidnight), *catalogue);
  ASSERT_TRUE(offered.ok()) << offered.status();
  EXPECT_EQ(offered->record.route().offer().receiver(), kCommuneOfH13);
  EXPECT_EQ(offered->record.route().offer().leg(), 2u);
}

TEST(Succession, WhoNamesAnAgencyThatHasEndedIsToldWhoContinuesItsWork) {
  const auto catalogue = CatalogueWith({{kTax, kDay, kCommuneOfH13}});
  const Judge offer = [](const auto* record, const auto& context, const auto& with) {
    auto request = For<v1::OfferHandOverRequest>();
    request.set_receiver(kTax);
    return DecideOffer(record, request, context, with);
  };
  const Judge consult = [](const auto* record, const auto& context, const auto& with) {
    auto request = For<v1::ConsultRequest>();
    request.add_agencies(kTax);
    return DecideConsult(record, request, context, with);
  };
  for (const Judge& judge : {offer, consult}) {
    // Also where the plan named it.
    EXPECT_TRUE(Judged(judge, Opened({kDesk, kTax}), By(kDesk, kMidnight - 1), *catalogue).ok());
    const absl::Status status =
        Judged(judge, Opened({kDesk, kTax}), By(kDesk, kMidnight), *catalogue).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(errors::Reason(status), "AGENCY_INACTIVE");
    ASSERT_EQ(motcua::test::Violations(status).size(), 1u);
    EXPECT_THAT(motcua::test::Violations(status)[0].second, HasSubstr(kCommuneOfH13));
  }
}

}  // namespace
}  // namespace motcua::routing
