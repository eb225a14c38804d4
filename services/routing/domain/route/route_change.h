// The parts that all decisions about a route are made of: who may act, and one change being written down.
//
// Pure; a RouteChange is used by one decision.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/reference/catalogue.h"
#include "common/store/decision.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/route.pb.h"

namespace motcua::routing {

using RouteDecision = store::Decision<internal::routing::RouteRecord>;

// Bounds of one dossier.
inline constexpr int kMaxCustodySpans = 1000;
inline constexpr int kMaxConsultations = 50;
// A dossier with so many lines of history begins nothing new; what is open can be closed, and it can be
// finished. So no loop of a broken client fills the store.
inline constexpr uint32_t kMaxHistoryLines = 10000;
// Characters of a history line's note.
inline constexpr int kMaxNote = 1000;

// NOT_FOUND (DOSSIER_NOT_FOUND), FAILED_PRECONDITION (DOSSIER_ENDED). In this order, before anything else is
// asked.
absl::Status CheckOpen(const internal::routing::RouteRecord* record);

// The same, and the history has room for something new: FAILED_PRECONDITION (HISTORY_FULL).
absl::Status CheckCanGoOn(const internal::routing::RouteRecord* record);

// PERMISSION_DENIED (NOT_HOLDER).
absl::Status CheckHolder(const v1::Route& route, const common::v1::Actor& actor);

// FAILED_PRECONDITION: ALREADY_OFFERED, AWAITING_SUPPLEMENT, CONSULTATION_OPEN.
absl::Status CheckNotOffered(const v1::Route& route);
absl::Status CheckNotWaiting(const v1::Route& route);
absl::Status CheckNotConsulting(const v1::Route& route);

// An agency that is named by hand must exist and be in force on the local day of `now`. One that was
// succeeded is not replaced by its successor unasked: whoever named it shall know whom the dossier goes to.
enum class Named { kInForce, kUnknown, kInactive };
Named CheckNamed(const reference::Catalogue& catalogue, const std::string& agency, absl::Time now);
// The reason, UNKNOWN_AGENCY or AGENCY_INACTIVE, and what the field must be.
inline std::string_view ReasonOf(Named named) {
  return named == Named::kInactive ? "AGENCY_INACTIVE" : "UNKNOWN_AGENCY";
}
std::string DescriptionOf(Named named, const reference::Catalogue& catalogue, const std::string& agency,
                          absl::Time now);

// The planned leg that follows the one begun last; nullptr where there is none.
const v1::Leg* NextLeg(const v1::Route& route);

// Id of the leg that an offer begins; empty for an unplanned hand-over.
std::string LegIdOf(const v1::Route& route, const v1::Offer& offer);

// The first `limit` characters of a text in UTF-8.
std::string Shortened(std::string_view text, int limit);

// One change of one route. Usage:
//   RouteChange change(*record, context);
//   change.route().set_officer(officer);
//   change.Emit().mutable_officer_assigned()->set_officer(officer);
//   change.Log("OfficerAssigned", officer);          // after the route was changed: the line tells how it is
//   now return std::move(change).Take();
class RouteChange {
 public:
  // Takes effect at context.now; where that lies before what the route already tells of (clocks of two
  // replicas differ), at that moment: custody never goes back in time.
  RouteChange(internal::routing::RouteRecord record, const store::Context& context);

  v1::Route& route() { return *decision_.record.mutable_route(); }
  const google::protobuf::Timestamp& at() const { return at_; }

  // An event of this change; the caller sets its body. The reference is valid until the next Emit.
  feed::v1::Event& Emit();
  void Log(std::string_view action, std::string_view note = {});

  // The planned leg at work is done; nothing where none is.
  void CloseLeg();
  // Begins the planned leg number `leg` (index plus one).
  void StartLeg(uint32_t leg);

  RouteDecision Take() && { return std::move(decision_); }

 private:
  RouteDecision decision_;
  store::Context context_;
  google::protobuf::Timestamp at_;
};

}  // namespace motcua::routing
