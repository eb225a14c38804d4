#include "clients/motcua/log_rows.h"

#include <openssl/sha.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "clients/motcua/log_time.h"
#include "clients/motcua/text.h"

namespace motcua::client {
namespace {

constexpr const char* kLogColumns[] = {kNameColumn,     "case:channel", "case:startdate",
                                       "case:deadline", "case:enddate", "concept:name",
                                       "org:group",     "org:resource", "time:timestamp"};
enum Column { kName, kChannel, kStart, kDeadline, kEnd, kActivity, kUnit, kOfficer, kTime, kColumns };
constexpr char kHolder[] = "EMPTY";
constexpr char kUnknownOfficer[] = "unknown";
constexpr size_t kMaxRows = 5'000'000;

// Numbers texts, each once.
class Numbering {
 public:
  explicit Numbering(std::vector<LogText>& texts) : texts_(texts) {}

  int Of(const std::string& text, int64_t line) {
    const auto [known, added] = numbers_.try_emplace(text, static_cast<int>(texts_.size()));
    if (added) texts_.push_back({text, line});
    return known->second;
  }

 private:
  std::vector<LogText>& texts_;
  absl::flat_hash_map<std::string, int> numbers_;
};

class Reader {
 public:
  Reader(CsvReader& csv, const absl::TimeZone* zone, LogFaults& faults)
      : csv_(csv), zone_(zone), faults_(faults) {}

  Log Read() {
    if (!FindColumns()) return std::move(log_);
    size_t rows = 0;
    while (csv_.Next(row_)) {
      if (++rows > kMaxRows) {
        faults_.Add(row_.line, faults_.Say("quá nhiều dòng: nhiều nhất 5 000 000",
                                           "is one row too many: at most 5,000,000"));
        break;
      }
      ReadRow();
    }
    if (rows == 0 && faults_.empty())
      faults_.Add(0, faults_.Say("nhật ký không có dòng nào", "the log has no rows"));
    for (LogDossier& dossier : log_.dossiers) Complete(dossier);
    return std::move(log_);
  }

 private:
  bool FindColumns() {
    if (csv_.header().empty()) return false;
    bool all = true;
    for (int c = 0; c < kColumns; ++c) {
      const std::optional<size_t> found = ColumnOf(csv_.header(), kLogColumns[c]);
      if (found) column_[c] = *found;
      if (found) continue;
      all = false;
      Report(1, faults_.Say("thiếu cột \"$0\"", "the column \"$0\" is missing"), kLogColumns[c]);
    }
    return all;
  }

  const std::string& Cell(Column column) const { return row_.cells[column_[column]]; }

  template <class... Values>
  void Report(int64_t line, const char* what, const Values&... values) {
    faults_.Add(line, absl::Substitute(what, values...));
  }

  // The epoch, where the cell is at fault.
  absl::Time Time(Column column) {
    const std::optional<LogTime> time = ParseLogTime(Cell(column));
    if (!time) {
      Report(row_.line,
             faults_.Say("$0: \"$1\" không phải thời điểm như $2", "$0: \"$1\" is not a time such as $2"),
             kLogColumns[column], FirstCharacters(Cell(column), 60), kLogTimeExample);
      return absl::UnixEpoch();
    }
    if (zone_ != nullptr && !foreign_ && time->offset_minutes != 0 &&
        zone_->At(time->at).offset != time->offset_minutes * 60) {
      foreign_ = true;
      Report(
          row_.line,
          faults_.Say("$0: \"$1\" không phải giờ của $2: hãy cho biết múi giờ của nơi làm việc, ví dụ --zone "
                      "Europe/Amsterdam (hay --zone $2)",
                      "$0: \"$1\" is not the time of $2: name the time zone of the desk, as in --zone "
                      "Europe/Amsterdam (or --zone $2)"),
          kLogColumns[column], Cell(column), zone_->name());
    }
    return time->at;
  }

  void Require(Column column) {
    if (Cell(column).empty())
      Report(row_.line, faults_.Say("$0: không được trống", "$0: must not be empty"), kLogColumns[column]);
  }

  void ReadRow() {
    const size_t faults = faults_.size();
    for (Column column : {kName, kChannel, kActivity}) Require(column);
    const auto [known, added] = index_.try_emplace(Cell(kName), log_.dossiers.size());
    if (added) {
      log_.dossiers.emplace_back().name = Cell(kName);
      log_.dossiers.back().line = row_.line;
    }
    LogDossier& dossier = log_.dossiers[known->second];
    Agree(dossier, added, dossier.channel, kChannel, channels_.Of(Cell(kChannel), row_.line));
    Agree(dossier, added, dossier.started, kStart, Time(kStart));
    Agree(dossier, added, dossier.due, kDeadline, Time(kDeadline));
    Agree(dossier, added, dossier.ended, kEnd,
          Cell(kEnd).empty() ? std::nullopt : std::optional<absl::Time>(Time(kEnd)));
    LogActivity& activity = dossier.activities.emplace_back();
    activity.at = Time(kTime);
    activity.activity = activities_.Of(Cell(kActivity), row_.line);
    if (!Cell(kUnit).empty() && Cell(kUnit) != kHolder) activity.unit = units_.Of(Cell(kUnit), row_.line);
    activity.officer = officers_.Of(Cell(kOfficer).empty() ? kUnknownOfficer : Cell(kOfficer), row_.line);
    activity.line = row_.line;
    activity.key = KeyOf(row_.cells);
    if (faults_.size() > faults) dossier.sound = false;
  }

  // What a row says of its dossier as a whole: the first one tells, the others must not differ.
  template <class Fact>
  void Agree(const LogDossier& dossier, bool first, Fact& known, Column column, const Fact& fact) {
    if (first) known = fact;
    if (known == fact) return;
    Report(row_.line,
           faults_.Say("$0: khác dòng $1 của cùng hồ sơ", "$0: differs from line $1 of the same dossier"),
           kLogColumns[column], dossier.line);
  }

  static void Complete(LogDossier& dossier) {
    // Rows that are alike in every cell are told apart by their number.
    std::map<Key, int> repeated;
    for (LogActivity& activity : dossier.activities) {
      const int before = repeated[activity.key]++;
      if (before > 0) activity.key = KeyOf({KeyText(activity.key), absl::StrCat(before)});
    }
    std::stable_sort(dossier.activities.begin(), dossier.activities.end(),
                     [](const LogActivity& a, const LogActivity& b) { return a.at < b.at; });
    dossier.activities.shrink_to_fit();
  }

  CsvReader& csv_;
  const absl::TimeZone* const zone_;
  LogFaults& faults_;
  size_t column_[kColumns] = {};
  bool foreign_ = false;
  CsvRow row_;
  Log log_;
  Numbering channels_{log_.channels}, activities_{log_.activities}, units_{log_.units},
      officers_{log_.officers};
  absl::flat_hash_map<std::string, size_t> index_;
};

}  // namespace

Log ReadLog(CsvReader& csv, const absl::TimeZone* zone, LogFaults& faults) {
  return Reader(csv, zone, faults).Read();
}

std::optional<size_t> ColumnOf(const std::vector<std::string>& header, std::string_view name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<size_t>(found - header.begin());
}

Key KeyOf(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) absl::StrAppend(&text, part.size(), ":", part);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  Key key;
  std::copy_n(digest, key.size(), key.begin());
  return key;
}

std::string KeyText(const Key& key) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
}

}  // namespace motcua::client
