// The rows of a desk's log, grouped by dossier: what replay_plan.h plans from.
//
// Pure and thread-safe.
#ifndef MOTCUA_CLIENTS_MOTCUA_LOG_ROWS_H_
#define MOTCUA_CLIENTS_MOTCUA_LOG_ROWS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/motcua/csv.h"

namespace motcua::client {

// The unit that stands for "whoever holds the dossier".
inline constexpr char kSameUnit[] = "EMPTY";

struct LogActivity {
  absl::Time at;
  std::string activity;
  std::string unit;
  std::string officer;
  // Of the row's content and of how often it stood in its dossier before.
  std::string key;
};

struct LogDossier {
  std::string name;
  std::string channel;
  absl::Time started;
  absl::Time due;
  std::optional<absl::Time> ended;
  // By time; at equal times in the order of the log. Never empty.
  std::vector<LogActivity> activities;
  // Numbers of its rows in the table.
  std::vector<size_t> rows;
};

// In the order of their first rows. INVALID_ARGUMENT with one line for each of the first 20 violations:
// missing columns, malformed times, empty names, dossiers whose rows disagree about them.
absl::StatusOr<std::vector<LogDossier>> ReadLog(const CsvTable& log);

// First 32 hex digits of the SHA-256 of the parts, each with its length.
std::string KeyOf(const std::vector<std::string>& parts);

}  // namespace motcua::client

#endif  // MOTCUA_CLIENTS_MOTCUA_LOG_ROWS_H_
