// A dossier's life as the tests of the clocks tell it: events in, records and alerts out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/reference/catalogue.h"
#include "common/status/errors.h"
#include "common/time/legal_clock.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/clock/clock_change.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/custody.h"
#include "services/deadline_monitor/domain/clock/follow.h"
#include "services/deadline_monitor/domain/clock/parts.h"
#include "services/deadline_monitor/domain/due/change_due.h"
#include "tests/unit/time/national_calendar.h"

namespace motcua::deadline {

using time::At;
using time::Local;

inline constexpr char kCode[] = "H30.18.05-250106-0001";
inline constexpr char kCommune[] = "H30.18.05";
inline constexpr char kDistrict[] = "H30.18";
inline constexpr char kTax[] = "H30.18.T";

inline common::v1::Limit LimitOf(const std::string& text) { return *time::ParseLimit(text); }

// The national calendar, three agencies, and the usual ladder, or none.
inline std::shared_ptr<const reference::Catalogue> MakeCatalogue(bool with_ladder) {
  reference::v1::ReferenceSet set = time::NationalSet();
  set.mutable_calendars(0)->set_name("national");
  set.mutable_jurisdiction()->set_id("H30");
  set.mutable_jurisdiction()->set_name("Hậu Giang");
  set.mutable_jurisdiction()->set_default_calendar("vn");
  const auto agency = [&](const char* id, const char* parent, reference::v1::Level level) {
    auto* added = set.add_agencies();
    added->set_id(id);
    added->set_name(id);
    added->set_parent(parent);
    added->set_level(level);
    added->set_kind("office");
  };
  agency("H30", "", reference::v1::LEVEL_PROVINCE);
  agency(kDistrict, "H30", reference::v1::LEVEL_DISTRICT);
  agency(kCommune, kDistrict, reference::v1::LEVEL_COMMUNE);
  agency(kTax, kDistrict, reference::v1::LEVEL_DISTRICT);
  if (with_ladder) {
    auto* ladder = set.add_ladders();
    ladder->set_id("default");
    const auto rung = [&](const char* kind, uint32_t from, const char* offset) {
      auto* added = ladder->add_rungs();
      added->set_kind(kind);
      added->set_from_limit_tenths(from);
      if (*offset != '\0') *added->mutable_offset() = LimitOf(offset);
      added->add_audience("holder");
    };
    rung("NEARING", 50, "2wd");
    rung("NEARING", 20, "1wd");
    rung("NEARING", 0, "2wh");
    rung("DUE_TODAY", 0, "");
    rung("OVERDUE", 0, "");
    rung("ESCALATED", 0, "3wd");
  }
  auto catalogue = reference::Catalogue::Compile(std::move(set));
  if (!catalogue.ok()) {
    fprintf(stderr, "%s\n", std::string(catalogue.status().message()).c_str());
    abort();
  }
  return *std::move(catalogue);
}

inline const reference::Catalogue& TestCatalogue() {
  static const auto* const catalogue = new std::shared_ptr<const reference::Catalogue>(MakeCatalogue(true));
  return **catalogue;
}

inline const reference::Catalogue& CatalogueWithoutLadder() {
  static const auto* const catalogue = new std::shared_ptr<const reference::Catalogue>(MakeCatalogue(false));
  return **catalogue;
}

// `OVERDUE@2025-01-10T00:00`, with the item behind the kind where there is one.
inline std::string AlertText(const feed::v1::Event& event) {
  const auto& alert = event.alert_raised();
  std::string kind = feed::v1::AlertKind_Name(alert.kind()).substr(11);
  if (!alert.item().empty()) kind += ":" + alert.item();
  return absl::StrCat(kind, "@", Local(time::FromTimestamp(event.at())));
}

class Life {
 public:
  explicit Life(const reference::Catalogue& catalogue = TestCatalogue()) : catalogue_(catalogue) {}

  static feed::v1::Event EventAt(absl::Time at) {
    feed::v1::Event event;
    *event.mutable_at() = time::ToTimestamp(at);
    event.set_subject(kCode);
    return event;
  }

  // True where the event changed something.
  bool Apply(const feed::v1::Event& event) {
    auto decided = DecideEvent(record(), event, absl::InfinitePast(), catalogue_);
    status_ = decided.status();
    if (!decided.ok() || !decided->has_value()) return false;
    Take(**std::move(decided));
    return true;
  }

  bool Accept(absl::Time at, const std::string& limit, absl::Time received,
              reference::v1::PausePolicy policy = reference::v1::PAUSE_POLICY_SHIFT) {
    feed::v1::Event event = EventAt(at);
    auto& accepted = *event.mutable_dossier_accepted();
    accepted.set_procedure("1.000000");
    accepted.set_receiving_agency(kCommune);
    *accepted.mutable_received_at() = time::ToTimestamp(received);
    if (!limit.empty()) {
      *accepted.mutable_limit() = LimitOf(limit);
      *accepted.mutable_due() = *time::ComputeDeadline(received, accepted.limit(), {}, catalogue_.CalendarOf(kCommune));
    }
    accepted.set_pause_policy(policy);
    return Apply(event);
  }
  bool Accept(const std::string& at, const std::string& limit,
              reference::v1::PausePolicy policy = reference::v1::PAUSE_POLICY_SHIFT) {
    return Accept(At(at), limit, At(at), policy);
  }

  bool Offer(absl::Time at, const std::string& to) {
    feed::v1::Event event = EventAt(at);
    event.mutable_hand_over_offered()->set_sender(clock().holder());
    event.mutable_hand_over_offered()->set_receiver(to);
    return Apply(event);
  }
  bool Recall(absl::Time at) {
    feed::v1::Event event = EventAt(at);
    event.mutable_hand_over_recalled();
    return Apply(event);
  }
  bool Refuse(absl::Time at) {
    feed::v1::Event event = EventAt(at);
    event.mutable_hand_over_refused();
    return Apply(event);
  }
  bool HandOver(absl::Time at, const std::string& to, const std::string& leg = "", const std::string& limit = "") {
    feed::v1::Event event = EventAt(at);
    auto& accepted = *event.mutable_hand_over_accepted();
    accepted.set_sender(clock().holder());
    accepted.set_receiver(to);
    accepted.set_leg(leg);
    if (!limit.empty()) *accepted.mutable_limit() = LimitOf(limit);
    return Apply(event);
  }
  // `from` has ended; with custody where it holds.
  bool Succeed(absl::Time at, const std::string& from, const std::string& to) {
    feed::v1::Event event = EventAt(at);
    auto& succeeded = *event.mutable_agency_succeeded();
    succeeded.set_ended_agency(from);
    succeeded.set_successor(to);
    succeeded.set_custody(clock().holder() == from);
    return Apply(event);
  }
  bool Consult(absl::Time at, uint32_t number, const std::string& to, const std::string& limit = "") {
    feed::v1::Event event = EventAt(at);
    auto& asked = *event.mutable_consultation_requested();
    asked.set_consultation(number);
    asked.set_asked_agency(to);
    if (!limit.empty()) *asked.mutable_limit() = LimitOf(limit);
    return Apply(event);
  }
  bool Answer(absl::Time at, uint32_t number) {
    feed::v1::Event event = EventAt(at);
    event.mutable_consultation_answered()->set_consultation(number);
    return Apply(event);
  }
  bool Pause(absl::Time at) {
    feed::v1::Event event = EventAt(at);
    event.mutable_supplement_requested()->set_agency(clock().holder());
    return Apply(event);
  }
  bool Resume(absl::Time at) {
    feed::v1::Event event = EventAt(at);
    event.mutable_supplement_received();
    return Apply(event);
  }
  bool End(absl::Time at) {
    feed::v1::Event event = EventAt(at);
    event.mutable_result_ready()->set_outcome(feed::v1::OUTCOME_APPROVED);
    return Apply(event);
  }
  // What the sweeper does.
  bool Sweep(absl::Time up_to) {
    if (!record_.has_value()) return false;
    auto decided = DecideAlerts(*record_, up_to, absl::InfinitePast(), catalogue_);
    if (!decided.has_value()) return false;
    Take(*std::move(decided));
    return true;
  }
  absl::Status ChangeDue(absl::Time at, const std::string& date, feed::v1::DueChangeKind kind,
                         const std::string& agency = kCommune, absl::Time settled = absl::InfiniteFuture()) {
    v1::ChangeDueRequest request;
    request.set_dossier(kCode);
    request.set_date(date);
    request.set_kind(kind);
    request.set_reason("reason");
    common::v1::Actor actor;
    actor.set_agency(agency);
    ChangeDueFacts facts;
    facts.settled_until = settled;
    auto decided = DecideChangeDue(record(), request, store::Context(at, actor), catalogue_, facts);
    if (!decided.ok()) return decided.status();
    Take(*std::move(decided));
    return absl::OkStatus();
  }

  const internal::deadline::ClockRecord* record() const { return record_.has_value() ? &*record_ : nullptr; }
  const v1::Clock& clock() const { return record_->clock(); }
  const absl::Status& status() const { return status_; }
  const std::vector<feed::v1::Event>& events() const { return events_; }

  std::vector<std::string> Alerts() const {
    std::vector<std::string> alerts;
    for (const feed::v1::Event& event : events_) {
      if (event.has_alert_raised()) alerts.push_back(AlertText(event));
    }
    return alerts;
  }
  int Count(feed::v1::Event::BodyCase body) const {
    int count = 0;
    for (const feed::v1::Event& event : events_) count += event.body_case() == body;
    return count;
  }
  const v1::PartClock* Part(const std::string& item) const {
    for (const v1::PartClock& part : clock().parts()) {
      if (part.item() == item) return &part;
    }
    return nullptr;
  }
  std::string NextMoment() const {
    return record_->next_moment() == 0 ? "" : Local(absl::FromUnixMicros(record_->next_moment()));
  }
  uint64_t HeldMicros(const std::string& agency, absl::Time as_of) const {
    for (const auto& charge : ChargesAsOf(clock(), as_of)) {
      if (charge.agency() == agency) return charge.held_micros();
    }
    return 0;
  }

 private:
  void Take(store::Decision<internal::deadline::ClockRecord> decision) {
    record_ = std::move(decision.record);
    for (feed::v1::Event& event : decision.events) events_.push_back(std::move(event));
  }

  const reference::Catalogue& catalogue_;
  std::optional<internal::deadline::ClockRecord> record_;
  absl::Status status_;
  std::vector<feed::v1::Event> events_;
};

}  // namespace motcua::deadline
