// The sample reference data is valid, complete for the demonstrations, and the same in the program as in the
// files.
#include "common/reference/sample.h"

#include <gtest/gtest.h>

#include "common/time/iso.h"
#include "common/time/limit.h"

namespace motcua::reference {
namespace {

constexpr char kSampleDirectory[] = MOTCUA_SOURCE_DIR "/deploy/reference";

TEST(SampleData, IsValidAndCompiledInAsItStands) {
  const LoadResult loaded = LoadFiles({std::string(kSampleDirectory)});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded.set.SerializeAsString(), SampleCatalogue().set().SerializeAsString());
}

TEST(SampleData, NationalCalendarHasTheOfficialTotals) {
  const time::Calendar& calendar = DefaultCalendar();
  EXPECT_EQ(calendar.id(), "vn");
  EXPECT_EQ(*calendar.CountWorkingDays(absl::CivilDay(2025), absl::CivilDay(2026)), 250);
  EXPECT_EQ(*calendar.CountWorkingDays(absl::CivilDay(2026), absl::CivilDay(2027)), 249);
}

TEST(SampleData, EveryAgencyCanReceiveAndLead) {
  for (const v1::Agency& agency : SampleCatalogue().set().agencies()) {
    for (const char* role : {"intake", "handler", "leader"}) {
      EXPECT_EQ(SampleCatalogue().OfficersOf(agency.id(), role).size(), 1u) << agency.id() << " " << role;
    }
  }
}

TEST(SampleData, InterlinkedRouteGoesFromTheCommuneToTheDistrictAndAddsUp) {
  const Catalogue& sample = SampleCatalogue();
  const v1::Procedure* procedure = sample.ProcedureInForce("1.013992", absl::CivilDay(2026, 7, 14));
  ASSERT_NE(procedure, nullptr);
  uint32_t tenths = 0;
  std::vector<std::string> agencies;
  for (const v1::RouteLeg& leg : procedure->legs()) {
    tenths += leg.limit().tenths();
    agencies.push_back((*sample.ResolveAgency(leg.agency(), "H30.18.05", *procedure))->id());
  }
  EXPECT_EQ(tenths, procedure->limit().tenths());
  EXPECT_EQ(agencies,
            (std::vector<std::string>{"H30.18.05", "H30.18.DK", "H30.18.05", "H30.18.DK", "H30.18.TM",
                                      "H30.18", "H30.18.DK", "H30.18.TH", "H30.18.05", "H30.18.DK"}));
}

TEST(SampleData, ProcedureVersionsChangeWithTheLaw) {
  const Catalogue& sample = SampleCatalogue();
  EXPECT_EQ(sample.ProcedureInForce("1.001193", absl::CivilDay(2027, 2, 28))->components_size(), 2);
  EXPECT_EQ(sample.ProcedureInForce("1.001193", absl::CivilDay(2027, 3, 1))->components_size(), 1);
}

TEST(SampleData, EveryTextExistsInBothLanguages) {
  for (const v1::MessageTemplate& text : SampleCatalogue().set().templates()) {
    EXPECT_EQ(SampleCatalogue().FindTemplate(text.event(), text.audience(), "en")->language(), "en");
    EXPECT_EQ(SampleCatalogue().FindTemplate(text.event(), text.audience(), "vi")->language(), "vi");
  }
}

}  // namespace
}  // namespace motcua::reference
