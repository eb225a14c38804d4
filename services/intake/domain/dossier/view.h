// How dossiers are shown.
#pragma once

#include <cstdint>

#include "common/reference/catalogue.h"
#include "motcua/intake/v1/dossier.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/internal/intake/records.pb.h"

namespace motcua::intake {

namespace v1 = ::motcua::intake::v1;

// The dossier as the contract shows it, with all that the record leaves unsaid. Pure.
v1::Dossier ViewOf(const internal::intake::DossierRecord& record, uint64_t version);

// What anyone may see who knows code and secret: names of the catalogue, dates, no personal data. Pure.
v1::LookUpResponse PublicViewOf(const internal::intake::DossierRecord& record,
                                const reference::Catalogue& catalogue);

}  // namespace motcua::intake
