// Áp dụng dữ liệu danh mục: reference data as intake owns it.
//
// Pure and thread-safe.
#ifndef MOTCUA_SERVICES_INTAKE_DOMAIN_REFERENCE_CHANGE_H_
#define MOTCUA_SERVICES_INTAKE_DOMAIN_REFERENCE_CHANGE_H_

#include <optional>

#include "absl/status/status.h"
#include "common/store/decision.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::intake {

// OK where the set may apply; else INVALID_ARGUMENT (REFERENCE_INVALID) with every violation, as `set.<field>`.
absl::Status CheckReferenceSet(const reference::v1::ReferenceSet& set);

// The valid `set` as the next version after `record` (nullptr = there is none), with its event ReferenceApplied;
// nullopt where its content, the version aside, is in force already.
std::optional<store::Decision<reference::v1::ReferenceRecord>> DecideReference(
    const reference::v1::ReferenceRecord* record, reference::v1::ReferenceSet set, const store::Context& context);

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_DOMAIN_REFERENCE_CHANGE_H_
