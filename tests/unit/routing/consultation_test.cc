#include "services/routing/domain/consultation/consultation.h"

#include <gtest/gtest.h>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/routing/domain/route/route_model.h"
#include "tests/support/violations.h"

namespace motcua::routing {
namespace {

absl::StatusOr<RouteDecision> Consult(const internal::routing::RouteRecord& record,
                                      const std::vector<std::string>& agencies) {
  auto request = For<v1::ConsultRequest>();
  for (const std::string& agency : agencies) request.add_agencies(agency);
  request.set_question("Có nợ thuế không?");
  return DecideConsult(&record, request, By(kDesk, 3), Catalogue());
}

absl::StatusOr<RouteDecision> Answer(const internal::routing::RouteRecord& record, const std::string& by,
                                     uint32_t number) {
  auto request = For<v1::AnswerConsultationRequest>();
  request.set_consultation(number);
  request.set_answer("Không.");
  return DecideAnswer(&record, request, By(by, 9));
}

TEST(Consultation, AsksSeveralAtOnceAndCustodyStays) {
  auto asked = Consult(Opened({kDesk}), {kTax, kPolice});
  ASSERT_TRUE(asked.ok());
  const v1::Route& route = asked->record.route();
  EXPECT_EQ(route.holder(), kDesk);
  ASSERT_EQ(route.consultations_size(), 2);
  EXPECT_EQ(route.consultations(0).number(), 1u);
  EXPECT_EQ(route.consultations(1).number(), 2u);
  EXPECT_EQ(route.consultations(1).limit().unit(), common::v1::LIMIT_UNIT_WORKING_DAYS);
  EXPECT_EQ(route.consultations(1).limit().tenths(), 20u);
  ASSERT_EQ(asked->events.size(), 2u);
  EXPECT_EQ(asked->events[1].consultation_requested().asked_agency(), kPolice);
  EXPECT_EQ(asked->events[1].consultation_requested().limit().tenths(), 20u);
  const store::Indexes indexes = store::IndexesOf<RouteModel>(asked->record);
  ASSERT_EQ(indexes.size(), 3u);
  EXPECT_EQ(indexes[1].index, "c:H30.18.TH");
  EXPECT_EQ(indexes[2].index, "c:H30.18.CA");
}

TEST(Consultation, OnlyTheAgencyAskedAnswersAndOnce) {
  const internal::routing::RouteRecord record =
      After(Opened({kDesk}), Consult(Opened({kDesk}), {kTax, kPolice}));
  EXPECT_EQ(errors::Reason(Answer(record, kPolice, 1).status()), "NOT_CONSULTED");
  EXPECT_EQ(errors::Reason(Answer(record, kDesk, 1).status()), "NOT_CONSULTED");
  EXPECT_EQ(errors::Reason(Answer(record, kTax, 3).status()), "UNKNOWN_CONSULTATION");
  EXPECT_EQ(errors::Reason(Answer(record, kTax, 0).status()), "UNKNOWN_CONSULTATION");
  auto answered = Answer(record, kTax, 1);
  ASSERT_TRUE(answered.ok());
  EXPECT_EQ(answered->record.route().consultations(0).answer(), "Không.");
  EXPECT_EQ(answered->events[0].consultation_answered().asking_agency(), kDesk);
  EXPECT_EQ(answered->events[0].consultation_answered().asked_agency(), kTax);
  EXPECT_EQ(store::IndexesOf<RouteModel>(answered->record).size(), 2u);
  EXPECT_EQ(errors::Reason(Answer(answered->record, kTax, 1).status()), "ALREADY_ANSWERED");
}

TEST(Consultation, NamesAllThatIsWrongWithTheAgencies) {
  const absl::Status status = Consult(Opened({kDesk}), {kNowhere, kDesk, kTax, kTax, kClosed}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(errors::Reason(status), "UNKNOWN_AGENCY");
  const auto violations = motcua::test::Violations(status);
  ASSERT_EQ(violations.size(), 4u);
  EXPECT_EQ(violations[0].first, "agencies[0]");
  EXPECT_EQ(violations[1].first, "agencies[1]");
  EXPECT_EQ(violations[2].first, "agencies[3]");
  EXPECT_EQ(violations[3].first, "agencies[4]");
  EXPECT_EQ(errors::Reason(Consult(Opened({kDesk}), {kDesk}).status()), "INVALID_REQUEST");
}

TEST(Consultation, ALimitMustBeOne) {
  const internal::routing::RouteRecord record = Opened({kDesk});
  auto request = For<v1::ConsultRequest>();
  request.add_agencies(kTax);
  request.mutable_limit()->set_tenths(10);
  const absl::Status status = DecideConsult(&record, request, By(kDesk, 3), Catalogue()).status();
  ASSERT_EQ(motcua::test::Violations(status).size(), 1u);
  EXPECT_EQ(motcua::test::Violations(status)[0].first, "limit");
}

TEST(Consultation, NotTwiceOpenToTheSameAgency) {
  const internal::routing::RouteRecord record = After(Opened({kDesk}), Consult(Opened({kDesk}), {kTax}));
  EXPECT_EQ(errors::Reason(Consult(record, {kTax}).status()), "CONSULTATION_OPEN");
  EXPECT_TRUE(Consult(record, {kPolice}).ok());
  const internal::routing::RouteRecord answered = After(record, Answer(record, kTax, 1));
  EXPECT_TRUE(Consult(answered, {kTax}).ok());
}

TEST(Consultation, AtMostFifty) {
  internal::routing::RouteRecord record = Opened({kDesk});
  for (int i = 0; i < kMaxConsultations; ++i) {
    record = After(record, Consult(record, {kTax}));
    record = After(record, Answer(record, kTax, static_cast<uint32_t>(i) + 1));
  }
  EXPECT_EQ(errors::Reason(Consult(record, {kTax}).status()), "TOO_MANY_CONSULTATIONS");
}

TEST(Consultation, NotWhileTheDossierIsOffered) {
  EXPECT_EQ(errors::Reason(Consult(Opened({kDistrict}), {kTax}).status()), "ALREADY_OFFERED");
}

}  // namespace
}  // namespace motcua::routing
