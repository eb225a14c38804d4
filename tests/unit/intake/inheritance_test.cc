// Shards that pass to another jurisdiction: what may, when, and what is refused.
#include "services/intake/domain/reference/inheritance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "motcua/internal/reference/records.pb.h"
#include "tests/support/merger.h"
#include "tests/support/reform.h"
#include "tests/support/violations.h"

namespace motcua::intake {
namespace {

using motcua::test::MergerDay;
using motcua::test::PassingTo;
using motcua::test::Reform;
using motcua::test::ReformCatalogue;
using motcua::test::ReformTime;
using reference::v1::ReferenceSet;
using reference::v1::ShardPassing;
using Record = internal::reference::ReferenceRecord;
using testing::SizeIs;

store::Context June() { return store::Context(ReformTime(2025, 6, 20), common::v1::Actor()); }
store::Context July() { return store::Context(ReformTime(2025, 7, 2), common::v1::Actor()); }

// A jurisdiction of that version, which has inherited that.
class Stored {
 public:
  explicit Stored(uint64_t version = 1) { record_.mutable_manifest()->set_version(version); }

  ReferenceState state() const {
    ReferenceState state;
    state.record = &record_;
    return state;
  }
  Record& record() { return record_; }

 private:
  Record record_;
};

std::shared_ptr<const reference::Catalogue> Compiled(const ReferenceSet& set) {
  return *reference::Catalogue::Compile(set);
}

std::vector<std::string> ViolationsOf(const absl::Status& status) {
  std::vector<std::string> violations;
  for (const auto& [path, description] : motcua::test::Violations(status))
    violations.push_back(path + ": " + description);
  return violations;
}

TEST(Inherits, PassFromTheBeginningOfTheLocalDay) {
  const Stored cantho;
  const auto inherits = DecideInherits(cantho.state(), *ReformCatalogue("h13-merged"), June().now);
  ASSERT_TRUE(inherits.ok()) << inherits.status();
  ASSERT_THAT(*inherits, SizeIs(2));
  const ShardPassing& first = inherits->Get(0);
  EXPECT_EQ(first.shard(), "H30");
  EXPECT_EQ(first.jurisdiction(), "H13");
  EXPECT_EQ(first.version(), 2u);
  EXPECT_EQ(time::FromTimestamp(first.begins_at()), MergerDay());
}

TEST(Inherits, StayAndKeepTheVersionThatSaidSoFirst) {
  Stored cantho(2);
  *cantho.record().mutable_inherits() =
      *DecideInherits(cantho.state(), *ReformCatalogue("h13-merged"), June().now);
  cantho.record().mutable_manifest()->set_version(3);
  const auto again = DecideInherits(cantho.state(), *ReformCatalogue("h13-merged"), July().now);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->Get(1).version(), 3u);
  const auto without = DecideInherits(cantho.state(), *ReformCatalogue("h13"), July().now);
  EXPECT_EQ(errors::Reason(without.status()), "REFERENCE_INVALID");
  EXPECT_THAT(ViolationsOf(without.status()), SizeIs(2));
}

TEST(Inherits, ADayThatHasComeStays) {
  Stored cantho;
  *cantho.record().mutable_inherits() =
      *DecideInherits(cantho.state(), *ReformCatalogue("h13-merged"), June().now);
  ReferenceSet later = Reform("h13-merged");
  later.mutable_jurisdiction()->mutable_inherited(1)->set_since("2025-08-01");
  EXPECT_TRUE(DecideInherits(cantho.state(), *Compiled(later), June().now).ok());
  EXPECT_THAT(
      ViolationsOf(DecideInherits(cantho.state(), *Compiled(later), July().now).status()),
      testing::ElementsAre("set.jurisdiction.inherited[1].since: was 2025-07-01 and has come: it stays"));
}

TEST(Pass, TellsItOnceAndForAll) {
  Stored haugiang;
  const Inherits inherits = *DecideInherits(Stored().state(), *ReformCatalogue("h13-merged"), June().now);
  const auto passed = DecidePass(haugiang.state(), inherits[0], inherits, June());
  ASSERT_TRUE(passed.ok() && passed->has_value()) << passed.status();
  EXPECT_THAT((*passed)->events, SizeIs(1));
  EXPECT_EQ((*passed)->events[0].subject(), "H30");
  EXPECT_EQ((*passed)->events[0].shard_passed().passing().jurisdiction(), "H13");
  EXPECT_THAT((*passed)->history, SizeIs(1));
  EXPECT_TRUE(CheckNotInherited(haugiang.state()).ok());
  haugiang.record() = (*passed)->record;
  const auto again = DecidePass(haugiang.state(), inherits[0], inherits, July());
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_value());
  // Its own reference data are changed there from now on.
  const absl::Status own = CheckNotInherited(haugiang.state());
  EXPECT_EQ(errors::Reason(own), "SHARD_INHERITED");
  EXPECT_EQ(errors::MetadataValue(own, "jurisdiction"), "H13");
}

TEST(Pass, AShardWithoutReferenceDataMayPass) {
  const Inherits inherits = *DecideInherits(Stored().state(), *ReformCatalogue("h13-merged"), June().now);
  const auto passed = DecidePass(ReferenceState(), inherits[1], inherits, June());
  EXPECT_TRUE(passed.ok() && passed->has_value());
}

TEST(Pass, WhatAnotherHasIsTakenOnlyWithThatOne) {
  Stored haugiang;
  *haugiang.record().mutable_passing() = PassingTo("H30", "H13");
  Inherits inherits;
  *inherits.Add() = PassingTo("H30", "H40");
  const auto taken = DecidePass(haugiang.state(), inherits[0], inherits, July());
  EXPECT_EQ(errors::Reason(taken.status()), "SHARD_TAKEN");
  EXPECT_EQ(errors::MetadataValue(taken.status(), "jurisdiction"), "H13");
  *inherits.Add() = PassingTo("H13", "H40");
  EXPECT_TRUE(DecidePass(haugiang.state(), inherits[0], inherits, July()).ok());
}

TEST(Pass, AnHeirBringsWhatItHasInherited) {
  Stored cantho;
  *cantho.record().add_inherits() = PassingTo("H30", "H13");
  Inherits inherits;
  *inherits.Add() = PassingTo("H13", "H40");
  EXPECT_EQ(errors::Reason(DecidePass(cantho.state(), inherits[0], inherits, July()).status()),
            "SHARD_TAKEN");
  *inherits.Add() = PassingTo("H30", "H40");
  EXPECT_TRUE(DecidePass(cantho.state(), inherits[0], inherits, July()).ok());
  // Nor do two inherit each other.
  Inherits back;
  *back.Add() = PassingTo("H13", "H30");
  EXPECT_EQ(errors::Reason(DecidePass(cantho.state(), back[0], back, July()).status()), "SHARD_TAKEN");
}

TEST(Pass, AllCodesStay) {
  EXPECT_TRUE(CheckKeepsAgencies(*ReformCatalogue("h13-merged"), *ReformCatalogue("h30")).ok());
  ReferenceSet set = Reform("h13-merged");
  for (int i = 0; i < set.agencies_size(); ++i) {
    if (set.agencies(i).id() == "H30.18.06") set.mutable_agencies()->DeleteSubrange(i, 1);
  }
  EXPECT_THAT(ViolationsOf(CheckKeepsAgencies(*Compiled(set), *ReformCatalogue("h30"))),
              testing::ElementsAre(testing::HasSubstr("H30.18.06")));
}

}  // namespace
}  // namespace motcua::intake
