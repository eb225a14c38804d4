#include "services/intake/policy.h"

#include "common/status/errors.h"

namespace motcua::intake {

void AllowIntake(auth::Policy& policy) {
  const std::string service = "motcua.intake.v1.IntakeService/";
  policy.Allow(service + "File", {"intake", "portal"})
      .Allow(service + "Accept", {"intake"})
      .Allow(service + "Refuse", {"intake"})
      .Allow(service + "ReturnResult", {"returner", "intake"})
      .Allow(service + "Rate", {auth::kAnyone})
      .Allow(service + "GetDossier", {auth::kAnyOfficer, auth::kService})
      .Allow(service + "ListDossiers", {auth::kAnyOfficer, "admin", auth::kService})
      .Allow(service + "LookUp", {auth::kAnyone})
      .Allow(service + "GetHistory", {auth::kAnyOfficer, auth::kService})
      .Allow(service + "ApplyReference", {"admin"})
      .Allow(service + "GetReference", {auth::kAuthenticated})
      .Allow(service + "UploadReference", {"admin"})
      .Allow(service + "GetReferenceUpload", {"admin"})
      .Allow(service + "DropReferenceUpload", {"admin"})
      .Allow(service + "ListReferenceVersions", {auth::kAnyOfficer, "admin", auth::kService})
      .Allow(service + "ListAgencies", {auth::kAuthenticated})
      .Allow(service + "ListOfficers", {auth::kAnyOfficer, "admin", auth::kService})
      .Allow(service + "ListProcedures", {auth::kAuthenticated})
      .Allow(service + "ListCalendars", {auth::kAuthenticated})
      .Allow(service + "GetAgency", {auth::kAuthenticated})
      .Allow(service + "GetProcedure", {auth::kAuthenticated})
      .Allow(service + "ComputeDue", {auth::kAnyone})
      .Allow(service + "GetStatistics", {auth::kAnyOfficer, auth::kService});
}

absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority) {
  if (principal.kind != auth::Kind::kOfficer) return absl::OkStatus();
  if (principal.agency.empty() && principal.HasRole("admin")) return absl::OkStatus();
  if (authority.Covers(principal.agency, shard)) return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_JURISDICTION", "the dossier belongs to another jurisdiction");
}

Standing StandingOf(const auth::Principal& principal) {
  const bool wide = principal.kind == auth::Kind::kService || principal.kind == auth::Kind::kSystem ||
                    principal.HasRole("admin");
  return wide ? Standing::kJurisdiction : Standing::kOwnAgency;
}

Standing FilingStandingOf(const auth::Principal& principal) {
  return principal.HasRole("portal") ? Standing::kJurisdiction : StandingOf(principal);
}

absl::Status CheckMayAccept(const auth::Principal& principal, const v1::FileRequest& request) {
  if (!request.accept() || principal.HasRole("intake")) return absl::OkStatus();
  return errors::PermissionDenied("ROLE_NOT_ALLOWED", "accept: only the receiving agency's intake accepts");
}

RaterGround GroundOf(const auth::Principal& principal, bool secret_given) {
  return !secret_given && principal.HasRole("intake") ? RaterGround::kOfficer : RaterGround::kSecret;
}

}  // namespace motcua::intake
