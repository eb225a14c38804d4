#include "clients/motcua/identity.h"

#include <gtest/gtest.h>

#include "clients/motcua/session.h"
#include "common/rpc/service_options.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "motcua/intake/v1/intake.pb.h"
#include "motcua/notification/v1/notification.pb.h"
#include "motcua/routing/v1/routing.pb.h"

namespace motcua::client {
namespace {

TEST(Identity, PrincipalsAsText) {
  const auto principal = ParsePrincipal("H30.18.05-intake@H30.18.05:intake,handler");
  ASSERT_TRUE(principal.ok());
  EXPECT_EQ(principal->subject, "H30.18.05-intake");
  EXPECT_EQ(principal->agency, "H30.18.05");
  EXPECT_TRUE(principal->HasRole("handler"));
  for (const char* bad : {"", "a", "a@b", "a@b:", "@b:c", "a@:c"})
    EXPECT_FALSE(ParsePrincipal(bad).ok()) << bad;
}

TEST(Identity, WithoutKeyOrTokenNobodyInParticular) {
  auto identity = Identity::Load(Settings());
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(*identity->TokenFor("", "H30"), "");
  EXPECT_TRUE(absl::IsFailedPrecondition(identity->TokenFor("a@H30:intake", "H30").status()));
}

TEST(Identity, GivenTokenIsUsed) {
  Settings settings;
  settings.token = "t";
  EXPECT_EQ(*Identity::Load(settings)->TokenFor("", "H30"), "t");
}

// An installation that signs no tokens has an empty file where the key would be, and one without an
// operator's token an empty file where that would be.
TEST(Identity, EmptyFilesHoldNothing) {
  Settings settings;
  settings.signing_key = "/dev/null";
  settings.token_file = "/dev/null";
  auto identity = Identity::Load(settings);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_FALSE(identity->can_sign());
  EXPECT_EQ(*identity->TokenFor("", "H30"), "");
}

// The services' defaults and the client's must fit without flags.
TEST(Identity, IssuerAndAudienceAreTheServices) {
  EXPECT_EQ(Settings().issuer, rpc::ServiceOptions().jwt_issuer);
  EXPECT_EQ(Settings().audience, rpc::ServiceOptions().jwt_audience);
}

TEST(Session, RequestsTellTheirServiceAndShard) {
  intake::v1::FileRequest file;
  file.set_receiving_agency("H30.18.05");
  EXPECT_EQ(ShardOfRequest(file), "H30");
  routing::v1::GetRouteRequest route;
  route.set_dossier("H30.18.05-260714-0001");
  EXPECT_EQ(ShardOfRequest(route), "H30");
  intake::v1::ApplyReferenceRequest apply;
  apply.mutable_set()->mutable_jurisdiction()->set_id("R01");
  EXPECT_EQ(ShardOfRequest(apply), "R01");
  EXPECT_EQ(ShardOfRequest(admin::v1::GetStatusRequest()), "");
  EXPECT_EQ(ServiceOf(file.GetDescriptor()), Service::kIntake);
  EXPECT_EQ(ServiceOf(route.GetDescriptor()), Service::kRouting);
  EXPECT_EQ(ServiceOf(deadline::v1::GetClockRequest::descriptor()), Service::kDeadlineMonitor);
  EXPECT_EQ(ServiceOf(notification::v1::MarkReadRequest::descriptor()), Service::kNotification);
}

TEST(Session, OwnWritesAreSentToTheServicesThatFollow) {
  OwnWrites writes;
  intake::v1::FileResponse filed;
  filed.mutable_written()->set_feed_position(7);
  writes.Note(Service::kIntake, "H30", filed);
  routing::v1::OfferHandOverResponse offered;
  offered.mutable_written()->set_feed_position(3);
  writes.Note(Service::kRouting, "H30", offered);
  EXPECT_EQ(writes.Before(Service::kRouting, "H30"), "intake/H30=7");
  EXPECT_EQ(writes.Before(Service::kNotification, "H30"), "intake/H30=7,routing/H30=3");
  EXPECT_EQ(writes.Before(Service::kIntake, "H30"), "routing/H30=3");
  EXPECT_EQ(writes.Before(Service::kRouting, "R01"), "");
  filed.mutable_written()->set_feed_position(5);  // an older, repeated reply
  writes.Note(Service::kIntake, "H30", filed);
  EXPECT_EQ(writes.Position(Service::kIntake, "H30"), 7u);
}

TEST(Session, RequestIdsAreUuidsAndDiffer) {
  const std::string id = NewRequestId();
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(id, NewRequestId());
}

}  // namespace
}  // namespace motcua::client
