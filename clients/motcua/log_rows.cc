#include "clients/motcua/log_rows.h"

#include <openssl/sha.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/motcua/replay_plan.h"

namespace motcua::client {
namespace {

constexpr size_t kMaxListed = 20;
constexpr const char* kLogColumns[] = {"case:concept:name", "case:channel", "case:startdate",
                                       "case:deadline",     "case:enddate", "concept:name",
                                       "org:group",         "org:resource", "time:timestamp"};
enum Column { kName, kChannel, kStart, kDeadline, kEnd, kActivity, kUnit, kOfficer, kTime, kColumns };

class Reader {
 public:
  explicit Reader(const CsvTable& log) : log_(log) {}

  absl::StatusOr<std::vector<LogDossier>> Read() {
    FindColumns();
    for (size_t i = 0; !columns_missing_ && i < log_.rows.size() && violations_.size() < kMaxListed; ++i)
      ReadRow(i);
    if (dossiers_.empty() && violations_.empty()) violations_.push_back("line 1: the log has no rows");
    if (!violations_.empty()) return absl::InvalidArgumentError(absl::StrJoin(violations_, "\n"));
    for (LogDossier& dossier : dossiers_) {
      std::stable_sort(dossier.activities.begin(), dossier.activities.end(),
                       [](const LogActivity& a, const LogActivity& b) { return a.at < b.at; });
    }
    return std::move(dossiers_);
  }

 private:
  void FindColumns() {
    for (int c = 0; c < kColumns; ++c) {
      const auto found = std::find(log_.header.begin(), log_.header.end(), kLogColumns[c]);
      column_[c] = static_cast<size_t>(found - log_.header.begin());
      if (found == log_.header.end()) {
        violations_.push_back(absl::StrCat("line 1: the column \"", kLogColumns[c], "\" is missing"));
      }
    }
    columns_missing_ = !violations_.empty();
  }

  const std::string& Cell(size_t row, Column column) const { return log_.rows[row].cells[column_[column]]; }

  void Report(size_t row, const std::string& what) {
    violations_.push_back(absl::StrCat("line ", log_.rows[row].line, ": ", what));
  }

  // The epoch, where the cell is at fault.
  absl::Time Time(size_t row, Column column) {
    const absl::StatusOr<absl::Time> time = ParseLogTime(Cell(row, column));
    if (time.ok()) return *time;
    Report(row, absl::StrCat(kLogColumns[column], ": ", std::string(time.status().message())));
    return absl::UnixEpoch();
  }

  void Require(size_t row, Column column) {
    if (Cell(row, column).empty()) Report(row, absl::StrCat(kLogColumns[column], ": must not be empty"));
  }

  void ReadRow(size_t row) {
    for (Column column : {kName, kChannel, kActivity}) Require(row, column);
    const auto [known, added] = index_.try_emplace(Cell(row, kName), dossiers_.size());
    if (added) {
      LogDossier& dossier = dossiers_.emplace_back();
      dossier.name = Cell(row, kName);
      dossier.channel = Cell(row, kChannel);
      dossier.started = Time(row, kStart);
      dossier.due = Time(row, kDeadline);
      if (!Cell(row, kEnd).empty()) dossier.ended = Time(row, kEnd);
    }
    LogDossier& dossier = dossiers_[known->second];
    if (!added) CheckAgrees(row, dossier);
    dossier.rows.push_back(row);
    LogActivity& activity = dossier.activities.emplace_back();
    activity.at = Time(row, kTime);
    activity.activity = Cell(row, kActivity);
    activity.unit = Cell(row, kUnit).empty() ? kSameUnit : Cell(row, kUnit);
    activity.officer = Cell(row, kOfficer).empty() ? "unknown" : Cell(row, kOfficer);
    std::string key = KeyOf(log_.rows[row].cells);
    // Rows that are alike in every cell are told apart by their number.
    if (const int before = repeated_[key]++; before > 0) key = KeyOf({key, absl::StrCat(before)});
    activity.key = std::move(key);
  }

  void CheckAgrees(size_t row, const LogDossier& dossier) {
    for (Column column : {kChannel, kStart, kDeadline, kEnd}) {
      if (Cell(row, column) == Cell(dossier.rows.front(), column)) continue;
      Report(row, absl::StrCat(kLogColumns[column], ": differs from line ",
                               log_.rows[dossier.rows.front()].line, " of the same dossier"));
    }
  }

  const CsvTable& log_;
  size_t column_[kColumns] = {};
  bool columns_missing_ = false;
  std::vector<std::string> violations_;
  std::vector<LogDossier> dossiers_;
  absl::flat_hash_map<std::string, size_t> index_;
  absl::flat_hash_map<std::string, int> repeated_;
};

}  // namespace

absl::StatusOr<std::vector<LogDossier>> ReadLog(const CsvTable& log) { return Reader(log).Read(); }

std::string KeyOf(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) absl::StrAppend(&text, part.size(), ":", part);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 16));
}

}  // namespace motcua::client
