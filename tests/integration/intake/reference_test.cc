// What intake promises about reference data that come in parts, their lists and their older versions.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/async/when_all.h"
#include "common/feed/subscriptions.h"
#include "common/reference/pieces.h"
#include "common/service/reference_model.h"
#include "services/intake/calls/reference_store.h"
#include "tests/integration/intake/office.h"
#include "tests/support/local_source.h"
#include "tests/support/real_size.h"
#include "tests/support/reconnected.h"
#include "tests/support/violations.h"
#include "tests/support/wait.h"

namespace motcua::intake::test {
namespace {

using async::Task;
using reference::v1::ReferenceSet;
using testing::ElementsAre;
using testing::SizeIs;

// A tenth of real size, unless told otherwise.
ReferenceSet Large(motcua::test::Sizes sizes = {1'000, 5'000, 650}) {
  return motcua::test::RealSize(sizes).Make(JurisdictionSet());
}

// As the other services copy the reference data.
class Copy final : public feed::Projection {
 public:
  explicit Copy(service::Catalogues& catalogues) : catalogues_(catalogues) {}
  Task<absl::Status> Apply(store::Session& session, feed::Events events, absl::Time) override {
    std::vector<std::string> keys;
    for (const feed::v1::Event* event : events) service::AddReferenceKeys(session, *event, keys);
    absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + absl::Seconds(10));
    if (!fetched.ok()) co_return fetched;
    for (const feed::v1::Event* event : events) {
      absl::Status taken;
      if (service::IsOfReference(*event)) taken = service::ApplyReferenceEvent(session, *event);
      if (!taken.ok()) co_return taken;
      if (!event->has_reference_applied()) continue;
      absl::StatusOr<service::CataloguePtr> compiled =
          co_await catalogues_.Of(session, absl::Now() + absl::Seconds(10));
      if (!compiled.ok()) co_return compiled.status();
    }
    co_return absl::OkStatus();
  }

 private:
  service::Catalogues& catalogues_;
};

class Reference : public Office {
 protected:
  absl::StatusOr<v1::UploadReferenceResponse> Upload(const std::string& upload, uint32_t part,
                                                     const ReferenceSet& set,
                                                     const auth::Principal* who = nullptr) {
    v1::UploadReferenceRequest request;
    request.set_shard("H30");
    request.set_upload(upload);
    request.set_part(part);
    *request.mutable_set() = set;
    const auth::Principal& by = who == nullptr ? admin_ : *who;
    return Wait(intake_.UploadReference(by, CallerOf(by), request));
  }

  static v1::ApplyReferenceRequest Applying(const std::string& upload, size_t parts, uint64_t expected = 0) {
    v1::ApplyReferenceRequest request;
    request.set_upload(upload);
    request.set_parts(static_cast<uint32_t>(parts));
    request.set_shard("H30");
    request.set_expected_version(expected);
    return request;
  }

  absl::StatusOr<v1::ApplyReferenceResponse> Apply(const v1::ApplyReferenceRequest& request) {
    return Wait(intake_.ApplyReference(admin_, CallerOf(admin_, absl::Seconds(60)), request));
  }

  absl::StatusOr<v1::ApplyReferenceResponse> ApplyWhole(const ReferenceSet& set) {
    v1::ApplyReferenceRequest request;
    *request.mutable_set() = set;
    return Apply(request);
  }

  void UploadAll(const std::string& upload, const std::vector<ReferenceSet>& parts) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto uploaded = Upload(upload, static_cast<uint32_t>(i), parts[i]);
      ASSERT_TRUE(uploaded.ok()) << uploaded.status();
    }
  }

  uint64_t Version() {
    v1::GetReferenceRequest request;
    request.set_shard("H30");
    request.set_only_jurisdiction(true);
    return Wait(intake_.GetReference(CallerOf(an_), request))->set().version();
  }

  v1::ListReferenceVersionsResponse Versions() {
    v1::ListReferenceVersionsRequest request;
    request.set_shard("H30");
    return *Wait(intake_.ListReferenceVersions(admin_, CallerOf(admin_), request));
  }

  size_t Keys(const std::string& pattern) {
    redis::Command keys("KEYS");
    keys.Arg(pattern);
    return Wait(client_.Execute(std::move(keys), Soon()))->items().size();
  }
  // Keys of pieces that are stored under the prefix.
  size_t Pieces(const std::string& prefix = "in") { return Keys(prefix + ":{H30}:refp:*"); }

  size_t Kept() {
    store::Session session(store_, "H30");
    return Wait(LoadReference(session, Soon()))->record->manifest().pieces_size();
  }

  void TidyAfter(absl::Duration pause) {
    clock_.AdvanceTo(clock_.Now() + pause);
    absl::Status tidied = Wait(intake_.Tidy("H30", Soon()));
    ASSERT_TRUE(tidied.ok()) << tidied;
  }
};

TEST_F(Reference, PartsInAnyOrderAndAgainMakeOneVersion) {
  const ReferenceSet set = Large();
  const std::vector<ReferenceSet> parts = reference::SplitIntoParts(set, 64 << 10);
  ASSERT_GT(parts.size(), 4u);
  for (size_t i = parts.size(); i-- > 1;) {
    for (int times = i % 2 == 0 ? 2 : 1; times > 0; --times) {
      ASSERT_TRUE(Upload("one", static_cast<uint32_t>(i), parts[i]).ok());
    }
  }
  const absl::Status incomplete = Apply(Applying("one", parts.size())).status();
  EXPECT_EQ(errors::Reason(incomplete), "UPLOAD_INCOMPLETE");
  EXPECT_EQ(errors::MetadataValue(incomplete, "missing"), "0");
  EXPECT_EQ(Version(), 1u);
  EXPECT_EQ(FeedLength(), 1u);
  const auto last = Upload("one", 0, parts[0]);
  ASSERT_TRUE(last.ok());
  EXPECT_THAT(last->upload().parts(), SizeIs(parts.size()));
  const auto applied = Apply(Applying("one", parts.size(), /*expected=*/1));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_TRUE(applied->changed());
  EXPECT_EQ(applied->version(), 2u);
  EXPECT_EQ(Version(), 2u);
  ReferenceSet expected = set;
  expected.set_version(2);
  EXPECT_EQ((*Wait(catalogues_.Get("H30", Soon())))->set().SerializeAsString(), expected.SerializeAsString());
  EXPECT_EQ(errors::Reason(Apply(Applying("one", parts.size())).status()), "UNKNOWN_UPLOAD");
  // The same content, cut in other places.
  const std::vector<ReferenceSet> others = reference::SplitIntoParts(set, 300 << 10);
  UploadAll("again", others);
  const auto same = Apply(Applying("again", others.size()));
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_FALSE(same->changed());
  EXPECT_EQ(Version(), 2u);
}

TEST_F(Reference, AnErrorInTheLastPartChangesNothing) {
  ReferenceSet set = Large();
  std::vector<ReferenceSet> parts = reference::SplitIntoParts(set, 100 << 10);
  ReferenceSet bad = parts.back();
  bad.add_officers()->set_agency("H30.98");
  for (size_t i = 0; i + 1 < parts.size(); ++i)
    ASSERT_TRUE(Upload("u", static_cast<uint32_t>(i), parts[i]).ok());
  ASSERT_TRUE(Upload("u", static_cast<uint32_t>(parts.size() - 1), bad).ok());
  const absl::Status refused = Apply(Applying("u", parts.size())).status();
  EXPECT_EQ(errors::Reason(refused), "REFERENCE_INVALID") << refused;
  EXPECT_THAT(motcua::test::Violations(refused),
              testing::Contains(
                  testing::Pair(absl::StrCat("set.officers[", set.officers_size(), "].agency"), testing::_)));
  EXPECT_EQ(Version(), 1u);
  EXPECT_EQ(FeedLength(), 1u) << "nobody else has heard of it";
  ASSERT_TRUE(Upload("u", static_cast<uint32_t>(parts.size() - 1), parts.back()).ok());
  ASSERT_TRUE(Apply(Applying("u", parts.size())).ok());
  EXPECT_EQ(Version(), 2u);
}

TEST_F(Reference, ARestartInMidUploadGoesOn) {
  const std::vector<ReferenceSet> parts = reference::SplitIntoParts(Large(), 100 << 10);
  ASSERT_TRUE(Upload("u", 0, parts[0]).ok());
  ASSERT_TRUE(Upload("u", 2, parts[2]).ok());
  redis_.Kill9();
  ASSERT_TRUE(motcua::test::Reconnected(client_, [&] { redis_.Restart(); }));
  service::Catalogues catalogues(loop_, store_);
  Intake restarted(store_, catalogues, publisher_);
  v1::GetReferenceUploadRequest ask;
  ask.set_shard("H30");
  ask.set_upload("u");
  const auto there = Wait(restarted.GetReferenceUpload(admin_, CallerOf(admin_), ask));
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_THAT(there->upload().parts(), ElementsAre(0, 2));
  for (size_t i = 1; i < parts.size(); ++i) ASSERT_TRUE(Upload("u", static_cast<uint32_t>(i), parts[i]).ok());
  const auto applied = Wait(restarted.ApplyReference(admin_, CallerOf(admin_), Applying("u", parts.size())));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->version(), 2u);
}

TEST_F(Reference, TwoAdministratorsAtOnceMakeTwoVersions) {
  ReferenceSet first = Large();
  ReferenceSet second = first;
  first.mutable_procedures(0)->set_name("First");
  second.mutable_procedures(0)->set_name("Second");
  const auth::Principal other = Officer("other", "H30", "admin");
  const std::vector<ReferenceSet> a = reference::SplitIntoParts(first, 200 << 10);
  const std::vector<ReferenceSet> b = reference::SplitIntoParts(second, 200 << 10);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(Upload("a", static_cast<uint32_t>(i), a[i]).ok());
    ASSERT_TRUE(Upload("b", static_cast<uint32_t>(i), b[i], &other).ok());
  }
  EXPECT_EQ(errors::Reason(Upload("b", 0, a[0]).status()), "NOT_YOUR_UPLOAD");
  const v1::ApplyReferenceRequest apply_a = Applying("a", a.size());
  const v1::ApplyReferenceRequest apply_b = Applying("b", b.size());
  std::vector<Task<absl::StatusOr<v1::ApplyReferenceResponse>>> calls;
  calls.push_back(intake_.ApplyReference(admin_, CallerOf(admin_, absl::Seconds(60)), apply_a));
  calls.push_back(intake_.ApplyReference(other, CallerOf(other, absl::Seconds(60)), apply_b));
  std::set<uint64_t> versions;
  for (const auto& response : Wait(async::WhenAll(std::move(calls)))) {
    ASSERT_TRUE(response.ok()) << response.status();
    versions.insert(response->version());
  }
  EXPECT_THAT(versions, ElementsAre(2, 3));
  ASSERT_TRUE(Upload("c", 0, first).ok());
  EXPECT_EQ(errors::Reason(Apply(Applying("c", 1, /*expected=*/2)).status()), "VERSION_MISMATCH");
}

TEST_F(Reference, AnUploadThatIsLeftGoesAfterADayWithItsPieces) {
  const size_t before = Pieces();
  ASSERT_TRUE(Upload("left", 0, Large({100, 200, 50})).ok());
  EXPECT_GT(Pieces(), before);
  TidyAfter(absl::Hours(23));
  EXPECT_GT(Pieces(), before);
  TidyAfter(absl::Hours(2));
  EXPECT_EQ(Pieces(), before);
  for (int i = 0; i < kMostUploads; ++i) ASSERT_TRUE(Upload(absl::StrCat("u", i), 0, JurisdictionSet()).ok());
  EXPECT_EQ(errors::Reason(Upload("more", 0, JurisdictionSet()).status()), "TOO_MANY_UPLOADS");
  v1::DropReferenceUploadRequest drop;
  drop.set_shard("H30");
  drop.set_upload("u0");
  ASSERT_TRUE(Wait(intake_.DropReferenceUpload(admin_, CallerOf(admin_), drop)).ok());
  EXPECT_TRUE(Upload("more", 0, JurisdictionSet()).ok());
}

TEST_F(Reference, OlderVersionsStayWhileAnOpenDossierNeedsThemAndShareTheirPieces) {
  ReferenceSet set = Large({100, 200, 300});
  ASSERT_EQ(ApplyWhole(set)->version(), 2u);
  const std::string code = File("request-1", true)->dossier().code();
  ASSERT_EQ(Get(code).reference_version(), 2u);
  const size_t one = Kept();
  for (int i = 0; i < 50; ++i) {
    set.mutable_procedures(i * 5)->set_name(absl::StrCat("Changed ", i));
    ASSERT_EQ(ApplyWhole(set)->version(), static_cast<uint64_t>(i + 3));
  }
  EXPECT_EQ(Versions().versions_size(), 52) << "all are young";
  EXPECT_LT(Pieces(), one + 2 + 2 * 51) << "a version has its own of what has changed alone";
  std::cout << "52 versions, 50 of which change one procedure: " << Pieces()
            << " pieces; one version: " << one << "\n";

  TidyAfter(absl::Hours(2));
  v1::ListReferenceVersionsResponse versions = Versions();
  ASSERT_EQ(versions.versions_size(), 2);
  EXPECT_EQ(versions.versions(0).version(), 52u);
  EXPECT_EQ(versions.versions(1).version(), 2u);
  EXPECT_EQ(versions.versions(1).open_dossiers(), 1u);
  v1::GetProcedureRequest get;
  get.set_shard("H30");
  get.set_procedure(set.procedures(5).code());
  EXPECT_EQ(Wait(intake_.GetProcedure(an_, CallerOf(an_), get))->procedure().name(), "Changed 1");
  get.set_version(2);
  EXPECT_EQ(Wait(intake_.GetProcedure(an_, CallerOf(an_), get))->procedure().name(),
            Large({100, 200, 300}).procedures(5).name());
  get.set_version(3);
  EXPECT_EQ(errors::Reason(Wait(intake_.GetProcedure(an_, CallerOf(an_), get)).status()), "UNKNOWN_VERSION");

  feed::v1::Event opened = Routed(common::v1::DOSSIER_STATUS_PROCESSING, clock_.Now());
  feed::v1::Event ready = Routed(common::v1::DOSSIER_STATUS_RESULT_READY, clock_.Now());
  opened.set_subject(code);
  ready.set_subject(code);
  Project({opened, ready});
  v1::ReturnResultRequest give;
  give.set_request_id("return-1");
  give.set_dossier(code);
  const auto given = Wait(intake_.ReturnResult(an_, CallerOf(an_), give));
  ASSERT_TRUE(given.ok()) << given.status();
  TidyAfter(absl::Minutes(1));
  EXPECT_EQ(Versions().versions_size(), 1);
  EXPECT_EQ(Pieces(), Kept());
  // Of what has gone nothing is left, under whatever name.
  EXPECT_EQ(Keys("in:{H30}:*refp*"), Kept());
  EXPECT_EQ(Keys("in:{H30}:*refv*"), 0u);
}

TEST_F(Reference, ListsArePagedFilteredAndStableWhileTheDataChange) {
  ReferenceSet set = Large();
  ASSERT_TRUE(ApplyWhole(set).ok());
  v1::ListAgenciesRequest request;
  request.set_shard("H30");
  request.set_under("H30.D01");
  request.set_page_size(50);
  std::vector<std::string> seen;
  bool changed = false;
  do {
    const auto page = Wait(intake_.ListAgencies(an_, CallerOf(an_), request));
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->agencies_size(), 50);
    for (const auto& agency : page->agencies()) seen.push_back(agency.id());
    request.set_page_token(page->next_page_token());
    if (!std::exchange(changed, true)) {
      set.mutable_procedures(0)->set_name("Other");
      ASSERT_TRUE(ApplyWhole(set).ok());
    }
  } while (!request.page_token().empty());
  std::vector<std::string> expected;
  for (const auto& agency : set.agencies()) {
    if (agency.id() == "H30.D01" || absl::StartsWith(agency.id(), "H30.D01."))
      expected.push_back(agency.id());
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(seen, expected);

  v1::ListProceduresRequest procedures;
  procedures.set_shard("H30");
  procedures.set_sector("dat dai");
  procedures.set_query("KHAI sinh");
  procedures.set_as_of("2025-01-13");
  const auto found = Wait(intake_.ListProcedures(an_, CallerOf(an_), procedures));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_GT(found->procedures_size(), 0);
  for (const auto& procedure : found->procedures()) {
    EXPECT_EQ(procedure.sector(), "Đất đai");
    EXPECT_THAT(procedure.name(), testing::HasSubstr("khai sinh"));
  }
  procedures.set_page_token(Wait(intake_.ListAgencies(an_, CallerOf(an_),
                                                      [] {
                                                        v1::ListAgenciesRequest first;
                                                        first.set_shard("H30");
                                                        first.set_page_size(1);
                                                        return first;
                                                      }()))
                                ->next_page_token());
  EXPECT_EQ(errors::Reason(Wait(intake_.ListProcedures(an_, CallerOf(an_), procedures)).status()),
            "BAD_PAGE_TOKEN");

  v1::ListOfficersRequest officers;
  officers.set_shard("H30");
  officers.set_under("H30.D00.C1");
  officers.set_role("leader");
  const auto leaders = Wait(intake_.ListOfficers(an_, CallerOf(an_), officers));
  ASSERT_TRUE(leaders.ok()) << leaders.status();
  EXPECT_GT(leaders->officers_size(), 0);
  for (const auto& officer : leaders->officers()) {
    EXPECT_TRUE(absl::StartsWith(officer.agency(), "H30.D00.C1"));
    EXPECT_THAT(officer.roles(), testing::Contains("leader"));
  }
  officers.set_under("H30.99");
  EXPECT_EQ(errors::Reason(Wait(intake_.ListOfficers(an_, CallerOf(an_), officers)).status()),
            "UNKNOWN_AGENCY");
  const auth::Principal stranger = Officer("la", "H31.01");
  EXPECT_EQ(errors::Reason(Wait(intake_.ListOfficers(stranger, CallerOf(stranger), officers)).status()),
            "NOT_YOUR_JURISDICTION");
}

// Ticks on the loop: the most that it computed, in CPU time, between two ticks.
class Stall {
 public:
  explicit Stall(async::Loop& loop) : loop_(loop), cancel_(loop) { loop.Spawn(Tick()); }
  absl::Duration Stop() {
    cancel_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
    return longest_;
  }

 private:
  static absl::Duration Cpu() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return absl::DurationFromTimespec(now);
  }
  Task<void> Tick() {
    absl::Duration last = Cpu();
    while (!cancel_.token().cancelled()) {
      co_await loop_.Schedule();
      const absl::Duration now = Cpu();
      longest_ = std::max(longest_, now - last);
      last = now;
    }
  }
  async::Loop& loop_;
  async::CancelSource cancel_;
  absl::Duration longest_;
};

double ResidentMegabytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

TEST_F(Reference, RealSizeAppliesInPartsReachesAnotherServiceAndStallsNobody) {
  store::Store copy_store(client_, clock_, "ro", absl::Hours(1));
  service::Catalogues copied(loop_, copy_store);
  Copy copy(copied);
  motcua::test::LocalSource source(loop_, publisher_);
  feed::Subscriptions subscriptions(loop_, copy_store, "routing");
  subscriptions.Add("intake", source, copy);
  async::CancelSource cancel(loop_);
  loop_.Spawn(publisher_.Run(cancel.token()));
  loop_.Spawn(subscriptions.Run(cancel.token()));

  ReferenceSet set = Large({});
  const std::vector<ReferenceSet> parts = reference::SplitIntoParts(set, 1 << 20);
  const absl::Time begun = absl::Now();
  UploadAll("real", parts);
  const absl::Time uploaded = absl::Now();
  const auto applied = Apply(Applying("real", parts.size()));
  ASSERT_TRUE(applied.ok()) << applied.status();
  const absl::Time done = absl::Now();
  const auto in_copy = [&](uint64_t version) {
    return motcua::test::WaitUntil(
        [&] {
          const auto catalogue = Wait(copied.Get("H30", Soon()));
          return catalogue.ok() && (*catalogue)->version() == version;
        },
        absl::Seconds(60));
  };
  ASSERT_TRUE(in_copy(2));
  const absl::Time used = absl::Now();
  EXPECT_EQ(Pieces("ro"), Kept());
  const auto catalogue = *Wait(copied.Get("H30", Soon()));
  EXPECT_EQ(catalogue->set().officers_size(), 50'000);
  std::cout << set.agencies_size() << " agencies, " << set.officers_size() << " officers, "
            << set.procedures_size() << " procedures: " << set.ByteSizeLong() / 1000 << " kB in "
            << parts.size() << " parts, " << Kept() << " pieces\n  uploaded in " << uploaded - begun
            << ", applied in " << done - uploaded << ", used by another service " << used - done
            << " later\n";

  // One procedure changes; other work goes on meanwhile.
  set.mutable_procedures(100)->set_name("Changed");
  const std::vector<ReferenceSet> changed = reference::SplitIntoParts(set, 1 << 20);
  const uint64_t feed = FeedLength();
  auto stall = std::make_unique<Stall>(loop_);
  UploadAll("next", changed);
  ASSERT_TRUE(Apply(Applying("next", changed.size())).ok());
  ASSERT_TRUE(in_copy(3));
  cancel.Cancel();
  const absl::Duration longest = stall->Stop();
  EXPECT_EQ(FeedLength(), feed + 2) << "the piece, and the version";
  EXPECT_EQ(Pieces("ro"), Kept());
  EXPECT_EQ(Keys("ro:{H30}:*refp*"), Kept()) << "nothing is left of what has gone";
  EXPECT_EQ(copied.compiled(), 3u) << "each version once";
  std::cout << "  the loop's longest turn, of both services together: " << longest << " of CPU\n";
  EXPECT_LT(longest, absl::Milliseconds(100));

  const double before = ResidentMegabytes();
  service::Catalogues fresh(loop_, store_);
  const absl::Time read = absl::Now();
  ASSERT_TRUE(Wait(fresh.Get("H30", Soon())).ok());
  std::cout << "  read and compiled by a service that starts in " << absl::Now() - read << ", "
            << ResidentMegabytes() - before << " MB resident\n";

  v1::ListProceduresRequest list;
  list.set_shard("H30");
  std::vector<absl::Duration> pages;
  int listed = 0;
  do {
    const absl::Time asked = absl::Now();
    const auto page = Wait(intake_.ListProcedures(an_, CallerOf(an_), list));
    pages.push_back(absl::Now() - asked);
    ASSERT_TRUE(page.ok()) << page.status();
    listed += page->procedures_size();
    list.set_page_token(page->next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(listed, set.procedures_size());
  std::sort(pages.begin(), pages.end());
  std::cout << "  pages of 100 procedures: median " << pages[pages.size() / 2] << ", slowest " << pages.back()
            << "\n";
}

}  // namespace
}  // namespace motcua::intake::test
