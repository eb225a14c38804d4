// The merger of 1 July 2025 as intake lives through it: H30 and H51 pass to H13, with their dossiers.
#include "tests/support/reform.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "common/service/reference_model.h"
#include "motcua/internal/reference/records.pb.h"
#include "services/intake/calls/reference_store.h"
#include "tests/integration/intake/office.h"
#include "tests/support/violations.h"
#include "tests/support/wait.h"

namespace motcua::intake::test {
namespace {

using motcua::test::Reform;
using motcua::test::ReformTime;
using reference::v1::ReferenceSet;
using testing::ElementsAre;
using testing::IsEmpty;

// Three jurisdictions in June 2025.
class Merger : public Office {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Wait(client_.WaitConnected(Soon())).ok());
    ASSERT_TRUE(Wait(tail_.WaitConnected(Soon())).ok());
    clock_.AdvanceTo(ReformTime(2025, 6, 20));
    for (const char* name : {"h13", "h30", "h51"}) {
      const auto applied = Apply(Reform(name));
      ASSERT_TRUE(applied.ok()) << applied.status();
    }
  }

  absl::StatusOr<v1::ApplyReferenceResponse> Apply(const ReferenceSet& set, bool dry_run = false,
                                                   const auth::Principal* who = nullptr) {
    v1::ApplyReferenceRequest request;
    *request.mutable_set() = set;
    request.set_dry_run(dry_run);
    const auth::Principal& by = who == nullptr ? national_ : *who;
    return Wait(intake_.ApplyReference(by, CallerOf(by), request));
  }

  absl::StatusOr<v1::FileResponse> FileAt(const std::string& agency, const std::string& request_id,
                                          bool accept = false, const std::string& procedure = "1.013831") {
    v1::FileRequest request = Application(procedure, accept);
    request.set_request_id(request_id);
    request.set_receiving_agency(agency);
    const auth::Principal desk = Officer("desk", agency);
    return Wait(intake_.File(desk, CallerOf(desk), request));
  }

  absl::StatusOr<v1::GetDossierResponse> GetBy(const auth::Principal& who, const std::string& code,
                                               Intake* intake = nullptr) {
    v1::GetDossierRequest request;
    request.set_dossier(code);
    return Wait((intake == nullptr ? intake_ : *intake).GetDossier(who, CallerOf(who), request));
  }

  std::vector<std::string> Passing(const v1::ApplyReferenceResponse& response) {
    std::vector<std::string> passing;
    for (const v1::PassingShard& shard : response.passing()) {
      passing.push_back(absl::StrCat(shard.shard(), " of ", shard.jurisdiction(), " since ", shard.since(),
                                     " open ", shard.open_dossiers()));
    }
    return passing;
  }

  uint64_t FeedOf(const std::string& shard) {
    redis::Command length("XLEN");
    length.Arg(store_.Keys(shard).Feed());
    return Wait(client_.Execute(std::move(length), Soon()))->integer();
  }

  internal::reference::ReferenceRecord RecordOf(const std::string& shard) {
    store::Session session(store_, shard);
    return *Wait(LoadReference(session, Soon()))->record;
  }

  v1::ListReferenceVersionsResponse Versions(const std::string& shard) {
    v1::ListReferenceVersionsRequest request;
    request.set_shard(shard);
    return *Wait(intake_.ListReferenceVersions(national_, CallerOf(national_), request));
  }
  std::map<uint64_t, uint64_t> OpenByVersionOf(const std::string& shard) {
    std::map<uint64_t, uint64_t> open;
    const v1::ListReferenceVersionsResponse versions = Versions(shard);
    for (const v1::ReferenceVersion& version : versions.versions())
      open[version.version()] = version.open_dossiers();
    return open;
  }

  const auth::Principal national_{auth::Kind::kOfficer, "national", "", {"admin"}};
  const auth::Principal heir_ = Officer("an", "H30.31");
  const auth::Principal cantho_ = Officer("dung", "H13.07.01");
  const auth::Principal stranger_ = Officer("other", "H99.01");
};

TEST_F(Merger, ThePreviewTellsWhatWouldPassAndChangesNothing) {
  ASSERT_TRUE(FileAt("H30.18.05", "r1").ok());
  ASSERT_TRUE(FileAt("H30.18.06", "r2", true).ok());
  const uint64_t before = FeedOf("H30");
  const auto preview = Apply(Reform("h13-merged"), /*dry_run=*/true);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_TRUE(preview->changed());
  EXPECT_THAT(Passing(*preview),
              ElementsAre("H30 of H30 since 2025-07-01 open 2", "H51 of H51 since 2025-07-01 open 0"));
  EXPECT_EQ(FeedOf("H30"), before);
  EXPECT_FALSE(RecordOf("H30").has_passing());
  EXPECT_EQ(RecordOf("H13").manifest().version(), 1u);
}

TEST_F(Merger, PassesOnceHoweverOftenItIsApplied) {
  const uint64_t before = FeedOf("H30");
  const auto applied = Apply(Reform("h13-merged"));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->version(), 2u);
  EXPECT_EQ(applied->passing_size(), 2);
  EXPECT_EQ(FeedOf("H30"), before + 1);
  EXPECT_EQ(RecordOf("H30").passing().jurisdiction(), "H13");
  EXPECT_EQ(RecordOf("H51").passing().version(), 2u);
  const auto again = Apply(Reform("h13-merged"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->changed());
  EXPECT_THAT(Passing(*again), IsEmpty());
  ASSERT_TRUE(Wait(intake_.TidyAll(Soon())).ok());
  EXPECT_EQ(FeedOf("H30"), before + 1);
}

TEST_F(Merger, WhatAnInterruptedCallLeftIsGoneOnWith) {
  const internal::reference::ReferenceRecord haugiang = RecordOf("H30");
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  const auto undo = [&] {
    // As if the process had died between the version and the shard.
    store::Session session(store_, "H30");
    ASSERT_TRUE(Wait(LoadReference(session, Soon())).ok());
    session.Apply<service::ReferenceModel>("H30",
                                           store::Decision<internal::reference::ReferenceRecord>(haugiang));
    ASSERT_TRUE(Wait(session.Commit(Soon())).ok());
    ASSERT_FALSE(RecordOf("H30").has_passing());
  };
  undo();
  ASSERT_TRUE(Wait(intake_.TidyAll(Soon())).ok());
  EXPECT_EQ(RecordOf("H30").passing().jurisdiction(), "H13");
  undo();
  const auto again = Apply(Reform("h13-merged"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->changed());
  EXPECT_THAT(Passing(*again), ElementsAre("H30 of H30 since 2025-07-01 open 0"));
  EXPECT_EQ(RecordOf("H30").passing().jurisdiction(), "H13");
}

TEST_F(Merger, OnlyWhoHasASayOnBothSidesLetsAShardPass) {
  const auth::Principal own = Officer("root", "H13", "admin");
  const auto refused = Apply(Reform("h13-merged"), /*dry_run=*/true, &own);
  EXPECT_EQ(errors::Reason(refused.status()), "NOT_YOUR_JURISDICTION");
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  // Afterwards it is the jurisdiction's own affair.
  ReferenceSet next = Reform("h13-merged");
  next.mutable_jurisdiction()->set_name("Thành phố Cần Thơ");
  const auto applied = Apply(next, false, &own);
  EXPECT_TRUE(applied.ok()) << applied.status();
}

TEST_F(Merger, AnInheritedShardTakesNoReferenceDataOfItsOwn) {
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  ReferenceSet own = Reform("h30");
  own.mutable_jurisdiction()->set_name("Tỉnh Hậu Giang");
  const absl::Status refused = Apply(own).status();
  EXPECT_EQ(errors::Reason(refused), "SHARD_INHERITED");
  EXPECT_EQ(errors::MetadataValue(refused, "jurisdiction"), "H13");
  v1::UploadReferenceRequest upload;
  upload.set_shard("H30");
  upload.set_upload("set-1");
  *upload.mutable_set() = own;
  EXPECT_EQ(errors::Reason(Wait(intake_.UploadReference(national_, CallerOf(national_), upload)).status()),
            "SHARD_INHERITED");
}

TEST_F(Merger, NoCodeIsLostOnTheWay) {
  ReferenceSet set = Reform("h13-merged");
  for (int i = 0; i < set.agencies_size(); ++i) {
    if (set.agencies(i).id() == "H51.02.01") set.mutable_agencies()->DeleteSubrange(i, 1);
  }
  for (int i = 0; i < set.officers_size(); ++i) set.mutable_officers(i)->set_agency("H13");
  const auto refused = Apply(set);
  EXPECT_EQ(errors::Reason(refused.status()), "REFERENCE_INVALID");
  EXPECT_EQ(RecordOf("H13").manifest().version(), 1u);
  EXPECT_FALSE(RecordOf("H30").has_passing());
}

TEST_F(Merger, BeforeItsDayNothingIsOtherwise) {
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  clock_.AdvanceTo(ReformTime(2025, 6, 30, 23));
  const auto filed = FileAt("H30.18.05", "r1", true);
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_EQ(filed->dossier().reference_jurisdiction(), "");
  // By the thirty days of H30's own procedure.
  EXPECT_EQ(filed->dossier().original_due().date(), "2025-08-12");
  EXPECT_EQ(errors::Reason(GetBy(cantho_, filed->dossier().code()).status()), "NOT_YOUR_JURISDICTION");
  EXPECT_TRUE(GetBy(Officer("b", "H30.18"), filed->dossier().code()).ok());
}

TEST_F(Merger, FromItsDayTheJurisdictionHasAllItsDossiers) {
  const auto old = FileAt("H30.18.05", "r1");
  ASSERT_TRUE(old.ok()) << old.status();
  const std::string code = old->dossier().code();
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  for (const auth::Principal& who : {cantho_, heir_, Officer("c", "H51.02"), Officer("d", "H30.18.05")}) {
    const auto seen = GetBy(who, code);
    EXPECT_TRUE(seen.ok()) << who.agency << ": " << seen.status();
  }
  EXPECT_EQ(errors::Reason(GetBy(stranger_, code).status()), "NOT_YOUR_JURISDICTION");

  // The successor accepts what its predecessor had received, by the rules of its own day, and lists it.
  v1::AcceptRequest accept;
  accept.set_request_id("a1");
  accept.set_dossier(code);
  const auth::Principal ended = Officer("old", "H30.18.05");
  EXPECT_EQ(errors::Reason(Wait(intake_.Accept(ended, CallerOf(ended), accept)).status()),
            "NOT_RECEIVING_AGENCY");
  const auto accepted = Wait(intake_.Accept(heir_, CallerOf(heir_), accept));
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->dossier().receiving_agency(), "H30.18.05");
  EXPECT_EQ(accepted->dossier().competent_agency(), "H30.31");
  EXPECT_EQ(accepted->dossier().reference_jurisdiction(), "H13");
  EXPECT_EQ(accepted->dossier().reference_version(), 2u);
  v1::ListDossiersRequest list;
  list.set_agency("H30.18.05");
  const auto listed = Wait(intake_.ListDossiers(heir_, CallerOf(heir_), list));
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->total(), 1u);
  EXPECT_EQ(errors::Reason(Wait(intake_.ListDossiers(cantho_, CallerOf(cantho_), list)).status()),
            "NOT_YOUR_AGENCY");

  // The old code is found by whoever has its secret.
  v1::LookUpRequest look;
  look.set_dossier(code);
  look.set_secret(old->secret());
  const auto found = Wait(intake_.LookUp(CallerOf(heir_), look));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->receiving_agency_name(), "UBND xã Tân Bình");
  EXPECT_EQ(found->procedure_name(), "Đăng ký biến động đất đai");

  // Whoever files at the successor files into the shard of its code; an ended agency takes nothing more.
  const auto fresh = FileAt("H30.31", "r2", true);
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_EQ(fresh->dossier().code(), "H30.31-250701-0001");
  EXPECT_EQ(fresh->dossier().reference_jurisdiction(), "H13");
  v1::FileRequest late = Application("1.004873", true);
  late.set_request_id("r3");
  late.set_receiving_agency("H30.18.05");
  EXPECT_THAT(motcua::test::Violations(Wait(intake_.File(heir_, CallerOf(heir_), late)).status()),
              testing::Contains(testing::Pair("receiving_agency", testing::HasSubstr("H30.31"))));

  // Lists and figures of an inherited shard are the jurisdiction's.
  v1::GetStatisticsRequest figures;
  figures.set_shard("H30");
  EXPECT_TRUE(Wait(intake_.GetStatistics(cantho_, CallerOf(cantho_), figures)).ok());
  EXPECT_FALSE(Wait(intake_.GetStatistics(stranger_, CallerOf(stranger_), figures)).ok());
  v1::GetReferenceRequest reference;
  reference.set_shard("H30");
  EXPECT_EQ(Wait(intake_.GetReference(CallerOf(heir_), reference))->set().jurisdiction().id(), "H13");
}

TEST_F(Merger, VersionsStayForTheDossiersReceivedUnderThem) {
  const auto old = FileAt("H30.18.05", "r1", true);
  ASSERT_TRUE(old.ok()) << old.status();
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  // H30's own version 1 is that of its own dossiers.
  EXPECT_THAT(OpenByVersionOf("H30"), ElementsAre(testing::Pair(1, 1)));
  v1::GetProcedureRequest procedure;
  procedure.set_shard("H30");
  procedure.set_procedure("1.013831");
  EXPECT_EQ(Wait(intake_.GetProcedure(cantho_, CallerOf(cantho_), procedure))->procedure().limit().tenths(),
            200u);
  procedure.set_version(1);
  EXPECT_EQ(Wait(intake_.GetProcedure(cantho_, CallerOf(cantho_), procedure))->procedure().limit().tenths(),
            300u);

  // H13's version 2 is needed by a dossier that lies in shard H30.
  ASSERT_TRUE(FileAt("H30.31", "r2", true).ok());
  EXPECT_EQ(OpenByVersionOf("H13")[2], 1u);
  EXPECT_THAT(OpenByVersionOf("H30"), ElementsAre(testing::Pair(1, 1)));
  ReferenceSet next = Reform("h13-merged");
  next.mutable_jurisdiction()->set_name("Thành phố Cần Thơ");
  ASSERT_TRUE(Apply(next).ok());
  clock_.AdvanceTo(ReformTime(2025, 7, 3));
  ASSERT_TRUE(Wait(intake_.TidyAll(Soon())).ok());
  // Version 1 of H13 nobody needs any more.
  EXPECT_THAT(OpenByVersionOf("H13"), ElementsAre(testing::Pair(2, 1), testing::Pair(3, 0)));
}

TEST_F(Merger, AReplicaThatHeardOfNothingRefusesNobody) {
  const auto old = FileAt("H30.18.05", "r1");
  ASSERT_TRUE(old.ok());
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  service::Catalogues catalogues(loop_, store_);
  Intake fresh(store_, catalogues, publisher_);
  EXPECT_TRUE(GetBy(cantho_, old->dossier().code(), &fresh).ok());
  EXPECT_EQ(errors::Reason(GetBy(stranger_, old->dossier().code(), &fresh).status()),
            "NOT_YOUR_JURISDICTION");
}

TEST_F(Merger, AReplicaLearnsOfItWithinASecond) {
  clock_.AdvanceTo(ReformTime(2025, 7, 1));
  const auto old = FileAt("H30.18.05", "r1");
  ASSERT_TRUE(old.ok());
  service::Catalogues catalogues(loop_, store_);
  Intake other(store_, catalogues, publisher_);
  EXPECT_FALSE(GetBy(cantho_, old->dossier().code(), &other).ok());
  ASSERT_TRUE(Apply(Reform("h13-merged")).ok());
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return GetBy(cantho_, old->dossier().code(), &other).ok(); }));
}

}  // namespace
}  // namespace motcua::intake::test
