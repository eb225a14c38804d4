// Which jurisdiction has which shard.
#include "common/service/authority.h"

#include <gtest/gtest.h>

#include "tests/support/merger.h"

namespace motcua::service {
namespace {

using test::Merger;
using test::MergerDay;

TEST(Authority, AJurisdictionHasItsOwnShardAndThoseItInherited) {
  const Merger merger;
  const Authority& authority = merger.authority;
  for (const char* agency : {"H13.05", "H30.18.05", "H51", "000.05.18.H30"}) {
    for (const char* shard : {"H13", "H30", "H51"})
      EXPECT_TRUE(authority.Covers(agency, shard)) << agency << shard;
    EXPECT_FALSE(authority.Covers(agency, "H99")) << agency;
  }
  EXPECT_TRUE(authority.Covers("H99.01", "H99"));
  EXPECT_FALSE(authority.Covers("H99.01", "H30"));
  EXPECT_EQ(authority.JurisdictionOf("H30"), "H13");
  EXPECT_EQ(authority.JurisdictionOf("H13"), "H13");
  EXPECT_EQ(authority.JurisdictionOf("H99"), "H99");
}

TEST(Authority, PassesAtTheBeginningOfTheDayAndNotBefore) {
  Merger merger(MergerDay() - absl::Microseconds(1));
  EXPECT_FALSE(merger.authority.Covers("H13.05", "H30"));
  EXPECT_TRUE(merger.authority.Covers("H30.18", "H30"));
  EXPECT_EQ(merger.authority.PassingOf("H30"), nullptr);
  merger.clock.AdvanceTo(MergerDay());
  EXPECT_TRUE(merger.authority.Covers("H13.05", "H30"));
  ASSERT_NE(merger.authority.PassingOf("H30"), nullptr);
  EXPECT_EQ(merger.authority.PassingOf("H30")->version(), 2u);
}

TEST(Authority, NobodyHasAnythingWithoutAnAgencyOrAShard) {
  const Merger merger;
  EXPECT_FALSE(merger.authority.Covers("", "H30"));
  EXPECT_FALSE(merger.authority.Covers("", ""));
  EXPECT_FALSE(merger.authority.Covers("H30", ""));
  EXPECT_FALSE(merger.authority.Covers("18.05", "H30"));
}

TEST(Authority, WhatWasInheritedPassesOnWithItsHeir) {
  Merger merger;
  merger.authority.Learn("H13", test::PassingTo("H13", "H40"));
  EXPECT_TRUE(merger.authority.Covers("H40.01", "H30"));
  EXPECT_TRUE(merger.authority.Covers("H30.18", "H40"));
  EXPECT_EQ(merger.authority.JurisdictionOf("H51"), "H40");
}

TEST(Authority, EndsWhereWhatIsStoredLeadsRound) {
  Merger merger;
  merger.authority.Learn("H13", test::PassingTo("H13", "H30"));
  EXPECT_FALSE(merger.authority.Covers("H99.01", "H30"));
}

}  // namespace
}  // namespace motcua::service
