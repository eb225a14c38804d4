// Who held a dossier for how long: the account that charges every microsecond from the receipt to the end to
// one agency.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/feed/v1/event.pb.h"

namespace motcua::deadline {

// The line of an agency in the account; made where there is none.
v1::Held& HeldBy(v1::Clock& clock, std::string_view agency);

// Charges the running span, which ends at `at`, to its holder; the next one begins there. A span never ends
// before it began.
void CloseSpan(v1::Clock& clock, absl::Time at);

// Time charged to each agency that ever held the dossier, by id; the running span counts until `as_of`. The
// sum is exactly the time from the receipt until `as_of`, or until the end.
std::vector<feed::v1::Charge> ChargesAsOf(const v1::Clock& clock, absl::Time as_of);

// The agency whose time exceeds most what its legs allotted to it, as of `as_of`; the holder where none
// exceeds it.
std::string AgencyAtFault(const v1::Clock& clock, absl::Time as_of);

}  // namespace motcua::deadline
