// The figures over all dossiers of a jurisdiction, from the counters alone: exact, and their cost does not
// grow with the dossiers.
#pragma once

#include "absl/time/time.h"
#include "common/store/decision.h"
#include "motcua/deadline/v1/deadline.pb.h"

namespace motcua::deadline {

// Time held counts until `as_of`: of an agency, finished spans + holding x as_of - the sum of the moments
// since when it holds, exact to the microsecond.
v1::GetStatisticsResponse StatisticsOf(const store::Counters& counters, absl::Time as_of);

}  // namespace motcua::deadline
