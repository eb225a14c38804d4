#include "services/deadline_monitor/domain/clock/parts.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/time/legal_clock.h"
#include "common/time/timestamp.h"
#include "services/deadline_monitor/domain/clock/custody.h"

namespace motcua::deadline {
namespace {

constexpr char kConsultationPrefix[] = "consult-";

void RemovePart(v1::Clock& clock, int i) { clock.mutable_parts()->DeleteSubrange(i, 1); }

void EndParts(v1::Clock& clock, absl::Time at, const std::function<bool(const v1::PartClock&)>& which) {
  for (int i = clock.parts_size() - 1; i >= 0; --i) {
    v1::PartClock& part = *clock.mutable_parts(i);
    if (!IsRunning(part) || !which(part)) continue;
    part.set_late(time::IsLate(part.due(), at));
    const auto began_late = [&part] {
      return time::IsLate(part.due(), time::FromTimestamp(part.started_at()));
    };
    if (IsLeg(part) && part.late() && !began_late()) {
      v1::Held& held = HeldBy(clock, part.agency());
      held.set_legs_late(held.legs_late() + 1);
    }
    if (part.item() == kOffer) {
      RemovePart(clock, i);
    } else {
      *part.mutable_ended_at() = time::ToTimestamp(std::max(at, time::FromTimestamp(part.started_at())));
    }
  }
  int ended = 0;
  for (int i = clock.parts_size() - 1; i >= 0; --i) {
    if (!IsRunning(clock.parts(i)) && ++ended > kMaxEndedParts) RemovePart(clock, i);
  }
}

}  // namespace

std::string ConsultationItem(uint32_t number) { return absl::StrCat(kConsultationPrefix, number); }

bool IsLeg(const v1::PartClock& part) {
  if (part.item() == kOffer) return false;
  // A planned leg may well be called `consult-tax`.
  uint32_t number = 0;
  absl::string_view rest = part.item();
  return !(absl::ConsumePrefix(&rest, kConsultationPrefix) && absl::SimpleAtoi(rest, &number));
}

void StartPart(v1::Clock& clock, std::string_view item, std::string_view agency,
               const common::v1::Limit& limit, absl::Time at, const reference::Catalogue& catalogue) {
  for (int i = clock.parts_size() - 1; i >= 0; --i) {
    if (clock.parts(i).item() == item && IsRunning(clock.parts(i))) RemovePart(clock, i);
  }
  auto due = time::ComputeDeadline(at, limit, time::kNoCutoff, catalogue.CalendarOf(std::string(agency)));
  if (!due.ok()) return;
  v1::PartClock& part = *clock.add_parts();
  part.set_item(std::string(item));
  part.set_agency(std::string(agency));
  *part.mutable_limit() = limit;
  *part.mutable_due() = *std::move(due);
  *part.mutable_started_at() = time::ToTimestamp(at);
}

void EndPart(v1::Clock& clock, std::string_view item, absl::Time at) {
  EndParts(clock, at, [item](const v1::PartClock& part) { return part.item() == item; });
}

void EndLeg(v1::Clock& clock, absl::Time at) { EndParts(clock, at, IsLeg); }

void EndAllParts(v1::Clock& clock, absl::Time at) {
  EndParts(clock, at, [](const v1::PartClock&) { return true; });
}

void PassParts(v1::Clock& clock, std::string_view from, std::string_view to, absl::Time at) {
  std::vector<v1::PartClock> going_on;
  for (v1::PartClock& part : *clock.mutable_parts()) {
    if (!IsRunning(part) || part.agency() != from) continue;
    if (!IsLeg(part)) {
      part.set_agency(std::string(to));
      continue;
    }
    v1::PartClock& next = going_on.emplace_back(part);
    next.set_agency(std::string(to));
    *next.mutable_started_at() = time::ToTimestamp(std::max(at, time::FromTimestamp(part.started_at())));
    part.set_continued_by(std::string(to));
  }
  if (going_on.empty()) return;
  EndParts(clock, at, [from](const v1::PartClock& part) { return IsLeg(part) && part.agency() == from; });
  for (v1::PartClock& part : going_on) *clock.add_parts() = std::move(part);
}

absl::Duration AllottedTo(const v1::PartClock& leg) {
  absl::Time until = time::FromTimestamp(leg.due().late_from());
  if (!leg.continued_by().empty()) until = std::min(until, time::FromTimestamp(leg.ended_at()));
  return std::max(until - time::FromTimestamp(leg.started_at()), absl::ZeroDuration());
}

void ShiftParts(v1::Clock& clock, absl::Time stopped, absl::Time resumed,
                const reference::Catalogue& catalogue) {
  for (v1::PartClock& part : *clock.mutable_parts()) {
    if (!IsRunning(part)) continue;
    const absl::Time from = std::min(std::max(stopped, time::FromTimestamp(part.started_at())), resumed);
    auto due = time::DeadlineAfterPause(part.due(), part.limit(), from, resumed, clock.pause_policy(),
                                        time::kNoCutoff, catalogue.CalendarOf(part.agency()));
    if (!due.ok() || due->SerializeAsString() == part.due().SerializeAsString()) continue;
    *part.mutable_due() = *std::move(due);
    part.set_raised(0);
  }
}

}  // namespace motcua::deadline
