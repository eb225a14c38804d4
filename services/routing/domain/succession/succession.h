// Succession (kế thừa): what is open with an agency that has ended passes to the agency that continues its
// work.
//
// Who is in charge is told by the reference data for each day: Catalogue::AgencyInCharge. What is stored
// follows, once, by a change of its own: the successor holds from that moment on, never from an earlier one,
// so that what the ledger said before stays true. Everything here is pure and thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"
#include "services/routing/domain/route/route_change.h"

namespace motcua::routing {

// What of an open route passes from one agency, which has ended, to the one in charge.
struct Passage {
  std::string from;
  std::string to;
  // It holds the dossier; the leg at work is its.
  bool custody = false;
  // The dossier is offered to it.
  bool offer = false;
  // Numbers of the consultations that it has not answered.
  std::vector<uint32_t> consultations;
  // Planned legs that have not begun: their places in the route.
  std::vector<int> legs;
};

// One for each agency that something open rests with and that is not in charge at that moment; none for an
// ended route, nor for an agency that has ended without a successor: it winds up its own affairs. Costs a
// look-up for each agency that the route names.
std::vector<Passage> PassagesOf(const v1::Route& route, const reference::Catalogue& catalogue,
                                absl::Time now);

// The route as the agencies in charge have it; nullopt where they have it already, so that nothing passes
// twice. Where the receiver of an offer has become the holder itself, the planned leg of the offer begins at
// once, and an unplanned one is taken back. Nobody's deed: its events and lines have no actor.
std::optional<RouteDecision> DecideSuccession(const internal::routing::RouteRecord& record,
                                              const store::Context& context,
                                              const reference::Catalogue& catalogue);

// Puts what `first` told before what `second`, which was decided on its record, tells.
void Precede(RouteDecision first, RouteDecision& second);

// A command, judged on the route as the agencies in charge have it: so a successor may do from the first
// moment on what the agency before it could, and that one nothing. What passes does so in the command's own
// commit; a refused command moves nothing. `record` nullptr = there is none. `decide`:
// StatusOr<RouteDecision>(const RouteRecord*).
template <class Decide>
absl::StatusOr<RouteDecision> AfterSuccession(const internal::routing::RouteRecord* record,
                                              const store::Context& context,
                                              const reference::Catalogue& catalogue, Decide&& decide) {
  std::optional<RouteDecision> passed;
  if (record != nullptr) passed = DecideSuccession(*record, context, catalogue);
  if (!passed.has_value()) return decide(record);
  absl::StatusOr<RouteDecision> decided = decide(&passed->record);
  if (decided.ok()) Precede(*std::move(passed), *decided);
  return decided;
}

}  // namespace motcua::routing
