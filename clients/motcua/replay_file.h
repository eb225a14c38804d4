// The file of a log: planned whole, or refused with all that is wrong with it.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "clients/motcua/replay_plan.h"

namespace motcua::client {

struct LogFile {
  std::string path;
  // Only the first so many dossiers; 0 = all.
  int limit = 0;
  // IANA name of the zone whose dates count. Empty = that of Vietnam; then a time that is written with
  // another offset than Vietnam's or UTC's is a fault: dates decide what is late, so nobody shall guess them.
  std::string zone;
};

// Reads the file once, as a stream. INVALID_ARGUMENT with a text line for each fault (see log_faults.h);
// NOT_FOUND.
absl::StatusOr<Plan> PlanOf(const LogFile& log, bool english);

// Copies the rows of the planned dossiers. NOT_FOUND where the file cannot be read a second time.
absl::Status WriteExcerpt(const LogFile& log, const Plan& plan, std::ostream& excerpt);

}  // namespace motcua::client
