// Names of planned legs: not stored with every dossier, since the reference data has them.
#pragma once

#include "common/reference/catalogue.h"
#include "motcua/routing/v1/route.pb.h"

namespace motcua::routing {

// Fills in the names that the procedure in force at the receipt gives the legs; a leg that it does not know
// stays without. Pure and thread-safe.
void AddLegNames(const reference::Catalogue& catalogue, v1::Route& route);

}  // namespace motcua::routing
