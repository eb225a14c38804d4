// A small jurisdiction and its events, for the tests of notification.
#pragma once

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "common/time/timestamp.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/notification/v1/message.pb.h"

namespace motcua::notification {

inline constexpr char kCode[] = "H30.18.05-260714-0001";

inline reference::v1::Agency* AddAgency(reference::v1::ReferenceSet& set, const std::string& id,
                                        const std::string& parent, const std::string& kind,
                                        reference::v1::Level level) {
  reference::v1::Agency* agency = set.add_agencies();
  agency->set_id(id);
  agency->set_name("Agency " + id);
  agency->set_parent(parent);
  agency->set_kind(kind);
  agency->set_level(level);
  return agency;
}

inline void AddOfficer(reference::v1::ReferenceSet& set, const std::string& id, const std::string& agency,
                       const std::string& role) {
  reference::v1::Officer* officer = set.add_officers();
  officer->set_id(id);
  officer->set_name("Officer " + id);
  officer->set_agency(agency);
  officer->add_roles(role);
}

// A province, a district and a commune (committees), the district's land registry (two leaders) and tax branch (none).
inline reference::v1::ReferenceSet SmallSet() {
  reference::v1::ReferenceSet set;
  set.mutable_jurisdiction()->set_id("H30");
  set.mutable_jurisdiction()->set_name("Tỉnh");
  set.mutable_jurisdiction()->set_default_calendar("vn");
  AddAgency(set, "H30", "", "committee", reference::v1::LEVEL_PROVINCE);
  AddAgency(set, "H30.18", "H30", "committee", reference::v1::LEVEL_DISTRICT);
  AddAgency(set, "H30.18.05", "H30.18", "committee", reference::v1::LEVEL_COMMUNE);
  AddAgency(set, "H30.18.LR", "H30.18", "land-registry", reference::v1::LEVEL_DISTRICT)->set_email("lr@example.org");
  AddAgency(set, "H30.18.TX", "H30.18", "tax", reference::v1::LEVEL_DISTRICT)->set_webhook("https://tax.example.org/in");
  AddOfficer(set, "province-leader", "H30", "leader");
  AddOfficer(set, "district-leader", "H30.18", "leader");
  AddOfficer(set, "commune-leader", "H30.18.05", "leader");
  AddOfficer(set, "commune-intake", "H30.18.05", "intake");
  AddOfficer(set, "lr-leader-1", "H30.18.LR", "leader");
  AddOfficer(set, "lr-leader-2", "H30.18.LR", "leader");
  set.mutable_officers(0)->set_email("province-leader@example.org");
  reference::v1::Calendar* calendar = set.add_calendars();
  calendar->set_id("vn");
  calendar->set_name("Lịch");
  for (uint32_t day = 1; day <= 5; ++day) {
    reference::v1::WeekdaySessions* week = calendar->add_week();
    week->set_weekday(day);
    week->add_sessions("07:00-11:30");
  }
  return set;
}

inline std::shared_ptr<const reference::Catalogue> Compile(const reference::v1::ReferenceSet& set) {
  auto catalogue = reference::Catalogue::Compile(set);
  if (!catalogue.ok()) {
    std::cerr << catalogue.status() << std::endl;
    std::abort();
  }
  return *catalogue;
}

inline const reference::Catalogue& SmallCatalogue() {
  static const auto* catalogue = new std::shared_ptr<const reference::Catalogue>(Compile(SmallSet()));
  return **catalogue;
}

// 09:00 local time on a Tuesday.
inline absl::Time Morning() { return absl::FromCivil(absl::CivilSecond(2026, 7, 14, 2, 0, 0), absl::UTCTimeZone()); }

inline feed::v1::Event At(uint64_t position, absl::Time at = Morning()) {
  feed::v1::Event event;
  event.set_position(position);
  event.set_subject(kCode);
  *event.mutable_at() = time::ToTimestamp(at);
  return event;
}

inline feed::v1::Event Accepted(uint64_t position, absl::Time at = Morning()) {
  feed::v1::Event event = At(position, at);
  feed::v1::DossierAccepted& body = *event.mutable_dossier_accepted();
  body.set_procedure("1.001193");
  body.set_procedure_name("Đăng ký khai sinh");
  body.set_receiving_agency("H30.18.05");
  body.set_competent_agency("H30.18.LR");
  body.mutable_applicant()->set_name("Nguyễn Văn A");
  body.mutable_applicant()->set_email("a@example.org");
  *body.mutable_due()->mutable_appointment() = time::ToTimestamp(at + absl::Hours(24 * 5));
  return event;
}

inline feed::v1::Event Offered(uint64_t position, const std::string& from, const std::string& to) {
  feed::v1::Event event = At(position);
  event.mutable_hand_over_offered()->set_sender(from);
  event.mutable_hand_over_offered()->set_receiver(to);
  return event;
}

inline feed::v1::Event Alert(uint64_t position, feed::v1::AlertKind kind, const std::string& holder,
                             const std::vector<std::string>& audience) {
  feed::v1::Event event = At(position);
  feed::v1::AlertRaised& body = *event.mutable_alert_raised();
  body.set_kind(kind);
  body.set_holder(holder);
  body.set_receiving_agency("H30.18.05");
  for (const std::string& word : audience) body.add_audience(word);
  return event;
}

}  // namespace motcua::notification
