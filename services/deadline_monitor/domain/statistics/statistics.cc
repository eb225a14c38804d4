#include "services/deadline_monitor/domain/statistics/statistics.h"

#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "absl/numeric/int128.h"
#include "common/time/timestamp.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"

namespace motcua::deadline {
namespace {

uint64_t NotNegative(int64_t value) { return value < 0 ? 0 : static_cast<uint64_t>(value); }

// The counters of one prefix, by the rest of their names.
std::map<std::string, int64_t> WithPrefix(const store::Counters& counters, std::string_view prefix) {
  std::map<std::string, int64_t> found;
  for (auto it = counters.lower_bound(std::string(prefix)); it != counters.end(); ++it) {
    if (std::string_view(it->first).substr(0, prefix.size()) != prefix) break;
    found.emplace(it->first.substr(prefix.size()), it->second);
  }
  return found;
}

}  // namespace

v1::GetStatisticsResponse StatisticsOf(const store::Counters& counters, absl::Time as_of) {
  v1::GetStatisticsResponse statistics;
  *statistics.mutable_as_of() = time::ToTimestamp(as_of);
  const auto total = [&](std::string_view name) {
    const auto found = counters.find(std::string(name));
    return found == counters.end() ? 0 : NotNegative(found->second);
  };
  statistics.set_clocks(total(counter::kClocks));
  statistics.set_open(total(counter::kOpen));
  statistics.set_open_overdue(total(counter::kOpenOverdue));
  statistics.set_paused(total(counter::kPaused));
  statistics.set_ended(total(counter::kEnded));
  statistics.set_ended_late(total(counter::kLate));
  statistics.set_due_changed(total(counter::kDueChanged));
  statistics.set_ever_overdue(total(counter::kEverOverdue));
  statistics.set_apologies_due(total(counter::kApologies));
  for (const auto& [month, count] : WithPrefix(counters, counter::kLateInMonth)) {
    if (count > 0) (*statistics.mutable_ended_late_by_month())[month] = NotNegative(count);
  }
  for (const auto& [kind, count] : WithPrefix(counters, counter::kAlerts)) {
    if (count > 0) (*statistics.mutable_alerts())[kind] = NotNegative(count);
  }

  std::map<std::string, absl::int128> held;
  const auto add = [&](std::string_view prefix, absl::int128 factor) {
    for (const auto& [agency, amount] : WithPrefix(counters, prefix))
      held[agency] += absl::int128(amount) * factor;
  };
  constexpr int64_t kMicros = 1'000'000;
  add(counter::kHeldSeconds, kMicros);
  add(counter::kHeldMicros, 1);
  add(counter::kHolding, Micros(as_of));
  add(counter::kSinceSeconds, -kMicros);
  add(counter::kSinceMicros, -1);
  for (const auto& [agency, micros] : held) {
    const absl::int128 most = std::numeric_limits<int64_t>::max();
    const absl::int128 amount = micros < 0 ? absl::int128(0) : micros > most ? most : micros;
    if (amount > 0) (*statistics.mutable_agencies())[agency].set_held_micros(static_cast<uint64_t>(amount));
  }
  for (const auto& [agency, count] : WithPrefix(counters, counter::kHolding)) {
    if (count > 0) (*statistics.mutable_agencies())[agency].set_holding(NotNegative(count));
  }
  for (const auto& [agency, count] : WithPrefix(counters, counter::kLegsLate)) {
    if (count > 0) (*statistics.mutable_agencies())[agency].set_legs_late(NotNegative(count));
  }
  return statistics;
}

}  // namespace motcua::deadline
