// Thousands of random lives by random actors, while agencies end: whatever they try, custody, figures and
// inboxes stay true, and deadline-monitor's account charges the whole time to those who held.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "motcua/internal/routing/records.pb.h"
#include "route_fixture.h"
#include "services/deadline_monitor/domain/clock/custody.h"
#include "services/deadline_monitor/domain/clock/follow.h"
#include "services/deadline_monitor/domain/clock/parts.h"
#include "services/routing/domain/consultation/consultation.h"
#include "services/routing/domain/custody/custody.h"
#include "services/routing/domain/custody/hand_over.h"
#include "services/routing/domain/route/opening.h"
#include "services/routing/domain/route/route_model.h"
#include "services/routing/domain/succession/succession.h"
#include "services/routing/domain/supplement/supplement.h"
#include "services/routing/domain/work/work.h"

namespace motcua::routing {
namespace {

const std::vector<std::string> kAgencies = {kDesk, kDistrict, kTax, kPolice, kCommuneOfH13, kWardOfH13};
// That the sample data has, and that may end.
constexpr int kMayEnd = 4;

// Reference data in which those of kAgencies whose bit is set have ended. Two of them become one, one is
// continued by another that may end itself.
const reference::Catalogue& CatalogueOf(unsigned ended) {
  static auto* const catalogues = new std::map<unsigned, std::shared_ptr<const reference::Catalogue>>();
  std::shared_ptr<const reference::Catalogue>& catalogue = (*catalogues)[ended];
  if (catalogue == nullptr) {
    const std::vector<End> all = {{kDesk, "2026-07-14", kDistrict},
                                  {kDistrict, "2026-07-14", kWardOfH13},
                                  {kTax, "2026-07-14", kCommuneOfH13},
                                  {kPolice, "2026-07-14", kCommuneOfH13}};
    std::vector<End> ends;
    for (unsigned i = 0; i < all.size(); ++i) {
      if ((ended & (1u << i)) != 0) ends.push_back(all[i]);
    }
    catalogue = CatalogueWith(ends);
  }
  return *catalogue;
}

uint64_t Seed() {
  const char* given = std::getenv("MOTCUA_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed: MOTCUA_SEED=" << seed << std::endl;
  return seed;
}

// What must be true of a route, built from nothing but its events.
class Account {
 public:
  explicit Account(const std::vector<feed::v1::Event>& opening) {
    Follow(Accepted({}));
    Apply(opening);
  }

  void Apply(const std::vector<feed::v1::Event>& events) {
    bool passed = false;
    for (const feed::v1::Event& event : events) {
      Follow(event);
      passed = passed || event.has_agency_succeeded();
      const absl::Time at = time::FromTimestamp(event.at());
      switch (event.body_case()) {
        case feed::v1::Event::kRouteOpened:
          spans.emplace_back(event.route_opened().holder(), time::FromTimestamp(event.route_opened().since()));
          break;
        case feed::v1::Event::kHandOverOffered:
          offered = event.hand_over_offered().receiver();
          break;
        case feed::v1::Event::kHandOverAccepted:
          EXPECT_EQ(event.hand_over_accepted().sender(), spans.back().first);
          offered.clear();
          if (event.hand_over_accepted().sender() == event.hand_over_accepted().receiver()) break;
          spans.emplace_back(event.hand_over_accepted().receiver(), at);
          ++handed_over;
          break;
        case feed::v1::Event::kAgencySucceeded: {
          const feed::v1::AgencySucceeded& body = event.agency_succeeded();
          EXPECT_FALSE(event.has_actor());
          EXPECT_EQ(body.custody(), spans.back().first == body.ended_agency());
          if (body.custody()) spans.emplace_back(body.successor(), at);
          EXPECT_EQ(body.offer(), offered == body.ended_agency());
          if (body.offer()) offered = body.successor();
          EXPECT_EQ(static_cast<size_t>(body.consultations_size()), consulted.count(body.ended_agency()));
          for (int i = 0; i < body.consultations_size(); ++i) {
            consulted.erase(consulted.find(body.ended_agency()));
            consulted.insert(body.successor());
          }
          break;
        }
        case feed::v1::Event::kHandOverRefused:
        case feed::v1::Event::kHandOverRecalled:
          offered.clear();
          break;
        case feed::v1::Event::kWorkCompleted:
          ++work_done;
          break;
        case feed::v1::Event::kConsultationRequested:
          EXPECT_FALSE(consulted.contains(event.consultation_requested().asked_agency()));
          consulted.insert(event.consultation_requested().asked_agency());
          break;
        case feed::v1::Event::kConsultationAnswered:
          ASSERT_TRUE(consulted.contains(event.consultation_answered().asked_agency()));
          EXPECT_EQ(event.consultation_answered().asking_agency(), spans.back().first);
          consulted.erase(consulted.find(event.consultation_answered().asked_agency()));
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
    if (passed) ++successions;
  }

  std::vector<std::pair<std::string, absl::Time>> spans;
  std::string offered;
  // An agency that two who were asked have become is here twice.
  std::multiset<std::string> consulted;
  int handed_over = 0;
  int successions = 0;
  // What deadline-monitor makes of the same events.
  internal::deadline::ClockRecord clock;
  bool waiting = false;
  int work_done = 0;
  int work_refused = 0;
  std::optional<absl::Time> ended;

 private:
  void Follow(const feed::v1::Event& event) {
    const bool begun = !clock.clock().dossier().empty();
    auto decided = deadline::DecideEvent(begun ? &clock : nullptr, event, absl::InfinitePast(), Catalogue());
    ASSERT_TRUE(decided.ok()) << decided.status();
    if (decided->has_value()) clock = std::move((*decided)->record);
  }
};

// Each agency is charged the time for which the ledger names it, and the sum is the whole time.
void CheckCharges(const v1::Route& route, const Account& account, absl::Time now) {
  std::map<std::string, int64_t> held;
  const v1::GetCustodyResponse ledger = LedgerOf(route);
  for (const v1::CustodyLine& line : ledger.lines()) {
    const absl::Time to = line.has_until() ? time::FromTimestamp(line.until()) : now;
    held[line.agency()] += absl::ToInt64Microseconds(to - time::FromTimestamp(line.since()));
  }
  int64_t sum = 0;
  for (const feed::v1::Charge& charge : deadline::ChargesAsOf(account.clock.clock(), now)) {
    EXPECT_EQ(static_cast<int64_t>(charge.held_micros()), held[charge.agency()]) << charge.agency();
    sum += static_cast<int64_t>(charge.held_micros());
  }
  const absl::Time end = route.has_ended_at() ? time::FromTimestamp(route.ended_at()) : now;
  EXPECT_EQ(sum, absl::ToInt64Microseconds(end - time::FromTimestamp(route.received_at())));
  EXPECT_EQ(account.clock.clock().holder(), route.holder());
}

// What runs at deadline-monitor runs with who must act.
void CheckParts(const v1::Route& route, const Account& account) {
  for (const deadline::v1::PartClock& part : account.clock.clock().parts()) {
    if (part.has_ended_at()) continue;
    if (part.item() == "offer") {
      EXPECT_EQ(part.agency(), route.offer().receiver());
    } else if (deadline::IsLeg(part)) {
      EXPECT_EQ(part.agency(), route.holder());
    } else {
      const int number = std::stoi(part.item().substr(part.item().find('-') + 1));
      EXPECT_EQ(part.agency(), route.consultations(number - 1).asked_agency());
    }
  }
}

void CheckLedger(const v1::Route& route, const Account& account) {
  const v1::GetCustodyResponse ledger = LedgerOf(route);
  ASSERT_EQ(static_cast<size_t>(ledger.lines_size()), account.spans.size());
  EXPECT_EQ(time::FromTimestamp(ledger.lines(0).since()), time::FromTimestamp(route.received_at()));
  for (int i = 0; i < ledger.lines_size(); ++i) {
    const v1::CustodyLine& line = ledger.lines(i);
    const auto& [agency, since] = account.spans[static_cast<size_t>(i)];
    EXPECT_EQ(line.agency(), agency);
    EXPECT_EQ(time::FromTimestamp(line.since()), since);
    const bool last = i + 1 == ledger.lines_size();
    ASSERT_EQ(line.has_until(), !last || account.ended.has_value());
    if (!last) {
      EXPECT_EQ(time::FromTimestamp(line.until()), time::FromTimestamp(ledger.lines(i + 1).since()));
      EXPECT_NE(line.agency(), ledger.lines(i + 1).agency());
    }
    if (line.has_until()) {
      EXPECT_LE(time::FromTimestamp(line.since()), time::FromTimestamp(line.until()));
    }
    if (last && account.ended.has_value()) {
      EXPECT_EQ(time::FromTimestamp(line.until()), *account.ended);
    }
  }
  EXPECT_EQ(route.holder(), account.spans.back().first);
  EXPECT_EQ(time::FromTimestamp(route.held_since()), account.spans.back().second);
}

void CheckIndexes(const internal::routing::RouteRecord& record, const Account& account) {
  std::multiset<std::string> expected;
  if (!account.ended.has_value()) {
    expected.insert((account.waiting ? "w:" : "h:") + account.spans.back().first);
    if (!account.offered.empty()) expected.insert("o:" + account.offered);
    const std::set<std::string> consulted(account.consulted.begin(), account.consulted.end());
    for (const std::string& agency : consulted) expected.insert("c:" + agency);
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

void CheckCounters(const internal::routing::RouteRecord& record, const Account& account) {
  const bool ended = account.ended.has_value();
  const store::Counters expected = {{"routes", 1},
                                    {ended ? "ended" : "open", 1},
                                    {"hand_overs", account.handed_over},
                                    {"work_done", account.work_done},
                                    {"work_refused", account.work_refused},
                                    {"successions", account.successions}};
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
    for (int i = Pick(4); i > 0; --i) legs.push_back(kAgencies[static_cast<size_t>(Pick(kMayEnd))]);
    RouteDecision opened = OpenRoute(Accepted(legs), store::Context(At(1), common::v1::Actor()));
    Account account(opened.events);
    internal::routing::RouteRecord record = std::move(opened.record);
    int minutes = 1;
    for (int step = 0; step < 120; ++step) {
      // Replicas' clocks differ: now and then time seems to go back.
      minutes += Pick(10) - 2;
      if (Pick(40) == 0) ended_ |= 1u << Pick(kMayEnd);
      if (Pick(10) == 0) MoveByTheJob(record, account, minutes);
      const store::Context context = By(Actor(record.route()), minutes);
      const internal::routing::RouteRecord before = record;
      absl::StatusOr<RouteDecision> decision = AfterSuccession(
          &record, context, CatalogueOf(ended_),
          [&](const internal::routing::RouteRecord* route) { return Attempt(*route, context); });
      if (!decision.ok()) {
        EXPECT_NE(errors::Reason(decision.status()), "");
      } else {
        ASSERT_FALSE(before.route().has_ended_at() && decision->refusal.ok()) << "a mutation after the end";
        if (decision->refusal.ok()) CheckRelation(before.route(), *decision, context.actor.agency());
        if (!decision->refusal.ok()) ++account.work_refused;
        account.Apply(decision->events);
        record = std::move(decision->record);
      }
      latest_ = std::max(latest_, At(minutes));
      CheckCharges(record.route(), account, latest_);
      CheckParts(record.route(), account);
      CheckLedger(record.route(), account);
      CheckIndexes(record, account);
      CheckCounters(record, account);
      CheckLegs(record.route());
      CheckConsultations(record.route());
      if (::testing::Test::HasFailure()) return;
    }
    ends += record.route().has_ended_at() ? 1 : 0;
    hand_overs += account.handed_over;
    successions += account.successions;
  }

  int ends = 0;
  int hand_overs = 0;
  int successions = 0;

 private:
  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  const std::string& Agency() { return kAgencies[static_cast<size_t>(Pick(static_cast<int>(kAgencies.size())))]; }

  std::string InCharge(const std::string& agency) {
    return std::string(CatalogueOf(ended_).InChargeAt(agency, At()));
  }

  void MoveByTheJob(internal::routing::RouteRecord& record, Account& account, int minutes) {
    const store::Context context(At(minutes), common::v1::Actor());
    std::optional<RouteDecision> moved = DecideSuccession(record, context, CatalogueOf(ended_));
    if (!moved.has_value()) return;
    account.Apply(moved->events);
    record = std::move(moved->record);
    EXPECT_FALSE(DecideSuccession(record, context, CatalogueOf(ended_)).has_value()) << "twice";
  }

  // Mostly somebody who may do something, so that lives get on.
  std::string Actor(const v1::Route& route) {
    if (Pick(3) != 0)
      return InCharge(route.has_offer() && Pick(2) == 0 ? route.offer().receiver() : route.holder());
    return Pick(8) == 0 ? std::string() : Agency();
  }

  // Who may do what, said once more and differently: by what came of it.
  void CheckRelation(const v1::Route& before, const RouteDecision& decision, const std::string& actor) {
    ASSERT_FALSE(actor.empty());
    EXPECT_EQ(InCharge(actor), actor) << "an agency that has ended did something";
    const auto deed = std::find_if(decision.events.begin(), decision.events.end(),
                                   [](const feed::v1::Event& told) { return told.has_actor(); });
    ASSERT_NE(deed, decision.events.end());
    const feed::v1::Event& event = *deed;
    EXPECT_EQ(event.actor().agency(), actor);
    switch (event.body_case()) {
      case feed::v1::Event::kHandOverAccepted:
        EXPECT_EQ(actor, event.hand_over_accepted().receiver());
        break;
      case feed::v1::Event::kHandOverRefused:
        EXPECT_EQ(actor, event.hand_over_refused().receiver());
        break;
      case feed::v1::Event::kConsultationAnswered:
        EXPECT_EQ(actor, event.consultation_answered().asked_agency());
        break;
      case feed::v1::Event::kSupplementReceived:
        EXPECT_TRUE(actor == InCharge(before.holder()) || actor == InCharge(before.receiving_agency()));
        break;
      default:
        EXPECT_EQ(actor, InCharge(before.holder()));
    }
  }

  absl::StatusOr<RouteDecision> Attempt(const internal::routing::RouteRecord& record,
                                        const store::Context& context) {
    switch (Pick(13)) {
      case 0:
      case 1: {
        auto request = For<v1::OfferHandOverRequest>();
        if (Pick(2) == 0) request.set_receiver(Pick(10) == 0 ? std::string(kNowhere) : Agency());
        return DecideOffer(&record, request, context, CatalogueOf(ended_));
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
        return DecideConsult(&record, request, context, CatalogueOf(ended_));
      }
      case 9: {
        auto request = For<v1::AnswerConsultationRequest>();
        request.set_consultation(static_cast<uint32_t>(Pick(record.route().consultations_size() + 2)));
        return DecideAnswer(&record, request, context);
      }
      case 10:
        return DecideRequestSupplement(&record, For<v1::RequestSupplementRequest>(), context);
      case 11:
        return DecideReceiveSupplement(&record, For<v1::ReceiveSupplementRequest>(), context, Pick(2) == 0,
                                       CatalogueOf(ended_));
      default: {
        if (Pick(8) != 0) {
          auto request = For<v1::AssignRequest>();
          request.set_officer(Agency() + "-handler");
          return DecideAssign(&record, request, context, CatalogueOf(ended_));
        }
        auto request = For<v1::FinishRequest>();
        request.set_outcome(feed::v1::OUTCOME_APPROVED);
        return DecideFinish(&record, request, context);
      }
    }
  }

  std::mt19937_64 random_;
  // Bits of those of kAgencies that have ended so far.
  unsigned ended_ = 0;
  absl::Time latest_ = At(1);
};

TEST(Custody, IsHeldByExactlyOneAgencyAtEveryInstantWhateverIsTried) {
  const uint64_t seed = Seed();
  int ends = 0;
  int hand_overs = 0;
  int successions = 0;
  for (uint64_t life = 0; life < 1200; ++life) {
    SCOPED_TRACE(::testing::Message() << "life " << life);
    Life random(seed + life);
    random.Run();
    if (HasFailure()) return;
    ends += random.ends;
    hand_overs += random.hand_overs;
    successions += random.successions;
  }
  // The lives were lives: the property is not true of nothing.
  EXPECT_GT(ends, 100);
  EXPECT_GT(hand_overs, 800);
  EXPECT_GT(successions, 800);
}

}  // namespace
}  // namespace motcua::routing
