// Whatever a dossier goes through: who has missed some of its events, and is told of its records, knows what
// the events would have told. Each source's Retell with what its consumers make of it.
#include "services/deadline_monitor/domain/clock/retell.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/time/legal_clock.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "google/protobuf/util/message_differencer.h"
#include "motcua/feed/v1/feed.pb.h"
#include "motcua/internal/deadline/records.pb.h"
#include "motcua/internal/intake/records.pb.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/follow.h"
#include "services/intake/domain/dossier/progress.h"
#include "services/routing/domain/consultation/consultation.h"
#include "services/routing/domain/custody/hand_over.h"
#include "services/routing/domain/route/opening.h"
#include "services/routing/domain/route/retell.h"
#include "services/routing/domain/succession/succession.h"
#include "services/routing/domain/supplement/supplement.h"
#include "services/routing/domain/work/work.h"
#include "tests/unit/routing/route_fixture.h"

namespace motcua {
namespace {

using feed::v1::Event;
using google::protobuf::RepeatedPtrField;
using routing::At;
using routing::By;
using routing::Catalogue;
using routing::For;
using routing::kDesk;
using routing::kDistrict;
using routing::kTax;

uint64_t Seed() {
  const char* given = std::getenv("MOTCUA_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed: MOTCUA_SEED=" << seed << std::endl;
  return seed;
}

RepeatedPtrField<Event> AsField(const std::vector<Event>& events) {
  return RepeatedPtrField<Event>(events.begin(), events.end());
}

// The acceptance with a limit and a date by the calendar.
Event Acceptance(const std::vector<std::string>& legs) {
  Event event = routing::Accepted(legs);
  feed::v1::DossierAccepted& accepted = *event.mutable_dossier_accepted();
  *accepted.mutable_limit() = *time::ParseLimit("5wd");
  *accepted.mutable_due() =
      *time::ComputeDeadline(time::FromTimestamp(accepted.received_at()), accepted.limit(), time::kNoCutoff,
                             Catalogue().CalendarOf(kDesk));
  accepted.set_pause_policy(reference::v1::PAUSE_POLICY_SHIFT);
  return event;
}

// One of two agencies has ended, or both have, and their work is another's. All keep the same hours, and none
// comes back: what passed besides custody is told as the successor's from its beginning.
const reference::Catalogue& Reformed(int which) {
  const routing::End police = {routing::kPolice, "2026-07-14", kDistrict};
  const routing::End desk = {kDesk, "2026-07-14", kDistrict};
  static const auto* const reforms = new std::vector<std::shared_ptr<const reference::Catalogue>>{
      routing::CatalogueWith({police}), routing::CatalogueWith({desk}),
      routing::CatalogueWith({police, desk})};
  return *(*reforms)[static_cast<size_t>(which)];
}

// A random life of a route, with all that it told.
class Story {
 public:
  explicit Story(uint64_t seed) : random_(seed) {
    std::vector<std::string> legs;
    for (int i = Pick(4); i > 0; --i) legs.push_back(Agency());
    accepted = Acceptance(legs);
    Take(routing::OpenRoute(accepted, store::Context(At(1), common::v1::Actor())));
    int minutes = 1;
    for (int step = Pick(60); step > 0; --step) {
      minutes += 1 + Pick(400);
      if (Pick(10) == 0) Succeed(store::Context(At(minutes), common::v1::Actor()));
      absl::StatusOr<routing::RouteDecision> decision = Attempt(By(Actor(), minutes));
      if (decision.ok() && decision->refusal.ok()) Take(*std::move(decision));
    }
  }

  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  Event accepted;
  internal::routing::RouteRecord record;
  std::vector<Event> events;

 private:
  const char* Agency() {
    static constexpr const char* kAgencies[] = {kDesk, kDistrict, kTax, routing::kPolice};
    return kAgencies[Pick(4)];
  }
  std::string Actor() {
    const routing::v1::Route& route = record.route();
    if (route.has_offer() && Pick(2) == 0) return route.offer().receiver();
    return Pick(4) == 0 ? Agency() : route.holder();
  }
  void Succeed(const store::Context& context) {
    std::optional<routing::RouteDecision> passed =
        routing::DecideSuccession(record, context, Reformed(Pick(3)));
    if (passed.has_value()) Take(*std::move(passed));
  }
  void Take(routing::RouteDecision decision) {
    record = std::move(decision.record);
    for (Event& event : decision.events) {
      event.set_position(events.size() + 1);
      events.push_back(std::move(event));
    }
  }
  absl::StatusOr<routing::RouteDecision> Attempt(const store::Context& context) {
    namespace rv1 = routing::v1;
    switch (Pick(9)) {
      case 0:
      case 1: {
        auto request = For<rv1::OfferHandOverRequest>();
        if (Pick(3) == 0) request.set_receiver(Agency());
        return routing::DecideOffer(&record, request, context, Catalogue());
      }
      case 2:
      case 3:
        return routing::DecideAccept(&record, For<rv1::AcceptHandOverRequest>(), context);
      case 4:
        return Pick(2) == 0 ? routing::DecideRefuse(&record, For<rv1::RefuseHandOverRequest>(), context)
                            : routing::DecideRecall(&record, For<rv1::RecallHandOverRequest>(), context);
      case 5: {
        auto request = For<rv1::ConsultRequest>();
        request.add_agencies(Agency());
        return routing::DecideConsult(&record, request, context, Catalogue());
      }
      case 6: {
        auto request = For<rv1::AnswerConsultationRequest>();
        request.set_consultation(static_cast<uint32_t>(record.route().consultations_size()));
        return routing::DecideAnswer(&record, request, context);
      }
      case 7:
        return routing::DecideRequestSupplement(&record, For<rv1::RequestSupplementRequest>(), context);
      default:
        if (Pick(6) == 0) {
          auto request = For<rv1::FinishRequest>();
          request.set_outcome(feed::v1::OUTCOME_APPROVED);
          return routing::DecideFinish(&record, request, context);
        }
        return routing::DecideReceiveSupplement(&record, For<rv1::ReceiveSupplementRequest>(), context, true,
                                                Catalogue());
    }
  }

  std::mt19937_64 random_;
};

// ---------------------------------------------------------------- deadline-monitor
using Clock = internal::deadline::ClockRecord;

void Apply(std::optional<Clock>& clock, const Event& event) {
  auto decided =
      deadline::DecideEvent(clock.has_value() ? &*clock : nullptr, event, absl::InfinitePast(), Catalogue());
  ASSERT_TRUE(decided.ok()) << decided.status();
  if (decided->has_value()) clock = std::move((*decided)->record);
}

// Of a clock that is told all that was raised is not known, nor how it was told.
Clock Comparable(Clock clock) {
  clock.clear_alerts();
  clock.clear_next_moment();
  clock.clear_trace();
  clock.clear_from_snapshot();
  clock.mutable_clock()->clear_raised();
  clock.mutable_clock()->clear_ever_raised();
  clock.mutable_clock()->clear_apology_due();
  for (deadline::v1::PartClock& part : *clock.mutable_clock()->mutable_parts()) part.clear_raised();
  return clock;
}

void ExpectSame(const Clock& told, const Clock& followed) {
  google::protobuf::util::MessageDifferencer differ;
  std::string difference;
  differ.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differ.Compare(Comparable(followed), Comparable(told))) << difference;
}

TEST(Retold, AClockThatHasMissedEventsIsAsIfItHadNot) {
  const uint64_t seed = Seed();
  int pauses = 0;
  int ends = 0;
  int hand_overs = 0;
  uint32_t successions = 0;
  for (uint64_t life = 0; life < 2000 && !testing::Test::HasFailure(); ++life) {
    SCOPED_TRACE(testing::Message() << "life " << life);
    Story story(seed + life);
    const RepeatedPtrField<Event> told = AsField(routing::Retell(story.record));
    std::optional<Clock> followed;
    Apply(followed, story.accepted);
    const size_t missed_from = static_cast<size_t>(story.Pick(static_cast<int>(story.events.size()) + 1));
    std::optional<Clock> behind;
    for (size_t i = 0; i < story.events.size(); ++i) {
      if (i == missed_from) behind = followed;
      Apply(followed, story.events[i]);
    }
    if (!behind.has_value()) behind = followed;
    auto decided =
        deadline::DecideSnapshot(&*behind, told, absl::InfinitePast(), absl::InfinitePast(), Catalogue());
    ASSERT_TRUE(decided.ok()) << decided.status();
    ExpectSame(decided->has_value() ? (*decided)->record : *behind, *followed);
    if (decided->has_value()) {
      // Told once more it changes nothing.
      const Clock once = (*decided)->record;
      auto again =
          deadline::DecideSnapshot(&once, told, absl::InfinitePast(), absl::InfinitePast(), Catalogue());
      ASSERT_TRUE(again.ok() && !again->has_value());
    }
    pauses += story.record.route().pauses_size();
    ends += story.record.route().has_ended_at();
    hand_overs += story.record.route().custody_size() - 1;
    successions += story.record.route().successions();
  }
  // The lives were lives.
  EXPECT_GT(pauses, 100);
  EXPECT_GT(ends, 100);
  EXPECT_GT(hand_overs, 500);
  EXPECT_GT(successions, 500u);
}

TEST(Retold, AClockThatIsNewIsRightAndTellsNobodyOfWhatWas) {
  const uint64_t seed = Seed();
  for (uint64_t life = 0; life < 1000 && !testing::Test::HasFailure(); ++life) {
    SCOPED_TRACE(testing::Message() << "life " << life);
    Story story(seed + life);
    std::optional<Clock> followed;
    Apply(followed, story.accepted);
    for (const Event& event : story.events) Apply(followed, event);
    const absl::Time as_of = At(60 * 24 * 365);
    RepeatedPtrField<Event> accepted;
    *accepted.Add() = story.accepted;
    auto started = deadline::DecideSnapshot(nullptr, accepted, as_of, absl::InfinitePast(), Catalogue());
    ASSERT_TRUE(started.ok() && started->has_value());
    EXPECT_TRUE((*started)->events.empty());
    const Clock begun = (*started)->record;
    auto decided = deadline::DecideSnapshot(&begun, AsField(routing::Retell(story.record)), as_of,
                                            absl::InfinitePast(), Catalogue());
    ASSERT_TRUE(decided.ok() && decided->has_value());
    EXPECT_TRUE((*decided)->events.empty()) << "others know";
    ExpectSame((*decided)->record, *followed);
    // A year later only what is true then is still to be told: that it is overdue, not that it was nearing.
    auto swept = deadline::DecideAlerts((*decided)->record, as_of, absl::InfinitePast(), Catalogue());
    if (!swept.has_value()) continue;
    for (const Event& event : swept->events) {
      if (!event.has_alert_raised() || !event.alert_raised().item().empty()) continue;
      EXPECT_NE(event.alert_raised().kind(), feed::v1::ALERT_KIND_NEARING);
      EXPECT_NE(event.alert_raised().kind(), feed::v1::ALERT_KIND_DUE_TODAY);
    }
  }
}

TEST(Retold, AnAgreedDateStaysWhereACustodyIsComputedAgain) {
  Story story(1);
  std::optional<Clock> clock;
  Apply(clock, story.accepted);
  const common::v1::DueDate agreed =
      *time::DeadlineOn(absl::CivilDay(2026, 9, 1), Catalogue().CalendarOf(kDesk));
  *clock->mutable_clock()->mutable_due() = agreed;
  clock->mutable_clock()->set_due_version(1);
  clock->mutable_clock()->set_due_changed(true);
  internal::routing::RouteRecord record = routing::Opened({kDistrict});
  record = routing::After(
      record, routing::DecideAccept(&record, For<routing::v1::AcceptHandOverRequest>(), By(kDistrict, 10)));
  auto decided = deadline::DecideSnapshot(&*clock, AsField(routing::Retell(record)), At(20),
                                          absl::InfinitePast(), Catalogue());
  ASSERT_TRUE(decided.ok() && decided->has_value());
  EXPECT_EQ((*decided)->record.clock().holder(), kDistrict);
  EXPECT_EQ((*decided)->record.clock().due().date(), "2026-09-01");
  EXPECT_TRUE((*decided)->events.empty());
}

TEST(Retold, ARouteIsNotTakenBeforeItsAcceptanceIs) {
  Story story(2);
  auto decided = deadline::DecideSnapshot(nullptr, AsField(routing::Retell(story.record)), At(0),
                                          absl::InfinitePast(), Catalogue());
  EXPECT_EQ(decided.status().code(), absl::StatusCode::kUnavailable);
}

// ---------------------------------------------------------------- intake
internal::intake::DossierRecord AcceptedDossier(const Event& accepted) {
  internal::intake::DossierRecord record;
  intake::v1::Dossier& dossier = *record.mutable_dossier();
  dossier.set_code(accepted.subject());
  dossier.set_status(common::v1::DOSSIER_STATUS_ACCEPTED);
  *dossier.mutable_accepted_at() = accepted.at();
  *dossier.mutable_original_due() = accepted.dossier_accepted().due();
  return record;
}

TEST(Retold, ADossierThatHasMissedEventsStandsAsIfItHadNot) {
  const uint64_t seed = Seed();
  for (uint64_t life = 0; life < 2000 && !testing::Test::HasFailure(); ++life) {
    SCOPED_TRACE(testing::Message() << "life " << life);
    Story story(seed + life);
    internal::intake::DossierRecord followed = AcceptedDossier(story.accepted);
    internal::intake::DossierRecord behind;
    const size_t missed_from = static_cast<size_t>(story.Pick(static_cast<int>(story.events.size()) + 1));
    for (size_t i = 0; i <= story.events.size(); ++i) {
      if (i == missed_from) behind = followed;
      if (i == story.events.size()) break;
      const store::Context context(time::FromTimestamp(story.events[i].at()), common::v1::Actor());
      auto next = intake::Follow(followed, story.events[i], context);
      if (next.has_value()) followed = std::move(next->record);
    }
    auto told = intake::FollowAll(behind, AsField(routing::Retell(story.record)), absl::InfinitePast());
    const internal::intake::DossierRecord& now = told.has_value() ? told->record : behind;
    EXPECT_EQ(now.ShortDebugString(), followed.ShortDebugString());
    if (!told.has_value()) continue;
    EXPECT_LE(told->history.size(), 1u);
    EXPECT_FALSE(intake::FollowAll(told->record, AsField(routing::Retell(story.record)), absl::InfinitePast())
                     .has_value());
  }
}

TEST(Retold, ADateInForceIsTold) {
  Story story(3);
  std::optional<Clock> clock;
  Apply(clock, story.accepted);
  EXPECT_TRUE(deadline::Retell(*clock).empty()) << "the promise is intake's own";
  *clock->mutable_clock()->mutable_original_due() = clock->clock().due();
  *clock->mutable_clock()->mutable_due() =
      *time::DeadlineOn(absl::CivilDay(2026, 9, 1), Catalogue().CalendarOf(kDesk));
  clock->mutable_clock()->set_due_version(1);
  const internal::intake::DossierRecord before = AcceptedDossier(story.accepted);
  auto told = intake::FollowAll(before, AsField(deadline::Retell(*clock)), absl::InfinitePast());
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->record.dossier().due().date(), "2026-09-01");
  EXPECT_TRUE(told->history.empty());
  EXPECT_FALSE(
      intake::FollowAll(told->record, AsField(deadline::Retell(*clock)), absl::InfinitePast()).has_value());
}

// ---------------------------------------------------------------- routing
feed::v1::SnapshotRecord Heard(const char* holder, bool supplement, std::optional<int> ended) {
  feed::v1::SnapshotRecord heard;
  heard.add_heard()->mutable_route_opened()->set_holder(holder);
  if (supplement) heard.add_heard()->mutable_supplement_requested();
  if (ended.has_value()) {
    Event& ready = *heard.add_heard();
    *ready.mutable_at() = time::ToTimestamp(At(*ended));
    ready.mutable_result_ready();
  }
  return heard;
}

TEST(Restored, ARouteStandsWhereOthersHeardThatItDoes) {
  const store::Context now(At(500), common::v1::Actor());
  const Event accepted = routing::Accepted({kDistrict, kTax});
  const routing::RouteDecision open =
      routing::RestoreRoute(accepted, Heard(kDistrict, false, {}).heard(), now);
  EXPECT_EQ(open.record.route().holder(), kDistrict);
  EXPECT_EQ(open.record.route().current_leg(), 1u);
  EXPECT_EQ(routing::NextLeg(open.record.route())->agency(), kTax) << "the plan goes on";
  ASSERT_EQ(open.events.size(), 2u);
  EXPECT_EQ(open.events[1].hand_over_accepted().receiver(), kDistrict);
  EXPECT_FALSE(open.record.route().has_offer());

  const routing::RouteDecision waiting = routing::RestoreRoute(accepted, Heard(kDesk, true, {}).heard(), now);
  EXPECT_EQ(waiting.record.route().status(), common::v1::DOSSIER_STATUS_SUPPLEMENT);
  EXPECT_EQ(waiting.record.route().custody_size(), 1);
  EXPECT_EQ(waiting.events.size(), 1u) << "the applicant was told before";

  const routing::RouteDecision ended = routing::RestoreRoute(accepted, Heard(kTax, false, 300).heard(), now);
  EXPECT_EQ(ended.record.route().status(), common::v1::DOSSIER_STATUS_RESULT_READY);
  EXPECT_EQ(time::FromTimestamp(ended.record.route().ended_at()), At(300));
  EXPECT_TRUE(ended.events.empty());
  EXPECT_EQ(ended.record.route().custody(1).agency(), kTax);
}

}  // namespace
}  // namespace motcua
