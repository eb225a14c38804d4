#include "services/deadline_monitor/domain/clock/clock_change.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/time/legal_clock.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/alerts/ladder.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/custody.h"
#include "services/deadline_monitor/domain/clock/parts.h"

namespace motcua::deadline {
namespace {

using feed::v1::ALERT_KIND_DUE_TODAY;
using feed::v1::ALERT_KIND_ESCALATED;
using feed::v1::ALERT_KIND_NEARING;
using feed::v1::ALERT_KIND_OVERDUE;
using feed::v1::AlertKind;

// Nothing where the rung cannot be applied: it lacks its offset, or leads outside the calendar.
std::optional<absl::Time> MomentOf(const Rung& rung, const common::v1::DueDate& due,
                                   const time::Calendar& calendar) {
  absl::StatusOr<absl::Time> moment = time::FromTimestamp(due.late_from());
  if (rung.kind == ALERT_KIND_NEARING) moment = time::NearingMoment(due, rung.rung->offset(), calendar);
  if (rung.kind == ALERT_KIND_DUE_TODAY) moment = time::DueTodayMoment(due, calendar);
  if (rung.kind == ALERT_KIND_ESCALATED) moment = time::EscalationMoment(due, rung.rung->offset(), calendar);
  return moment.ok() ? std::make_optional(*moment) : std::nullopt;
}

bool IsPending(const v1::Clock& clock, AlertKind kind) {
  if (clock.raised() & Bit(kind)) return false;
  const bool overdue = (clock.raised() & Bit(ALERT_KIND_OVERDUE)) != 0;
  return kind == ALERT_KIND_ESCALATED ? overdue : kind == ALERT_KIND_OVERDUE || !overdue;
}

common::v1::DossierStatus StatusOf(const v1::Clock& clock) {
  if (!IsOpen(clock)) return common::v1::DOSSIER_STATUS_RESULT_READY;
  return IsPaused(clock) ? common::v1::DOSSIER_STATUS_SUPPLEMENT : common::v1::DOSSIER_STATUS_PROCESSING;
}

// The dossier before its parts, then in the order of the ladder.
bool Sooner(const PendingAlert& a, const PendingAlert& b) {
  return std::tie(a.moment, a.part, a.kind) < std::tie(b.moment, b.part, b.kind);
}

}  // namespace

std::vector<PendingAlert> PendingAlerts(const v1::Clock& clock, const reference::Catalogue& catalogue) {
  std::vector<PendingAlert> pending;
  if (!IsOpen(clock) || IsPaused(clock)) return pending;
  if (clock.has_due()) {
    const time::Calendar& calendar = catalogue.CalendarOf(clock.receiving_agency());
    for (const Rung& rung : RungsOf(clock, catalogue)) {
      if (!IsPending(clock, rung.kind)) continue;
      if (auto moment = MomentOf(rung, clock.due(), calendar))
        pending.push_back({rung.kind, *moment, -1, rung.rung});
    }
  }
  for (int i = 0; i < clock.parts_size(); ++i) {
    const v1::PartClock& part = clock.parts(i);
    if (!IsRunning(part) || (part.raised() & Bit(ALERT_KIND_OVERDUE))) continue;
    pending.push_back({ALERT_KIND_OVERDUE, time::FromTimestamp(part.due().late_from()), i, &PartRung()});
  }
  std::sort(pending.begin(), pending.end(), Sooner);
  return pending;
}

ClockChange::ClockChange(internal::deadline::ClockRecord record, const reference::Catalogue& catalogue,
                         common::v1::Actor actor, absl::Time not_before, std::string traceparent)
    : catalogue_(catalogue),
      actor_(std::move(actor)),
      not_before_(not_before),
      traceparent_(std::move(traceparent)),
      decision_(std::move(record)) {}

feed::v1::Event& ClockChange::Emit(absl::Time at) {
  const store::Context context(std::max(at, not_before_), actor_, traceparent_);
  decision_.events.push_back(store::NewEvent(context, clock().dossier()));
  return decision_.events.back();
}

void ClockChange::Note(absl::Time at, std::string_view action, std::string_view note) {
  common::v1::HistoryEntry& line = decision_.history.emplace_back();
  *line.mutable_at() = time::ToTimestamp(std::max(at, not_before_));
  *line.mutable_actor() = actor_;
  line.set_action(std::string(action));
  line.set_status(StatusOf(clock()));
  line.set_holder(clock().holder());
  line.set_note(std::string(note));
}

void ClockChange::Raise(absl::Time up_to, absl::Time floor) {
  // Raising one changes what is pending: OVERDUE closes NEARING and DUE_TODAY, and opens ESCALATED.
  for (;;) {
    const PendingAlert* next = nullptr;
    const std::vector<PendingAlert> pending = PendingAlerts(clock(), catalogue_);
    const bool over = clock().has_due() && floor >= time::FromTimestamp(clock().due().late_from());
    for (const PendingAlert& alert : pending) {
      const bool moot =
          over && alert.part < 0 && (alert.kind == ALERT_KIND_NEARING || alert.kind == ALERT_KIND_DUE_TODAY);
      if (moot) continue;
      next = &alert;
      break;
    }
    if (next == nullptr || next->moment > up_to) return;
    RaiseOne(*next, std::max(next->moment, floor));
  }
}

void ClockChange::RaiseOne(const PendingAlert& alert, absl::Time at) {
  feed::v1::AlertRaised& raised = *Emit(at).mutable_alert_raised();
  raised.set_kind(alert.kind);
  raised.set_due_version(clock().due_version());
  raised.set_procedure(clock().procedure());
  raised.set_holder(clock().holder());
  raised.set_receiving_agency(clock().receiving_agency());
  *raised.mutable_audience() = alert.rung->audience();
  if (alert.part >= 0) {
    v1::PartClock& part = *clock().mutable_parts(alert.part);
    part.set_raised(part.raised() | Bit(alert.kind));
    raised.set_item(part.item());
    *raised.mutable_due() = part.due();
  } else {
    clock().set_raised(clock().raised() | Bit(alert.kind));
    clock().set_ever_raised(clock().ever_raised() | Bit(alert.kind));
    *raised.mutable_due() = clock().due();
    auto& counts = *decision_.record.mutable_alerts();
    while (counts.size() < alert.kind) counts.Add(0);
    counts.Set(alert.kind - 1, counts.Get(alert.kind - 1) + 1);
  }
  Note(at, "AlertRaised", absl::StrCat(alert.rung->kind(), raised.item().empty() ? "" : " ", raised.item()));
  if (alert.part < 0 && alert.kind == ALERT_KIND_OVERDUE && !clock().apology_due()) RaiseApology(at);
}

void ClockChange::RaiseApology(absl::Time at) {
  clock().set_apology_due(true);
  feed::v1::ApologyDue& apology = *Emit(at).mutable_apology_due();
  apology.set_agency_at_fault(AgencyAtFault(clock(), at));
  *apology.mutable_due() = clock().due();
  apology.set_procedure(clock().procedure());
  apology.set_holder(clock().holder());
  apology.set_receiving_agency(clock().receiving_agency());
  Note(at, "ApologyDue", apology.agency_at_fault());
}

void ClockChange::SetDue(const common::v1::DueDate& due, feed::v1::DueChangeKind kind,
                         std::string_view reason, absl::Time at) {
  if (!clock().has_original_due()) *clock().mutable_original_due() = clock().due();
  clock().set_due_version(clock().due_version() + 1);
  clock().set_raised(0);
  feed::v1::DueChanged& changed = *Emit(at).mutable_due_changed();
  *changed.mutable_previous_due() = clock().due();
  *changed.mutable_due() = due;
  changed.set_kind(kind);
  changed.set_reason(std::string(reason));
  changed.set_due_version(clock().due_version());
  *clock().mutable_due() = due;
  Note(at, "DueChanged",
       absl::StrCat(changed.previous_due().date(), " > ", due.date(), reason.empty() ? "" : ": ",
                    std::string(reason)));
}

store::Decision<internal::deadline::ClockRecord> ClockChange::Finish() && {
  const std::vector<PendingAlert> pending = PendingAlerts(clock(), catalogue_);
  decision_.record.set_next_moment(pending.empty() ? 0 : Micros(pending.front().moment));
  return std::move(decision_);
}

}  // namespace motcua::deadline
