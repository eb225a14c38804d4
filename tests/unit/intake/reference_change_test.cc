#include "services/intake/domain/reference/reference_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/reference/validate.h"
#include "motcua/internal/reference/records.pb.h"
#include "services/intake/domain/promise/due_question.h"
#include "tests/support/violations.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

using testing::Contains;
using testing::Pair;
using testing::SizeIs;

using reference::v1::ReferenceManifest;

// A manifest of pieces that are named by one letter each.
ReferenceManifest Of(const std::string& pieces) {
  ReferenceManifest manifest;
  for (const char piece : pieces) manifest.add_pieces()->set_digest(std::string(1, piece));
  return manifest;
}

// What is stored, as the store would have it after each decision.
class Stored {
 public:
  ReferenceState state() const {
    ReferenceState state;
    state.record = record_.manifest().version() == 0 ? nullptr : &record_;
    state.ledger = &ledger_;
    return state;
  }
  void Apply(const std::string& pieces, absl::Time now, const OpenByVersion& open = {},
             const std::string& upload = "") {
    ReferenceApplication application = DecideApply(state(), Of(pieces), upload, open, At(now));
    record_ = application.decision.record;
    Take(std::move(application.ledger));
  }
  void Tidy(absl::Time now, const OpenByVersion& open = {}) { Take(DecideTidy(state(), open, now)); }
  absl::Status Upload(const std::string& id, uint32_t number, const std::string& pieces, absl::Time now) {
    internal::reference::UploadedPart part;
    part.set_number(number);
    *part.mutable_pieces() = Of(pieces).pieces();
    absl::StatusOr<LedgerChange> change = DecideUpload(state(), id, part, At(now));
    if (change.ok()) Take(*std::move(change));
    return change.status();
  }
  // All that is stored, in order.
  std::string pieces() const { return std::string(pieces_.begin(), pieces_.end()); }
  std::vector<uint64_t> kept() const {
    std::vector<uint64_t> versions;
    for (const auto& kept : ledger_.kept()) versions.push_back(kept.version());
    return versions;
  }

 private:
  void Take(LedgerChange change) {
    for (const std::string& digest : change.added) EXPECT_TRUE(pieces_.insert(digest[0]).second) << digest;
    for (const std::string& digest : change.removed) EXPECT_EQ(pieces_.erase(digest[0]), 1u) << digest;
    ledger_ = std::move(change.ledger);
  }

  internal::reference::ReferenceRecord record_;
  internal::reference::ReferenceLedger ledger_;
  std::set<char> pieces_;
};

TEST(ReferenceChange, PiecesStayWhileAVersionOrAnUploadNeedsThem) {
  const absl::Time now = MondayMorning();
  Stored stored;
  stored.Apply("abc", now);
  stored.Apply("abd", now);
  stored.Apply("abe", now);
  EXPECT_EQ(stored.pieces(), "abcde") << "the older ones are young";
  stored.Tidy(now + absl::Hours(2), {{1, 5}});
  EXPECT_THAT(stored.kept(), testing::ElementsAre(1));
  EXPECT_EQ(stored.pieces(), "abce");
  // A piece that comes back belongs to all versions since its first.
  stored.Apply("abc", now + absl::Hours(2), {{1, 5}});
  EXPECT_EQ(stored.pieces(), "abce");
  stored.Tidy(now + absl::Hours(4));
  EXPECT_TRUE(stored.kept().empty());
  EXPECT_EQ(stored.pieces(), "abc");
  ASSERT_TRUE(stored.Upload("u", 0, "axy", now + absl::Hours(4)).ok());
  EXPECT_EQ(stored.pieces(), "abcxy");
  ASSERT_TRUE(stored.Upload("u", 0, "ax", now + absl::Hours(5)).ok()) << "another part in its place";
  EXPECT_EQ(stored.pieces(), "abcx");
  stored.Apply("ax", now + absl::Hours(5), {}, "u");
  stored.Tidy(now + absl::Hours(7));
  EXPECT_EQ(stored.pieces(), "ax");
}

TEST(ReferenceChange, AnUploadIsCompleteWhenNoPartIsMissingAndNoneIsTooMany) {
  const absl::Time now = MondayMorning();
  Stored stored;
  ASSERT_TRUE(stored.Upload("u", 2, "c", now).ok());
  ASSERT_TRUE(stored.Upload("u", 0, "a", now).ok());
  const absl::Status missing = ManifestOfUpload(stored.state(), "u", 4, "an").status();
  EXPECT_EQ(errors::MetadataValue(missing, "missing"), "1,3");
  ASSERT_TRUE(stored.Upload("u", 1, "b", now).ok());
  EXPECT_EQ(errors::Reason(ManifestOfUpload(stored.state(), "u", 2, "an").status()), "UPLOAD_INCOMPLETE");
  const auto manifest = ManifestOfUpload(stored.state(), "u", 3, "an");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->pieces(1).digest(), "b");
  EXPECT_EQ(errors::Reason(ManifestOfUpload(stored.state(), "u", 3, "binh").status()), "NOT_YOUR_UPLOAD");
  stored.Tidy(now + absl::Hours(25));
  EXPECT_EQ(errors::Reason(ManifestOfUpload(stored.state(), "u", 3, "an").status()), "UNKNOWN_UPLOAD");
  EXPECT_EQ(stored.pieces(), "");
}

TEST(ReferenceChange, NamesEveryViolation) {
  EXPECT_TRUE(StatusOf(reference::Validate(JurisdictionSet())).ok());
  reference::v1::ReferenceSet broken = JurisdictionSet();
  broken.mutable_agencies(1)->set_parent("H30.99");
  broken.mutable_officers(0)->set_agency("H30.98");
  const absl::Status status = StatusOf(reference::Validate(broken));
  EXPECT_EQ(errors::Reason(status), "REFERENCE_INVALID");
  EXPECT_THAT(motcua::test::Violations(status), Contains(Pair("set.agencies[1].parent", testing::_)));
  EXPECT_THAT(motcua::test::Violations(status), Contains(Pair("set.officers[0].agency", testing::_)));
}

TEST(DueQuestion, AnswersByTheAgencysCalendar) {
  const auto catalogue = CompileJurisdiction();
  v1::ComputeDueRequest request;
  request.set_agency("000.05.18.H30");
  *request.mutable_received_at() = time::ToTimestamp(Local(2025, 1, 10, 15, 30));
  request.mutable_limit()->set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  request.mutable_limit()->set_tenths(30);
  EXPECT_EQ(AnswerDue(request, *catalogue)->due().date(), "2025-01-16");
  request.set_cutoff_policy(reference::v1::CUTOFF_POLICY_NONE);
  EXPECT_EQ(AnswerDue(request, *catalogue)->due().date(), "2025-01-15");

  request.set_agency("H30.99");
  request.set_cutoff("25:00");
  request.mutable_limit()->set_tenths(0);
  const absl::Status status = AnswerDue(request, *catalogue).status();
  EXPECT_THAT(motcua::test::Violations(status), SizeIs(3));
}

}  // namespace
}  // namespace motcua::intake::test
