// Which alerts a limit calls for: the rungs of the ladder in force, and what holds where reference data say
// nothing.
#pragma once

#include <vector>

#include "common/reference/catalogue.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/deadline/v1/clock.pb.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::deadline {

// A rung with its kind decoded. Points into the catalogue, or to data that live for ever.
struct Rung {
  feed::v1::AlertKind kind;
  const reference::v1::AlertRung* rung;
};

// The rungs that fit the dossier's limit, of each kind one. OVERDUE is always among them: the figures count
// by it. Without a ladder it is the only one.
std::vector<Rung> RungsOf(const v1::Clock& clock, const reference::Catalogue& catalogue);

// What holds for parts of a dossier: OVERDUE, told to the holder, who answers for the whole.
const reference::v1::AlertRung& PartRung();

// Time to take an offered hand-over up, and to answer a question that names no limit of its own.
const common::v1::Limit& OfferLimit();
const common::v1::Limit& ConsultationLimit();

// Re-appointments of one dossier (Decree 61/2018: the date is promised anew once).
inline constexpr uint32_t kMaxReappointments = 1;

}  // namespace motcua::deadline
