// What each event makes of a dossier's record, and that no event is ever told twice.
#include "services/notification/domain/letters/telling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/records.h"
#include "services/notification/domain/letters/names.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {
namespace {

using feed::v1::Event;
using ::testing::ElementsAre;

internal::notification::DossierRecord AcceptedRecord() {
  internal::notification::DossierRecord record;
  EXPECT_EQ(Take(record, internal::notification::SOURCE_INTAKE, Accepted(1), SmallCatalogue()),
            Effect::kTaken);
  return record;
}

std::vector<std::string> Ids(const internal::notification::DossierRecord& record) {
  std::vector<std::string> ids;
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    for (const internal::notification::Letter& letter : occasion.letters()) {
      ids.push_back(
          MessageId(occasion.source(), "H30", occasion.position(), RecipientOf(record, letter)).ToString());
    }
  }
  return ids;
}

// What the event of `source` adds to an accepted dossier: `Topic>recipient`.
std::vector<std::string> Told(internal::notification::Source source, const Event& event) {
  internal::notification::DossierRecord record = AcceptedRecord();
  Take(record, source, event, SmallCatalogue());
  std::vector<std::string> told;
  for (const internal::notification::Occasion& occasion : record.occasions()) {
    if (occasion.source() != source || occasion.position() != event.position()) continue;
    for (const internal::notification::Letter& letter : occasion.letters()) {
      told.push_back(std::string(TopicName(occasion.topic())) + ">" + RecipientOf(record, letter));
    }
  }
  return told;
}

Event With(uint64_t position, const std::function<void(Event&)>& fill) {
  Event event = At(position);
  fill(event);
  return event;
}

TEST(Telling, EveryEventHasItsAudience) {
  const std::string applicant = std::string(">applicant:") + kCode;
  const struct {
    internal::notification::Source source;
    Event event;
    std::vector<std::string> told;
  } cases[] = {
      {internal::notification::SOURCE_INTAKE,
       With(5, [](Event& e) { e.mutable_result_returned(); }),
       {"ResultReturned" + applicant}},
      {internal::notification::SOURCE_INTAKE, With(5, [](Event& e) { e.mutable_dossier_rated(); }), {}},
      {internal::notification::SOURCE_ROUTING,
       With(5, [](Event& e) { e.mutable_supplement_requested(); }),
       {"SupplementRequested" + applicant}},
      {internal::notification::SOURCE_ROUTING,
       With(5, [](Event& e) { e.mutable_supplement_received(); }),
       {"SupplementReceived" + applicant}},
      {internal::notification::SOURCE_ROUTING,
       With(5, [](Event& e) { e.mutable_result_ready(); }),
       {"ResultReady" + applicant}},
      {internal::notification::SOURCE_ROUTING,
       Offered(5, "H30.18.05", "H30.18.LR"),
       {"HandOverOffered>agency:H30.18.LR"}},
      {internal::notification::SOURCE_ROUTING,
       With(5, [](Event& e) { e.mutable_hand_over_accepted()->set_receiver("H30.18.LR"); }),
       {}},
      {internal::notification::SOURCE_ROUTING,
       With(5,
            [](Event& e) {
              e.mutable_consultation_requested()->set_asking_agency("H30.18.05");
              e.mutable_consultation_requested()->set_asked_agency("H30.18.TX");
            }),
       {"ConsultationRequested>agency:H30.18.TX"}},
      {internal::notification::SOURCE_ROUTING,
       With(5,
            [](Event& e) {
              e.mutable_consultation_answered()->set_asking_agency("H30.18.05");
              e.mutable_consultation_answered()->set_asked_agency("H30.18.TX");
            }),
       {"ConsultationAnswered>agency:H30.18.05"}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       With(5, [](Event& e) { e.mutable_due_changed(); }),
       {"DueChanged" + applicant}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       Alert(5, feed::v1::ALERT_KIND_NEARING, "H30.18.LR", {"holder"}),
       {"Nearing>agency:H30.18.LR"}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       Alert(5, feed::v1::ALERT_KIND_DUE_TODAY, "H30.18.LR", {"holder"}),
       {"DueToday>agency:H30.18.LR"}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       Alert(5, feed::v1::ALERT_KIND_OVERDUE, "H30.18.LR",
             {"holder", "holder-leader", "receiving-leader", "applicant"}),
       {"Overdue>agency:H30.18.LR", "Overdue>lr-leader-1", "Overdue>lr-leader-2", "Overdue>commune-leader",
        "Overdue" + applicant}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       Alert(5, feed::v1::ALERT_KIND_ESCALATED, "H30.18.LR", {"committee-leader"}),
       {"Escalated>district-leader"}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       Alert(5, feed::v1::ALERT_KIND_UNSPECIFIED, "H30.18.LR", {"holder"}),
       {}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       With(5,
            [](Event& e) {
              e.mutable_apology_due()->set_holder("H30.18.LR");
              e.mutable_apology_due()->set_receiving_agency("H30.18.05");
            }),
       {"ApologyDue>lr-leader-1", "ApologyDue>lr-leader-2", "ApologyDue>commune-leader"}},
      {internal::notification::SOURCE_DEADLINE_MONITOR,
       With(5, [](Event& e) { e.mutable_clock_ended(); }),
       {}},
  };
  for (const auto& c : cases) EXPECT_EQ(Told(c.source, c.event), c.told) << c.event.ShortDebugString();
}

TEST(Telling, AcceptanceAndRefusalBeginARecordAndTellTheApplicant) {
  EXPECT_THAT(Ids(AcceptedRecord()), ElementsAre(std::string("intake/H30/1/applicant:") + kCode));
  internal::notification::DossierRecord record;
  Event refused = At(3);
  refused.mutable_dossier_refused()->set_receiving_agency("H30.18.05");
  EXPECT_EQ(Take(record, internal::notification::SOURCE_INTAKE, refused, SmallCatalogue()), Effect::kTaken);
  EXPECT_EQ(record.occasions(0).topic(), internal::notification::TOPIC_DOSSIER_REFUSED);
}

TEST(Telling, OtherFeedsWaitForIntake) {
  internal::notification::DossierRecord record;
  EXPECT_EQ(Take(record, internal::notification::SOURCE_ROUTING, Offered(1, "H30.18.05", "H30.18.LR"),
                 SmallCatalogue()),
            Effect::kWaitForIntake);
  EXPECT_EQ(Take(record, internal::notification::SOURCE_DEADLINE_MONITOR,
                 Alert(1, feed::v1::ALERT_KIND_OVERDUE, "H30", {"holder"}), SmallCatalogue()),
            Effect::kWaitForIntake);
  Event assigned = At(1);
  assigned.mutable_officer_assigned();
  EXPECT_EQ(Take(record, internal::notification::SOURCE_ROUTING, assigned, SmallCatalogue()), Effect::kNone);
  EXPECT_TRUE(record.code().empty());
}

TEST(Telling, LongNotesAreCutBetweenCharacters) {
  Event event = At(2);
  std::string reason;
  while (reason.size() < 4000) reason += "giấy tờ ";
  event.mutable_supplement_requested()->set_reason(reason);
  internal::notification::DossierRecord record = AcceptedRecord();
  Take(record, internal::notification::SOURCE_ROUTING, event, SmallCatalogue());
  const std::string& note = record.occasions(1).note();
  EXPECT_LE(note.size(), kNoteBound);
  EXPECT_GT(note.size(), kNoteBound - 4);
  EXPECT_EQ(reason.substr(0, note.size()), note);
  EXPECT_NE(reason[note.size()] & 0xC0, 0x80);
}

TEST(Telling, TheApplicantsDataGoWhenNothingMoreWillBeTold) {
  internal::notification::DossierRecord record = AcceptedRecord();
  const auto take = [&record](internal::notification::Source source, const Event& event) {
    Take(record, source, event, SmallCatalogue());
    ForgetApplicantWhenDone(record);
  };
  take(internal::notification::SOURCE_INTAKE, With(9, [](Event& e) { e.mutable_result_returned(); }));
  EXPECT_TRUE(record.has_applicant());
  take(internal::notification::SOURCE_ROUTING, With(9, [](Event& e) { e.mutable_result_ready(); }));
  EXPECT_TRUE(record.has_applicant());
  take(internal::notification::SOURCE_DEADLINE_MONITOR, With(9, [](Event& e) { e.mutable_clock_ended(); }));
  EXPECT_FALSE(record.has_applicant());
  EXPECT_EQ(Ids(record).size(), 3u);
}

TEST(Telling, AMessageCostsFewBytes) {
  internal::notification::DossierRecord record = AcceptedRecord();
  const size_t before = record.ByteSizeLong();
  for (uint64_t position = 100000; position < 100020; ++position) {
    Take(record, internal::notification::SOURCE_ROUTING, Offered(position, "H30.18.05", "H30.18.LR"),
         SmallCatalogue());
    record.mutable_occasions()->rbegin()->mutable_letters(0)->set_number(position);
  }
  EXPECT_LE((record.ByteSizeLong() - before) / 20, 64u);
  EXPECT_LE(before, 250u);
}

Event RandomEvent(std::mt19937_64& random, internal::notification::Source source, uint64_t position) {
  const std::vector<std::string> agencies = {"H30", "H30.18", "H30.18.05", "H30.18.LR", "H30.18.TX", "H30.99"};
  const auto agency = [&] { return agencies[random() % agencies.size()]; };
  Event event = At(position);
  switch (source) {
    case internal::notification::SOURCE_INTAKE:
      if (random() % 3 == 0) return Accepted(position);
      event.mutable_result_returned();
      return event;
    case internal::notification::SOURCE_ROUTING:
      switch (random() % 4) {
        case 0:
          return Offered(position, agency(), agency());
        case 1:
          event.mutable_hand_over_accepted()->set_receiver(agency());
          return event;
        case 2:
          event.mutable_supplement_requested()->set_reason("x");
          return event;
        default:
          event.mutable_result_ready();
          return event;
      }
    default:
      return Alert(position, static_cast<feed::v1::AlertKind>(random() % 5), agency(),
                   {"holder", "holder-leader", "receiving-leader", "committee-leader", "applicant"});
  }
}

// Feeds keep their order but meet in any way; batches are given again after a lost race. No sequence of that kind makes two
// messages of one id, and the figures always equal the messages.
TEST(TellingProperty, NoSequenceOfEventsYieldsTwoMessagesOfOneId) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    internal::notification::DossierRecord record = AcceptedRecord();
    std::map<internal::notification::Source, uint64_t> next = {
        {internal::notification::SOURCE_INTAKE, 2},
        {internal::notification::SOURCE_ROUTING, 1},
        {internal::notification::SOURCE_DEADLINE_MONITOR, 1}};
    std::map<internal::notification::Source, std::vector<Event>> taken;
    std::set<std::string> seen;
    for (int step = 0; step < 60; ++step) {
      const auto source = static_cast<internal::notification::Source>(1 + random() % 3);
      if (random() % 4 == 0 && !taken[source].empty()) {  // the latest events again, as after a crash
        const size_t again = 1 + random() % taken[source].size();
        const std::vector<std::string> before = Ids(record);
        for (size_t i = taken[source].size() - again; i < taken[source].size(); ++i) {
          if (taken[source][i].has_hand_over_accepted()) continue;  // custody is a fact, not a message
          Take(record, source, taken[source][i], SmallCatalogue());
        }
        continue;
      }
      taken[source].push_back(RandomEvent(random, source, next[source]++));
      Take(record, source, taken[source].back(), SmallCatalogue());
    }
    const std::vector<std::string> ids = Ids(record);
    seen.insert(ids.begin(), ids.end());
    EXPECT_EQ(seen.size(), ids.size());
    int64_t counted = 0, dropped = 0;
    for (const auto& [name, value] : store::CountersOf<DossierModel>(record)) {
      if (name.rfind(kTopicCounterPrefix, 0) == 0) counted += value;
    }
    for (const uint32_t number : record.dropped()) dropped += number;
    EXPECT_EQ(counted, static_cast<int64_t>(ids.size()) + dropped);
    EXPECT_EQ(store::CountersOf<DossierModel>(record)[kMessagesCounter], counted);
  }
}

TEST(Learning, FactsAreLearntAndNobodyIsToldOfWhatWas) {
  internal::notification::DossierRecord told = AcceptedRecord();
  internal::notification::DossierRecord learnt;
  std::vector<std::pair<internal::notification::Source, Event>> events;
  events.emplace_back(internal::notification::SOURCE_INTAKE, Accepted(0));
  events.emplace_back(internal::notification::SOURCE_ROUTING,
                      With(0, [](Event& e) { e.mutable_route_opened()->set_holder("H30.18.05"); }));
  events.emplace_back(internal::notification::SOURCE_ROUTING, Offered(0, "H30.18.05", "H30.18.LR"));
  events.emplace_back(internal::notification::SOURCE_ROUTING, With(0, [](Event& e) {
                        e.mutable_hand_over_accepted()->set_sender("H30.18.05");
                        e.mutable_hand_over_accepted()->set_receiver("H30.18.LR");
                      }));
  events.emplace_back(internal::notification::SOURCE_ROUTING,
                      With(0, [](Event& e) { e.mutable_supplement_requested(); }));
  events.emplace_back(internal::notification::SOURCE_ROUTING,
                      With(0, [](Event& e) { e.mutable_result_ready(); }));
  events.emplace_back(
      internal::notification::SOURCE_DEADLINE_MONITOR, With(0, [](Event& e) {
        e.mutable_due_changed()->mutable_due()->mutable_appointment()->set_seconds(1'800'000'000);
      }));
  uint64_t position = 1;
  for (auto& [source, event] : events) {
    EXPECT_NE(Learn(learnt, source, event, SmallCatalogue()), Effect::kWaitForIntake);
    event.set_position(++position);
    Take(told, source, event, SmallCatalogue());
  }
  EXPECT_TRUE(Ids(learnt).empty());
  EXPECT_FALSE(Ids(told).empty());
  EXPECT_EQ(PartyName(learnt, learnt.holder()), PartyName(told, told.holder()));
  EXPECT_EQ(PartyName(learnt, learnt.receiving()), PartyName(told, told.receiving()));
  EXPECT_EQ(learnt.due(), 1'800'000'000);
  EXPECT_TRUE(learnt.result_ready());
  EXPECT_EQ(learnt.applicant().email(), "a@example.org");
  const internal::notification::DossierRecord once = learnt;
  for (const auto& [source, event] : events) Learn(learnt, source, event, SmallCatalogue());
  EXPECT_EQ(learnt.SerializeAsString(), once.SerializeAsString());
}

TEST(Learning, WhatComesBehindIsTold) {
  internal::notification::DossierRecord record;
  ASSERT_EQ(Learn(record, internal::notification::SOURCE_INTAKE, Accepted(0), SmallCatalogue()),
            Effect::kTaken);
  // The acceptance itself, where it came after the snapshot had begun; and once.
  EXPECT_EQ(Take(record, internal::notification::SOURCE_INTAKE, Accepted(7), SmallCatalogue()),
            Effect::kTaken);
  EXPECT_EQ(Take(record, internal::notification::SOURCE_INTAKE, Accepted(7), SmallCatalogue()),
            Effect::kNone);
  EXPECT_EQ(Take(record, internal::notification::SOURCE_INTAKE, Accepted(8), SmallCatalogue()),
            Effect::kNone);
  EXPECT_EQ(Take(record, internal::notification::SOURCE_ROUTING, Offered(3, "H30.18.05", "H30.18.LR"),
                 SmallCatalogue()),
            Effect::kTaken);
  EXPECT_EQ(Ids(record).size(), 2u);
}

TEST(Learning, ARouteWaitsForItsDossier) {
  internal::notification::DossierRecord record;
  EXPECT_EQ(Learn(record, internal::notification::SOURCE_ROUTING, Offered(0, "H30.18.05", "H30.18.LR"),
                  SmallCatalogue()),
            Effect::kWaitForIntake);
}

}  // namespace
}  // namespace motcua::notification
