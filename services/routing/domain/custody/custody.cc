#include "services/routing/domain/custody/custody.h"

namespace motcua::routing {

v1::GetCustodyResponse LedgerOf(const v1::Route& route) {
  v1::GetCustodyResponse ledger;
  for (int i = 0; i < route.custody_size(); ++i) {
    v1::CustodyLine& line = *ledger.add_lines();
    line.set_agency(route.custody(i).agency());
    *line.mutable_since() = route.custody(i).since();
    line.set_succeeded(route.custody(i).succeeded());
    if (i + 1 < route.custody_size()) {
      *line.mutable_until() = route.custody(i + 1).since();
    } else if (route.has_ended_at()) {
      *line.mutable_until() = route.ended_at();
    }
  }
  return ledger;
}

}  // namespace motcua::routing
