// A dossier told as the events that make it: for services that have missed them.
#pragma once

#include "common/reference/catalogue.h"
#include "motcua/feed/v1/feed.pb.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/internal/intake/records.pb.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// The events of the dossier, and what was heard of it from routing: who holds it, that a supplement is
// awaited, that its result is ready. `catalogue`: the reference data that it was accepted under; nullptr
// where they are no longer kept, as nothing depends on them: then limits and legs are left out of the
// acceptance. What a record does not keep is unset: when a dossier was refused counts as when its code was
// issued, and from when the term was counted is not told. Pure and thread-safe.
feed::v1::SnapshotRecord Retell(const internal::intake::DossierRecord& record,
                                const reference::Catalogue* catalogue);

}  // namespace motcua::intake
