#include "common/reference/due_query.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/time/legal_clock.h"
#include "common/time/limit.h"
#include "common/time/timestamp.h"

namespace motcua::reference {

absl::StatusOr<std::string> AnswerDue(const DueQuery& query, const Catalogue& catalogue) {
  std::vector<std::string> faults;
  const auto received = time::ParseLocalTime(query.received);
  if (!received.ok()) faults.push_back(absl::StrCat("received: ", received.status().message()));
  const auto limit = time::ParseLimit(query.limit);
  if (!limit.ok()) faults.push_back(absl::StrCat("limit: ", limit.status().message()));
  time::ReceiptRule rule;
  if (query.cutoff == "none") {
    rule = time::kNoCutoff;
  } else if (!query.cutoff.empty()) {
    const auto minute = time::ParseMinuteOfDay(query.cutoff);
    if (minute.ok()) {
      rule.cutoff_minute = *minute;
    } else {
      faults.push_back(absl::StrCat("cutoff: ", minute.status().message(), ", or none"));
    }
  }
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  if (!query.agency.empty() && catalogue.FindAgency(query.agency) == nullptr) {
    return absl::NotFoundError(absl::StrCat("agency: unknown agency \"", query.agency.substr(0, 40), "\""));
  }
  const time::Calendar& calendar = catalogue.CalendarOf(query.agency);
  const absl::Time at = absl::FromCivil(*received, catalogue.time_zone());
  const auto due = time::ComputeDeadline(at, *limit, rule, calendar);
  if (!due.ok()) return due.status();
  if (limit->unit() != common::v1::LIMIT_UNIT_WORKING_HOURS) return due->date();
  return absl::FormatTime("%Y-%m-%dT%H:%M", time::FromTimestamp(due->appointment()), catalogue.time_zone());
}

}  // namespace motcua::reference
