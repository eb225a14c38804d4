#include "route_fixture.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/reference/sample.h"
#include "common/time/timestamp.h"
#include "motcua/internal/routing/records.pb.h"
#include "services/routing/domain/route/opening.h"

namespace motcua::routing {

namespace {

reference::v1::ReferenceSet BaseSet() {
  reference::v1::ReferenceSet set = reference::SampleCatalogue().set();
  reference::v1::Agency& closed = *set.add_agencies();
  closed.set_id(kClosed);
  closed.set_name("Closed commune");
  closed.set_level(reference::v1::LEVEL_COMMUNE);
  closed.set_parent(kDistrict);
  closed.set_valid_until("2020-01-01");
  closed.set_successor(kDesk);
  return set;
}

}  // namespace

const reference::Catalogue& Catalogue() {
  static const std::shared_ptr<const reference::Catalogue>* const catalogue = [] {
    auto compiled = reference::Catalogue::Compile(BaseSet());
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    return new std::shared_ptr<const reference::Catalogue>(*std::move(compiled));
  }();
  return **catalogue;
}

std::shared_ptr<const reference::Catalogue> CatalogueWith(const std::vector<End>& ends) {
  reference::v1::ReferenceSet set = BaseSet();
  for (const char* id : {kCommuneOfH13, kWardOfH13}) {
    reference::v1::Agency& added = *set.add_agencies();
    added.set_id(id);
    added.set_name(id);
    added.set_level(reference::v1::LEVEL_COMMUNE);
    reference::v1::Officer& officer = *set.add_officers();
    officer.set_id(std::string(id) + "-handler");
    officer.set_agency(id);
    officer.add_roles("handler");
  }
  for (const End& end : ends) {
    for (reference::v1::Agency& agency : *set.mutable_agencies()) {
      if (agency.id() != end.agency) continue;
      agency.set_valid_until(end.until);
      agency.set_successor(end.successor);
    }
  }
  auto compiled = reference::Catalogue::CompileValid(std::move(set));
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *std::move(compiled);
}

absl::Time At(int minutes) {
  return absl::FromCivil(absl::CivilMinute(2026, 7, 14, 2, 0), absl::UTCTimeZone()) + absl::Minutes(minutes);
}

store::Context By(const std::string& agency, int minutes) {
  common::v1::Actor actor;
  actor.set_id(agency + "-handler");
  actor.set_agency(agency);
  return store::Context(At(minutes), std::move(actor));
}

feed::v1::Event Accepted(const std::vector<std::string>& legs) {
  feed::v1::Event event;
  event.set_subject(kCode);
  *event.mutable_at() = time::ToTimestamp(At(1));
  feed::v1::DossierAccepted& accepted = *event.mutable_dossier_accepted();
  accepted.set_procedure("1.001193");
  accepted.set_receiving_agency(kDesk);
  accepted.set_competent_agency(kDistrict);
  *accepted.mutable_received_at() = time::ToTimestamp(At());
  accepted.mutable_due()->set_date("2026-07-21");
  *accepted.mutable_due()->mutable_appointment() = time::ToTimestamp(At(7 * 24 * 60));
  *accepted.mutable_due()->mutable_late_from() = time::ToTimestamp(At(7 * 24 * 60 + 480));
  accepted.set_max_supplements(2);
  for (const std::string& agency : legs) {
    feed::v1::PlannedLeg& leg = *accepted.add_legs();
    leg.set_id(absl::StrCat("leg-", accepted.legs_size()));
    leg.set_name("Bước");
    leg.set_agency(agency);
    leg.mutable_limit()->set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
    leg.mutable_limit()->set_tenths(10);
  }
  return event;
}

internal::routing::RouteRecord Opened(const std::vector<std::string>& legs) {
  return OpenRoute(Accepted(legs), store::Context(At(1), common::v1::Actor())).record;
}

internal::routing::RouteRecord After(const internal::routing::RouteRecord& before,
                                     absl::StatusOr<RouteDecision> decision) {
  EXPECT_TRUE(decision.ok()) << decision.status();
  if (!decision.ok()) return before;
  internal::routing::RouteRecord after = std::move(decision->record);
  after.set_history_length(before.history_length() + static_cast<uint32_t>(decision->history.size()));
  return after;
}

}  // namespace motcua::routing
