#include "services/deadline_monitor/policy.h"

#include "common/status/errors.h"

namespace motcua::deadline {

void AllowDeadlines(auth::Policy& policy) {
  const std::string service = "motcua.deadline.v1.DeadlineService/";
  policy.Allow(service + "GetClock", {auth::kAnyOfficer, auth::kService})
      .Allow(service + "ListClocks", {auth::kAnyOfficer, "admin", auth::kService})
      .Allow(service + "ChangeDue", {"intake", "leader", "admin"})
      .Allow(service + "GetHistory", {auth::kAnyOfficer, auth::kService})
      .Allow(service + "GetStatistics", {auth::kAnyOfficer, auth::kService});
}

absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority) {
  if (principal.kind != auth::Kind::kOfficer) return absl::OkStatus();
  if (principal.agency.empty() && principal.HasRole("admin")) return absl::OkStatus();
  if (authority.Covers(principal.agency, shard)) return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_JURISDICTION", "the dossier belongs to another jurisdiction");
}

bool IsUnrestricted(const auth::Principal& principal) { return principal.is_service() || principal.HasRole("admin"); }

absl::Status CheckMayList(const auth::Principal& principal, const std::string& agency,
                          const reference::Catalogue& catalogue) {
  if (IsUnrestricted(principal) || principal.agency == agency) return absl::OkStatus();
  for (const reference::v1::Agency* above : catalogue.AgenciesAbove(agency)) {
    if (above->id() == principal.agency) return absl::OkStatus();
  }
  return errors::PermissionDenied("NOT_YOUR_AGENCY",
                                  "only officers of the agency, or of one above it, may list its clocks");
}

}  // namespace motcua::deadline
