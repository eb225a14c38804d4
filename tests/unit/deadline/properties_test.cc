// Whatever happens to a dossier, in whatever order: no time is lost, no alert comes twice, none is false.
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "gtest/gtest.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

const char* const kAgencies[] = {kCommune, kDistrict, kTax};

class Chance {
 public:
  explicit Chance(uint32_t seed) : engine_(seed) {}
  int Below(int n) { return static_cast<int>(engine_() % static_cast<uint32_t>(n)); }
  const char* Agency() { return kAgencies[Below(3)]; }

 private:
  std::mt19937 engine_;
};

struct Happening {
  absl::Time at;
  int kind;
  std::string agency;
  std::string text;
};

// A whole life, told beforehand so that it can be lived twice.
std::vector<Happening> RandomLife(Chance& chance) {
  std::vector<Happening> life;
  absl::Time at = At("2025-01-06T07:00") + absl::Minutes(chance.Below(600));
  const int length = 2 + chance.Below(20);
  for (int i = 0; i < length; ++i) {
    const int kind = chance.Below(100);
    const absl::CivilDay day = absl::ToCivilDay(at, time::HoChiMinh()) + (chance.Below(30) - 5);
    life.push_back({at, kind, chance.Agency(), time::FormatDate(day)});
    // Sometimes at the same instant, sometimes right at midnight, where due dates end.
    if (chance.Below(4) == 0) continue;
    at += absl::Microseconds(chance.Below(1000)) + absl::Minutes(chance.Below(5000));
    if (chance.Below(3) == 0) at = absl::FromCivil(absl::ToCivilDay(at, time::HoChiMinh()) + 1, time::HoChiMinh());
  }
  return life;
}

// True where the event changed the clock.
bool Live(Life& life, const Happening& event, int i) {
  static const char* const kLimits[] = {"", "0.5wd", "1wd", "2wd", "4wh", "3cd"};
  switch (event.kind % 10) {
    case 0: return life.Offer(event.at, event.agency);
    case 1:
    case 2: return life.HandOver(event.at, event.agency, absl::StrCat("leg-", i), kLimits[event.kind / 10 % 6]);
    case 3: return life.Consult(event.at, static_cast<uint32_t>(event.kind / 10), event.agency);
    case 4: return life.Answer(event.at, static_cast<uint32_t>(event.kind / 10));
    case 5: return life.Pause(event.at);
    case 6: return life.Resume(event.at);
    case 7:
      return event.kind < 50 ? life.Recall(event.at)
                             : life.Succeed(event.at, life.clock().holder(), event.agency);
    case 8:
      return life
          .ChangeDue(event.at, event.text,
                     event.kind > 50 ? feed::v1::DUE_CHANGE_KIND_AGREED : feed::v1::DUE_CHANGE_KIND_REAPPOINTMENT,
                     life.clock().holder())
          .ok();
    default:
      return i > 4 && life.End(event.at);
  }
}

absl::Time AtOf(const feed::v1::Event& event) { return time::FromTimestamp(event.at()); }

void CheckAccount(const Life& life, absl::Time now) {
  uint64_t sum = 0;
  for (const auto& charge : ChargesAsOf(life.clock(), now)) sum += charge.held_micros();
  const int64_t until = life.clock().has_ended_at() ? Micros(life.clock().ended_at()) : Micros(now);
  EXPECT_EQ(static_cast<int64_t>(sum), until - Micros(life.clock().received_at()));
}

void CheckEvents(const Life& life) {
  std::set<std::tuple<int, uint32_t>> raised;
  absl::Time last = absl::InfinitePast();
  bool ended = false;
  int apologies = 0;
  for (const feed::v1::Event& event : life.events()) {
    EXPECT_GE(AtOf(event), last) << "events in order";
    last = AtOf(event);
    EXPECT_FALSE(ended) << "after the end: " << event.ShortDebugString();
    ended = event.has_clock_ended();
    apologies += event.has_apology_due();
    if (!event.has_alert_raised() || !event.alert_raised().item().empty()) continue;
    const auto& alert = event.alert_raised();
    EXPECT_TRUE(raised.emplace(alert.kind(), alert.due_version()).second) << "twice: " << event.ShortDebugString();
    const bool late = time::IsLate(alert.due(), AtOf(event));
    const bool says_late = alert.kind() == feed::v1::ALERT_KIND_OVERDUE || alert.kind() == feed::v1::ALERT_KIND_ESCALATED;
    EXPECT_EQ(late, says_late) << "not true: " << event.ShortDebugString();
  }
  EXPECT_LE(apologies, 1);
  const bool ever = (life.clock().ever_raised() & Bit(feed::v1::ALERT_KIND_OVERDUE)) != 0;
  EXPECT_EQ(apologies == 1, ever);
}

class RandomLives : public ::testing::TestWithParam<uint32_t> {};

TEST_P(RandomLives, KeepAllPromises) {
  SCOPED_TRACE(absl::StrCat("seed ", GetParam()));
  Chance chance(GetParam());
  for (int n = 0; n < 150; ++n) {
    const std::vector<Happening> happenings = RandomLife(chance);
    const char* const limits[] = {"1wd", "2wd", "5wd", "10wd", "4wh", "15cd"};
    const std::string limit = limits[chance.Below(6)];
    const auto policy = static_cast<reference::v1::PausePolicy>(1 + chance.Below(3));
    // One life is swept between its events, the other never: they must tell the same.
    Life swept, lazy;
    swept.Accept(happenings[0].at, limit, happenings[0].at - absl::Minutes(90), policy);
    lazy.Accept(happenings[0].at, limit, happenings[0].at - absl::Minutes(90), policy);
    for (size_t i = 1; i < happenings.size(); ++i) {
      const Happening& event = happenings[i];
      const absl::Time before = happenings[i - 1].at;
      swept.Sweep(before + (event.at - before) * chance.Below(100) / 100);
      if (chance.Below(2) == 0) swept.Sweep(event.at);
      if (swept.clock().has_paused_at()) {
        const size_t told = swept.events().size();
        swept.Sweep(event.at + absl::Hours(10000));
        EXPECT_EQ(swept.events().size(), told) << "nothing is raised while paused";
      }
      const bool changed = Live(swept, event, static_cast<int>(i));
      EXPECT_EQ(Live(lazy, event, static_cast<int>(i)), changed);
      CheckAccount(swept, event.at);
      // The index by the next moment is a function of the record: sweeping up to just before it changes
      // nothing.
      if (changed && swept.record()->next_moment() != 0) {
        EXPECT_GT(swept.record()->next_moment(), Micros(event.at)) << "what is past has been raised";
        Life copy = swept;
        EXPECT_FALSE(copy.Sweep(absl::FromUnixMicros(swept.record()->next_moment() - 1)));
      }
    }
    const absl::Time end = happenings.back().at + absl::Hours(24 * 90);
    swept.Sweep(end);
    lazy.Sweep(end);
    CheckEvents(swept);
    CheckAccount(swept, end);
    EXPECT_EQ(swept.record()->SerializeAsString(), lazy.record()->SerializeAsString());
    EXPECT_EQ(swept.Alerts(), lazy.Alerts());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLives, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace motcua::deadline
