// The rows of a desk's log, grouped by dossier: what replay_plan.h plans from.
//
// Memory grows with the dossiers and their activities, each of a fixed size; texts that repeat are kept once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "clients/motcua/csv.h"
#include "clients/motcua/log_faults.h"

namespace motcua::client {

// First half of the SHA-256 of some texts, each with its length.
using Key = std::array<unsigned char, 16>;
Key KeyOf(const std::vector<std::string>& parts);
// As 32 hex digits.
std::string KeyText(const Key& key);

// A text of the log, with the line where it stood first.
struct LogText {
  std::string text;
  int64_t line = 0;
};

// The unit "whoever holds the dossier": `EMPTY`, or nothing, in the log.
inline constexpr int kSameUnit = -1;

// `activity`, `unit` and `officer` are numbers in Log.
struct LogActivity {
  absl::Time at;
  int activity = 0;
  int unit = kSameUnit;
  int officer = 0;
  int64_t line = 0;
  // Of the row's content and of how often it stood in its dossier before.
  Key key = {};
};

struct LogDossier {
  std::string name;
  int64_t line = 0;
  // Number in Log.channels.
  int channel = 0;
  absl::Time started;
  absl::Time due;
  std::optional<absl::Time> ended;
  // By time; at equal times in the order of the log. Never empty.
  std::vector<LogActivity> activities;
  // Nothing was told of its rows.
  bool sound = true;
};

struct Log {
  // In the order of their first rows.
  std::vector<LogText> channels;
  std::vector<LogText> activities;
  std::vector<LogText> units;
  std::vector<LogText> officers;
  std::vector<LogDossier> dossiers;
};

// Tells missing columns, malformed times, empty names and dossiers whose rows disagree about them to
// `faults`, and reads on. `zone` set: so is the first time that was written with an offset which that zone
// does not have then (UTC may always be).
Log ReadLog(CsvReader& csv, const absl::TimeZone* zone, LogFaults& faults);

// Number of a column in the header; nothing where it is missing.
std::optional<size_t> ColumnOf(const std::vector<std::string>& header, std::string_view name);
inline constexpr char kNameColumn[] = "case:concept:name";

}  // namespace motcua::client
