// The policy table, cell by cell.
#include "services/notification/policy.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "motcua/notification/v1/notification.pb.h"

namespace motcua::notification {
namespace {

TEST(Policy, EveryMethodAllowsExactlyWhomTheContractNames) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"ListMessages", {"officer", "service"}},   {"ListDossierMessages", {"officer", "service"}},
      {"MarkRead", {"officer"}},                  {"Subscribe", {"officer", "service"}},
      {"SetPreferences", {"officer"}},            {"GetStatistics", {"officer", "service"}},
  };
  const std::map<std::string, auth::Principal> callers = {
      {"anonymous", auth::Principal()},
      {"officer", auth::Principal(auth::Kind::kOfficer, "a", "H30")},
      {"system", auth::Principal(auth::Kind::kSystem, "portal", "", {"portal"})},
      {"service", auth::Principal::Service("intake")},
  };
  auth::Policy policy;
  AllowNotification(policy);
  const auto* service = v1::ListMessagesRequest::descriptor()->file()->service(0);
  ASSERT_EQ(service->method_count(), static_cast<int>(allowed.size()));
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string& method = service->method(i)->name();
    for (const auto& [kind, principal] : callers) {
      EXPECT_EQ(policy.Check(service->full_name() + "/" + method, principal).ok(), allowed.at(method).count(kind) > 0)
          << method << " by " << kind;
    }
  }
}

}  // namespace
}  // namespace motcua::notification
