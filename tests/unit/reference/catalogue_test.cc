// The catalogue answers what services ask of reference data.
#include "common/reference/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/reference/sample.h"
#include "common/time/limit.h"

namespace motcua::reference {
namespace {

const absl::CivilDay kDay(2026, 7, 14);

TEST(Catalogue, FindsAgenciesAndOfficers) {
  const Catalogue& sample = SampleCatalogue();
  EXPECT_EQ(sample.id(), "H30");
  ASSERT_NE(sample.FindAgency("H30.18.05"), nullptr);
  EXPECT_EQ(sample.FindAgency("H30.77"), nullptr);
  EXPECT_EQ(sample.FindOfficer("H30.18.05-leader")->agency(), "H30.18.05");
  EXPECT_EQ(sample.FindOfficer(""), nullptr);
  EXPECT_EQ(sample.OfficersOf("H30.18.05").size(), 4u);
  ASSERT_EQ(sample.OfficersOf("H30.18.05", "intake").size(), 1u);
  EXPECT_EQ(sample.OfficersOf("H30.18.05", "intake")[0]->id(), "H30.18.05-intake");
  EXPECT_TRUE(sample.OfficersOf("H30.77").empty());
  std::vector<std::string> above;
  for (const v1::Agency* agency : sample.AgenciesAbove("H30.18.05")) above.push_back(agency->id());
  EXPECT_EQ(above, (std::vector<std::string>{"H30.18", "H30"}));
  EXPECT_TRUE(sample.AgenciesAbove("H30").empty());
}

TEST(Catalogue, FindsProceduresByDay) {
  const Catalogue& sample = SampleCatalogue();
  EXPECT_EQ(sample.ProcedureInForce("9.999999", kDay), nullptr);
  EXPECT_FALSE(sample.HasProcedure("9.999999"));
  v1::ReferenceSet set = sample.set();
  set.mutable_procedures(0)->set_valid_from("2020-01-01");
  set.mutable_procedures(0)->set_valid_until("2021-01-01");
  const std::string code = set.procedures(0).code();
  const auto catalogue = Catalogue::Compile(set);
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_EQ((*catalogue)->ProcedureInForce(code, absl::CivilDay(2019, 12, 31)), nullptr);
  EXPECT_NE((*catalogue)->ProcedureInForce(code, absl::CivilDay(2020, 1, 1)), nullptr);
  EXPECT_NE((*catalogue)->ProcedureInForce(code, absl::CivilDay(2020, 12, 31)), nullptr);
  EXPECT_EQ((*catalogue)->ProcedureInForce(code, absl::CivilDay(2021, 1, 1)), nullptr);
  EXPECT_TRUE((*catalogue)->HasProcedure(code));
}

TEST(Catalogue, ResolvesTheWordsOfRoutes) {
  const Catalogue& sample = SampleCatalogue();
  const v1::Procedure& land = *sample.ProcedureInForce("1.013992", kDay);
  const auto resolve = [&](const char* word, const v1::Procedure& procedure, const char* receiving) {
    const auto agency = sample.ResolveAgency(word, receiving, procedure);
    return agency.ok() ? (*agency)->id() : std::string(absl::StatusCodeToString(agency.status().code()));
  };
  EXPECT_EQ(resolve("@receiving", land, "H30.18.05"), "H30.18.05");
  EXPECT_EQ(resolve("@parent", land, "H30.18.05"), "H30.18");
  EXPECT_EQ(resolve("@competent", land, "H30.18.05"), "H30.18");
  EXPECT_EQ(resolve("H30.18.TH", land, "H30.18.05"), "H30.18.TH");
  EXPECT_EQ(resolve("@parent", land, "H30"), "NOT_FOUND");
  EXPECT_EQ(resolve("@receiving", land, "H30.77"), "NOT_FOUND");
  const v1::Procedure& birth = *sample.ProcedureInForce("1.001193", kDay);
  EXPECT_EQ(resolve("@competent", birth, "H30.18.03"), "H30.18.03");
}

TEST(Catalogue, FollowsSuccessors) {
  v1::ReferenceSet set = SampleCatalogue().set();
  for (v1::Agency& agency : *set.mutable_agencies()) {
    if (agency.id() != "H30.18.01" && agency.id() != "H30.18.02") continue;
    agency.set_valid_until("2025-07-01");
    agency.set_successor(agency.id() == "H30.18.01" ? "H30.18.02" : "H30.18.05");
  }
  const auto catalogue = Catalogue::Compile(set);
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_EQ((*catalogue)->AgencyInCharge("H30.18.01", absl::CivilDay(2025, 6, 30))->id(), "H30.18.01");
  EXPECT_EQ((*catalogue)->AgencyInCharge("H30.18.01", absl::CivilDay(2025, 7, 1))->id(), "H30.18.05");
  EXPECT_EQ((*catalogue)->AgencyInCharge("H30.77", kDay), nullptr);
  EXPECT_FALSE(Catalogue::IsInForce(*(*catalogue)->FindAgency("H30.18.01"), absl::CivilDay(2025, 7, 1)));
}

TEST(Catalogue, TellsWhoseWorkAnAgencyDoes) {
  v1::ReferenceSet set = SampleCatalogue().set();
  const auto end = [&](const char* id, const char* until, const char* successor) {
    for (v1::Agency& agency : *set.mutable_agencies()) {
      if (agency.id() != id) continue;
      agency.set_valid_until(until);
      agency.set_successor(successor);
    }
  };
  end("H30.18.01", "2025-07-01", "H30.18.02");
  end("H30.18.02", "2025-07-01", "H30.18.05");
  end("H30.18.03", "2026-01-01", "H30.18.05");
  const auto compiled = Catalogue::Compile(set);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const Catalogue& catalogue = **compiled;
  using Ids = std::vector<std::string>;
  EXPECT_EQ(catalogue.WorksFor("H30.18.05", absl::CivilDay(2025, 6, 30)), Ids({"H30.18.05"}));
  EXPECT_EQ(catalogue.WorksFor("H30.18.05", absl::CivilDay(2025, 7, 1)),
            Ids({"H30.18.05", "H30.18.02", "H30.18.01"}));
  EXPECT_EQ(catalogue.WorksFor("H30.18.05", absl::CivilDay(2026, 1, 1)),
            Ids({"H30.18.05", "H30.18.02", "H30.18.03", "H30.18.01"}));
  EXPECT_EQ(catalogue.WorksFor("H30.18.02", absl::CivilDay(2025, 7, 1)), Ids());
  EXPECT_EQ(catalogue.WorksFor("H30.77", kDay), Ids({"H30.77"}));
  EXPECT_EQ(catalogue.SucceededBy(absl::CivilDay(2025, 6, 30)).size(), 0u);
  EXPECT_EQ(catalogue.SucceededBy(absl::CivilDay(2025, 7, 1)).size(), 2u);

  const absl::Time midnight = absl::FromCivil(absl::CivilDay(2025, 7, 1), catalogue.time_zone());
  EXPECT_EQ(catalogue.InChargeAt("H30.18.01", midnight - absl::Microseconds(1)), "H30.18.01");
  EXPECT_EQ(catalogue.InChargeAt("H30.18.01", midnight), "H30.18.05");
  EXPECT_EQ(catalogue.InChargeAt("H30.18.05", midnight), "H30.18.05");
  EXPECT_EQ(catalogue.InChargeAt("H30.77", midnight), "H30.77");
}

TEST(Catalogue, HasInheritedShardsFromTheirDay) {
  v1::ReferenceSet set = SampleCatalogue().set();
  v1::InheritedShard& inherited = *set.mutable_jurisdiction()->add_inherited();
  inherited.set_shard("H13");
  inherited.set_since("2025-07-01");
  const auto catalogue = Catalogue::Compile(set);
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_THAT((*catalogue)->shards(), ::testing::ElementsAre("H30", "H13"));
  EXPECT_THAT((*catalogue)->ShardsOn(absl::CivilDay(2025, 6, 30)), ::testing::ElementsAre("H30"));
  EXPECT_THAT((*catalogue)->ShardsOn(absl::CivilDay(2025, 7, 1)), ::testing::ElementsAre("H30", "H13"));
}

TEST(Catalogue, PicksTheRungsThatFitTheLimit) {
  const v1::AlertLadder& ladder = *SampleCatalogue().FindLadder("default");
  const auto nearing = [&](const char* limit) {
    for (const v1::AlertRung* rung : Catalogue::RungsFor(ladder, *time::ParseLimit(limit))) {
      if (rung->kind() == "NEARING") return time::FormatLimit(rung->offset());
    }
    return std::string("none");
  };
  EXPECT_EQ(nearing("5wd"), "2wd");
  EXPECT_EQ(nearing("15cd"), "2wd");
  EXPECT_EQ(nearing("4wd"), "1wd");
  EXPECT_EQ(nearing("1wd"), "2wh");
  EXPECT_EQ(nearing("4wh"), "2wh");
  EXPECT_EQ(nearing("40wh"), "2wd");
  EXPECT_EQ(Catalogue::RungsFor(ladder, *time::ParseLimit("5wd")).size(), 4u);
  EXPECT_EQ(SampleCatalogue().LadderOf(*SampleCatalogue().ProcedureInForce("1.001612", kDay)), &ladder);
}

TEST(Catalogue, CalendarsChannelsAndTexts) {
  const Catalogue& sample = SampleCatalogue();
  EXPECT_EQ(sample.CalendarOf("H30.18.TH").id(), "vn-0730");
  EXPECT_EQ(sample.CalendarOf("H30.18.05").id(), "vn");
  EXPECT_EQ(sample.CalendarOf("H30.77").id(), "vn");
  EXPECT_EQ(sample.ChannelKindOf("postal"), common::v1::CHANNEL_KIND_POSTAL);
  EXPECT_EQ(sample.ChannelKindOf("pigeon"), common::v1::CHANNEL_KIND_UNSPECIFIED);
  EXPECT_EQ(sample.FindTemplate("Nearing", "holder", "fr")->language(), "vi");
  EXPECT_EQ(sample.FindTemplate("Nothing", "holder", "vi"), nullptr);
  EXPECT_EQ(sample.DayOf(absl::FromUnixSeconds(1737738000)),
            absl::CivilDay(2025, 1, 25));  // 2025-01-24T17:00Z
}

TEST(Catalogue, RefusesAnInvalidSetWithEveryViolation) {
  v1::ReferenceSet set = SampleCatalogue().set();
  set.mutable_jurisdiction()->set_time_zone("Mars/Olympus");
  set.mutable_officers(3)->set_agency("H30.77");
  const auto catalogue = Catalogue::Compile(set);
  ASSERT_TRUE(absl::IsInvalidArgument(catalogue.status()));
  EXPECT_TRUE(absl::StrContains(catalogue.status().message(), "jurisdiction.time_zone: unknown time zone"));
  EXPECT_TRUE(
      absl::StrContains(catalogue.status().message(), "officers[3].agency: unknown agency \"H30.77\""));
  EXPECT_FALSE(Catalogue::Compile(v1::ReferenceSet()).ok());
}

}  // namespace
}  // namespace motcua::reference
