#include "services/deadline_monitor/domain/clock/clock_model.h"

#include "common/time/timestamp.h"
#include "motcua/internal/deadline/records.pb.h"

namespace motcua::deadline {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

std::string Scoped(std::string_view name, std::string_view agency) {
  std::string scoped(name);
  if (!agency.empty()) scoped.append(":").append(agency);
  return scoped;
}

int64_t SecondsOf(int64_t micros) {
  return micros >= 0 ? micros / kMicrosPerSecond : -((-micros + kMicrosPerSecond - 1) / kMicrosPerSecond);
}

void AddTime(store::CounterSink& counters, std::string_view group, std::string_view seconds,
             std::string_view micros, const std::string& agency, int64_t amount) {
  const int64_t whole = SecondsOf(amount);
  counters.AddTo(group, seconds, agency, whole);
  counters.AddTo(group, micros, agency, amount - whole * kMicrosPerSecond);
}

// `NEARING` of `ALERT_KIND_NEARING`.
std::string_view ShortName(int kind) {
  static constexpr std::string_view kPrefix = "ALERT_KIND_";
  return std::string_view(feed::v1::AlertKind_Name(static_cast<feed::v1::AlertKind>(kind)))
      .substr(kPrefix.size());
}

}  // namespace

namespace index {

std::string Open(std::string_view agency) { return Scoped("h", agency); }
std::string Nearing(std::string_view agency) { return Scoped("n", agency); }
std::string Overdue(std::string_view agency) { return Scoped("o", agency); }

}  // namespace index

int64_t Micros(absl::Time t) { return absl::ToUnixMicros(t); }

int64_t Micros(const google::protobuf::Timestamp& timestamp) {
  return Micros(time::FromTimestamp(timestamp));
}

const common::v1::DueDate& JudgedDue(const v1::Clock& clock) {
  return clock.has_judged_due() ? clock.judged_due() : clock.due();
}

const common::v1::DueDate& OriginalDue(const v1::Clock& clock) {
  return clock.has_original_due() ? clock.original_due() : clock.due();
}

void ClockModel::IndexesOf(const internal::deadline::ClockRecord& record, store::IndexSink& indexes) {
  const v1::Clock& clock = record.clock();
  if (!IsOpen(clock)) return;
  const double due = clock.has_due() ? static_cast<double>(Micros(clock.due().late_from())) : index::kNoDue;
  const auto list = [&](std::string_view whole, std::string_view of_agency) {
    indexes.Add(whole, clock.dossier(), due);
    if (!clock.holder().empty()) indexes.Add(of_agency, clock.holder(), clock.dossier(), due);
  };
  list("h", "h:");
  if (clock.raised() & Bit(feed::v1::ALERT_KIND_OVERDUE)) {
    list("o", "o:");
  } else if (clock.raised() & Bit(feed::v1::ALERT_KIND_NEARING)) {
    list("n", "n:");
  }
  if (record.next_moment() != 0) {
    indexes.Add(index::kTimers, clock.dossier(), static_cast<double>(record.next_moment()));
  }
}

void ClockModel::CountersOf(const internal::deadline::ClockRecord& record, store::CounterSink& counters) {
  CountInto(counter::kOfAgencies, record, counters);
}

void ClockModel::Previous::IndexesOf(const internal::deadline::ClockRecord& record,
                                     store::IndexSink& indexes) {
  ClockModel::IndexesOf(record, indexes);
}

void ClockModel::Previous::CountersOf(const internal::deadline::ClockRecord& record,
                                      store::CounterSink& counters) {
  CountInto("", record, counters);
}

void ClockModel::CountInto(std::string_view group, const internal::deadline::ClockRecord& record,
                           store::CounterSink& counters) {
  const v1::Clock& clock = record.clock();
  const auto count = [&](std::string_view name, bool holds) {
    if (holds) counters.Add(name, 1);
  };
  const bool open = IsOpen(clock);
  count(counter::kClocks, true);
  count(counter::kOpen, open);
  count(counter::kOpenOverdue, open && (clock.raised() & Bit(feed::v1::ALERT_KIND_OVERDUE)) != 0);
  count(counter::kPaused, open && IsPaused(clock));
  count(counter::kEnded, !open);
  count(counter::kLate, clock.late());
  if (clock.late()) counters.Add(counter::kLateInMonth, clock.ended_month(), 1);
  count(counter::kEverOverdue, (clock.ever_raised() & Bit(feed::v1::ALERT_KIND_OVERDUE)) != 0);
  count(counter::kDueChanged, clock.due_changed());
  count(counter::kApologies, clock.apology_due());
  for (int i = 0; i < record.alerts_size(); ++i) {
    if (record.alerts(i) != 0) counters.Add(counter::kAlerts, ShortName(i + 1), record.alerts(i));
  }
  for (const v1::Held& held : clock.held()) {
    AddTime(counters, group, counter::kHeldSeconds, counter::kHeldMicros, held.agency(),
            static_cast<int64_t>(held.micros()));
    if (held.legs_late() != 0) counters.AddTo(group, counter::kLegsLate, held.agency(), held.legs_late());
  }
  if (open) {
    counters.AddTo(group, counter::kHolding, clock.holder(), 1);
    AddTime(counters, group, counter::kSinceSeconds, counter::kSinceMicros, clock.holder(),
            Micros(clock.held_since()));
  }
}

v1::Clock ForDisplay(const v1::Clock& clock, uint64_t version) {
  v1::Clock shown = clock;
  shown.set_version(version);
  if (clock.has_due()) {
    *shown.mutable_original_due() = OriginalDue(clock);
    *shown.mutable_judged_due() = JudgedDue(clock);
  }
  return shown;
}

}  // namespace motcua::deadline
