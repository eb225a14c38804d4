// The custody ledger: who held a dossier, from when to when.
#pragma once

#include "motcua/routing/v1/routing.pb.h"

namespace motcua::routing {

// Contiguous from the receipt: each line ends when the next begins, the last one with the dossier (open while
// it is held). A span without length, where custody moved on in the same instant, is a line too. Pure and
// thread-safe.
v1::GetCustodyResponse LedgerOf(const v1::Route& route);

}  // namespace motcua::routing
