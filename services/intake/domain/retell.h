// A dossier told as the events that make it: for services that have missed them.
#ifndef MOTCUA_SERVICES_INTAKE_DOMAIN_RETELL_H_
#define MOTCUA_SERVICES_INTAKE_DOMAIN_RETELL_H_

#include "common/reference/catalogue.h"
#include "motcua/feed/v1/feed.pb.h"
#include "motcua/intake/v1/dossier.pb.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// The events of the dossier, and what was heard of it from routing: who holds it, that a supplement is
// awaited, that its result is ready. `catalogue`: the reference data that it was accepted under; nullptr
// where they are no longer kept, as nothing depends on them: then limits and legs are left out of the
// acceptance. What a record does not keep is unset: when a dossier was refused counts as when its code was
// issued, and from when the term was counted is not told. Pure and thread-safe.
feed::v1::SnapshotRecord Retell(const v1::DossierRecord& record, const reference::Catalogue* catalogue);

}  // namespace motcua::intake

#endif  // MOTCUA_SERVICES_INTAKE_DOMAIN_RETELL_H_
