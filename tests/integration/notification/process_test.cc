// motcua-notification as it is deployed: the real program, real Redis, feeds over gRPC, real mail and web servers, kill -9.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/auth/jwt_signer.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "motcua/feed/v1/feed.grpc.pb.h"
#include "motcua/notification/v1/notification.grpc.pb.h"
#include "tests/integration/notification/feed_server.h"
#include "tests/integration/notification/service_process.h"
#include "tests/support/http_server.h"
#include "tests/support/redis_process.h"
#include "tests/support/smtp_server.h"
#include "tests/unit/notification/fixtures.h"

namespace motcua::notification {
namespace {

std::string NewKey() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<size_t>(length));
  BIO_free(memory);
  EVP_PKEY_free(key);
  return pem;
}

// The service runs on the system's clock here, and applicants get no mail at night.
std::string ZoneWhereItIsNoon() {
  const int offset = 12 - absl::ToCivilHour(absl::Now(), absl::UTCTimeZone()).hour();
  return offset == 0 ? "UTC" : absl::StrFormat("Etc/GMT%+d", -offset);  // the sign of these names is the other way round
}

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() : signer_(auth::JwtSigner::FromPem(NewKey(), "test", "motcua", "motcua").value()) {
    std::ofstream(dir_.File("test.pem")) << signer_.PublicPem();
    std::ofstream(dir_.File("token"))
        << signer_.Mint(auth::Principal::Service("notification"), absl::Now(), absl::Hours(1)).value();
    reference::v1::ReferenceSet set = SmallSet();
    set.set_version(1);
    set.mutable_jurisdiction()->set_time_zone(ZoneWhereItIsNoon());
    for (reference::v1::Agency& agency : *set.mutable_agencies()) {
      if (!agency.webhook().empty()) agency.set_webhook(http_.url("/in"));
    }
    feed::v1::Event reference = At(0);
    reference.set_subject("H30");
    *reference.mutable_reference_applied()->mutable_set() = set;
    intake_.Give(reference);
  }

  void TearDown() override {
    if (HasFailure()) std::cerr << service_.Log().substr(0, 20000);
  }

  std::vector<std::string> Flags() {
    return {"--redis=" + redis_.address(), "--jwt_keys=" + dir_.File("test.pem"), "--peer_token_file=" + dir_.File("token"),
            "--peer=intake=" + intake_.address(), "--peer=routing=" + routing_.address(),
            "--peer=deadline-monitor=" + monitor_.address(),
            "--smtp_url=" + smtp_.url(), "--smtp_from=motcua@example.org", "--webhook_allow_private=true",
            "--retry_base=20ms"};
  }
  void Start() {
    ASSERT_TRUE(service_.Start()) << service_.Log();
    channel_ = grpc::CreateChannel(service_.address(), grpc::InsecureChannelCredentials());
    stub_ = v1::NotificationService::NewStub(channel_);
    ASSERT_TRUE(test::WaitUntil([&] { return Figures().ok(); }, absl::Seconds(20))) << service_.Log();
  }

  void Prepare(grpc::ClientContext& context, const auth::Principal& principal) {
    context.AddMetadata("authorization", "Bearer " + signer_.Mint(principal, absl::Now(), absl::Hours(1)).value());
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  }
  static auth::Principal Registrar() {
    return auth::Principal(auth::Kind::kOfficer, "registrar", "H30.18.LR", {"handler"});
  }
  absl::StatusOr<v1::GetStatisticsResponse> Figures() {
    grpc::ClientContext context;
    Prepare(context, Registrar());
    v1::GetStatisticsRequest request;
    request.set_shard("H30");
    v1::GetStatisticsResponse statistics;
    const grpc::Status status = stub_->GetStatistics(&context, request, &statistics);
    if (!status.ok()) return absl::UnknownError(status.error_message());
    return statistics;
  }
  // What has come about so far; zeros while the service is away.
  v1::GetStatisticsResponse FiguresOrNone() { return Figures().value_or(v1::GetStatisticsResponse()); }
  std::vector<std::string> InboxIds() {
    grpc::ClientContext context;
    Prepare(context, Registrar());
    v1::ListMessagesRequest request;
    request.set_shard("H30");
    request.set_recipient("agency:H30.18.LR");
    request.set_page_size(200);
    v1::ListMessagesResponse response;
    EXPECT_TRUE(stub_->ListMessages(&context, request, &response).ok());
    std::vector<std::string> ids;
    for (const v1::InboxMessage& message : response.messages()) ids.push_back(message.id());
    return ids;
  }
  void GiveLife(int number) {
    const std::string code = absl::StrCat("H30.18.05-260714-", 1000 + number);
    for (auto& [feed, event] : std::vector<std::pair<FeedServer*, feed::v1::Event>>{
             {&intake_, Accepted(0)},
             {&routing_, Offered(0, "H30.18.05", "H30.18.LR")},
             {&routing_, Offered(0, "H30.18.LR", "H30.18.TX")},
             {&monitor_, Alert(0, feed::v1::ALERT_KIND_OVERDUE, "H30.18.TX", {"holder-leader", "receiving-leader"})}}) {
      event.set_subject(code);
      *event.mutable_at() = time::ToTimestamp(absl::Now());
      feed->Give(event);
    }
  }

  test::TempDir dir_;
  auth::JwtSigner signer_;
  test::RedisProcess redis_;
  test::SmtpServer smtp_;
  test::HttpServer http_;
  FeedServer intake_, routing_, monitor_;
  ServiceProcess service_{std::string(MOTCUA_BIN_DIR) + "/motcua-notification", Flags()};
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::NotificationService::Stub> stub_;
};

TEST_F(ProcessTest, KillingTheServiceLosesAndDoublesNoMessage) {
  smtp_.Answer(451);
  http_.Answer(503);
  Start();
  constexpr int kLives = 30;
  for (int i = 0; i < kLives; ++i) {
    GiveLife(i);
    if (i % 10 != 9) continue;
    // In the middle of whatever it does, as soon as something of this round has come about.
    const uint64_t before = static_cast<uint64_t>(i / 10) * 10;
    ASSERT_TRUE(test::WaitUntil([&] { return FiguresOrNone().messages() > before; }, absl::Seconds(20)));
    service_.Kill9();
    Start();
  }
  smtp_.Answer(250);
  http_.Answer(200);
  // Per life: the applicant, the registry, the tax branch, the tax branch as its leader's stand-in, the commune's leader.
  ASSERT_TRUE(test::WaitUntil([&] { return FiguresOrNone().messages() == 5 * kLives; }, absl::Seconds(30)))
      << FiguresOrNone().ShortDebugString();
  const v1::GetStatisticsResponse figures = FiguresOrNone();
  EXPECT_EQ(figures.by_event().at("DossierAccepted"), uint64_t{kLives});
  EXPECT_EQ(figures.by_event().at("HandOverOffered"), uint64_t{2 * kLives});
  EXPECT_EQ(figures.by_event().at("Overdue"), uint64_t{2 * kLives});
  const std::vector<std::string> ids = InboxIds();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), size_t{kLives});
  EXPECT_EQ(ids.size(), size_t{kLives});
  service_.Kill9();
  Start();
  EXPECT_EQ(FiguresOrNone().messages(), uint64_t{5 * kLives});
}

TEST_F(ProcessTest, DeliveriesArriveAfterRefusalsAndRestarts) {
  smtp_.Answer(451);
  http_.Answer(503);
  Start();
  for (int i = 0; i < 5; ++i) GiveLife(i);
  ASSERT_TRUE(test::WaitUntil([&] { return smtp_.attempts() >= 5 && http_.requests().size() >= 2; }, absl::Seconds(20)));
  EXPECT_EQ(service_.Terminate(), 0);
  smtp_.Answer(250);
  http_.Answer(200);
  Start();
  // Mails: the applicants' and the registry's; webhooks: two for each life at the tax branch.
  ASSERT_TRUE(test::WaitUntil([&] { return FiguresOrNone().deliveries_done() == 20; }, absl::Seconds(30)))
      << FiguresOrNone().ShortDebugString();
  EXPECT_EQ(FiguresOrNone().deliveries_failed(), 0u);
  EXPECT_EQ(FiguresOrNone().deliveries_pending(), 0u);
  std::set<std::string> delivered;
  for (const test::HttpServer::Request& request : http_.requests()) {
    if (request.status == 200) delivered.insert(request.headers.at("motcua-message-id"));
  }
  EXPECT_EQ(delivered.size(), 10u);
}

TEST_F(ProcessTest, ASubscriptionGoesOnAfterARestart) {
  Start();
  for (int i = 0; i < 3; ++i) GiveLife(i);
  ASSERT_TRUE(test::WaitUntil([&] { return FiguresOrNone().messages() == 15; }, absl::Seconds(20)));
  const std::vector<std::string> known = InboxIds();
  ASSERT_EQ(known.size(), 3u);
  service_.Kill9();
  for (int i = 3; i < 6; ++i) GiveLife(i);
  Start();
  grpc::ClientContext context;
  Prepare(context, Registrar());
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  v1::SubscribeRequest request;
  request.set_shard("H30");
  request.set_recipient("agency:H30.18.LR");
  request.set_after(known[2]);  // the oldest
  auto reader = stub_->Subscribe(&context, request);
  std::vector<std::string> read;
  v1::SubscribeResponse step;
  ASSERT_TRUE(reader->Read(&step));
  EXPECT_FALSE(step.has_message()) << "it tells first from where";
  while (read.size() < 5 && reader->Read(&step)) read.push_back(step.message().id());
  ASSERT_EQ(read.size(), 5u);
  EXPECT_EQ(read[0], known[1]);
  EXPECT_EQ(read[1], known[0]);
  EXPECT_EQ(std::set<std::string>(read.begin(), read.end()).size(), 5u);
  GiveLife(6);
  ASSERT_TRUE(reader->Read(&step));
  EXPECT_EQ(read.size() + 1, 6u);
  EXPECT_EQ(std::count(read.begin(), read.end(), step.message().id()), 0);
  context.TryCancel();
  reader->Finish();
}

// Every kind of stream open, deliveries and calls under way.
TEST_F(ProcessTest, TwentyStopsUnderLoadAreQuickAndClean) {
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ASSERT_NO_FATAL_FAILURE(Start());
    grpc::ClientContext health_context, inbox_context, feed_context;
    grpc::health::v1::HealthCheckRequest health_request;
    auto health = grpc::health::v1::Health::NewStub(channel_)->Watch(&health_context, health_request);
    Prepare(inbox_context, Registrar());
    inbox_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::SubscribeRequest inbox_request;
    inbox_request.set_shard("H30");
    inbox_request.set_recipient("agency:H30.18.LR");
    auto inbox = stub_->Subscribe(&inbox_context, inbox_request);
    Prepare(feed_context, auth::Principal::Service("deadline-monitor"));
    feed_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    feed::v1::ReadRequest feed_request;
    feed_request.set_shard("H30");
    auto feeds = feed::v1::FeedService::NewStub(channel_);
    ASSERT_TRUE(test::WaitUntil([&] {
      grpc::ClientContext context;
      Prepare(context, auth::Principal::Service("deadline-monitor"));
      feed::v1::ListShardsResponse shards;
      return feeds->ListShards(&context, feed::v1::ListShardsRequest(), &shards).ok() &&
             shards.shards_size() == 1;
    }));
    auto feed = feeds->Read(&feed_context, feed_request);
    grpc::health::v1::HealthCheckResponse state;
    ASSERT_TRUE(health->Read(&state));

    std::atomic<bool> stopped{false};
    std::atomic<int> answered{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&] {
        while (!stopped) answered += Figures().ok() ? 1 : 0;
      });
    }
    for (int i = 0; i < 5; ++i) GiveLife(5 * round + i);
    v1::SubscribeResponse told;
    ASSERT_TRUE(inbox->Read(&told));
    ASSERT_TRUE(test::WaitUntil([&] { return answered > 20; }));
    const absl::Time begin = absl::Now();
    EXPECT_EQ(service_.Terminate(), 0) << service_.Log();
    EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
    stopped = true;
    for (std::thread& caller : callers) caller.join();
    while (health->Read(&state)) {
    }
    EXPECT_EQ(state.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
    while (inbox->Read(&told)) {
    }
    feed::v1::ReadResponse step;
    while (feed->Read(&step)) {
    }
    for (const grpc::Status& end : {health->Finish(), inbox->Finish(), feed->Finish()}) {
      EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE) << end.error_message();
      EXPECT_NE(end.error_details().find("SHUTTING_DOWN"), std::string::npos);
    }
  }
}

TEST_F(ProcessTest, StrangersGetNothing) {
  Start();
  v1::ListMessagesRequest request;
  request.set_shard("H30");
  request.set_recipient("agency:H30.18.LR");
  v1::ListMessagesResponse response;
  grpc::ClientContext nobody;
  EXPECT_EQ(stub_->ListMessages(&nobody, request, &response).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  grpc::ClientContext tax;
  Prepare(tax, auth::Principal(auth::Kind::kOfficer, "tax", "H30.18.TX", {"handler"}));
  EXPECT_EQ(stub_->ListMessages(&tax, request, &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  request.set_shard("nonsense");
  grpc::ClientContext registrar;
  Prepare(registrar, Registrar());
  EXPECT_EQ(stub_->ListMessages(&registrar, request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace motcua::notification
