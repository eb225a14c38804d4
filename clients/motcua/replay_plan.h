// What a log of a desk's work says is to be done, in which order: the pure half of `motcua replay`.
//
// The log has one row for each completed activity, in the columns that event logs of process mining have; it
// is read so:
//   - received = the earlier of the registered start and the first activity;
//   - first holder = the unit of the first activity that has one (`Unassigned` where none has);
//   - an activity by another unit than the holder is a hand-over before it;
//   - the unit `EMPTY`, or none, = the holder;
//   - ended = the registered end, never before the receipt; an activity after it must be refused;
//   - due = the registered deadline; another date than 56 calendar days after the start = an agreed change;
//   - dates are those of the desk's time zone, whatever offset a time is written with.
//
// Pure and thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "clients/motcua/log_rows.h"

namespace motcua::client {

// Calendar days that the desk promises by law.
inline constexpr int kStandardDays = 56;
inline constexpr char kUnassigned[] = "Unassigned";

enum class ActionKind : uint8_t { kFile, kChangeDue, kHandOver, kWork, kWorkAfterEnd, kFinish };

// Somebody of a unit, as a number in Plan.officers.
using OfficerIndex = int;

struct Action {
  absl::Time at;
  ActionKind kind = ActionKind::kFile;
  // Number in Plan.dossiers.
  int dossier = 0;
  // Who acts. For a hand-over the one who takes over; `giver` is the one who offers.
  OfficerIndex officer = 0;
  OfficerIndex giver = 0;
  // What was done, as a number in Plan.activities; only for work.
  int activity = -1;
  // Of content alone: the same row of the same dossier has it in every replay.
  Key key = {};
};

struct PlannedDossier {
  std::string name;
  // Its first row.
  int64_t line = 0;
  // Number in Plan.channels.
  int channel = 0;
  absl::Time received;
  absl::Time started;
  // Registered deadline, as a date of the desk's zone.
  std::string due;
  std::optional<absl::Time> ended;
  int hand_overs = 0;
  // Done before the end.
  int works = 0;
};

struct PlannedOfficer {
  // Number in Plan.units, and the name in the log.
  int unit = 0;
  LogText name;
};

struct Plan {
  // IANA name of the zone whose dates count.
  std::string zone;
  // Of the whole log, sorted, so that a part of the log has the same numbers.
  std::vector<LogText> units;
  std::vector<LogText> channels;
  std::vector<LogText> activities;
  std::vector<PlannedOfficer> officers;
  std::vector<PlannedDossier> dossiers;
  // In the order of time over all dossiers; at equal times dossier by dossier, and each in the order of the
  // log.
  std::vector<Action> actions;
  // The last activity of the planned dossiers.
  absl::Time now;
};

// `limit` > 0: only the first so many dossiers. The log was read without faults and has dossiers.
Plan MakePlan(Log log, const absl::TimeZone& zone, int limit = 0);

}  // namespace motcua::client
