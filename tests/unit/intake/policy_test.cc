// The policy of intake, cell by cell, as the comments of intake.proto state it.
#include "services/intake/policy.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/status/errors.h"
#include "motcua/intake/v1/intake.pb.h"
#include "tests/support/merger.h"

namespace motcua::intake {
namespace {

using auth::Kind;
using auth::Principal;

Principal Officer(const std::string& role, const std::string& agency = "H30.18.05") {
  std::vector<std::string> roles;
  if (!role.empty()) roles.push_back(role);
  return Principal(Kind::kOfficer, "an", agency, roles);
}

// Callers by the names of the table's columns.
std::map<std::string, Principal> Callers() {
  std::map<std::string, Principal> callers;
  for (const char* role : {"intake", "handler", "leader", "returner", "admin"}) callers.emplace(role, Officer(role));
  callers.emplace("officer", Officer(""));
  callers.emplace("portal", Principal(Kind::kSystem, "portal", "", {"portal"}));
  callers.emplace("system", Principal(Kind::kSystem, "reader", "", {}));
  callers.emplace("service", Principal::Service("routing"));
  callers.emplace("anonymous", Principal());
  return callers;
}

TEST(Policy, EveryCellOfMethodsAndCallers) {
  const std::set<std::string> everyone = {"intake", "handler", "leader", "returner", "admin",
                                          "officer", "portal", "system", "service", "anonymous"};
  std::set<std::string> proved = everyone;
  proved.erase("anonymous");
  const std::set<std::string> readers = {"intake", "handler", "leader", "returner", "admin", "officer", "service"};
  const std::map<std::string, std::set<std::string>> table = {
      {"File", {"intake", "portal"}},
      {"Accept", {"intake"}},
      {"Refuse", {"intake"}},
      {"ReturnResult", {"intake", "returner"}},
      {"Rate", everyone},
      {"GetDossier", readers},
      {"ListDossiers", readers},
      {"LookUp", everyone},
      {"GetHistory", readers},
      {"ApplyReference", {"admin"}},
      {"GetReference", proved},
      {"UploadReference", {"admin"}},
      {"GetReferenceUpload", {"admin"}},
      {"DropReferenceUpload", {"admin"}},
      {"ListReferenceVersions", readers},
      {"ListAgencies", proved},
      {"ListOfficers", readers},
      {"ListProcedures", proved},
      {"ListCalendars", proved},
      {"GetAgency", proved},
      {"GetProcedure", proved},
      {"ComputeDue", everyone},
      {"GetStatistics", readers},
  };
  auth::Policy policy;
  AllowIntake(policy);
  const auto* service = v1::FileRequest::descriptor()->file()->FindServiceByName("IntakeService");
  ASSERT_EQ(static_cast<size_t>(service->method_count()), table.size());
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string& method = service->method(i)->name();
    ASSERT_TRUE(table.count(method)) << method;
    for (const auto& [name, principal] : Callers()) {
      const absl::Status status = policy.Check("motcua.intake.v1.IntakeService/" + method, principal);
      EXPECT_EQ(status.ok(), table.at(method).count(name) > 0) << method << " by " << name << ": " << status;
    }
  }
}

TEST(Policy, OfficersStayInTheirJurisdiction) {
  const motcua::test::Merger merger;
  EXPECT_TRUE(CheckJurisdiction(Officer("intake"), "H30", merger.authority).ok());
  EXPECT_EQ(errors::Reason(CheckJurisdiction(Officer("intake"), "H31", merger.authority)),
            "NOT_YOUR_JURISDICTION");
  EXPECT_EQ(errors::Reason(CheckJurisdiction(Officer("admin"), "H31", merger.authority)),
            "NOT_YOUR_JURISDICTION");
  EXPECT_EQ(errors::Reason(CheckJurisdiction(Officer("intake", ""), "H30", merger.authority)),
            "NOT_YOUR_JURISDICTION");
  EXPECT_EQ(errors::Reason(CheckJurisdiction(Officer("intake", ""), "", merger.authority)),
            "NOT_YOUR_JURISDICTION");
  EXPECT_TRUE(CheckJurisdiction(Officer("admin", ""), "H31", merger.authority).ok());
  EXPECT_TRUE(CheckJurisdiction(Principal::Service("routing"), "H31", merger.authority).ok());
}

TEST(Policy, AJurisdictionMayHaveSeveralShards) {
  const motcua::test::Merger merger;
  EXPECT_TRUE(CheckJurisdiction(Officer("intake", "H13.05"), "H30", merger.authority).ok());
  EXPECT_TRUE(CheckJurisdiction(Officer("admin", "H13"), "H51", merger.authority).ok());
  EXPECT_EQ(errors::Reason(CheckJurisdiction(Officer("intake", "H99.05"), "H30", merger.authority)),
            "NOT_YOUR_JURISDICTION");
}

TEST(Policy, StandingFollowsRoleAndKind) {
  EXPECT_EQ(StandingOf(Officer("intake")), Standing::kOwnAgency);
  EXPECT_EQ(StandingOf(Officer("leader")), Standing::kOwnAgency);
  EXPECT_EQ(StandingOf(Officer("admin")), Standing::kJurisdiction);
  EXPECT_EQ(StandingOf(Principal::Service("routing")), Standing::kJurisdiction);
  EXPECT_EQ(StandingOf(Principal()), Standing::kOwnAgency);
  EXPECT_EQ(FilingStandingOf(Officer("portal")), Standing::kJurisdiction);
  EXPECT_EQ(FilingStandingOf(Officer("intake")), Standing::kOwnAgency);
}

TEST(Policy, APortalFilesAndDoesNotAccept) {
  v1::FileRequest request;
  EXPECT_TRUE(CheckMayAccept(Officer("portal"), request).ok());
  EXPECT_TRUE(CheckMayAccept(Officer("intake"), request).ok());
  request.set_accept(true);
  EXPECT_TRUE(CheckMayAccept(Officer("intake"), request).ok());
  EXPECT_EQ(errors::Reason(CheckMayAccept(Officer("portal"), request)), "ROLE_NOT_ALLOWED");
}

TEST(Policy, OnlyIntakeOfficersRateWithoutTheSecret) {
  for (const auto& [name, principal] : Callers()) {
    EXPECT_EQ(GroundOf(principal, false), name == "intake" ? RaterGround::kOfficer : RaterGround::kSecret) << name;
    EXPECT_EQ(GroundOf(principal, true), RaterGround::kSecret) << name;
  }
}

}  // namespace
}  // namespace motcua::intake
