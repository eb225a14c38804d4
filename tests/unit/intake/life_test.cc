// Every decision in every status, for own and foreign agencies; and random lives.
#include "services/intake/domain/dossier/life.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/code/dossier_code.h"
#include "services/intake/domain/dossier/view.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

using common::v1::DossierStatus;
using Decided = absl::StatusOr<store::Decision<internal::intake::DossierRecord>>;

const reference::Catalogue& Province() {
  static const auto* const catalogue = new std::shared_ptr<const reference::Catalogue>(CompileJurisdiction());
  return **catalogue;
}

Decided Accepting(const internal::intake::DossierRecord* record, const store::Context& context,
                  Standing standing) {
  return DecideAccept(record, v1::AcceptRequest(), context, Province(), standing);
}
Decided Refusing(const internal::intake::DossierRecord* record, const store::Context& context,
                 Standing standing) {
  return DecideRefuse(record, v1::RefuseRequest(), context, Province(), standing);
}
Decided Returning(const internal::intake::DossierRecord* record, const store::Context& context,
                  Standing standing) {
  return DecideReturn(record, v1::ReturnResultRequest(), context, Province(), standing);
}
Decided Rating(const internal::intake::DossierRecord* record, const store::Context& context,
               Standing standing) {
  v1::RateRequest request;
  request.set_score(2);
  return DecideRate(record, request, context, Province(), RaterGround::kOfficer, standing);
}

// What each decision answers in the statuses 1 to 10; "" = it is taken.
struct Row {
  const char* name;
  Decided (*decide)(const internal::intake::DossierRecord*, const store::Context&, Standing);
  const char* in_status[10];
  DossierStatus leads_to;
};

const Row kRows[] = {
    {"Accept", Accepting,
     {"", "ALREADY_ACCEPTED", "DOSSIER_ENDED", "ALREADY_ACCEPTED", "ALREADY_ACCEPTED", "ALREADY_ACCEPTED",
      "DOSSIER_ENDED", "ALREADY_ACCEPTED", "ALREADY_ACCEPTED", "DOSSIER_ENDED"},
     common::v1::DOSSIER_STATUS_ACCEPTED},
    {"Refuse", Refusing,
     {"", "ALREADY_ACCEPTED", "DOSSIER_ENDED", "ALREADY_ACCEPTED", "ALREADY_ACCEPTED", "ALREADY_ACCEPTED",
      "DOSSIER_ENDED", "ALREADY_ACCEPTED", "ALREADY_ACCEPTED", "DOSSIER_ENDED"},
     common::v1::DOSSIER_STATUS_REFUSED},
    {"Return", Returning,
     {"NOT_ACCEPTED", "NOT_FINISHED", "DOSSIER_ENDED", "NOT_FINISHED", "NOT_FINISHED", "NOT_FINISHED",
      "DOSSIER_ENDED", "NOT_FINISHED", "", "DOSSIER_ENDED"},
     common::v1::DOSSIER_STATUS_RETURNED},
    {"Rate", Rating,
     {"NOT_RETURNED", "NOT_RETURNED", "DOSSIER_ENDED", "NOT_RETURNED", "NOT_RETURNED", "NOT_RETURNED",
      "DOSSIER_ENDED", "NOT_RETURNED", "NOT_RETURNED", ""},
     common::v1::DOSSIER_STATUS_RETURNED},
};

class Decisions : public testing::TestWithParam<Row> {};

TEST_P(Decisions, AreTakenOnlyInTheirStatus) {
  for (int status = 1; status <= 10; ++status) {
    SCOPED_TRACE(status);
    const internal::intake::DossierRecord record = DossierIn(static_cast<DossierStatus>(status), Province());
    const Decided decided = GetParam().decide(&record, At(MondayMorning()), Standing::kOwnAgency);
    EXPECT_EQ(decided.ok() ? "" : errors::Reason(decided.status()), GetParam().in_status[status - 1]);
    if (decided.ok()) {
      EXPECT_EQ(decided->record.dossier().status(), GetParam().leads_to);
      EXPECT_EQ(decided->events.size(), 1u);
      ASSERT_EQ(decided->history.size(), 1u);
      EXPECT_EQ(decided->history[0].status(), GetParam().leads_to);
      EXPECT_EQ(decided->history[0].actor().id(), "an");
    } else {
      EXPECT_EQ(decided.status().code(), absl::StatusCode::kFailedPrecondition);
    }
  }
}

TEST_P(Decisions, AreTheReceivingAgencysAlone) {
  for (int status = 1; status <= 10; ++status) {
    const internal::intake::DossierRecord record = DossierIn(static_cast<DossierStatus>(status), Province());
    const Decided foreign = GetParam().decide(&record, At(MondayMorning(), "H30.18.06"), Standing::kOwnAgency);
    EXPECT_EQ(errors::Reason(foreign.status()), "NOT_RECEIVING_AGENCY") << status;
    const Decided administrator = GetParam().decide(&record, At(MondayMorning(), "H30"), Standing::kJurisdiction);
    EXPECT_EQ(administrator.ok() ? "" : errors::Reason(administrator.status()), GetParam().in_status[status - 1]);
  }
}

TEST_P(Decisions, NeedADossier) {
  EXPECT_EQ(errors::Reason(GetParam().decide(nullptr, At(MondayMorning()), Standing::kOwnAgency).status()),
            "DOSSIER_NOT_FOUND");
}

INSTANTIATE_TEST_SUITE_P(Table, Decisions, testing::ValuesIn(kRows), [](const auto& info) { return info.param.name; });

TEST(Accept, UsesTheProcedureOfTheDayOfReceipt) {
  v1::FileRequest request = Application("1.000003");
  const auto filed = DecideFile(request, kCode, kSecret, At(Local(2025, 1, 31, 9, 0)), Province(), Standing::kOwnAgency);
  ASSERT_TRUE(filed.ok());
  EXPECT_TRUE(DecideAccept(&filed->record, v1::AcceptRequest(), At(Local(2025, 1, 31, 16, 0)), Province(), Standing::kOwnAgency).ok());
  EXPECT_EQ(errors::Reason(DecideAccept(&filed->record, v1::AcceptRequest(), At(Local(2025, 2, 1, 8, 0)), Province(),
                                        Standing::kOwnAgency).status()),
            "PROCEDURE_NOT_IN_FORCE");
}

TEST(Accept, StatedPapersMustBeComplete) {
  v1::FileRequest request = Application();
  request.add_components()->set_name("Form");
  const auto filed = DecideFile(request, kCode, kSecret, At(MondayMorning()), Province(), Standing::kOwnAgency);
  EXPECT_EQ(errors::Reason(Accepting(&filed->record, At(MondayMorning()), Standing::kOwnAgency).status()), "COMPONENT_MISSING");
}

// What H30.18.07 received before it ended on 1 March 2025, and H30.18.05 continues.
TEST(Decisions, ArePassedOnToTheSuccessorOnItsDay) {
  constexpr char kEnded[] = "H30.18.07";
  const absl::Time before = Local(2025, 2, 28, 9, 0), after = Local(2025, 3, 3, 9, 0);
  for (const auto& [decide, status] : {std::pair(&Accepting, common::v1::DOSSIER_STATUS_NEW),
                                       std::pair(&Refusing, common::v1::DOSSIER_STATUS_NEW),
                                       std::pair(&Returning, common::v1::DOSSIER_STATUS_RESULT_READY),
                                       std::pair(&Rating, common::v1::DOSSIER_STATUS_RETURNED)}) {
    internal::intake::DossierRecord record = DossierIn(status, Province());
    record.mutable_dossier()->set_receiving_agency(kEnded);
    EXPECT_TRUE(decide(&record, At(before, kEnded), Standing::kOwnAgency).ok());
    EXPECT_EQ(errors::Reason(decide(&record, At(before, kCommune), Standing::kOwnAgency).status()),
              "NOT_RECEIVING_AGENCY");
    const Decided passed_on = decide(&record, At(after, kCommune), Standing::kOwnAgency);
    ASSERT_TRUE(passed_on.ok()) << passed_on.status();
    // Where it was handed in stays as it was.
    EXPECT_EQ(passed_on->record.dossier().receiving_agency(), kEnded);
    EXPECT_EQ(errors::Reason(decide(&record, At(after, kEnded), Standing::kOwnAgency).status()),
              "NOT_RECEIVING_AGENCY");
  }
}

TEST(Rate, IsOnceAndWithASecretTellsNothingToStrangers) {
  const internal::intake::DossierRecord record = DossierIn(common::v1::DOSSIER_STATUS_RETURNED, Province());
  v1::RateRequest request;
  request.set_score(3);
  const store::Context stranger(MondayMorning(), common::v1::Actor());
  for (const char* wrong : {"", "ABC235", "ABC2345", "ABC23"}) {
    request.set_secret(wrong);
    const Decided decided =
        DecideRate(&record, request, stranger, Province(), RaterGround::kSecret, Standing::kOwnAgency);
    EXPECT_EQ(decided.status(),
              DecideRate(nullptr, request, stranger, Province(), RaterGround::kSecret, Standing::kOwnAgency)
                  .status());
  }
  request.set_secret("abc234");
  const Decided rated =
      DecideRate(&record, request, stranger, Province(), RaterGround::kSecret, Standing::kOwnAgency);
  ASSERT_TRUE(rated.ok()) << rated.status();
  EXPECT_EQ(rated->record.dossier().rating().score(), 3u);
  EXPECT_EQ(rated->events[0].dossier_rated().receiving_agency(), kCommune);
  EXPECT_EQ(errors::Reason(DecideRate(&rated->record, request, stranger, Province(), RaterGround::kSecret,
                                      Standing::kOwnAgency)
                               .status()),
            "ALREADY_RATED");
}

TEST(Follow, TakesWhatFitsAndSkipsTheRest) {
  const std::map<DossierStatus, std::set<DossierStatus>> fits = {
      {common::v1::DOSSIER_STATUS_PROCESSING, {common::v1::DOSSIER_STATUS_ACCEPTED}},
      {common::v1::DOSSIER_STATUS_SUPPLEMENT, {common::v1::DOSSIER_STATUS_PROCESSING}},
      {common::v1::DOSSIER_STATUS_RESULT_READY, {common::v1::DOSSIER_STATUS_PROCESSING}}};
  const absl::Time later = MondayMorning() + absl::Hours(1);
  for (const auto& [to, from] : fits) {
    for (int status = 1; status <= 10; ++status) {
      const internal::intake::DossierRecord record =
          DossierIn(static_cast<DossierStatus>(status), Province());
      const auto decision = Follow(record, Routed(to, later), At(later));
      ASSERT_EQ(decision.has_value(), from.count(static_cast<DossierStatus>(status)) > 0) << status << " to " << to;
      if (!decision.has_value()) continue;
      EXPECT_EQ(decision->record.dossier().status(), to);
      EXPECT_TRUE(decision->events.empty());
      EXPECT_EQ(decision->history.size(), 1u);
      if (to == common::v1::DOSSIER_STATUS_RESULT_READY) {
        EXPECT_EQ(time::FromTimestamp(decision->record.dossier().result_at()), later);
      }
    }
  }
}

TEST(Follow, OnlyTheSupplementItselfResumes) {
  feed::v1::Event received;
  received.mutable_supplement_received()->set_note("the paper");
  for (int status = 1; status <= 10; ++status) {
    const internal::intake::DossierRecord record = DossierIn(static_cast<DossierStatus>(status), Province());
    const auto decision = Follow(record, received, At(MondayMorning()));
    ASSERT_EQ(decision.has_value(), status == common::v1::DOSSIER_STATUS_SUPPLEMENT);
    if (decision.has_value()) {
      EXPECT_EQ(decision->record.dossier().status(), common::v1::DOSSIER_STATUS_PROCESSING);
    }
  }
}

TEST(Follow, CustodyMovesWithoutAHistoryLine) {
  const internal::intake::DossierRecord record = DossierIn(common::v1::DOSSIER_STATUS_PROCESSING, Province());
  feed::v1::Event event;
  event.mutable_hand_over_accepted()->set_receiver("H30.18");
  const auto decision = Follow(record, event, At(MondayMorning()));
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(decision->record.dossier().holder(), "H30.18");
  EXPECT_TRUE(decision->history.empty());
  const internal::intake::DossierRecord ended = DossierIn(common::v1::DOSSIER_STATUS_RETURNED, Province());
  EXPECT_FALSE(Follow(ended, event, At(MondayMorning())).has_value());
}

TEST(Follow, ANewDueLeavesThePromiseVisible) {
  const internal::intake::DossierRecord record = DossierIn(common::v1::DOSSIER_STATUS_PROCESSING, Province());
  EXPECT_FALSE(record.dossier().has_due()) << "kept once";
  feed::v1::Event event;
  event.mutable_due_changed()->mutable_due()->set_date("2025-02-10");
  const auto moved = Follow(record, event, At(MondayMorning()));
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(ViewOf(moved->record, 1).due().date(), "2025-02-10");
  EXPECT_EQ(ViewOf(moved->record, 1).original_due().date(), "2025-01-16");
  *event.mutable_due_changed()->mutable_due() = record.dossier().original_due();
  const auto back = Follow(moved->record, event, At(MondayMorning()));
  EXPECT_FALSE(back->record.dossier().has_due());
  EXPECT_EQ(ViewOf(back->record, 1).due().date(), "2025-01-16");
}

TEST(PublicView, TellsNamesAndNoPersonalData) {
  internal::intake::DossierRecord record = DossierIn(common::v1::DOSSIER_STATUS_PROCESSING, Province());
  record.mutable_dossier()->set_subject("about a person");
  const v1::LookUpResponse view = PublicViewOf(record, Province());
  EXPECT_EQ(view.procedure_name(), "Simple");
  EXPECT_EQ(view.receiving_agency_name(), "Commune five");
  EXPECT_EQ(view.holder_name(), "Land registry");
  EXPECT_EQ(view.due().date(), "2025-01-16");
  const std::string bytes = view.SerializeAsString();
  for (const char* personal : {"Nguyễn", "a@example.org", kSecret, "about a person"}) {
    EXPECT_EQ(bytes.find(personal), std::string::npos) << personal;
  }
}

// A store in memory that knows no rule but the model's.
class Registry {
 public:
  void Put(const internal::intake::DossierRecord& record) {
    const std::string& code = record.dossier().code();
    Count(records_[code], -1);
    records_[code] = record;
    Count(record, 1);
  }
  std::map<std::string, internal::intake::DossierRecord>& records() { return records_; }
  store::Counters Counted() const {
    store::Counters counters;
    for (const auto& [field, value] : counters_) {
      if (value != 0) counters[field] = value;
    }
    return counters;
  }
  store::Counters Recounted() const {
    store::Counters counters;
    for (const auto& [code, record] : records_) {
      for (const auto& [field, value] : store::CountersOf<DossierModel>(record)) counters[field] += value;
    }
    return counters;
  }

 private:
  void Count(const internal::intake::DossierRecord& record, int sign) {
    if (record.dossier().code().empty()) return;
    for (const auto& [field, value] : store::CountersOf<DossierModel>(record))
      counters_[field] += sign * value;
  }
  std::map<std::string, internal::intake::DossierRecord> records_;
  store::Counters counters_;
};

TEST(RandomLives, NeverBreakTheTableOfTransitionsTheFiguresOrTheUniquenessOfCodes) {
  const char* const given = std::getenv("MOTCUA_TEST_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
  SCOPED_TRACE(testing::Message() << "MOTCUA_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  Registry registry;
  std::map<std::string, uint64_t> numbers;
  absl::Time now = MondayMorning();
  for (int step = 0; step < 5000; ++step) {
    now += absl::Minutes(random() % 30);
    const bool own = random() % 8 != 0;
    const store::Context context = At(now, own ? kCommune : "H30.18.06");
    if (registry.records().empty() || random() % 5 == 0) {
      const absl::CivilDay day = Province().DayOf(now);
      const auto code = ComposeCode(kCommune, day, ++numbers[DayStamp(day)]);
      ASSERT_TRUE(code.ok());
      ASSERT_EQ(registry.records().count(*code), 0u);
      const char* procedures[] = {"1.000001", "1.000002", "1.000003", "9.999999"};
      const auto filed = DecideFile(Application(procedures[random() % 4], random() % 2), *code, kSecret, context, Province(),
                                    Standing::kOwnAgency);
      if (!own) {
        ASSERT_FALSE(filed.ok());
      }
      if (filed.ok()) registry.Put(filed->record);
      continue;
    }
    auto at = registry.records().begin();
    std::advance(at, random() % registry.records().size());
    const internal::intake::DossierRecord before = at->second;
    const int choice = static_cast<int>(random() % 8);
    std::optional<store::Decision<internal::intake::DossierRecord>> decision;
    if (choice < 4) {
      Decided decided = kRows[choice].decide(&before, context, Standing::kOwnAgency);
      if (decided.ok()) decision = *std::move(decided);
      if (decision.has_value()) {
        ASSERT_TRUE(own);
      }
    } else {
      const DossierStatus targets[] = {common::v1::DOSSIER_STATUS_PROCESSING, common::v1::DOSSIER_STATUS_SUPPLEMENT,
                                       common::v1::DOSSIER_STATUS_RESULT_READY};
      feed::v1::Event event = Routed(targets[random() % 3], now);
      if (random() % 4 == 0) event.mutable_supplement_received();
      decision = Follow(before, event, context);
    }
    if (!decision.has_value()) continue;
    const DossierStatus was = before.dossier().status();
    const DossierStatus is = decision->record.dossier().status();
    ASSERT_TRUE(MayFollow(was, is) || was == is) << was << " to " << is;
    ASSERT_TRUE(!HasEnded(was) || decision->record.dossier().has_rating());
    ASSERT_EQ(decision->record.dossier().code(), before.dossier().code());
    ASSERT_EQ(decision->record.secret(), before.secret());
    if (before.dossier().has_original_due()) {
      ASSERT_EQ(decision->record.dossier().original_due().date(), before.dossier().original_due().date());
    }
    ASSERT_EQ(decision->record.dossier().holder().empty(),
              is == common::v1::DOSSIER_STATUS_NEW || is == common::v1::DOSSIER_STATUS_ACCEPTED || HasEnded(is));
    registry.Put(decision->record);
  }
  EXPECT_EQ(registry.Counted(), registry.Recounted());
  EXPECT_GT(StatisticsFrom(registry.Counted()).by_rating().size(), 0u) << "no life was lived to its end";
  EXPECT_EQ(StatisticsFrom(registry.Counted()).dossiers(), registry.records().size());
}

}  // namespace
}  // namespace motcua::intake::test
