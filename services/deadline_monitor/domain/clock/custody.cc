#include "services/deadline_monitor/domain/clock/custody.h"

#include <algorithm>
#include <map>

#include "common/time/timestamp.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/parts.h"

namespace motcua::deadline {

v1::Held& HeldBy(v1::Clock& clock, std::string_view agency) {
  for (v1::Held& held : *clock.mutable_held()) {
    if (held.agency() == agency) return held;
  }
  v1::Held& held = *clock.add_held();
  held.set_agency(std::string(agency));
  return held;
}

void CloseSpan(v1::Clock& clock, absl::Time at) {
  const int64_t since = Micros(clock.held_since());
  const int64_t until = std::max(Micros(at), since);
  v1::Held& held = HeldBy(clock, clock.holder());
  held.set_micros(held.micros() + static_cast<uint64_t>(until - since));
  *clock.mutable_held_since() = time::ToTimestamp(absl::FromUnixMicros(until));
}

std::vector<feed::v1::Charge> ChargesAsOf(const v1::Clock& clock, absl::Time as_of) {
  v1::Clock account;
  *account.mutable_held() = clock.held();
  if (IsOpen(clock)) {
    account.set_holder(clock.holder());
    *account.mutable_held_since() = clock.held_since();
    CloseSpan(account, as_of);
  }
  std::vector<feed::v1::Charge> charges;
  for (const v1::Held& held : account.held()) {
    feed::v1::Charge& charge = charges.emplace_back();
    charge.set_agency(held.agency());
    charge.set_held_micros(held.micros());
  }
  std::sort(charges.begin(), charges.end(),
            [](const auto& a, const auto& b) { return a.agency() < b.agency(); });
  return charges;
}

std::string AgencyAtFault(const v1::Clock& clock, absl::Time as_of) {
  std::map<std::string, int64_t> allotted;
  for (const v1::PartClock& part : clock.parts()) {
    if (!IsLeg(part)) continue;
    allotted[part.agency()] += absl::ToInt64Microseconds(AllottedTo(part));
  }
  std::string at_fault = clock.holder();
  int64_t most = 0;
  for (const feed::v1::Charge& charge : ChargesAsOf(clock, as_of)) {
    const auto allotment = allotted.find(charge.agency());
    if (allotment == allotted.end()) continue;
    const int64_t excess = static_cast<int64_t>(charge.held_micros()) - allotment->second;
    if (excess > most) {
      most = excess;
      at_fault = charge.agency();
    }
  }
  return at_fault;
}

}  // namespace motcua::deadline
