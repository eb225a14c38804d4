// The question "when is it due?" in words, as the command line asks it: no server, no state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/reference/catalogue.h"

namespace motcua::reference {

struct DueQuery {
  // Local time in the jurisdiction's zone: `2025-01-24T15:30`.
  std::string received;
  // `3wd`, `15cd`, `4wh`.
  std::string limit;
  // `15:00`, `none`, or empty for the default 15:00.
  std::string cutoff;
  // Whose calendar counts; empty = the jurisdiction's default.
  std::string agency;
};

// `2025-02-06`, or for limits in hours `2025-02-03T10:00`. INVALID_ARGUMENT for a malformed part (all of them
// named, one a line, by the name of its flag), NOT_FOUND for an unknown agency, OUT_OF_RANGE beyond the
// calendar's years. Pure and thread-safe. Pass SampleCatalogue() where no server is asked.
absl::StatusOr<std::string> AnswerDue(const DueQuery& query, const Catalogue& catalogue);

}  // namespace motcua::reference
