#include "services/intake/domain/code/dossier_code.h"

#include <gtest/gtest.h>

#include <set>

#include "common/status/errors.h"
#include "services/intake/domain/code/secret.h"
#include "services/intake/domain/dossier/dossier_model.h"

namespace motcua::intake {
namespace {

TEST(DossierCode, OldAgencyIdsBecomeTheNewForm) {
  EXPECT_EQ(NormalAgencyId("000.05.18.H30"), "H30.18.05");
  EXPECT_EQ(NormalAgencyId("000.00.18.H30"), "H30.18");
  EXPECT_EQ(NormalAgencyId("000.00.00.H30"), "H30");
  EXPECT_EQ(NormalAgencyId("012.05.18.H30"), "H30.18.05.012");
  for (const char* other : {"H30.18.05", "H30", "H15.50.05.13", "", "...", "000.05.18"}) {
    EXPECT_EQ(NormalAgencyId(other), other);
  }
  EXPECT_EQ(NormalDossierCode("000.00.13.H30-211130-0001"), "H30.13-211130-0001");
  EXPECT_EQ(NormalDossierCode("H30.13-211130-0001"), "H30.13-211130-0001");
  EXPECT_EQ(NormalDossierCode("nonsense"), "nonsense");
}

TEST(DossierCode, TheSequenceWidensAndThenEnds) {
  const absl::CivilDay day(2026, 7, 4);
  EXPECT_EQ(*ComposeCode("H30.18.05", day, 1), "H30.18.05-260704-0001");
  EXPECT_EQ(*ComposeCode("H30", day, 9999), "H30-260704-9999");
  EXPECT_EQ(*ComposeCode("H30", day, 10000), "H30-260704-10000");
  EXPECT_EQ(*ComposeCode("H30", day, 9999999), "H30-260704-9999999");
  const absl::Status exhausted = ComposeCode("H30", day, 10000000).status();
  EXPECT_EQ(exhausted.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(errors::Reason(exhausted), "CODE_SPACE_EXHAUSTED");
}

TEST(DossierCode, FallsIntoAgencyAndTail) {
  EXPECT_EQ(AgencyOfCode("H30.18.05-260704-0001"), "H30.18.05");
  EXPECT_EQ(TailOfCode("H30.18.05-260704-0001"), "260704-0001");
  EXPECT_EQ(TailOfCode("H30"), "");
}

TEST(Secret, IsOfUnambiguousCharacters) {
  std::set<char> seen;
  for (int byte = 0; byte < 256; ++byte) {
    for (const char c : SecretFrom({static_cast<uint8_t>(byte), 0, 0, 0, 0, 0})) seen.insert(c);
  }
  EXPECT_EQ(seen.size(), 32u);
  for (const char ambiguous : {'I', 'O', '0', '1'}) EXPECT_EQ(seen.count(ambiguous), 0u);
}

TEST(Secret, AnEmptyOneFitsNothing) {
  EXPECT_FALSE(SameSecret("", ""));
  EXPECT_FALSE(SameSecret("", "ABCDEF"));
  EXPECT_TRUE(SameSecret("ABCDEF", "abcdef"));
  EXPECT_FALSE(SameSecret("ABCDEF", "ABCDEG"));
}

TEST(Statistics, ReadOnlyTheirOwnCounters) {
  store::Counters counters;
  counters["s:2"] = 3;
  counters["s:10"] = 4;
  counters["s:x"] = 5;
  counters["c:online"] = 6;
  counters["r:3"] = 1;
  counters["r:1"] = 0;
  counters["other"] = 9;
  const v1::GetStatisticsResponse statistics = StatisticsFrom(counters);
  EXPECT_EQ(statistics.dossiers(), 7u);
  EXPECT_EQ(statistics.by_status().at(10), 4u);
  EXPECT_EQ(statistics.by_channel().at("online"), 6u);
  EXPECT_EQ(statistics.by_rating().size(), 1u);
}

}  // namespace
}  // namespace motcua::intake
