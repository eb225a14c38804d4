// The legal clock: when a dossier is due, near, late. One pure library for intake's promise and the monitor's
// watch.
//
// Sources: Civil Code 2015 art. 147-148 (the first day is not counted; a term that ends on a day off ends on
// the next working day), the 15:00 rule of Civil Status Law art. 5, Decree 23/2015 art. 7 and Decree 63/2024.
// What the law leaves open is said at each function.
//
// All functions are pure and thread-safe. Nonsense is INVALID_ARGUMENT; a term that leads outside the
// calendar's years is OUT_OF_RANGE.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/time/calendar.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::time {

// When a dossier handed in late in the day counts from the next working day.
struct ReceiptRule {
  // UNSPECIFIED stands for ALL, the default of the contract.
  reference::v1::CutoffPolicy policy = reference::v1::CUTOFF_POLICY_ALL;
  // Minutes after midnight; exactly this moment is not yet late.
  int cutoff_minute = 15 * 60;
};

// The rule that never waits for the next day because of a cut-off: legs, consultations, resumed clocks.
inline constexpr ReceiptRule kNoCutoff = {reference::v1::CUTOFF_POLICY_NONE, 15 * 60};

// The rule of a procedure, with the contract's defaults. INVALID_ARGUMENT where `cutoff` is malformed.
absl::StatusOr<ReceiptRule> ReceiptRuleOf(const reference::v1::Procedure& procedure);

// A matter to be settled on the day itself: its limit is a part of one working day (`0.1wd` is "on the day").
bool IsSameDayLimit(const common::v1::Limit& limit);

// Effective receipt day (D0): the local day of `received`; the next working day where that is a day off,
// where its last session is over, or where the cut-off applies and is past. Hour-based limits know no
// cut-off: they count minutes wherever in the day they begin.
absl::StatusOr<absl::CivilDay> EffectiveReceiptDay(absl::Time received, const common::v1::Limit& limit,
                                                   const ReceiptRule& rule, const Calendar& calendar);

// The promised end.
//   Working days: the n-th working day after D0. A part of a day is worked off in minutes (minutes_per_day x
//     part) from the receipt, or from the start of D0 where D0 is a later day, and never reaches past the
//     next working day.
//   Calendar days: D0 + n, rolled forward to a working day.
//   Working hours: minutes of the sessions, from the minute of receipt.
absl::StatusOr<common::v1::DueDate> ComputeDeadline(absl::Time received, const common::v1::Limit& limit,
                                                    const ReceiptRule& rule, const Calendar& calendar);

// The dues of consecutive legs: leg n counts from the due of leg n-1. Legs of one unit are summed before they
// are counted, so that the last due equals the due of the sum.
absl::StatusOr<std::vector<common::v1::DueDate>> ComputeLegDeadlines(absl::Time received,
                                                                     absl::Span<const common::v1::Limit> legs,
                                                                     const ReceiptRule& rule,
                                                                     const Calendar& calendar);

// The due of one more leg (or of an extension) of `limit` that begins where `previous` ends.
absl::StatusOr<common::v1::DueDate> DeadlineAfter(const common::v1::DueDate& previous,
                                                  const common::v1::Limit& limit, const Calendar& calendar);

// The deadline kept by date on a given day: an agreed change of the due date. Any day, worked or not; on
// a day off the appointment is the end of that day.
absl::StatusOr<common::v1::DueDate> DeadlineOn(absl::CivilDay day, const Calendar& calendar);

// Moves a due by n working days (n >= 0); an hour-based due keeps its time of day only where n is 0, else it
// moves by n x minutes_per_day working minutes.
absl::StatusOr<common::v1::DueDate> ShiftByWorkingDays(const common::v1::DueDate& due,
                                                       const common::v1::Limit& limit, int64_t n,
                                                       const Calendar& calendar);

// The due after waiting for a supplement or a payment from `stopped` to `resumed`.
//   SHIFT (and UNSPECIFIED): a day-based due moves by the working days in [day of stop, effective day of
//     resumption), an hour-based one by the working minutes in [stopped, resumed).
//   RESTART: the whole limit anew from `resumed`.
//   CONTINUE: unchanged.
absl::StatusOr<common::v1::DueDate> DeadlineAfterPause(const common::v1::DueDate& due,
                                                       const common::v1::Limit& limit, absl::Time stopped,
                                                       absl::Time resumed, reference::v1::PausePolicy policy,
                                                       const ReceiptRule& rule, const Calendar& calendar);

// When to warn, `offset` before the due.
//   Whole working days: the start of work on the n-th working day before the due date.
//   Parts of a day: so many working minutes before the appointment, after the whole days.
//   Calendar days: the start of work on due date - n, or on the last working day before that.
//   Working hours: so many working minutes before the appointment.
absl::StatusOr<absl::Time> NearingMoment(const common::v1::DueDate& due, const common::v1::Limit& offset,
                                         const Calendar& calendar);

// The start of work on the due date (its midnight where the date is a day off).
absl::StatusOr<absl::Time> DueTodayMoment(const common::v1::DueDate& due, const Calendar& calendar);

// When to tell the next one up, `offset` after the due: the start of work on the n-th working day after the
// due date (or on due date + n rolled forward), or so many working minutes after the appointment. Never
// before late_from.
absl::StatusOr<absl::Time> EscalationMoment(const common::v1::DueDate& due, const common::v1::Limit& offset,
                                            const Calendar& calendar);

// Whether something that ended at `ended` (or is still open at `ended`) is late.
bool IsLate(const common::v1::DueDate& due, absl::Time ended);

}  // namespace motcua::time
