#include "services/routing/domain/route/leg_names.h"

#include <gtest/gtest.h>

#include "common/time/timestamp.h"
#include "route_fixture.h"

namespace motcua::routing {
namespace {

TEST(LegNames, ComeFromTheProcedureInForceAtTheReceipt) {
  const reference::v1::Procedure* procedure = nullptr;
  for (const reference::v1::Procedure& candidate : Catalogue().set().procedures()) {
    const bool in_force = Catalogue().ProcedureInForce(candidate.code(), Catalogue().DayOf(At())) == &candidate;
    if (in_force && candidate.legs_size() > 0) procedure = &candidate;
  }
  ASSERT_NE(procedure, nullptr) << "the sample data has a procedure with a route";
  v1::Route route;
  route.set_procedure(procedure->code());
  *route.mutable_received_at() = time::ToTimestamp(At());
  route.add_legs()->set_id(procedure->legs(0).id());
  route.add_legs()->set_id("of-no-procedure");
  AddLegNames(Catalogue(), route);
  EXPECT_EQ(route.legs(0).name(), procedure->legs(0).name());
  EXPECT_NE(route.legs(0).name(), "");
  EXPECT_EQ(route.legs(1).name(), "");

  route.set_procedure("unknown");
  route.mutable_legs(0)->clear_name();
  AddLegNames(Catalogue(), route);
  EXPECT_EQ(route.legs(0).name(), "");
}

}  // namespace
}  // namespace motcua::routing
