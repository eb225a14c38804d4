// The table of routing, cell by cell.
#include "services/routing/policy.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/status/errors.h"
#include "motcua/routing/v1/routing.pb.h"
#include "tests/support/merger.h"

namespace motcua::routing {
namespace {

using Roles = std::set<std::string>;

const motcua::test::Merger kMerger;

auth::Principal Caller(const std::string& role) {
  if (role == "service") return auth::Principal::Service("deadline-monitor");
  if (role == "anonymous") return auth::Principal();
  if (role == "system") return auth::Principal(auth::Kind::kSystem, "portal");
  return auth::Principal(auth::Kind::kOfficer, "somebody", "H30.18", std::vector<std::string>(1, role));
}

TEST(Policy, EveryMethodByEveryRole) {
  const Roles all = {"intake", "handler", "leader", "returner", "admin", "service", "system", "anonymous"};
  const Roles holders = {"intake", "handler", "leader"};
  const Roles deciders = {"handler", "leader"};
  const Roles readers = {"intake", "handler", "leader", "returner", "admin", "service"};
  const std::map<std::string, Roles> expected = {{"OfferHandOver", holders},
                                                 {"AcceptHandOver", holders},
                                                 {"RefuseHandOver", holders},
                                                 {"RecallHandOver", holders},
                                                 {"Assign", holders},
                                                 {"CompleteWork", holders},
                                                 {"Consult", deciders},
                                                 {"AnswerConsultation", deciders},
                                                 {"RequestSupplement", deciders},
                                                 {"ReceiveSupplement", holders},
                                                 {"Finish", deciders},
                                                 {"GetRoute", readers},
                                                 {"ListInbox", readers},
                                                 {"GetCustody", readers},
                                                 {"GetHistory", readers},
                                                 {"GetStatistics", readers},
                                                 {"PreviewSuccession", {"admin"}},
                                                 {"StartSuccession", {"admin"}},
                                                 {"GetSuccession", {"admin"}}};
  auth::Policy policy;
  AllowRouting(policy);
  const auto* service =
      v1::GetRouteRequest::descriptor()->file()->FindServiceByName("RoutingService");
  ASSERT_NE(service, nullptr);
  ASSERT_EQ(static_cast<size_t>(service->method_count()), expected.size());
  EXPECT_EQ(policy.cells().size(), expected.size());
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string& name = service->method(i)->name();
    ASSERT_TRUE(expected.contains(name)) << name;
    for (const std::string& role : all) {
      EXPECT_EQ(policy.Check(service->full_name() + "/" + name, Caller(role)).ok(), expected.at(name).contains(role))
          << name << " by " << role;
    }
  }
}

TEST(Policy, OfficersReadOfTheirOwnJurisdictionOnly) {
  const auth::Principal officer = Caller("handler");
  EXPECT_TRUE(CheckJurisdiction(officer, "H30", kMerger.authority).ok());
  EXPECT_EQ(errors::Reason(CheckJurisdiction(officer, "H31", kMerger.authority)), "NOT_YOUR_JURISDICTION");
  EXPECT_TRUE(CheckJurisdiction(Caller("service"), "H31", kMerger.authority).ok());
  EXPECT_FALSE(
      CheckJurisdiction(auth::Principal(auth::Kind::kOfficer, "nobody"), "H30", kMerger.authority).ok());
}

TEST(Policy, OfficersActInAllShardsOfTheirJurisdiction) {
  const auth::Principal heir(auth::Kind::kOfficer, "somebody", "H13.05", {"handler"});
  EXPECT_TRUE(CheckJurisdiction(heir, "H30", kMerger.authority).ok());
  EXPECT_TRUE(CheckJurisdiction(Caller("handler"), "H51", kMerger.authority).ok());
  const auth::Principal stranger(auth::Kind::kOfficer, "somebody", "H99.05", {"handler"});
  EXPECT_EQ(errors::Reason(CheckJurisdiction(stranger, "H30", kMerger.authority)), "NOT_YOUR_JURISDICTION");
  const auth::Principal admin(auth::Kind::kOfficer, "somebody", "H13", {"admin"});
  EXPECT_TRUE(CheckInbox(admin, "H30.18.05", kMerger.authority).ok());
}

TEST(Policy, SuccessionsAreTheBusinessOfTheJurisdictionsAdministrators) {
  EXPECT_TRUE(CheckAdministers(Caller("admin"), "H30", kMerger.authority).ok());
  EXPECT_EQ(errors::Reason(CheckAdministers(Caller("admin"), "H31", kMerger.authority)),
            "NOT_YOUR_JURISDICTION");
  const auth::Principal of_all(auth::Kind::kOfficer, "root", "", std::vector<std::string>(1, "admin"));
  EXPECT_TRUE(CheckAdministers(of_all, "H31", kMerger.authority).ok());
}

TEST(Policy, AnInboxIsTheAgencysTheAdministratorsAndTheServices) {
  EXPECT_TRUE(CheckInbox(Caller("returner"), "H30.18", kMerger.authority).ok());
  EXPECT_EQ(errors::Reason(CheckInbox(Caller("leader"), "H30.18.05", kMerger.authority)), "NOT_YOUR_AGENCY");
  EXPECT_TRUE(CheckInbox(Caller("admin"), "H30.18.05", kMerger.authority).ok());
  EXPECT_EQ(errors::Reason(CheckInbox(Caller("admin"), "H31.18.05", kMerger.authority)),
            "NOT_YOUR_JURISDICTION");
  EXPECT_TRUE(CheckInbox(Caller("service"), "H31.18.05", kMerger.authority).ok());
}

}  // namespace
}  // namespace motcua::routing
