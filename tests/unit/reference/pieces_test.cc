#include "common/reference/pieces.h"

#include <gtest/gtest.h>

#include <set>

#include "common/reference/listing.h"
#include "common/reference/sample.h"
#include "tests/support/real_size.h"

namespace motcua::reference {
namespace {

v1::ReferenceSet Large() { return test::RealSize({500, 2'000, 400}).Make(SampleCatalogue().set()); }

std::set<std::string> Digests(const v1::ReferenceSet& set) {
  std::set<std::string> digests;
  for (const Piece& piece : SplitIntoPieces(set)) digests.insert(piece.digest);
  return digests;
}

TEST(Pieces, MakeTheSetAgainAndAreBounded) {
  v1::ReferenceSet set = Large();
  set.clear_version();
  v1::ReferenceSet again;
  for (const Piece& piece : SplitIntoPieces(set)) {
    EXPECT_LE(piece.data.size(), kMaxPieceBytes + 1024);
    EXPECT_EQ(PieceDigest(piece.data), piece.digest);
    ASSERT_TRUE(AppendPiece(piece.data, again));
  }
  EXPECT_EQ(again.SerializeAsString(), set.SerializeAsString());
  EXPECT_FALSE(AppendPiece("\xFF\xFF", again));
}

TEST(Pieces, AChangeInOnePlaceLeavesTheOthersAsTheyAre) {
  v1::ReferenceSet set = Large();
  const std::set<std::string> before = Digests(set);
  set.mutable_procedures(200)->set_name("Other");
  set.mutable_officers()->DeleteSubrange(700, 1);
  size_t changed = 0;
  for (const std::string& digest : Digests(set)) changed += before.count(digest) == 0;
  EXPECT_GE(changed, 2u);
  EXPECT_LE(changed, 6u) << "of " << before.size();
}

TEST(Pieces, PartsAreCutInTheSamePlaces) {
  const v1::ReferenceSet set = Large();
  const std::vector<v1::ReferenceSet> parts = SplitIntoParts(set, 50 << 10);
  ASSERT_GT(parts.size(), 4u);
  std::set<std::string> of_parts;
  for (const v1::ReferenceSet& part : parts) of_parts.merge(Digests(part));
  EXPECT_EQ(of_parts, Digests(set));
}

TEST(Listing, TextWithoutDiacritics) {
  EXPECT_EQ(Folded("Hộ tịch"), "ho tich");
  EXPECT_EQ(Folded("ĐẤT ĐAI, Ủy ban Ngữ ươ"), "dat dai, uy ban ngu uo");
  EXPECT_EQ(Folded("Ho\xCC\xA3"), "ho") << "a letter with its mark behind it";
  EXPECT_EQ(Folded("\xE1"), "\xE1");
  EXPECT_EQ(Folded("\xC3"), "\xC3");
}

TEST(Listing, PagesEndByNumberAndByLooks) {
  const auto catalogue = *Catalogue::Compile(test::RealSize({500, 5'000, 100}).Make(SampleCatalogue().set()));
  ListQuery query;
  query.text = "nobody is called so";
  const auto nothing = ListOfficers(*catalogue, query);
  EXPECT_TRUE(nothing.items.empty());
  EXPECT_FALSE(nothing.last.empty()) << "looked at enough for one call";
  size_t found = 0;
  query = ListQuery();
  query.most = 7;
  do {
    const auto page = ListOfficers(*catalogue, query);
    EXPECT_LE(page.items.size(), 7u);
    found += page.items.size();
    query.after = page.last;
  } while (!query.after.empty());
  EXPECT_EQ(found, 5'000u);
}

// The sample has two versions of it, the later one from 1 March 2027.
TEST(Listing, ProceduresOfADay) {
  ListQuery query;
  query.text = "1.001193";
  EXPECT_EQ(ListProcedures(SampleCatalogue(), query).items.size(), 2u);
  query.as_of = absl::CivilDay(2027, 2, 28);
  const auto before = ListProcedures(SampleCatalogue(), query);
  ASSERT_EQ(before.items.size(), 1u);
  EXPECT_EQ(before.items[0]->valid_until(), "2027-03-01");
  query.as_of = absl::CivilDay(2027, 3, 1);
  const auto since = ListProcedures(SampleCatalogue(), query);
  ASSERT_EQ(since.items.size(), 1u);
  EXPECT_EQ(since.items[0]->valid_from(), "2027-03-01");
}

}  // namespace
}  // namespace motcua::reference
