#include "services/deadline_monitor/domain/clock/follow.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/time/legal_clock.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/alerts/ladder.h"
#include "services/deadline_monitor/domain/clock/clock_change.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/custody.h"
#include "services/deadline_monitor/domain/clock/parts.h"

namespace motcua::deadline {
namespace {

using feed::v1::Event;

void Start(ClockChange& change, const Event& event, absl::Time at) {
  const feed::v1::DossierAccepted& accepted = event.dossier_accepted();
  v1::Clock& clock = change.clock();
  clock.set_dossier(event.subject());
  clock.set_procedure(accepted.procedure());
  clock.set_receiving_agency(accepted.receiving_agency());
  if (accepted.has_limit()) *clock.mutable_limit() = accepted.limit();
  clock.set_pause_policy(accepted.pause_policy());
  clock.set_ladder(accepted.ladder());
  const absl::Time received = accepted.has_received_at() ? time::FromTimestamp(accepted.received_at()) : at;
  *clock.mutable_received_at() = time::ToTimestamp(std::min(received, at));
  *clock.mutable_held_since() = clock.received_at();
  clock.set_holder(accepted.receiving_agency());
  if (accepted.has_due()) *clock.mutable_due() = accepted.due();
  change.Note(at, "DossierAccepted", accepted.procedure());
}

void AcceptHandOver(ClockChange& change, const feed::v1::HandOverAccepted& accepted, absl::Time at) {
  v1::Clock& clock = change.clock();
  EndPart(clock, kOffer, at);
  EndLeg(clock, at);
  if (accepted.receiver() != clock.holder()) {
    CloseSpan(clock, at);
    clock.set_holder(accepted.receiver());
  }
  if (accepted.has_limit()) {
    const std::string_view item = accepted.leg().empty() ? kUnplannedLeg : std::string_view(accepted.leg());
    StartPart(clock, item, accepted.receiver(), accepted.limit(), at, change.catalogue());
  }
  change.Note(at, "HandOverAccepted", absl::StrCat(accepted.sender(), " > ", accepted.receiver()));
}

void Succeed(ClockChange& change, const feed::v1::AgencySucceeded& succeeded, absl::Time at) {
  v1::Clock& clock = change.clock();
  PassParts(clock, succeeded.ended_agency(), succeeded.successor(), at);
  if (succeeded.custody()) {
    CloseSpan(clock, at);
    clock.set_holder(succeeded.successor());
  }
  change.Note(at, "AgencySucceeded", absl::StrCat(succeeded.ended_agency(), " > ", succeeded.successor()));
}

// The due after waiting from `stopped` to `resumed`; unchanged where the clock cannot tell (no limit, outside
// the calendar).
common::v1::DueDate AfterPause(const common::v1::DueDate& due, const v1::Clock& clock, absl::Time stopped,
                               absl::Time resumed, const time::Calendar& calendar) {
  auto moved = time::DeadlineAfterPause(due, clock.limit(), stopped, resumed, clock.pause_policy(),
                                        time::kNoCutoff, calendar);
  return moved.ok() ? *std::move(moved) : due;
}

void Resume(ClockChange& change, absl::Time at) {
  v1::Clock& clock = change.clock();
  const absl::Time stopped = std::min(time::FromTimestamp(clock.paused_at()), at);
  clock.clear_paused_at();
  change.record().set_pauses(change.record().pauses() + 1);
  ShiftParts(clock, stopped, at, change.catalogue());
  if (!clock.has_due()) return;
  // What was late already when the clock stopped stays late, whatever was promised anew.
  if (clock.has_judged_due() && !time::IsLate(clock.judged_due(), stopped)) {
    *clock.mutable_judged_due() = AfterPause(clock.judged_due(), clock, stopped, at, change.calendar());
  }
  const common::v1::DueDate due = AfterPause(clock.due(), clock, stopped, at, change.calendar());
  if (due.SerializeAsString() == clock.due().SerializeAsString()) return;
  change.SetDue(due, feed::v1::DUE_CHANGE_KIND_PAUSE, "", at);
}

void End(ClockChange& change, absl::Time at) {
  v1::Clock& clock = change.clock();
  CloseSpan(clock, at);
  const absl::Time ended = time::FromTimestamp(clock.held_since());
  EndAllParts(clock, ended);
  *clock.mutable_ended_at() = time::ToTimestamp(ended);
  clock.set_late(clock.has_due() && time::IsLate(JudgedDue(clock), ended));
  clock.set_ended_month(absl::FormatTime("%Y-%m", ended, change.catalogue().time_zone()));
  feed::v1::ClockEnded& told = *change.Emit(at).mutable_clock_ended();
  told.set_late(clock.late());
  if (clock.has_due()) *told.mutable_due() = clock.due();
  for (feed::v1::Charge& charge : ChargesAsOf(clock, ended)) *told.add_charges() = std::move(charge);
  change.Note(at, "ClockEnded", clock.late() ? "late" : "on time");
}

// False where the event changes nothing.
bool Act(ClockChange& change, const Event& event, absl::Time at) {
  v1::Clock& clock = change.clock();
  switch (event.body_case()) {
    case Event::kHandOverOffered:
      StartPart(clock, kOffer, event.hand_over_offered().receiver(), OfferLimit(), at, change.catalogue());
      return true;
    case Event::kHandOverAccepted:
      AcceptHandOver(change, event.hand_over_accepted(), at);
      return true;
    case Event::kHandOverRefused:
    case Event::kHandOverRecalled:
      EndPart(clock, kOffer, at);
      return true;
    case Event::kAgencySucceeded:
      Succeed(change, event.agency_succeeded(), at);
      return true;
    case Event::kConsultationRequested: {
      const feed::v1::ConsultationRequested& asked = event.consultation_requested();
      StartPart(clock, ConsultationItem(asked.consultation()), asked.asked_agency(),
                asked.has_limit() ? asked.limit() : ConsultationLimit(), at, change.catalogue());
      return true;
    }
    case Event::kConsultationAnswered:
      EndPart(clock, ConsultationItem(event.consultation_answered().consultation()), at);
      return true;
    case Event::kSupplementRequested:
      if (IsPaused(clock)) return false;
      *clock.mutable_paused_at() = time::ToTimestamp(at);
      change.Note(at, "SupplementRequested", event.supplement_requested().reason());
      return true;
    case Event::kSupplementReceived:
      if (!IsPaused(clock)) return false;
      Resume(change, at);
      change.Note(at, "SupplementReceived", event.supplement_received().note());
      return true;
    case Event::kResultReady:
      if (IsPaused(clock)) {
        Resume(change, at);
        change.Raise(at, at);
      }
      End(change, at);
      return true;
    default:
      return false;
  }
}

// What became true before `as_of` and is overtaken by what is true then.
void Hush(v1::Clock& clock, absl::Time as_of, const reference::Catalogue& catalogue) {
  if (!IsOpen(clock) || !clock.has_due()) return;
  bool today = false;
  for (const PendingAlert& alert : PendingAlerts(clock, catalogue)) {
    today =
        today || (alert.part < 0 && alert.kind == feed::v1::ALERT_KIND_DUE_TODAY && alert.moment <= as_of);
  }
  const bool over = as_of >= time::FromTimestamp(clock.due().late_from());
  if (over) clock.set_raised(clock.raised() | Bit(feed::v1::ALERT_KIND_DUE_TODAY));
  if (over || today) clock.set_raised(clock.raised() | Bit(feed::v1::ALERT_KIND_NEARING));
}

bool IsSame(const v1::PartClock& a, const v1::PartClock& b) {
  return a.item() == b.item() && a.agency() == b.agency() &&
         a.started_at().SerializeAsString() == b.started_at().SerializeAsString() &&
         a.due().SerializeAsString() == b.due().SerializeAsString();
}

// Custody and parts as all events make them, and the pauses among them.
class Retold {
 public:
  Retold(const v1::Clock& clock, const reference::Catalogue& catalogue)
      : change_(Blank(clock), catalogue, common::v1::Actor(), absl::InfinitePast()) {}

  void Take(const Event& event) {
    const absl::Time at = time::FromTimestamp(event.at());
    if (event.has_result_ready()) {
      result_ = &event;
      return;
    }
    const bool acted = Act(change_, event, at);
    if (acted && event.has_supplement_requested()) requested_ = at;
    if (acted && event.has_supplement_received()) pauses_.emplace_back(requested_, at);
  }

  // Into a clock that keeps what was raised.
  void MoveInto(v1::Clock& clock) {
    v1::Clock& told = change_.clock();
    for (v1::PartClock& part : *told.mutable_parts()) {
      for (const v1::PartClock& before : clock.parts()) {
        if (IsSame(part, before)) part.set_raised(before.raised());
      }
    }
    clock.mutable_parts()->Swap(told.mutable_parts());
    clock.mutable_held()->Swap(told.mutable_held());
    clock.set_holder(told.holder());
    *clock.mutable_held_since() = told.held_since();
    clock.clear_paused_at();
    if (IsPaused(told)) *clock.mutable_paused_at() = told.paused_at();
  }

  const Event* result() const { return result_; }
  const std::vector<std::pair<absl::Time, absl::Time>>& pauses() const { return pauses_; }

 private:
  // As at the receipt, without the dossier's own date.
  static internal::deadline::ClockRecord Blank(const v1::Clock& clock) {
    internal::deadline::ClockRecord blank;
    blank.mutable_clock()->set_dossier(clock.dossier());
    blank.mutable_clock()->set_receiving_agency(clock.receiving_agency());
    blank.mutable_clock()->set_pause_policy(clock.pause_policy());
    blank.mutable_clock()->set_holder(clock.receiving_agency());
    *blank.mutable_clock()->mutable_received_at() = clock.received_at();
    *blank.mutable_clock()->mutable_held_since() = clock.received_at();
    return blank;
  }

  ClockChange change_;
  const Event* result_ = nullptr;
  absl::Time requested_;
  std::vector<std::pair<absl::Time, absl::Time>> pauses_;
};

store::Decision<internal::deadline::ClockRecord> StartFromSnapshot(const Event& event, absl::Time as_of,
                                                                   const reference::Catalogue& catalogue) {
  ClockChange change(internal::deadline::ClockRecord(), catalogue, event.actor(), absl::InfinitePast(),
                     event.traceparent());
  Start(change, event, time::FromTimestamp(event.at()));
  Hush(change.clock(), as_of, catalogue);
  change.record().set_from_snapshot(true);
  return std::move(change).Finish();
}

}  // namespace

bool ConcernsClocks(const Event& event) {
  switch (event.body_case()) {
    case Event::kDossierAccepted:
    case Event::kHandOverOffered:
    case Event::kHandOverAccepted:
    case Event::kHandOverRefused:
    case Event::kHandOverRecalled:
    case Event::kAgencySucceeded:
    case Event::kConsultationRequested:
    case Event::kConsultationAnswered:
    case Event::kSupplementRequested:
    case Event::kSupplementReceived:
    case Event::kResultReady:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<std::optional<store::Decision<internal::deadline::ClockRecord>>> DecideEvent(
    const internal::deadline::ClockRecord* record, const Event& event, absl::Time not_before,
    const reference::Catalogue& catalogue) {
  const absl::Time at = time::FromTimestamp(event.at());
  if (event.has_dossier_accepted()) {
    if (record != nullptr) return std::nullopt;
    ClockChange change(internal::deadline::ClockRecord(), catalogue, event.actor(), not_before,
                       event.traceparent());
    Start(change, event, at);
    change.Raise(at, at);
    return std::move(change).Finish();
  }
  if (!ConcernsClocks(event)) return std::nullopt;
  if (record == nullptr) {
    return errors::Unavailable("WAITING_FOR_INTAKE", "the dossier's acceptance has not been read yet");
  }
  if (!IsOpen(record->clock())) return std::nullopt;
  ClockChange change(*record, catalogue, event.actor(), not_before, event.traceparent());
  change.record().clear_from_snapshot();
  change.Raise(at);
  if (!Act(change, event, at)) return std::nullopt;
  change.Raise(at, at);
  return std::move(change).Finish();
}

absl::StatusOr<std::optional<store::Decision<internal::deadline::ClockRecord>>> DecideSnapshot(
    const internal::deadline::ClockRecord* record, const google::protobuf::RepeatedPtrField<Event>& events,
    absl::Time as_of, absl::Time not_before, const reference::Catalogue& catalogue) {
  for (const Event& event : events) {
    if (!event.has_dossier_accepted()) continue;
    if (record != nullptr) return std::nullopt;
    return StartFromSnapshot(event, as_of, catalogue);
  }
  const bool concerns = std::any_of(events.begin(), events.end(), [](const Event& event) {
    return event.has_route_opened() || ConcernsClocks(event);
  });
  if (!concerns) return std::nullopt;
  if (record == nullptr) {
    return errors::Unavailable("WAITING_FOR_INTAKE", "the dossier's acceptance has not been read yet");
  }
  if (!IsOpen(record->clock())) return std::nullopt;
  Retold retold(record->clock(), catalogue);
  for (const Event& event : events) retold.Take(event);
  ClockChange change(*record, catalogue, common::v1::Actor(), not_before);
  v1::Clock& clock = change.clock();
  for (size_t i = record->pauses(); i < retold.pauses().size(); ++i) {
    *clock.mutable_paused_at() = time::ToTimestamp(retold.pauses()[i].first);
    Resume(change, retold.pauses()[i].second);
  }
  retold.MoveInto(clock);
  if (retold.result() != nullptr) {
    End(change, time::FromTimestamp(retold.result()->at()));
    if (clock.late()) clock.set_ever_raised(clock.ever_raised() | Bit(feed::v1::ALERT_KIND_OVERDUE));
  }
  Hush(clock, as_of, catalogue);
  const bool is_new = record->from_snapshot();
  const bool same = change.record().pauses() == record->pauses() &&
                    clock.SerializeAsString() == record->clock().SerializeAsString();
  if (!is_new && same) return std::nullopt;
  change.record().clear_from_snapshot();
  change.Note(as_of, "SnapshotTaken", "");
  store::Decision<internal::deadline::ClockRecord> decision = std::move(change).Finish();
  if (is_new) decision.events.clear();
  return decision;
}

std::optional<store::Decision<internal::deadline::ClockRecord>> DecideAlerts(
    const internal::deadline::ClockRecord& record, absl::Time up_to, absl::Time not_before,
    const reference::Catalogue& catalogue) {
  ClockChange change(record, catalogue, common::v1::Actor(), not_before);
  change.Raise(up_to);
  store::Decision<internal::deadline::ClockRecord> decision = std::move(change).Finish();
  if (decision.events.empty() && decision.record.next_moment() == record.next_moment()) return std::nullopt;
  return decision;
}

}  // namespace motcua::deadline
