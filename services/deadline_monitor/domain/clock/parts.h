// The clocks of a dossier's parts: legs, consultations, offered hand-overs. A part is kept in its agency's
// calendar, without a cut-off: what another agency hands over counts from that moment.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/deadline/v1/clock.pb.h"

namespace motcua::deadline {

// Names of parts that are not planned legs.
inline constexpr std::string_view kOffer = "offer";
inline constexpr std::string_view kUnplannedLeg = "leg";
std::string ConsultationItem(uint32_t number);

bool IsLeg(const v1::PartClock& part);
inline bool IsRunning(const v1::PartClock& part) { return !part.has_ended_at(); }

// Ended parts that a record keeps.
inline constexpr int kMaxEndedParts = 64;

// Starts a part; one of the same name that is still running is replaced. Does nothing where the calendar
// cannot tell when it is due.
void StartPart(v1::Clock& clock, std::string_view item, std::string_view agency,
               const common::v1::Limit& limit, absl::Time at, const reference::Catalogue& catalogue);

// Ends the running part of that name, if there is one. An ended offer is forgotten, a leg that ended late is
// counted: for the agency that had it when the due passed.
void EndPart(v1::Clock& clock, std::string_view item, absl::Time at);

// The same for the running leg.
void EndLeg(v1::Clock& clock, absl::Time at);

// The same for everything that runs.
void EndAllParts(v1::Clock& clock, absl::Time at);

// `from` has ended and `to` goes on with what it ran. A leg goes on as a part of its own with the same due
// date and what was raised of it, so that each of the two answers for the time that it had; other parts only
// change their agency.
void PassParts(v1::Clock& clock, std::string_view from, std::string_view to, absl::Time at);

// Time that the leg left to its agency: from its start to its due or, where another agency went on with it
// before that, until then; none where the due had passed before.
absl::Duration AllottedTo(const v1::PartClock& leg);

// Moves the dues of the running parts after the dossier waited from `stopped` to `resumed`.
void ShiftParts(v1::Clock& clock, absl::Time stopped, absl::Time resumed,
                const reference::Catalogue& catalogue);

}  // namespace motcua::deadline
