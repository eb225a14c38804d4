// The rules that a ReferenceSet must keep before it applies, whether it comes from YAML or over gRPC.
#pragma once

#include <vector>

#include "common/reference/violation.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::reference {

// All breaches of all rules, in the order of the set's fields; empty = valid. Pure and thread-safe; work and
// memory grow with the size of the set. What is not there is not missed: a set needs a jurisdiction, agencies
// and a default calendar; officers, procedures, ladders and templates are optional.
std::vector<Violation> Validate(const v1::ReferenceSet& set);

}  // namespace motcua::reference
