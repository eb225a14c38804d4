// Promises of principals and the policy table: deny by default, and each kind has what its proof gives.
#include "common/auth/policy.h"

#include <gtest/gtest.h>

#include "common/status/errors.h"

namespace motcua::auth {
namespace {

constexpr std::string_view kFile = "motcua.intake.v1.IntakeService/File";
constexpr std::string_view kLookUp = "motcua.intake.v1.IntakeService/LookUp";
constexpr std::string_view kGet = "motcua.intake.v1.IntakeService/GetDossier";
constexpr std::string_view kReference = "motcua.intake.v1.IntakeService/GetReference";

TEST(Policy, CellByCell) {
  Policy policy;
  policy.Allow(kFile, {"intake", "portal"});
  policy.Allow(kLookUp, {kAnyone});
  policy.Allow(kGet, {kAnyOfficer, kService});
  policy.Allow(kReference, {kAuthenticated});
  Principal anonymous;
  Principal clerk(Kind::kOfficer, "a", "H30.18", {"intake"});
  Principal handler(Kind::kOfficer, "b", "H30.18", {"handler"});
  Principal portal(Kind::kSystem, "portal", "", {"portal"});
  Principal service = Principal::Service("routing");
  struct Cell {
    std::string_view method;
    bool anonymous, clerk, handler, portal, service;
  };
  for (const Cell& cell : {Cell{kFile, false, true, false, true, false}, Cell{kLookUp, true, true, true, true, true},
                           Cell{kGet, false, true, true, false, true},
                           Cell{kReference, false, true, true, true, true},
                           Cell{"motcua.intake.v1.IntakeService/Unlisted", false, false, false, false, false},
                           Cell{"", false, false, false, false, false}}) {
    EXPECT_EQ(policy.Check(cell.method, anonymous).ok(), cell.anonymous) << cell.method;
    EXPECT_EQ(policy.Check(cell.method, clerk).ok(), cell.clerk) << cell.method;
    EXPECT_EQ(policy.Check(cell.method, handler).ok(), cell.handler) << cell.method;
    EXPECT_EQ(policy.Check(cell.method, portal).ok(), cell.portal) << cell.method;
    EXPECT_EQ(policy.Check(cell.method, service).ok(), cell.service) << cell.method;
  }
}

TEST(Policy, SaysWhetherToLogInOrToGiveUp) {
  Policy policy;
  policy.Allow(kFile, {"intake"});
  EXPECT_EQ(errors::Reason(policy.Check(kFile, Principal())), "NO_CREDENTIALS");
  EXPECT_EQ(errors::Reason(policy.Check(kFile, Principal(Kind::kOfficer, "b", "H30", {"handler"}))),
            "ROLE_NOT_ALLOWED");
}

TEST(Principal, AnonymousCallersHaveNoRoles) {
  Principal forged(Kind::kAnonymous, "x", "H30", {"admin"});
  EXPECT_FALSE(forged.HasRole("admin"));
  EXPECT_FALSE(forged.HasRole(kAuthenticated));
  EXPECT_TRUE(forged.HasRole(kAnyone));
}

TEST(Principal, OnlyOurSpiffeIdsNameServices) {
  auto intake = PrincipalOfSpiffeId("spiffe://motcua/svc/deadline-monitor");
  ASSERT_TRUE(intake.has_value());
  EXPECT_EQ(*intake, Principal::Service("deadline-monitor"));
  for (const char* id : {"", "spiffe://motcua/svc/", "spiffe://motcua/svc/a/b", "spiffe://other/svc/intake",
                         "https://motcua/svc/intake", "spiffe://motcua/svc/Intake", "spiffe://motcua/svc/a b",
                         "xspiffe://motcua/svc/intake", "spiffe://motcua/user/intake"}) {
    EXPECT_FALSE(PrincipalOfSpiffeId(id).has_value()) << id;
  }
  EXPECT_FALSE(PrincipalOfSpiffeId("spiffe://motcua/svc/" + std::string(65, 'a')).has_value());
}

}  // namespace
}  // namespace motcua::auth
