// Thousands of random lives by random actors: whatever they try, custody, figures and inboxes stay true.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "route_fixture.h"
#include "services/routing/domain/consultation.h"
#include "services/routing/domain/custody.h"
#include "services/routing/domain/hand_over.h"
#include "services/routing/domain/opening.h"
#include "services/routing/domain/route_model.h"
#include "services/routing/domain/supplement.h"
#include "services/routing/domain/work.h"

namespace motcua::routing {
namespace {

const std::vector<std::string> kAgencies = {kDesk, kDistrict, kTax, kPolice};

uint64_t Seed() {
  const char* given = std::getenv("MOTCUA_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed: MOTCUA_SEED=" << seed << std::endl;
  return seed;
}

// What must be true of a route, built from nothing but its events.
class Account {
 public:
  explicit Account(const std::vector<feed::v1::Event>& opening) { Apply(opening); }

  void Apply(const std::vector<feed::v1::Event>& events) {
    for (const feed::v1::Event& event : events) {
      const absl::Time at = time::FromTimestamp(event.at());
      switch (event.body_case()) {
        case feed::v1::Event::kRouteOpened:
          spans.emplace_back(event.route_opened().holder(), time::FromTimestamp(event.route_opened().since()));
          break;
        case feed::v1::Event::kHandOverOffered:
          offered = event.hand_over_offered().to();
          break;
        case feed::v1::Event::kHandOverAccepted:
          EXPECT_EQ(event.hand_over_accepted().from(), spans.back().first);
          if (event.hand_over_accepted().from() == event.hand_over_accepted().to()) break;
          spans.emplace_back(event.hand_over_accepted().to(), at);
          offered.clear();
          break;
        case feed::v1::Event::kHandOverRefused:
        case feed::v1::Event::kHandOverRecalled:
          offered.clear();
          break;
        case feed::v1::Event::kWorkCompleted:
          ++work_done;
          break;
        case feed::v1::Event::kConsultationRequested:
          EXPECT_TRUE(consulted.insert(event.consultation_requested().to()).second);
          break;
        case feed::v1::Event::kConsultationAnswered:
          EXPECT_EQ(consulted.erase(event.consultation_answered().to()), 1u);
          break;
        case feed::v1::Event::kSupplementRequested:
          waiting = true;
          break;
        case feed::v1::Event::kSupplementReceived:
          waiting = false;
          break;
        case feed::v1::Event::kResultReady:
          ended = at;
          break;
        default:
          break;
      }
    }
  }

  std::vector<std::pair<std::string, absl::Time>> spans;
  std::string offered;
  std::set<std::string> consulted;
  bool waiting = false;
  int work_done = 0;
  int work_refused = 0;
  std::optional<absl::Time> ended;
};

void CheckLedger(const v1::Route& route, const Account& account) {
  const v1::GetCustodyResponse ledger = LedgerOf(route);
  ASSERT_EQ(static_cast<size_t>(ledger.lines_size()), account.spans.size());
  EXPECT_EQ(time::FromTimestamp(ledger.lines(0).from()), time::FromTimestamp(route.received_at()));
  for (int i = 0; i < ledger.lines_size(); ++i) {
    const v1::CustodyLine& line = ledger.lines(i);
    const auto& [agency, since] = account.spans[static_cast<size_t>(i)];
    EXPECT_EQ(line.agency(), agency);
    EXPECT_EQ(time::FromTimestamp(line.from()), since);
    const bool last = i + 1 == ledger.lines_size();
    ASSERT_EQ(line.has_to(), !last || account.ended.has_value());
    if (!last) {
      EXPECT_EQ(time::FromTimestamp(line.to()), time::FromTimestamp(ledger.lines(i + 1).from()));
      EXPECT_NE(line.agency(), ledger.lines(i + 1).agency());
    }
    if (line.has_to()) {
      EXPECT_LE(time::FromTimestamp(line.from()), time::FromTimestamp(line.to()));
    }
    if (last && account.ended.has_value()) {
      EXPECT_EQ(time::FromTimestamp(line.to()), *account.ended);
    }
  }
  EXPECT_EQ(route.holder(), account.spans.back().first);
  EXPECT_EQ(time::FromTimestamp(route.held_since()), account.spans.back().second);
}

void CheckIndexes(const v1::RouteRecord& record, const Account& account) {
  std::multiset<std::string> expected;
  if (!account.ended.has_value()) {
    expected.insert((account.waiting ? "w:" : "h:") + account.spans.back().first);
    if (!account.offered.empty()) expected.insert("o:" + account.offered);
    for (const std::string& agency : account.consulted) expected.insert("c:" + agency);
  }
  std::multiset<std::string> actual;
  for (const store::IndexEntry& entry : store::IndexesOf<RouteModel>(record)) {
    EXPECT_EQ(entry.member, kCode);
    actual.insert(entry.index);
  }
  EXPECT_EQ(actual, expected);
  for (const v1::Box box : {v1::BOX_HELD, v1::BOX_OFFERED, v1::BOX_CONSULTED, v1::BOX_WAITING}) {
    for (const std::string& agency : kAgencies) {
      EXPECT_EQ(IsListedIn(record.route(), box, agency), actual.contains(InboxIndex(box, agency)))
          << box << agency;
    }
  }
}

void CheckCounters(const v1::RouteRecord& record, const Account& account) {
  const bool ended = account.ended.has_value();
  const store::Counters expected = {{"routes", 1},
                                    {ended ? "ended" : "open", 1},
                                    {"hand_overs", static_cast<int64_t>(account.spans.size()) - 1},
                                    {"work_done", account.work_done},
                                    {"work_refused", account.work_refused}};
  EXPECT_EQ(store::CountersOf<RouteModel>(record), expected);
}

void CheckLegs(const v1::Route& route) {
  ASSERT_LE(route.current_leg(), static_cast<uint32_t>(route.legs_size()));
  int at_work = 0;
  for (int i = 0; i < route.legs_size(); ++i) {
    const v1::Leg& leg = route.legs(i);
    EXPECT_EQ(leg.has_started_at(), static_cast<uint32_t>(i) < route.current_leg());
    if (leg.has_done_at()) {
      EXPECT_LE(time::FromTimestamp(leg.started_at()), time::FromTimestamp(leg.done_at()));
    }
    if (leg.has_started_at() && !leg.has_done_at()) {
      ++at_work;
      EXPECT_EQ(leg.agency(), route.holder());
    }
  }
  EXPECT_LE(at_work, route.has_ended_at() ? 0 : 1);
}

void CheckConsultations(const v1::Route& route) {
  for (const v1::Consultation& consultation : route.consultations()) {
    if (!consultation.has_answered_at()) continue;
    EXPECT_LE(time::FromTimestamp(consultation.asked_at()), time::FromTimestamp(consultation.answered_at()));
  }
}

class Life {
 public:
  explicit Life(uint64_t seed) : random_(seed) {}

  void Run() {
    std::vector<std::string> legs;
    for (int i = Pick(4); i > 0; --i) legs.push_back(Agency());
    RouteDecision opened = OpenRoute(Accepted(legs), store::Context(At(1), common::v1::Actor()));
    Account account(opened.events);
    v1::RouteRecord record = std::move(opened.record);
    int minutes = 1;
    for (int step = 0; step < 120; ++step) {
      // Replicas' clocks differ: now and then time seems to go back.
      minutes += Pick(10) - 2;
      const store::Context context = By(Actor(record.route()), minutes);
      const v1::RouteRecord before = record;
      absl::StatusOr<RouteDecision> decision = Attempt(record, context);
      if (!decision.ok()) {
        EXPECT_NE(errors::Reason(decision.status()), "");
      } else {
        ASSERT_FALSE(before.route().has_ended_at() && decision->refusal.ok()) << "a mutation after the end";
        if (decision->refusal.ok()) CheckRelation(before.route(), *decision, context.actor.agency());
        if (!decision->refusal.ok()) ++account.work_refused;
        account.Apply(decision->events);
        record = std::move(decision->record);
      }
      CheckLedger(record.route(), account);
      CheckIndexes(record, account);
      CheckCounters(record, account);
      CheckLegs(record.route());
      CheckConsultations(record.route());
      if (::testing::Test::HasFailure()) return;
    }
    ends += record.route().has_ended_at() ? 1 : 0;
    hand_overs += record.route().custody_size() - 1;
  }

  int ends = 0;
  int hand_overs = 0;

 private:
  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  const std::string& Agency() { return kAgencies[static_cast<size_t>(Pick(static_cast<int>(kAgencies.size())))]; }

  // Mostly somebody who may do something, so that lives get on.
  std::string Actor(const v1::Route& route) {
    if (Pick(3) != 0) return route.has_offer() && Pick(2) == 0 ? route.offer().to() : route.holder();
    return Pick(8) == 0 ? std::string() : Agency();
  }

  // Who may do what, said once more and differently: by what came of it.
  void CheckRelation(const v1::Route& before, const RouteDecision& decision, const std::string& actor) {
    ASSERT_FALSE(actor.empty());
    ASSERT_FALSE(decision.events.empty());
    const feed::v1::Event& event = decision.events.front();
    EXPECT_EQ(event.actor().agency(), actor);
    switch (event.body_case()) {
      case feed::v1::Event::kHandOverAccepted:
        EXPECT_EQ(actor, event.hand_over_accepted().to());
        break;
      case feed::v1::Event::kHandOverRefused:
        EXPECT_EQ(actor, event.hand_over_refused().to());
        break;
      case feed::v1::Event::kConsultationAnswered:
        EXPECT_EQ(actor, event.consultation_answered().to());
        break;
      case feed::v1::Event::kSupplementReceived:
        EXPECT_TRUE(actor == before.holder() || actor == before.receiving_agency());
        break;
      default:
        EXPECT_EQ(actor, before.holder());
    }
  }

  absl::StatusOr<RouteDecision> Attempt(const v1::RouteRecord& record, const store::Context& context) {
    switch (Pick(13)) {
      case 0:
      case 1: {
        auto request = For<v1::OfferHandOverRequest>();
        if (Pick(2) == 0) request.set_to(Pick(10) == 0 ? std::string(kNowhere) : Agency());
        return DecideOffer(&record, request, context, Catalogue());
      }
      case 2:
      case 3:
      case 4:
        return DecideAccept(&record, For<v1::AcceptHandOverRequest>(), context);
      case 5:
        return DecideRefuse(&record, For<v1::RefuseHandOverRequest>(), context);
      case 6:
        return DecideRecall(&record, For<v1::RecallHandOverRequest>(), context);
      case 7:
        return DecideCompleteWork(&record, For<v1::CompleteWorkRequest>(), context);
      case 8: {
        auto request = For<v1::ConsultRequest>();
        for (int i = Pick(3); i >= 0; --i) request.add_agencies(Agency());
        return DecideConsult(&record, request, context, Catalogue());
      }
      case 9: {
        auto request = For<v1::AnswerConsultationRequest>();
        request.set_consultation(static_cast<uint32_t>(Pick(record.route().consultations_size() + 2)));
        return DecideAnswer(&record, request, context);
      }
      case 10:
        return DecideRequestSupplement(&record, For<v1::RequestSupplementRequest>(), context);
      case 11:
        return DecideReceiveSupplement(&record, For<v1::ReceiveSupplementRequest>(), context, Pick(2) == 0);
      default: {
        if (Pick(8) != 0) {
          auto request = For<v1::AssignRequest>();
          request.set_officer(Agency() + "-handler");
          return DecideAssign(&record, request, context, Catalogue());
        }
        auto request = For<v1::FinishRequest>();
        request.set_outcome(feed::v1::OUTCOME_APPROVED);
        return DecideFinish(&record, request, context);
      }
    }
  }

  std::mt19937_64 random_;
};

TEST(Custody, IsHeldByExactlyOneAgencyAtEveryInstantWhateverIsTried) {
  const uint64_t seed = Seed();
  int ends = 0;
  int hand_overs = 0;
  for (uint64_t life = 0; life < 3000; ++life) {
    SCOPED_TRACE(::testing::Message() << "life " << life);
    Life random(seed + life);
    random.Run();
    if (HasFailure()) return;
    ends += random.ends;
    hand_overs += random.hand_overs;
  }
  // The lives were lives: the property is not true of nothing.
  EXPECT_GT(ends, 300);
  EXPECT_GT(hand_overs, 3000);
}

}  // namespace
}  // namespace motcua::routing
