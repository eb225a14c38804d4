// The real motcua-routing over gRPC: who is let in, its own feed, kill -9, racing replicas, a graceful end.
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <fstream>
#include <map>
#include <memory>
#include <random>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/async/sync_wait.h"
#include "common/auth/jwt_signer.h"
#include "common/reference/sample.h"
#include "common/rpc/client.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "gmock/gmock.h"
#include "intake_stand_in.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "routing_process.h"
#include "tests/support/redis_process.h"
#include "tests/support/violations.h"
#include "tests/support/wait.h"

namespace motcua::routing {
namespace {

constexpr char kDesk[] = "H30.18.05";
constexpr char kDistrict[] = "H30.18";

std::string Code(int n) { return absl::StrFormat("H30.18.05-260714-%04d", n); }

auth::JwtSigner NewSigner() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  auto signer = auth::JwtSigner::FromPem(std::string_view(text, static_cast<size_t>(length)), "test", "motcua", "motcua");
  BIO_free(memory);
  EVP_PKEY_free(key);
  return *std::move(signer);
}

auth::JwtKeys KeysOf(const auth::JwtSigner& signer) {
  auth::JwtKeys keys;
  EXPECT_TRUE(keys.AddPem("test", signer.PublicPem()).ok());
  return keys;
}

feed::v1::Event Acceptance(const std::string& code) {
  feed::v1::Event event;
  event.set_subject(code);
  feed::v1::DossierAccepted& accepted = *event.mutable_dossier_accepted();
  accepted.set_procedure("1.001193");
  accepted.set_receiving_agency(kDesk);
  accepted.set_competent_agency(kDistrict);
  *accepted.mutable_received_at() = time::ToTimestamp(absl::Now());
  *accepted.mutable_due()->mutable_late_from() = time::ToTimestamp(absl::Now() + absl::Hours(24));
  feed::v1::PlannedLeg& leg = *accepted.add_legs();
  leg.set_id("leg-1");
  leg.set_agency(kDistrict);
  return event;
}

class BinaryTest : public testing::Test {
 protected:
  BinaryTest() : signer_(NewSigner()), intake_(redis_.address(), KeysOf(signer_)) {
    Write("test.pem", signer_.PublicPem());
    Write("token", Token(auth::Principal::Service("routing")));
  }

  void SetUp() override {
    feed::v1::Event reference;
    reference.set_subject("H30");
    *reference.mutable_reference_applied()->mutable_set() = reference::SampleCatalogue().set();
    reference.mutable_reference_applied()->mutable_set()->set_version(1);
    std::vector<feed::v1::Event> events;
    events.push_back(std::move(reference));
    intake_.Emit(std::move(events));
    AddReplica();
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream file(dir_.File(name));
    file << text;
  }

  std::string Token(const auth::Principal& principal) {
    return signer_.Mint(principal, absl::Now(), absl::Hours(1)).value();
  }

  RoutingProcess& AddReplica(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments;
    arguments.push_back("--redis=" + redis_.address());
    arguments.push_back("--jwt_keys=" + dir_.File("test.pem"));
    arguments.push_back("--peer=intake=" + (intake_address_.empty() ? intake_.address() : intake_address_));
    arguments.push_back("--peer_token_file=" + dir_.File("token"));
    arguments.insert(arguments.end(), more.begin(), more.end());
    replicas_.push_back(std::make_unique<RoutingProcess>(std::move(arguments)));
    replicas_.back()->Start();
    return *replicas_.back();
  }

  // An officer's call, tried again while the service is not ready.
  template <class Response, class Request>
  absl::StatusOr<Response> Call(const std::string& agency, const std::string& role, const Request& request,
                                rpc::CallOptions options = rpc::CallOptions()) {
    rpc::BlockingClient client(*rpc::MakeChannel(rpc::ChannelOptions(replicas_.front()->address())));
    options.bearer_token = agency.empty() ? std::string()
                                          : Token(auth::Principal(auth::Kind::kOfficer, agency + "-" + role, agency,
                                                                  std::vector<std::string>(1, role)));
    return client.Call<Response>(request, options);
  }

  template <class Request>
  Request For(const std::string& code) {
    Request request;
    request.set_request_id(absl::StrFormat("request-%d", ++requests_));
    request.set_dossier(code);
    return request;
  }

  v1::RefuseHandOverRequest Refusal(const std::string& code) {
    auto request = For<v1::RefuseHandOverRequest>(code);
    request.set_reason("không đúng thẩm quyền");
    return request;
  }

  uint64_t Accept(const std::string& code) {
    std::vector<feed::v1::Event> events;
    events.push_back(Acceptance(code));
    return intake_.Emit(std::move(events));
  }

  v1::GetStatisticsResponse Statistics() {
    v1::GetStatisticsRequest request;
    request.set_shard("H30");
    auto statistics = Call<v1::GetStatisticsResponse>(kDesk, "handler", request);
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    return statistics.ok() ? *std::move(statistics) : v1::GetStatisticsResponse();
  }

  // Routing's feed up to `count` events, read as any consumer would.
  std::vector<feed::v1::Event> ReadFeed(size_t count) {
    rpc::Loop loop("reader");
    std::vector<feed::v1::Event> events;
    {
      rpc::Client client(loop, *rpc::MakeChannel(rpc::ChannelOptions(replicas_.front()->address())),
                         Token(auth::Principal::Service("deadline-monitor")));
      async::SyncWait(loop, Collect(client, count, &events));
    }
    return events;
  }

  static async::Task<void> Collect(rpc::Client& client, size_t count, std::vector<feed::v1::Event>* events) {
    feed::v1::ReadRequest request;
    request.set_shard("H30");
    rpc::CallOptions options;
    options.deadline = absl::Now() + absl::Seconds(20);
    rpc::StreamReader<feed::v1::ReadResponse> stream = client.Open<feed::v1::ReadResponse>(request, options);
    while (events->size() < count) {
      absl::StatusOr<std::optional<feed::v1::ReadResponse>> step = co_await stream.Read();
      EXPECT_TRUE(step.ok()) << step.status();
      if (!step.ok() || !step->has_value()) co_return;
      for (feed::v1::Event& event : *(*step)->mutable_events()) events->push_back(std::move(event));
    }
  }

  // Every dossier 0..count-1 was opened once and offered once, in a feed without gaps.
  void ExpectEachEventOnce(int count) {
    ASSERT_TRUE(test::WaitUntil([&] { return Statistics().routes() >= static_cast<uint64_t>(count); },
                                absl::Seconds(30)));
    EXPECT_EQ(Statistics().routes(), static_cast<uint64_t>(count));
    std::map<std::string, int> opened;
    std::map<std::string, int> offered;
    uint64_t position = 0;
    for (const feed::v1::Event& event : ReadFeed(static_cast<size_t>(2 * count))) {
      EXPECT_EQ(event.position(), ++position);
      if (event.has_route_opened()) ++opened[event.subject()];
      if (event.has_hand_over_offered()) ++offered[event.subject()];
    }
    EXPECT_EQ(position, static_cast<uint64_t>(2 * count));
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(opened[Code(i)], 1) << Code(i);
      EXPECT_EQ(offered[Code(i)], 1) << Code(i);
    }
  }

  test::RedisProcess redis_;
  test::TempDir dir_;
  auth::JwtSigner signer_;
  IntakeStandIn intake_;
  std::string intake_address_;  // where the replicas find it; empty: at intake_
  std::vector<std::unique_ptr<RoutingProcess>> replicas_;
  int requests_ = 0;
};

// The natural sequence: intake has answered, and routing has not heard of the dossier yet.
TEST_F(BinaryTest, WhatIntakeHasJustTakenInIsNeverUnknown) {
  for (int i = 0; i < 100; ++i) {
    Accept(Code(i));
    v1::GetRouteRequest get;
    get.set_dossier(Code(i));
    absl::Status status = i % 2 == 0
                              ? Call<v1::GetRouteResponse>(kDesk, "handler", get).status()
                              : Call<v1::RefuseHandOverResponse>(kDesk, "handler", Refusal(Code(i))).status();
    EXPECT_TRUE(status.ok() || errors::Reason(status) == "NOT_OFFERED_TO_YOU") << i << ": " << status;
  }
  v1::GetRouteRequest unknown;
  unknown.set_dossier(Code(9999));
  const absl::Time before = absl::Now();
  EXPECT_EQ(errors::Reason(Call<v1::GetRouteResponse>(kDesk, "handler", unknown).status()),
            "DOSSIER_NOT_FOUND");
  EXPECT_LT(absl::Now() - before, absl::Seconds(1)) << "what there is has been heard";
}

TEST_F(BinaryTest, WhatCannotBeHeardIsNotCalledUnknown) {
  Accept(Code(1));
  ASSERT_TRUE(test::WaitUntil([&] { return Statistics().routes() == 1; }));
  intake_.Stop();
  v1::GetRouteRequest unknown;
  unknown.set_dossier(Code(2));
  const absl::Status status = Call<v1::GetRouteResponse>(kDesk, "handler", unknown).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(errors::Reason(status), "NOT_CAUGHT_UP");
  EXPECT_GT(errors::RetryDelay(status), absl::ZeroDuration());
  unknown.set_dossier(Code(1));
  EXPECT_TRUE(Call<v1::GetRouteResponse>(kDesk, "handler", unknown).ok()) << "what is known is told";
}

TEST_F(BinaryTest, ADossiersWayOverGrpc) {
  const uint64_t position = Accept(Code(1));
  // Read-your-writes: the answer waits until routing has caught up with what intake has told.
  v1::GetRouteRequest get;
  get.set_dossier(Code(1));
  rpc::CallOptions after;
  after.after.emplace_back("intake", "H30", position);
  auto route = Call<v1::GetRouteResponse>(kDesk, "returner", get, after);
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_EQ(route->route().offer().receiver(), kDistrict);
  EXPECT_EQ(route->route().version(), 1u);

  EXPECT_EQ(errors::Reason(Call<v1::GetRouteResponse>("", "", get).status()), "NO_CREDENTIALS");
  EXPECT_EQ(errors::Reason(Call<v1::GetRouteResponse>("H31.18", "handler", get).status()),
            "NOT_YOUR_JURISDICTION");
  auto accept = For<v1::AcceptHandOverRequest>(Code(1));
  EXPECT_EQ(errors::Reason(Call<v1::AcceptHandOverResponse>(kDistrict, "returner", accept).status()),
            "ROLE_NOT_ALLOWED");
  EXPECT_EQ(errors::Reason(Call<v1::AcceptHandOverResponse>(kDesk, "handler", accept).status()),
            "NOT_OFFERED_TO_YOU");
  auto accepted = Call<v1::AcceptHandOverResponse>(kDistrict, "handler", accept);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->holder(), kDistrict);
  auto again = Call<v1::AcceptHandOverResponse>(kDistrict, "handler", accept);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->written().replayed());

  v1::CompleteWorkRequest malformed;
  malformed.set_dossier("what?");
  const absl::Status bad = Call<v1::CompleteWorkResponse>(kDistrict, "handler", malformed).status();
  EXPECT_EQ(bad.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(motcua::test::Violations(bad).size(), 3u);

  auto finish = For<v1::FinishRequest>(Code(1));
  finish.set_outcome(feed::v1::OUTCOME_APPROVED);
  EXPECT_EQ(errors::Reason(Call<v1::FinishResponse>(kDistrict, "intake", finish).status()),
            "ROLE_NOT_ALLOWED");
  EXPECT_TRUE(Call<v1::FinishResponse>(kDistrict, "leader", finish).ok());
  auto late = For<v1::CompleteWorkRequest>(Code(1));
  late.set_activity("thẩm định");
  for (int i = 0; i < 2; ++i) {
    const absl::Status ended = Call<v1::CompleteWorkResponse>(kDistrict, "handler", late).status();
    EXPECT_EQ(errors::Reason(ended), "DOSSIER_ENDED");
    EXPECT_FALSE(errors::VietnameseMessage(ended).empty());
  }
  EXPECT_EQ(Statistics().work_refused(), 1u);
  EXPECT_EQ(Statistics().hand_overs(), 1u);
  EXPECT_EQ(Statistics().ended(), 1u);

  const std::vector<feed::v1::Event> events = ReadFeed(4);
  ASSERT_GE(events.size(), 4u);
  EXPECT_TRUE(events[2].has_hand_over_accepted());
  EXPECT_EQ(events[2].actor().id(), std::string(kDistrict) + "-handler");
  EXPECT_TRUE(events[3].has_result_ready());
}

TEST_F(BinaryTest, KilledBetweenEventsItAppliesEachOnce) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed: " << seed << std::endl;
  std::mt19937 random(seed);
  constexpr int kDossiers = 240;
  for (int i = 0; i < kDossiers; ++i) {
    Accept(Code(i));
    if (random() % 40 != 0 && i % 60 != 30) continue;
    replicas_.front()->Kill9();
    replicas_.front()->Start();
  }
  ExpectEachEventOnce(kDossiers);
}

TEST_F(BinaryTest, TwoReplicasAtTheSameFeedApplyEachEventOnce) {
  RoutingProcess& second = AddReplica();
  constexpr int kDossiers = 240;
  for (int i = 0; i < kDossiers; ++i) Accept(Code(i));
  ExpectEachEventOnce(kDossiers);
  // What the first one leaves, the second one does.
  EXPECT_EQ(replicas_.front()->Stop(), 0) << replicas_.front()->log();
  for (int i = kDossiers; i < kDossiers + 20; ++i) Accept(Code(i));
  std::swap(replicas_.front(), replicas_.back());
  ASSERT_EQ(replicas_.front().get(), &second);
  ExpectEachEventOnce(kDossiers + 20);
}

// Several rounds: which of the two sources the feed is read from is chance.
TEST_F(BinaryTest, AFeedGoesOnAtAnotherReplicaOfItsSource) {
  replicas_.clear();
  for (int round = 0; round < 4; ++round) {
    auto one = std::make_unique<IntakeStandIn>(redis_.address(), KeysOf(signer_));
    auto two = std::make_unique<IntakeStandIn>(redis_.address(), KeysOf(signer_));
    intake_address_ = "ipv4:" + one->address() + "," + two->address();
    AddReplica();
    for (int i = 0; i < 10; ++i) Accept(Code(20 * round + i));
    ASSERT_TRUE(
        test::WaitUntil([&] { return Statistics().routes() == static_cast<uint64_t>(20 * round + 10); }));
    one.reset();
    for (int i = 10; i < 20; ++i) Accept(Code(20 * round + i));
    ASSERT_TRUE(test::WaitUntil([&] {
      return Statistics().routes() == static_cast<uint64_t>(20 * round + 20);
    })) << replicas_.front()->log();
    EXPECT_EQ(replicas_.front()->Stop(), 0);
    replicas_.clear();
  }
}

// Time is what Redis says: to a replica that is called, and to one that is idle.
TEST_F(BinaryTest, ACallAtAnotherReplicaIsDecidedAtTheNewSimulatedTime) {
  replicas_.clear();
  const std::vector<std::string> simulated = {"--simulated_time", "--simulated_start=2025-01-06T01:00:00Z"};
  AddReplica(simulated);
  AddReplica(simulated);
  const std::string admin = Token(auth::Principal(auth::Kind::kOfficer, "root", "H30", {"admin"}));
  rpc::BlockingClient one(*rpc::MakeChannel(rpc::ChannelOptions(replicas_[0]->address())), admin);
  rpc::BlockingClient two(*rpc::MakeChannel(rpc::ChannelOptions(replicas_[1]->address())), admin);
  absl::Time now = absl::FromCivil(absl::CivilDay(2025, 1, 7), absl::UTCTimeZone());
  for (int i = 0; i < 30; ++i, now += absl::Hours(24)) {
    admin::v1::AdvanceRequest advance;
    *advance.mutable_to() = time::ToTimestamp(now);
    auto advanced = (i % 2 == 0 ? one : two).Call<admin::v1::AdvanceResponse>(advance);
    ASSERT_TRUE(advanced.ok()) << advanced.status() << replicas_[0]->log();
    auto status = (i % 2 == 0 ? two : one).Call<admin::v1::GetStatusResponse>(admin::v1::GetStatusRequest());
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(time::FromTimestamp(status->now()), now);
  }
}

}  // namespace
}  // namespace motcua::routing
