// What intake's calls promise, against a real redis-server.
#include <set>

#include "absl/strings/str_cat.h"
#include "common/async/when_all.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/projections/progress_projection.h"
#include "tests/integration/intake/office.h"
#include "tests/support/reconnected.h"

namespace motcua::intake::test {

namespace {

using async::Task;

feed::v1::Event About(const std::string& code, DossierStatus to) {
  feed::v1::Event event = Routed(to, MondayMorning() + absl::Hours(1));
  event.set_subject(code);
  return event;
}

}  // namespace

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Calls : public Office {};

TEST_F(Calls, FilingIssuesCodesInOrderAndASecret) {
  const auto first = File("request-1", true);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->dossier().code(), "H30.18.05-250113-0001");
  EXPECT_EQ(first->written().subject(), first->dossier().code());
  EXPECT_EQ(first->dossier().version(), 1u);
  EXPECT_EQ(first->written().version(), 1u);
  EXPECT_EQ(first->written().feed_position(), 2u);  // after ReferenceApplied
  EXPECT_EQ(first->secret().size(), 6u);
  EXPECT_EQ(File("request-2")->dossier().code(), "H30.18.05-250113-0002");
  clock_.AdvanceTo(Local(2025, 1, 14, 0, 0));
  EXPECT_EQ(File("request-3")->dossier().code(), "H30.18.05-250114-0001");
  EXPECT_EQ(Get("000.05.18.H30-250113-0001").due().date(), "2025-01-16");
}

TEST_F(Calls, ARepeatedFilingReturnsTheSameAndTakesNoNumber) {
  const auto first = File("request-1");
  ASSERT_TRUE(first.ok());
  const auto again = File("request-1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->written().replayed());
  EXPECT_EQ(again->dossier().code(), first->dossier().code());
  EXPECT_EQ(again->secret(), first->secret());
  EXPECT_EQ(again->written().feed_position(), first->written().feed_position());
  const absl::Status other = File("request-1", true).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(errors::Reason(other), "REQUEST_ID_REUSED");
  // Refused applications take none either.
  v1::FileRequest bad = Application("9.999999");
  bad.set_request_id("request-bad");
  EXPECT_EQ(errors::Reason(Wait(intake_.File(an_, CallerOf(an_), bad)).status()), "UNKNOWN_PROCEDURE");
  EXPECT_EQ(TailOfCode(File("request-2")->dossier().code()), "250113-0002");
  EXPECT_EQ(Statistics().dossiers(), 2u);
}

TEST_F(Calls, TheSameFilingManyTimesAtOnceMakesOneDossier) {
  std::vector<Task<absl::StatusOr<v1::FileResponse>>> calls;
  const v1::FileRequest request = Application("1.000001", true);
  for (int i = 0; i < 20; ++i) calls.push_back(intake_.File(an_, CallerOf(an_), request));
  std::set<std::string> codes;
  for (const auto& response : Wait(async::WhenAll(std::move(calls)))) {
    ASSERT_TRUE(response.ok()) << response.status();
    codes.insert(response->dossier().code());
  }
  EXPECT_THAT(codes, SizeIs(1));
  EXPECT_EQ(Statistics().dossiers(), 1u);
  EXPECT_EQ(FeedLength(), 2u);
}

TEST_F(Calls, ManyFilingsAtOnceHaveCodesOfTheirOwn) {
  std::vector<Task<absl::StatusOr<v1::FileResponse>>> calls;
  std::vector<v1::FileRequest> requests;
  for (int i = 0; i < 200; ++i) {
    requests.push_back(Application("1.000001", i % 2 == 0));
    requests.back().set_request_id(absl::StrCat("request-", i));
  }
  for (const v1::FileRequest& request : requests) calls.push_back(intake_.File(an_, CallerOf(an_), request));
  std::set<std::string> codes;
  for (const auto& response : Wait(async::WhenAll(std::move(calls)))) {
    ASSERT_TRUE(response.ok()) << response.status();
    codes.insert(response->dossier().code());
  }
  EXPECT_THAT(codes, SizeIs(200));
  EXPECT_EQ(Statistics().by_status().at(2), 100u);
  EXPECT_EQ(Statistics().by_channel().at("direct"), 200u);
}

// Compiling takes tens of milliseconds: as often as there are calls, and the first second of a service would
// be lost.
TEST_F(Calls, CallsThatArriveTogetherCompileTheCatalogueOnce) {
  service::Catalogues fresh(loop_, store_);
  std::vector<Task<absl::StatusOr<std::shared_ptr<const reference::Catalogue>>>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(fresh.Get("H30", Soon()));
  for (const auto& catalogue : Wait(async::WhenAll(std::move(calls)))) {
    ASSERT_TRUE(catalogue.ok()) << catalogue.status();
    EXPECT_EQ(*catalogue, *Wait(fresh.Get("H30", Soon())));
  }
  EXPECT_EQ(fresh.compiled(), 1u);
  loop_.RunAndWait([&] { fresh.Changed("H30"); });  // to what it is already: looked at, not compiled
  EXPECT_TRUE(Wait(fresh.Get("H30", Soon())).ok());
  EXPECT_EQ(fresh.compiled(), 1u);
}

TEST_F(Calls, ACodeThatIsTakenIsSkipped) {
  ASSERT_EQ(TailOfCode(File("request-1")->dossier().code()), "250113-0001");
  // As after a sequence was lost.
  redis::Command forget("DEL");
  forget.Arg(store_.Keys("H30").Sequence("H30.18.05-250113"));
  ASSERT_TRUE(Wait(client_.Execute(std::move(forget), Soon())).ok());
  const auto second = File("request-2");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(TailOfCode(second->dossier().code()), "250113-0002");
}

TEST_F(Calls, TheSequenceOfADayEndsWithAnError) {
  redis::Command far("SET");
  far.Arg(store_.Keys("H30").Sequence("H30.18.05-250113")).Arg(9998);
  ASSERT_TRUE(Wait(client_.Execute(std::move(far), Soon())).ok());
  EXPECT_EQ(TailOfCode(File("request-1")->dossier().code()), "250113-9999");
  EXPECT_EQ(TailOfCode(File("request-2")->dossier().code()), "250113-10000");
  redis::Command end("SET");
  end.Arg(store_.Keys("H30").Sequence("H30.18.05-250113")).Arg(9'999'999);
  ASSERT_TRUE(Wait(client_.Execute(std::move(end), Soon())).ok());
  EXPECT_EQ(errors::Reason(File("request-3").status()), "CODE_SPACE_EXHAUSTED");
}

TEST_F(Calls, ALifeFromFilingToRating) {
  const auto filed = File("request-1");
  const std::string code = filed->dossier().code();
  v1::AcceptRequest accept;
  accept.set_request_id("accept-1");
  accept.set_dossier(code);
  accept.set_expected_version(9);
  EXPECT_EQ(errors::Reason(Wait(intake_.Accept(an_, CallerOf(an_), accept)).status()), "VERSION_MISMATCH");
  accept.set_expected_version(1);
  const auto accepted = Wait(intake_.Accept(an_, CallerOf(an_), accept));
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->dossier().version(), 2u);
  EXPECT_EQ(Wait(intake_.Accept(an_, CallerOf(an_), accept))->dossier().version(), 2u);
  accept.set_request_id("accept-2");
  accept.clear_expected_version();
  EXPECT_EQ(errors::Reason(Wait(intake_.Accept(an_, CallerOf(an_), accept)).status()), "ALREADY_ACCEPTED");

  v1::ReturnResultRequest give;
  give.set_request_id("return-1");
  give.set_dossier(code);
  EXPECT_EQ(errors::Reason(Wait(intake_.ReturnResult(an_, CallerOf(an_), give)).status()), "NOT_FINISHED");
  Project({About(code, common::v1::DOSSIER_STATUS_PROCESSING), About(code, common::v1::DOSSIER_STATUS_SUPPLEMENT),
           About(code, common::v1::DOSSIER_STATUS_PROCESSING), About("H30.18.05-250113-0999", common::v1::DOSSIER_STATUS_PROCESSING)});
  EXPECT_EQ(Get(code).status(), common::v1::DOSSIER_STATUS_SUPPLEMENT) << "RouteOpened does not resume";
  feed::v1::Event received;
  received.set_subject(code);
  received.mutable_supplement_received();
  Project({received, About(code, common::v1::DOSSIER_STATUS_RESULT_READY)});
  EXPECT_EQ(Get(code).status(), common::v1::DOSSIER_STATUS_RESULT_READY);
  EXPECT_EQ(Get(code).holder(), "H30.18.LR");
  ASSERT_TRUE(Wait(intake_.ReturnResult(an_, CallerOf(an_), give)).ok());
  give.set_request_id("return-2");
  EXPECT_EQ(errors::Reason(Wait(intake_.ReturnResult(an_, CallerOf(an_), give)).status()), "DOSSIER_ENDED");

  v1::RateRequest rate;
  rate.set_request_id("rate-1");
  rate.set_dossier(code);
  rate.set_score(3);
  rate.set_secret(filed->secret());
  const auth::Principal nobody;
  ASSERT_TRUE(Wait(intake_.Rate(nobody, CallerOf(nobody), rate)).ok());
  EXPECT_EQ(Statistics().by_rating().at(3), 1u);
  EXPECT_EQ(Statistics().by_status().at(10), 1u);
  EXPECT_EQ(Statistics().by_status().size(), 1u);

  v1::GetHistoryRequest history;
  history.set_dossier(code);
  const auto lines = Wait(intake_.GetHistory(an_, CallerOf(an_), history));
  ASSERT_TRUE(lines.ok());
  EXPECT_TRUE(lines->history().verified());
  std::vector<std::string> actions;
  for (const auto& line : lines->history().entries()) actions.push_back(line.action());
  EXPECT_THAT(actions, ElementsAre("DossierFiled", "DossierAccepted", "RouteOpened", "SupplementRequested",
                                   "SupplementReceived", "ResultReady", "ResultReturned", "DossierRated"));
  const std::string key = store_.Keys("H30").Record("d", code);
  std::string stored = *Wait(store_.Get({key}, Soon()))->front();
  stored[stored.find("ResultReady")] = 'r';
  redis::Command forge("SET");
  forge.Arg(key).Arg(stored);
  ASSERT_TRUE(Wait(client_.Execute(std::move(forge), Soon())).ok());
  EXPECT_FALSE(Wait(intake_.GetHistory(an_, CallerOf(an_), history))->history().verified());
}

TEST_F(Calls, ListsAreNewestFirstPagedAndOfOneAgency) {
  for (int i = 1; i <= 5; ++i) {
    clock_.AdvanceTo(clock_.Now() + absl::Minutes(1));
    ASSERT_TRUE(File(absl::StrCat("request-", i), i % 2 == 1).ok());
  }
  v1::ListDossiersRequest request;
  request.set_agency("000.05.18.H30");
  request.set_page_size(2);
  std::vector<std::string> tails;
  do {
    const auto page = Wait(intake_.ListDossiers(an_, CallerOf(an_), request));
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->total(), 5u);
    for (const v1::Dossier& dossier : page->dossiers()) tails.emplace_back(TailOfCode(dossier.code()));
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(tails, ElementsAre("250113-0005", "250113-0004", "250113-0003", "250113-0002", "250113-0001"));

  request.set_status(common::v1::DOSSIER_STATUS_NEW);
  request.set_page_size(0);
  const auto waiting = Wait(intake_.ListDossiers(an_, CallerOf(an_), request));
  EXPECT_EQ(waiting->total(), 2u);
  EXPECT_THAT(waiting->dossiers(), SizeIs(2));
  const auth::Principal six = Officer("binh", "H30.18.06");
  EXPECT_EQ(errors::Reason(Wait(intake_.ListDossiers(six, CallerOf(six), request)).status()), "NOT_YOUR_AGENCY");
  request.set_agency("H30.18.06");
  EXPECT_THAT(Wait(intake_.ListDossiers(six, CallerOf(six), request))->dossiers(), IsEmpty());
  EXPECT_TRUE(Wait(intake_.ListDossiers(admin_, CallerOf(admin_), request)).ok());
  request.set_agency("H30.99");
  EXPECT_EQ(errors::Reason(Wait(intake_.ListDossiers(admin_, CallerOf(admin_), request)).status()), "UNKNOWN_AGENCY");
  request.set_agency("H30.18.05");
  request.set_page_token("nonsense");
  EXPECT_EQ(Wait(intake_.ListDossiers(an_, CallerOf(an_), request)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Calls, TheLookUpTellsNobodyWhetherACodeExists) {
  const auto filed = File("request-1", true);
  v1::LookUpRequest right;
  right.set_dossier(filed->dossier().code());
  right.set_secret(filed->secret());
  v1::LookUpRequest wrong = right;
  wrong.set_secret("222222");
  v1::LookUpRequest unknown = right;
  unknown.set_dossier("H30.18.05-250113-0002");
  v1::LookUpRequest elsewhere = right;
  elsewhere.set_dossier("H99.18.05-250113-0002");
  const auth::Principal nobody;
  const auto look = [&](const v1::LookUpRequest& request) { return Wait(intake_.LookUp(CallerOf(nobody), request)); };
  EXPECT_EQ(look(right)->procedure_name(), "Simple");
  const absl::Status refused = look(wrong).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(look(unknown).status(), refused);
  EXPECT_EQ(look(elsewhere).status(), refused);
  int guesses = 1;
  while (absl::IsNotFound(look(wrong).status())) ++guesses;
  EXPECT_EQ(guesses, GuessLimit::kMaxFailures);
  EXPECT_EQ(errors::Reason(look(wrong).status()), "TOO_MANY_GUESSES");
  EXPECT_EQ(errors::Reason(look(right).status()), "TOO_MANY_GUESSES") << "or guessing would go on";
}

TEST_F(Calls, OfficersOfAnotherJurisdictionAreSentAway) {
  const std::string code = File("request-1")->dossier().code();
  const auth::Principal stranger = Officer("st", "H31.01");
  v1::GetDossierRequest get;
  get.set_dossier(code);
  EXPECT_EQ(errors::Reason(Wait(intake_.GetDossier(stranger, CallerOf(stranger), get)).status()), "NOT_YOUR_JURISDICTION");
  v1::RefuseRequest refuse;
  refuse.set_request_id("refuse-1");
  refuse.set_dossier(code);
  refuse.set_reason("no");
  EXPECT_EQ(errors::Reason(Wait(intake_.Refuse(stranger, CallerOf(stranger), refuse)).status()), "NOT_YOUR_JURISDICTION");
  const auth::Principal six = Officer("binh", "H30.18.06");
  EXPECT_EQ(errors::Reason(Wait(intake_.Refuse(six, CallerOf(six), refuse)).status()), "NOT_RECEIVING_AGENCY");
  EXPECT_EQ(Get(code).status(), common::v1::DOSSIER_STATUS_NEW);
}

TEST_F(Calls, ReferenceDataAppliesOnceAndAtOnce) {
  v1::ApplyReferenceRequest request;
  *request.mutable_set() = JurisdictionSet();
  auto same = Wait(intake_.ApplyReference(admin_, CallerOf(admin_), request));
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_FALSE(same->changed());
  EXPECT_EQ(same->version(), 1u);
  request.mutable_set()->mutable_procedures(0)->set_name("Renamed");
  request.set_dry_run(true);
  EXPECT_TRUE(Wait(intake_.ApplyReference(admin_, CallerOf(admin_), request))->changed());
  EXPECT_EQ(FeedLength(), 1u);
  request.set_dry_run(false);
  EXPECT_EQ(Wait(intake_.ApplyReference(admin_, CallerOf(admin_), request))->version(), 2u);
  EXPECT_EQ(FeedLength(), 2u);
  EXPECT_EQ(File("request-1", true)->dossier().reference_version(), 2u);
  v1::GetReferenceRequest get;
  get.set_shard("H30");
  EXPECT_EQ(Wait(intake_.GetReference(CallerOf(an_), get))->set().version(), 2u);
  get.set_shard("H99");
  EXPECT_EQ(errors::Reason(Wait(intake_.GetReference(CallerOf(an_), get)).status()), "UNKNOWN_SHARD");
  request.mutable_set()->mutable_agencies(1)->set_parent("H30.99");
  EXPECT_EQ(errors::Reason(Wait(intake_.ApplyReference(admin_, CallerOf(admin_), request)).status()), "REFERENCE_INVALID");
}

TEST_F(Calls, AcknowledgedDossiersSurviveAPowerCutAndTheServiceRecoversByItself) {
  std::vector<std::string> codes;
  for (int i = 0; i < 20; ++i) codes.push_back(File(absl::StrCat("request-", i), true)->dossier().code());
  redis_.Kill9();
  const absl::Time before = absl::Now();
  const absl::Status gone = File("request-gone").status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable) << gone;
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
  ASSERT_TRUE(motcua::test::Reconnected(client_, [&] { redis_.Restart(); }));
  for (const std::string& code : codes) EXPECT_EQ(Get(code).status(), common::v1::DOSSIER_STATUS_ACCEPTED);
  EXPECT_TRUE(File("request-gone").ok());
  EXPECT_EQ(Statistics().dossiers(), 21u);
  const auto again = File("request-3", true);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->written().replayed());
  EXPECT_EQ(again->dossier().code(), codes[3]);
}

}  // namespace
}  // namespace motcua::intake::test
