#include "clients/motcua/replay_file.h"

#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/motcua/replay_check.h"
#include "common/reference/zone.h"

namespace motcua::client {
namespace {

absl::Status Open(const std::string& path, const LogFaults& words, std::ifstream& file) {
  struct stat found;
  if (stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, words.Say(" là thư mục: cần một tệp CSV", " is a directory: a CSV file is needed")));
  }
  file.open(path, std::ios::binary);
  if (file.good()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(words.Say("không đọc được ", "cannot read "), path));
}

absl::Status Refused(const std::string& path, const LogFaults& faults) {
  return absl::InvalidArgumentError(absl::StrCat(path,
                                                 faults.Say(": chưa gửi gì:\n", ": nothing was sent:\n"),
                                                 std::string(faults.ToStatus().message())));
}

}  // namespace

absl::StatusOr<Plan> PlanOf(const LogFile& log, bool english) {
  LogFaults faults(english);
  const absl::StatusOr<absl::TimeZone> zone = reference::FindTimeZone(log.zone);
  if (!zone.ok()) return zone.status();
  std::ifstream file;
  if (absl::Status opened = Open(log.path, faults, file); !opened.ok()) return opened;
  CsvReader csv(file, faults);
  Log read = ReadLog(csv, log.zone.empty() ? &*zone : nullptr, faults);
  if (file.bad()) faults.Add(0, faults.Say("không đọc được hết tệp", "the file cannot be read to its end"));
  // The others are looked at, too, so that all is told at once.
  std::erase_if(read.dossiers, [](const LogDossier& dossier) { return !dossier.sound; });
  if (read.dossiers.empty()) return Refused(log.path, faults);
  Plan plan = MakePlan(std::move(read), *zone, log.limit);
  CheckPlan(plan, NamesOf(plan), faults);
  if (!faults.empty()) return Refused(log.path, faults);
  return plan;
}

absl::Status WriteExcerpt(const LogFile& log, const Plan& plan, std::ostream& excerpt) {
  LogFaults faults(/*english=*/true);
  std::ifstream file;
  if (absl::Status opened = Open(log.path, faults, file); !opened.ok()) return opened;
  std::set<std::string> planned;
  for (const PlannedDossier& dossier : plan.dossiers) planned.insert(dossier.name);
  CsvReader csv(file, faults);
  const std::optional<size_t> name = ColumnOf(csv.header(), kNameColumn);
  // It was read before; a pipe has nothing left.
  if (!name) return absl::NotFoundError(absl::StrCat("cannot read ", log.path, " once more"));
  excerpt << FormatCsvRow(csv.header());
  for (CsvRow row; csv.Next(row);) {
    if (planned.count(row.cells[*name]) > 0) excerpt << FormatCsvRow(row.cells);
  }
  return absl::OkStatus();
}

}  // namespace motcua::client
