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

TEST(Listing, ProceduresOfADay) {
  v1::ReferenceSet set = SampleCatalogue().set();
  v1::Procedure* later = set.add_procedures();
  *later = set.procedures(0);
  set.mutable_procedures(0)->set_valid_until("2026-01-01");
  later->set_valid_from("2026-01-01");
  later->clear_valid_until();
  later->set_name("Cấp lại Giấy khai sinh");
  const auto catalogue = Catalogue::Compile(set);
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  ListQuery query;
  query.text = "giay KHAI";
  query.as_of = absl::CivilDay(2026, 1, 1);
  const auto now = ListProcedures(**catalogue, query);
  ASSERT_EQ(now.items.size(), 1u);
  EXPECT_EQ(now.items[0]->name(), "Cấp lại Giấy khai sinh");
  query.as_of = absl::CivilDay(2025, 12, 31);
  EXPECT_TRUE(ListProcedures(**catalogue, query).items.empty());
}

}  // namespace
}  // namespace motcua::reference
