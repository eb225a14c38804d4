// What the store must know of a clock: under which indexes it is listed and what it adds to the figures.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/store/decision.h"
#include "google/protobuf/timestamp.pb.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/internal/deadline/records.pb.h"

namespace motcua::deadline {

// Names of the indexes. Members are dossier codes.
namespace index {

// Dossiers by the next moment at which something must be raised, in microseconds since the epoch.
inline constexpr std::string_view kTimers = "t";

// Open dossiers by the first instant that is late, in microseconds since the epoch (kNoDue for those without
// a due date): all, those that are near their due, those that are overdue. `agency` empty = of the whole
// jurisdiction, else those that the agency holds.
std::string Open(std::string_view agency);
std::string Nearing(std::string_view agency);
std::string Overdue(std::string_view agency);

// Behind every date that a Deadline can have; exact in a double.
inline constexpr double kNoDue = 9.0e15;

}  // namespace index

// Counters of agencies are a group of their own, as an agency's six are read without those of ten thousand
// others; their names end with its id. Those of no group are some twenty, and one for each month. Amounts of
// time are kept in two counters, whole seconds and the rest in microseconds, so that the sum over millions of
// dossiers stays far from 2^63.
namespace counter {

inline constexpr std::string_view kClocks = "clocks";
inline constexpr std::string_view kOpen = "open";
inline constexpr std::string_view kOpenOverdue = "overdue_open";
inline constexpr std::string_view kPaused = "paused";
inline constexpr std::string_view kEnded = "ended";
inline constexpr std::string_view kLate = "late";
inline constexpr std::string_view kLateInMonth = "late:";
inline constexpr std::string_view kEverOverdue = "ever_overdue";
inline constexpr std::string_view kDueChanged = "due_changed";
inline constexpr std::string_view kApologies = "apologies";
inline constexpr std::string_view kAlerts = "alerts:";
// The group of those below.
inline constexpr std::string_view kOfAgencies = "a";
// Finished spans.
inline constexpr std::string_view kHeldSeconds = "held_s:";
inline constexpr std::string_view kHeldMicros = "held_us:";
// Running spans: how many, and the sum of the moments since when.
inline constexpr std::string_view kHolding = "holding:";
inline constexpr std::string_view kSinceSeconds = "since_s:";
inline constexpr std::string_view kSinceMicros = "since_us:";
inline constexpr std::string_view kLegsLate = "legs_late:";
inline constexpr std::string_view kAllOfAgencies[] = {kHeldSeconds,  kHeldMicros,  kHolding,
                                                      kSinceSeconds, kSinceMicros, kLegsLate};

}  // namespace counter

struct ClockModel {
  using Record = internal::deadline::ClockRecord;
  static constexpr std::string_view kKind = "d";
  static void IndexesOf(const internal::deadline::ClockRecord& record, store::IndexSink& indexes);
  static void CountersOf(const internal::deadline::ClockRecord& record, store::CounterSink& counters);

  // Definition 1: agencies' counters among the others.
  struct Previous {
    static void IndexesOf(const internal::deadline::ClockRecord& record, store::IndexSink& indexes);
    static void CountersOf(const internal::deadline::ClockRecord& record, store::CounterSink& counters);
  };

 private:
  static void CountInto(std::string_view group, const internal::deadline::ClockRecord& record,
                        store::CounterSink& counters);
};

inline bool IsOpen(const v1::Clock& clock) { return !clock.has_ended_at(); }
inline bool IsPaused(const v1::Clock& clock) { return clock.has_paused_at(); }

// The bit of an alert in `raised`.
inline uint32_t Bit(feed::v1::AlertKind kind) { return 1u << kind; }

// The date that lateness is judged by, and the promise of the acceptance: see ClockRecord on how they are
// stored.
const common::v1::DueDate& JudgedDue(const v1::Clock& clock);
const common::v1::DueDate& OriginalDue(const v1::Clock& clock);

// Microseconds since the epoch, rounded down.
int64_t Micros(absl::Time t);
int64_t Micros(const google::protobuf::Timestamp& timestamp);

// The clock as the API shows it.
v1::Clock ForDisplay(const v1::Clock& clock, uint64_t version);

}  // namespace motcua::deadline
