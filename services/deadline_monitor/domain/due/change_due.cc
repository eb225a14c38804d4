#include "services/deadline_monitor/domain/due/change_due.h"

#include <algorithm>
#include <utility>

#include "common/status/errors.h"
#include "common/time/iso.h"
#include "common/time/legal_clock.h"
#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/alerts/ladder.h"
#include "services/deadline_monitor/domain/clock/clock_change.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"

namespace motcua::deadline {
namespace {

using common::v1::DueDate;
using feed::v1::DUE_CHANGE_KIND_AGREED;
using feed::v1::DUE_CHANGE_KIND_REAPPOINTMENT;

absl::Status CheckState(const internal::deadline::ClockRecord* record, const v1::ChangeDueRequest& request,
                        const store::Context& context, const reference::Catalogue& catalogue,
                        const ChangeDueFacts& facts) {
  if (record == nullptr)
    return errors::NotFound("DOSSIER_NOT_FOUND", "no dossier with this code has a clock");
  const v1::Clock& clock = record->clock();
  const std::string& agency = context.actor.agency();
  const auto may = [&](const std::string& whose) {
    return agency == catalogue.InChargeAt(whose, context.now);
  };
  if (!facts.unrestricted && !may(clock.receiving_agency()) && !may(clock.holder())) {
    return errors::PermissionDenied("NOT_YOUR_AGENCY",
                                    "only the receiving agency and the holder may change the due date");
  }
  if (!IsOpen(clock)) return errors::FailedPrecondition("DOSSIER_ENDED", "the dossier's clock has ended");
  if (!clock.has_due())
    return errors::FailedPrecondition("NO_DUE_DATE", "the dossier was accepted without a due date");
  if (request.kind() == DUE_CHANGE_KIND_REAPPOINTMENT && clock.reappointments() >= kMaxReappointments) {
    return errors::FailedPrecondition("TOO_MANY_REAPPOINTMENTS", "the date was promised anew before");
  }
  return absl::OkStatus();
}

absl::StatusOr<DueDate> NewDue(const v1::Clock& clock, const v1::ChangeDueRequest& request,
                               absl::CivilDay today, const time::Calendar& calendar) {
  errors::Violations violations;
  const bool reappointment = request.kind() == DUE_CHANGE_KIND_REAPPOINTMENT;
  if (!reappointment && request.kind() != DUE_CHANGE_KIND_AGREED) {
    violations.Add("kind", "FIELD_UNKNOWN_VALUE",
                   "must be DUE_CHANGE_KIND_AGREED or DUE_CHANGE_KIND_REAPPOINTMENT");
  }
  DueDate due;
  const auto day = time::ParseDate(request.date());
  const auto deadline = day.ok() ? time::DeadlineOn(*day, calendar) : day.status();
  if (!deadline.ok()) {
    violations.Add("date", "FIELD_OUT_OF_RANGE",
                   "must be a date within the working calendar, as in 2025-02-06");
  } else {
    due = *deadline;
    // ISO dates compare as texts.
    if (due.SerializeAsString() == clock.due().SerializeAsString()) {
      violations.Add("date", "FIELD_NOT_ALLOWED", "must be another date than the one in force");
    } else if (reappointment && due.date() <= clock.due().date()) {
      violations.Add("date", "FIELD_OUT_OF_RANGE", "must be after the date in force, which is promised anew");
    }
    if (reappointment && *day < today)
      violations.Add("date", "FIELD_OUT_OF_RANGE", "must not be in the past");
  }
  if (!violations.empty()) return violations.ToStatus();
  return due;
}

}  // namespace

absl::StatusOr<store::Decision<internal::deadline::ClockRecord>> DecideChangeDue(
    const internal::deadline::ClockRecord* record, const v1::ChangeDueRequest& request,
    const store::Context& context, const reference::Catalogue& catalogue, const ChangeDueFacts& facts) {
  if (absl::Status state = CheckState(record, request, context, catalogue, facts); !state.ok()) return state;
  // A clock may have followed events of a feed that is ahead of this service's own time.
  const v1::Clock& before = record->clock();
  const absl::Time now = std::max(
      {context.now, time::FromTimestamp(before.held_since()), time::FromTimestamp(before.paused_at())});
  const auto due =
      NewDue(before, request, catalogue.DayOf(now), catalogue.CalendarOf(before.receiving_agency()));
  if (!due.ok()) return due.status();
  const int64_t next = record->next_moment();
  if (next != 0 && next <= Micros(now) && absl::FromUnixMicros(next) > facts.settled_until) {
    return errors::Unavailable("NOT_CAUGHT_UP", "an alert of the present date is being settled; try again");
  }

  // What is raised of the present date bears its own moments: those before the feed's watermark have been
  // raised.
  ClockChange change(*record, catalogue, context.actor, absl::InfinitePast(), context.traceparent);
  change.Raise(now);
  v1::Clock& clock = change.clock();
  if (request.kind() == DUE_CHANGE_KIND_REAPPOINTMENT) {
    const DueDate judged = JudgedDue(clock);
    clock.set_reappointments(clock.reappointments() + 1);
    *clock.mutable_judged_due() = judged;
  } else {
    clock.set_due_changed(true);
    if (clock.has_judged_due() && !time::IsLate(clock.judged_due(), now)) clock.clear_judged_due();
  }
  change.SetDue(*due, request.kind(), request.reason(), now);
  change.Raise(now, now);
  return std::move(change).Finish();
}

}  // namespace motcua::deadline
