// What a log of a desk's work says is to be done, in which order: the pure half of `motcua replay`.
//
// The log has one row for each completed activity, as event logs of process mining have it, with the columns
// named in kLogColumns; data/README.md of the log tells how it is read:
//   - received = the earlier of the registered start and the first activity; first holder = the unit of the
//   first
//     activity that has one (`Unassigned` where none has);
//   - an activity by another unit than the holder is a hand-over before it; the unit `EMPTY` = the holder;
//   - ended = the registered end, never before the receipt; an activity after it must be refused;
//   - due = the registered deadline; another date than 56 calendar days after the start = an agreed change.
//
// Pure and thread-safe.
#ifndef MOTCUA_CLIENTS_MOTCUA_REPLAY_PLAN_H_
#define MOTCUA_CLIENTS_MOTCUA_REPLAY_PLAN_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/motcua/csv.h"

namespace motcua::client {

// Calendar days that the desk promises by law.
inline constexpr int kStandardDays = 56;
inline constexpr char kLogZone[] = "Europe/Amsterdam";
inline constexpr char kUnassigned[] = "Unassigned";

enum class ActionKind { kFile, kChangeDue, kHandOver, kWork, kWorkAfterEnd, kFinish };

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
  // What was done; only for work.
  std::string activity;
  // Of content alone: the same row of the same dossier has it in every replay. 32 hex digits.
  std::string key;
};

struct PlannedDossier {
  std::string name;
  std::string channel;
  absl::Time received;
  absl::Time started;
  // Registered deadline, as a date of the desk's zone.
  std::string due;
  std::optional<absl::Time> ended;
};

struct PlannedOfficer {
  // Number in Plan.units, and the name in the log.
  int unit = 0;
  std::string name;
};

struct Plan {
  // Of the whole log, sorted by name, so that a part of the log has the same numbers.
  std::vector<std::string> units;
  std::vector<std::string> channels;
  std::vector<PlannedOfficer> officers;
  std::vector<PlannedDossier> dossiers;
  // In the order of time over all dossiers; at equal times in the order of the log.
  std::vector<Action> actions;
  // The last activity of the planned dossiers.
  absl::Time now;
  // Texts of the planned dossiers' rows, with the header: what an oracle must read.
  std::string excerpt;
};

// `limit` > 0: only the first so many dossiers. INVALID_ARGUMENT with one line for each of the first 20
// violations.
absl::StatusOr<Plan> MakePlan(const CsvTable& log, int limit = 0);

// `2011-10-11 13:42:22.688000+02:00`: date, time, up to nine digits of a second, offset. Also with `T` and
// `Z`.
absl::StatusOr<absl::Time> ParseLogTime(std::string_view text);

}  // namespace motcua::client

#endif  // MOTCUA_CLIENTS_MOTCUA_REPLAY_PLAN_H_
