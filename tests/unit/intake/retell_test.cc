// A dossier told as events: what was told of its acceptance is told again, and nothing that is nobody else's.
#include "services/intake/domain/dossier/retell.h"

#include <gtest/gtest.h>

#include "motcua/internal/intake/records.pb.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

const reference::Catalogue& Province() {
  static const auto* const catalogue = new std::shared_ptr<const reference::Catalogue>(CompileJurisdiction());
  return **catalogue;
}

TEST(Retell, AnAcceptanceIsToldAsItWas) {
  auto filed = DecideFile(Application("1.000001", /*accept=*/true), kCode, kSecret, At(MondayMorning()),
                          Province(), Standing::kOwnAgency);
  ASSERT_TRUE(filed.ok()) << filed.status();
  feed::v1::DossierAccepted was;
  for (const feed::v1::Event& event : filed->events) {
    if (event.has_dossier_accepted()) was = event.dossier_accepted();
  }
  ASSERT_GT(was.legs_size(), 0);
  was.clear_counted_from();
  const feed::v1::SnapshotRecord told = Retell(filed->record, &Province());
  ASSERT_EQ(told.events_size(), 1);
  EXPECT_EQ(told.events(0).dossier_accepted().ShortDebugString(), was.ShortDebugString());
  EXPECT_EQ(time::FromTimestamp(told.events(0).at()), MondayMorning());
  EXPECT_TRUE(told.heard().empty()) << "nothing was heard of it yet";
  // Without the reference data it was accepted under.
  const feed::v1::SnapshotRecord bare = Retell(filed->record, nullptr);
  EXPECT_TRUE(bare.events(0).dossier_accepted().legs().empty());
  EXPECT_EQ(bare.events(0).dossier_accepted().due().date(), was.due().date());
  EXPECT_EQ(bare.events(0).dossier_accepted().receiving_agency(), kCommune);
}

TEST(Retell, EveryStatusIsToldAndNoSecret) {
  for (int status = 1; status <= 10; ++status) {
    SCOPED_TRACE(status);
    internal::intake::DossierRecord record = DossierIn(static_cast<DossierStatus>(status), Province());
    record.mutable_dossier()->mutable_applicant()->set_id_number("093012345678");
    record.mutable_dossier()->mutable_applicant()->set_address("Ấp 3");
    const feed::v1::SnapshotRecord told = Retell(record, &Province());
    EXPECT_EQ(told.subject(), kCode);
    const std::string bytes = told.SerializeAsString();
    for (const char* own : {kSecret, "093012345678", "Ấp 3"}) EXPECT_EQ(bytes.find(own), std::string::npos);
    ASSERT_GT(told.events_size(), 0);
    const bool accepted = record.dossier().has_accepted_at();
    EXPECT_EQ(told.events(0).has_dossier_accepted(), accepted);
    EXPECT_EQ(told.events(0).has_dossier_refused(), status == common::v1::DOSSIER_STATUS_REFUSED);
    bool ready = false;
    for (const feed::v1::Event& event : told.heard()) ready = ready || event.has_result_ready();
    EXPECT_EQ(ready, record.dossier().has_result_at());
  }
}

}  // namespace
}  // namespace motcua::intake::test
