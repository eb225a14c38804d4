// Sắp xếp đơn vị hành chính: a jurisdiction inherits the shards of others, with all that lies there.
//
// Pure and thread-safe.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "motcua/internal/reference/records.pb.h"
#include "motcua/reference/v1/reference.pb.h"
#include "services/intake/domain/reference/reference_change.h"

namespace motcua::intake {

// The shards that a jurisdiction has inherited, as its record has them.
using Inherits = google::protobuf::RepeatedPtrField<reference::v1::ShardPassing>;

// What `next` says of inherited shards, as the version after the one of `state`; an entry that stays as it
// was keeps the version that said so first. INVALID_ARGUMENT (REFERENCE_INVALID): a shard that the version in
// force inherits is missing, or has another day though the former one has come.
absl::StatusOr<Inherits> DecideInherits(const ReferenceState& state, const reference::Catalogue& next,
                                        absl::Time now);

// FAILED_PRECONDITION (SHARD_INHERITED, metadata `jurisdiction` and `since`) where another jurisdiction has
// inherited the shard: its reference data are changed there, also before the day has come, so that none of
// them is missing there.
absl::Status CheckNotInherited(const ReferenceState& state);

// Codes are for ever: INVALID_ARGUMENT (REFERENCE_INVALID) with the agencies of an inherited shard's own
// reference data that `next` does not have.
absl::Status CheckKeepsAgencies(const reference::Catalogue& next, const reference::Catalogue& own);

// The shard passes to the jurisdiction whose record has `inherits`. nullopt: it has done so.
// FAILED_PRECONDITION (SHARD_TAKEN, metadata `shard` and `jurisdiction`) where it has passed to one that is
// not inherited as well, or has itself inherited a shard that is not.
absl::StatusOr<std::optional<store::Decision<internal::reference::ReferenceRecord>>> DecidePass(
    const ReferenceState& state, const reference::v1::ShardPassing& passing, const Inherits& inherits,
    const store::Context& context);

}  // namespace motcua::intake
