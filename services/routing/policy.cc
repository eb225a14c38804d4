#include "services/routing/policy.h"

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/store/keys.h"

namespace motcua::routing {

namespace {

std::string Method(std::string_view name) { return "motcua.routing.v1.RoutingService/" + std::string(name); }

}  // namespace

void AllowRouting(auth::Policy& policy) {
  for (const char* name : {"OfferHandOver", "AcceptHandOver", "RefuseHandOver", "RecallHandOver", "Assign",
                           "CompleteWork", "ReceiveSupplement"}) {
    policy.Allow(Method(name), {"handler", "intake", "leader"});
  }
  for (const char* name : {"Consult", "AnswerConsultation", "RequestSupplement", "Finish"}) {
    policy.Allow(Method(name), {"handler", "leader"});
  }
  for (const char* name : {"GetRoute", "GetCustody", "GetHistory", "GetStatistics", "ListInbox"}) {
    policy.Allow(Method(name), {auth::kAnyOfficer, auth::kService});
  }
  for (const char* name : {"PreviewSuccession", "StartSuccession", "GetSuccession"}) {
    policy.Allow(Method(name), {"admin"});
  }
}

absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority) {
  if (principal.is_service() || authority.Covers(principal.agency, shard)) return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_JURISDICTION", "the dossier is of another jurisdiction");
}

absl::Status CheckInbox(const auth::Principal& principal, const std::string& agency,
                        const service::Authority& authority) {
  if (principal.is_service() || principal.agency == agency) return absl::OkStatus();
  const absl::Status jurisdiction = CheckJurisdiction(principal, store::ShardOf(agency), authority);
  if (!jurisdiction.ok() || principal.HasRole("admin")) return jurisdiction;
  return errors::PermissionDenied("NOT_YOUR_AGENCY", "the inbox is of another agency");
}

absl::Status CheckAdministers(const auth::Principal& principal, const std::string& shard,
                              const service::Authority& authority) {
  if (principal.agency.empty() && principal.HasRole("admin")) return absl::OkStatus();
  return CheckJurisdiction(principal, shard, authority);
}

}  // namespace motcua::routing
