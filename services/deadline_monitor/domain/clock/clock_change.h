// A change of one clock under construction: its new state, and what it tells of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/deadline/records.pb.h"

namespace motcua::deadline {

// Something that is still to be raised.
struct PendingAlert {
  feed::v1::AlertKind kind;
  // When it becomes true.
  absl::Time moment;
  // Index of the part that it is about; -1 = the dossier itself.
  int part;
  const reference::v1::AlertRung* rung;
};

// All that is still to be raised, soonest first; nothing while the clock is paused or after it has ended.
//
// NEARING and DUE_TODAY make no sense any more once OVERDUE was raised, and ESCALATED none before.
std::vector<PendingAlert> PendingAlerts(const v1::Clock& clock, const reference::Catalogue& catalogue);

// Usage: make one, act on clock(), Raise what the change brought about, Finish.
//
// What is emitted bears the moment as of which it is true, or `not_before` where that is later.
class ClockChange {
 public:
  // `traceparent`: of the event or call that changes the clock; every event emitted bears it.
  ClockChange(internal::deadline::ClockRecord record, const reference::Catalogue& catalogue,
              common::v1::Actor actor, absl::Time not_before, std::string traceparent = "");

  internal::deadline::ClockRecord& record() { return decision_.record; }
  v1::Clock& clock() { return *decision_.record.mutable_clock(); }
  const reference::Catalogue& catalogue() const { return catalogue_; }
  // Of the receiving agency: the dossier's due date is kept in it.
  const time::Calendar& calendar() const {
    return catalogue_.CalendarOf(decision_.record.clock().receiving_agency());
  }

  // Adds an event without a body.
  feed::v1::Event& Emit(absl::Time at);
  // Adds a line to the history.
  void Note(absl::Time at, std::string_view action, std::string_view note);

  // Raises in order what became true until `up_to`, that moment included, each as of its moment. What became
  // true before `floor` is raised as of `floor`: a clock that starts, resumes or gets another due date when
  // its moments have passed. What is not true any more at `floor` is not raised.
  void Raise(absl::Time up_to, absl::Time floor = absl::InfinitePast());

  // Puts another due date in force: it has a version of its own, for which alerts are raised anew.
  void SetDue(const common::v1::DueDate& due, feed::v1::DueChangeKind kind, std::string_view reason,
              absl::Time at);

  store::Decision<internal::deadline::ClockRecord> Finish() &&;

 private:
  void RaiseOne(const PendingAlert& alert, absl::Time at);
  void RaiseApology(absl::Time at);

  const reference::Catalogue& catalogue_;
  const common::v1::Actor actor_;
  const absl::Time not_before_;
  const std::string traceparent_;
  store::Decision<internal::deadline::ClockRecord> decision_;
};

}  // namespace motcua::deadline
