#include "services/deadline_monitor/domain/clock/retell.h"

#include <utility>

#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/custody.h"

namespace motcua::deadline {

std::vector<feed::v1::Event> Retell(const internal::deadline::ClockRecord& record) {
  const v1::Clock& clock = record.clock();
  std::vector<feed::v1::Event> events;
  const auto add = [&](const google::protobuf::Timestamp& at) -> feed::v1::Event& {
    feed::v1::Event& event = events.emplace_back();
    event.set_subject(clock.dossier());
    *event.mutable_at() = at;
    return event;
  };
  if (clock.due_version() > 0 && clock.has_due()) {
    // When it was changed is in the history alone.
    feed::v1::DueChanged& changed = *add(clock.received_at()).mutable_due_changed();
    *changed.mutable_previous_due() = OriginalDue(clock);
    *changed.mutable_due() = clock.due();
    changed.set_due_version(clock.due_version());
  }
  if (clock.has_ended_at()) {
    feed::v1::ClockEnded& ended = *add(clock.ended_at()).mutable_clock_ended();
    ended.set_late(clock.late());
    if (clock.has_due()) *ended.mutable_due() = clock.due();
    for (feed::v1::Charge& charge : ChargesAsOf(clock, time::FromTimestamp(clock.ended_at())))
      *ended.add_charges() = std::move(charge);
  }
  return events;
}

}  // namespace motcua::deadline
