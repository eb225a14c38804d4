// Promises of the contract's list of reasons: a method fails for those that it names, and for those of any
// method.
#include "common/rpc/named_reasons.h"

#include "common/rpc/method.h"
#include "gtest/gtest.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::rpc {
namespace {

TEST(NamedReasons, AreThoseOfTheMethodAndOfAny) {
  const auto* finish = MethodOf<routing::v1::FinishRequest, routing::v1::FinishResponse>();
  EXPECT_TRUE(IsNamed(*finish, "NOT_HOLDER"));
  EXPECT_TRUE(IsNamed(*finish, "STORE_FULL")) << "of any method";
  EXPECT_FALSE(IsNamed(*finish, "NO_NEXT_LEG")) << "of another method";
  EXPECT_FALSE(IsNamed(*finish, "FIELD_REQUIRED")) << "of a field alone";
  EXPECT_FALSE(IsNamed(*finish, "NEVER_HEARD_OF"));
  EXPECT_FALSE(IsNamed(*finish, ""));
}

}  // namespace
}  // namespace motcua::rpc
