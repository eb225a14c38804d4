// Every command in every state by every kind of actor: what comes of it, cell by cell.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "common/status/errors.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/routing/domain/consultation/consultation.h"
#include "services/routing/domain/custody/hand_over.h"
#include "services/routing/domain/supplement/supplement.h"
#include "services/routing/domain/work/work.h"

namespace motcua::routing {
namespace {

// kDistrict holds in every state but `none`; kDesk received; kTax is who something was offered to or asked of; kPolice
// has nothing to do with it; "" is an actor without an agency.
const std::vector<std::string> kActors = {kDistrict, kDesk, kTax, kPolice, ""};

internal::routing::RouteRecord Working() {
  const internal::routing::RouteRecord record = Opened({kDistrict});
  return After(record, DecideAccept(&record, For<v1::AcceptHandOverRequest>(), By(kDistrict, 2)));
}

internal::routing::RouteRecord Offered() {
  const internal::routing::RouteRecord record = Working();
  auto request = For<v1::OfferHandOverRequest>();
  request.set_receiver(kTax);
  return After(record, DecideOffer(&record, request, By(kDistrict, 3), Catalogue()));
}

internal::routing::RouteRecord Consulting() {
  const internal::routing::RouteRecord record = Working();
  auto request = For<v1::ConsultRequest>();
  request.add_agencies(kTax);
  return After(record, DecideConsult(&record, request, By(kDistrict, 3), Catalogue()));
}

internal::routing::RouteRecord Waiting() {
  const internal::routing::RouteRecord record = Working();
  return After(record, DecideRequestSupplement(&record, For<v1::RequestSupplementRequest>(), By(kDistrict, 3)));
}

internal::routing::RouteRecord Ended() {
  const internal::routing::RouteRecord record = Working();
  return After(record, DecideFinish(&record, For<v1::FinishRequest>(), By(kDistrict, 3)));
}

using Decide = std::function<absl::StatusOr<RouteDecision>(const internal::routing::RouteRecord*,
                                                           const store::Context&)>;

absl::StatusOr<RouteDecision> OfferToPolice(const internal::routing::RouteRecord* record,
                                            const store::Context& context) {
  auto request = For<v1::OfferHandOverRequest>();
  request.set_receiver("H30.18.BH");
  return DecideOffer(record, request, context, Catalogue());
}

absl::StatusOr<RouteDecision> AssignOfficer(const internal::routing::RouteRecord* record,
                                            const store::Context& context) {
  auto request = For<v1::AssignRequest>();
  request.set_officer("H30.18-handler");
  return DecideAssign(record, request, context, Catalogue());
}

absl::StatusOr<RouteDecision> AskPolice(const internal::routing::RouteRecord* record,
                                        const store::Context& context) {
  auto request = For<v1::ConsultRequest>();
  request.add_agencies(kPolice);
  return DecideConsult(record, request, context, Catalogue());
}

absl::StatusOr<RouteDecision> AnswerFirst(const internal::routing::RouteRecord* record,
                                          const store::Context& context) {
  auto request = For<v1::AnswerConsultationRequest>();
  request.set_consultation(1);
  return DecideAnswer(record, request, context);
}

template <auto kDecide, class Request>
absl::StatusOr<RouteDecision> Plain(const internal::routing::RouteRecord* record,
                                    const store::Context& context) {
  return kDecide(record, For<Request>(), context);
}

// The desk's own role is `intake`; everybody else's is another.
absl::StatusOr<RouteDecision> TakePapers(const internal::routing::RouteRecord* record,
                                         const store::Context& context) {
  return DecideReceiveSupplement(record, For<v1::ReceiveSupplementRequest>(), context,
                                 context.actor.agency() == kDesk, Catalogue());
}

class Command {
 public:
  const char* name;
  Decide decide;
  // State, then the outcome for each of kActors.
  std::map<std::string, std::vector<std::string>> outcomes;
};

std::vector<std::string> All(const std::string& outcome) { return std::vector<std::string>(kActors.size(), outcome); }
// The holder's outcome, and NOT_HOLDER (or what is given) for everybody else.
std::vector<std::string> Holder(const std::string& outcome, const std::string& others = "NOT_HOLDER") {
  return {outcome, others, others, others, others};
}
std::vector<std::string> Other(const std::string& outcome, const std::string& others) {
  return {others, others, outcome, others, others};
}

const std::vector<Command>& Table() {
  static const std::vector<Command>* const table = new std::vector<Command>{
      {"Offer", OfferToPolice,
       {{"working", Holder("OK")}, {"offered", Holder("ALREADY_OFFERED")}, {"consulting", Holder("CONSULTATION_OPEN")},
        {"waiting", Holder("AWAITING_SUPPLEMENT")}}},
      {"Accept", Plain<DecideAccept, v1::AcceptHandOverRequest>,
       {{"working", All("NOT_OFFERED")}, {"offered", Other("OK", "NOT_OFFERED_TO_YOU")},
        {"consulting", All("NOT_OFFERED")}, {"waiting", All("NOT_OFFERED")}}},
      {"Refuse", Plain<DecideRefuse, v1::RefuseHandOverRequest>,
       {{"working", All("NOT_OFFERED")}, {"offered", Other("OK", "NOT_OFFERED_TO_YOU")},
        {"consulting", All("NOT_OFFERED")}, {"waiting", All("NOT_OFFERED")}}},
      {"Recall", Plain<DecideRecall, v1::RecallHandOverRequest>,
       {{"working", All("NOT_OFFERED")}, {"offered", Holder("OK", "NOT_OFFERER")},
        {"consulting", All("NOT_OFFERED")}, {"waiting", All("NOT_OFFERED")}}},
      {"Assign", AssignOfficer,
       {{"working", Holder("OK")}, {"offered", Holder("OK")}, {"consulting", Holder("OK")}, {"waiting", Holder("OK")}}},
      {"CompleteWork", Plain<DecideCompleteWork, v1::CompleteWorkRequest>,
       {{"working", Holder("OK")}, {"offered", Holder("OK")}, {"consulting", Holder("OK")}, {"waiting", Holder("OK")}}},
      {"Consult", AskPolice,
       {{"working", Holder("OK")}, {"offered", Holder("ALREADY_OFFERED")}, {"consulting", Holder("OK")},
        {"waiting", Holder("OK")}}},
      {"AnswerConsultation", AnswerFirst,
       {{"working", All("UNKNOWN_CONSULTATION")}, {"offered", All("UNKNOWN_CONSULTATION")},
        {"consulting", Other("OK", "NOT_CONSULTED")}, {"waiting", All("UNKNOWN_CONSULTATION")}}},
      {"RequestSupplement", Plain<DecideRequestSupplement, v1::RequestSupplementRequest>,
       {{"working", Holder("OK")}, {"offered", Holder("ALREADY_OFFERED")}, {"consulting", Holder("OK")},
        {"waiting", Holder("AWAITING_SUPPLEMENT")}}},
      {"ReceiveSupplement", TakePapers,
       {{"working", {"NO_SUPPLEMENT_REQUESTED", "NO_SUPPLEMENT_REQUESTED", "NOT_HOLDER", "NOT_HOLDER", "NOT_HOLDER"}},
        {"offered", {"NO_SUPPLEMENT_REQUESTED", "NO_SUPPLEMENT_REQUESTED", "NOT_HOLDER", "NOT_HOLDER", "NOT_HOLDER"}},
        {"consulting", {"NO_SUPPLEMENT_REQUESTED", "NO_SUPPLEMENT_REQUESTED", "NOT_HOLDER", "NOT_HOLDER", "NOT_HOLDER"}},
        {"waiting", {"OK", "OK", "NOT_HOLDER", "NOT_HOLDER", "NOT_HOLDER"}}}},
      {"Finish", Plain<DecideFinish, v1::FinishRequest>,
       {{"working", Holder("OK")}, {"offered", Holder("ALREADY_OFFERED")}, {"consulting", Holder("CONSULTATION_OPEN")},
        {"waiting", Holder("AWAITING_SUPPLEMENT")}}},
  };
  return *table;
}

std::string OutcomeOf(const absl::StatusOr<RouteDecision>& decision) {
  if (!decision.ok()) return errors::Reason(decision.status());
  return decision->refusal.ok() ? "OK" : errors::Reason(decision->refusal);
}

TEST(Relation, EveryCommandInEveryStateByEveryActor) {
  const std::map<std::string, internal::routing::RouteRecord> states = {
      {"working", Working()}, {"offered", Offered()}, {"consulting", Consulting()}, {"waiting", Waiting()}};
  for (const Command& command : Table()) {
    ASSERT_EQ(command.outcomes.size(), states.size()) << command.name;
    for (const auto& [state, record] : states) {
      for (size_t i = 0; i < kActors.size(); ++i) {
        const auto decision = command.decide(&record, By(kActors[i], 10));
        EXPECT_EQ(OutcomeOf(decision), command.outcomes.at(state)[i])
            << command.name << ", " << state << ", by '" << kActors[i] << "'";
      }
    }
  }
}

TEST(Relation, AfterTheEndEveryMutationIsDossierEndedForEverybody) {
  const internal::routing::RouteRecord ended = Ended();
  for (const Command& command : Table()) {
    for (const std::string& actor : kActors) {
      const auto decision = command.decide(&ended, By(actor, 10));
      EXPECT_EQ(OutcomeOf(decision), "DOSSIER_ENDED") << command.name << " by '" << actor << "'";
    }
  }
}

TEST(Relation, WithoutARouteEveryMutationIsNotFoundForEverybody) {
  for (const Command& command : Table()) {
    for (const std::string& actor : kActors) {
      const auto decision = command.decide(nullptr, By(actor, 10));
      EXPECT_EQ(OutcomeOf(decision), "DOSSIER_NOT_FOUND") << command.name << " by '" << actor << "'";
      EXPECT_EQ(decision.status().code(), absl::StatusCode::kNotFound);
    }
  }
}

TEST(Relation, ADeniedActorLearnsPermissionDenied) {
  const internal::routing::RouteRecord record = Working();
  EXPECT_EQ(OfferToPolice(&record, By(kPolice, 10)).status().code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace motcua::routing
