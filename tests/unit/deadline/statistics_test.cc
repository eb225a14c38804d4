// The figures follow from the counters, and the counters from the records.
#include "services/deadline_monitor/domain/statistics/statistics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {
namespace {

constexpr int64_t kHour = 3600LL * 1000 * 1000;

store::Counters Sum(const std::vector<const Life*>& lives) {
  store::Counters sum;
  for (const Life* life : lives) {
    for (const auto& [name, value] : store::CountersOf<ClockModel>(*life->record())) sum[name] += value;
  }
  return sum;
}

TEST(Statistics, CountWhatTheDossiersAre) {
  Life open, overdue, paused, late, timely;
  for (Life* life : {&open, &overdue, &paused, &late, &timely}) life->Accept("2025-01-06T09:00", "5wd");
  overdue.Sweep(At("2025-01-20T00:00"));
  paused.Pause(At("2025-01-07T09:00"));
  late.End(At("2025-02-03T09:00"));
  timely.End(At("2025-01-08T09:00"));
  ASSERT_TRUE(open.ChangeDue(At("2025-01-07T09:00"), "2025-06-20", feed::v1::DUE_CHANGE_KIND_AGREED).ok());
  const v1::GetStatisticsResponse statistics =
      StatisticsOf(Sum({&open, &overdue, &paused, &late, &timely}), At("2025-02-04T09:00"));
  EXPECT_EQ(statistics.clocks(), 5u);
  EXPECT_EQ(statistics.open(), 3u);
  EXPECT_EQ(statistics.open_overdue(), 1u);
  EXPECT_EQ(statistics.paused(), 1u);
  EXPECT_EQ(statistics.ended(), 2u);
  EXPECT_EQ(statistics.ended_late(), 1u);
  EXPECT_EQ(statistics.ended_late_by_month().at("2025-02"), 1u);
  EXPECT_EQ(statistics.due_changed(), 1u);
  EXPECT_EQ(statistics.ever_overdue(), 2u);
  EXPECT_EQ(statistics.apologies_due(), 2u);
  EXPECT_EQ(statistics.alerts().at("OVERDUE"), 2u);
  EXPECT_EQ(statistics.alerts().at("NEARING"), 2u);
}

TEST(Statistics, HeldTimeIsExactToTheMicrosecond) {
  Life a, b;
  a.Accept(At("2025-01-06T09:00") + absl::Microseconds(999'999), "5wd", At("2025-01-06T09:00") + absl::Microseconds(999'999));
  b.Accept("2025-01-06T09:00", "5wd");
  b.HandOver(At("2025-01-06T10:00") + absl::Microseconds(1), kDistrict, "check", "1wd");
  const v1::GetStatisticsResponse statistics = StatisticsOf(Sum({&a, &b}), At("2025-01-06T12:00"));
  EXPECT_EQ(statistics.agencies().at(kCommune).held_micros(), 3u * kHour - 999'999 + kHour + 1);
  EXPECT_EQ(statistics.agencies().at(kDistrict).held_micros(), 2u * kHour - 1);
  EXPECT_EQ(statistics.agencies().at(kCommune).holding(), 1u);
  EXPECT_EQ(statistics.agencies().at(kDistrict).holding(), 1u);
}

TEST(Statistics, LateLegsOfEachAgency) {
  Life life;
  life.Accept("2025-01-06T09:00", "20wd");
  life.HandOver(At("2025-01-06T10:00"), kDistrict, "check", "1wd");
  life.HandOver(At("2025-01-09T10:00"), kCommune);
  EXPECT_EQ(StatisticsOf(Sum({&life}), At("2025-01-10T00:00")).agencies().at(kDistrict).legs_late(), 1u);
}

TEST(Statistics, MillionsOfOpenDossiersDoNotOverflow) {
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  store::Counters counters;
  constexpr int64_t kDossiers = 30'000'000;
  for (const auto& [name, value] : store::CountersOf<ClockModel>(*life.record()))
    counters[name] = value * kDossiers;
  const v1::GetStatisticsResponse statistics = StatisticsOf(counters, At("2025-01-06T10:00"));
  EXPECT_EQ(statistics.agencies().at(kCommune).held_micros(), static_cast<uint64_t>(kHour * kDossiers));
}

TEST(Statistics, OfNothingAreZero) {
  const v1::GetStatisticsResponse statistics = StatisticsOf({}, At("2025-01-06T10:00"));
  EXPECT_EQ(statistics.clocks(), 0u);
  EXPECT_TRUE(statistics.agencies().empty());
}

TEST(Indexes, FollowTheState) {
  const auto names = [](const Life& life) {
    std::vector<std::string> found;
    for (const auto& entry : store::IndexesOf<ClockModel>(*life.record())) found.push_back(entry.index);
    return found;
  };
  using ::testing::UnorderedElementsAre;
  const std::string by_commune = std::string("h:") + kCommune;
  Life life;
  life.Accept("2025-01-06T09:00", "5wd");
  EXPECT_THAT(names(life), UnorderedElementsAre("h", by_commune, "t"));
  life.Sweep(At("2025-01-09T12:00"));
  EXPECT_THAT(names(life), UnorderedElementsAre("h", by_commune, "n", std::string("n:") + kCommune, "t"));
  life.Sweep(At("2025-01-14T12:00"));
  EXPECT_THAT(names(life), UnorderedElementsAre("h", by_commune, "o", std::string("o:") + kCommune, "t"));
  life.Pause(At("2025-01-14T13:00"));
  EXPECT_THAT(names(life), UnorderedElementsAre("h", by_commune, "o", std::string("o:") + kCommune));
  life.End(At("2025-01-15T13:00"));
  EXPECT_TRUE(names(life).empty());
}

}  // namespace
}  // namespace motcua::deadline
