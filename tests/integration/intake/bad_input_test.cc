// Bad input over gRPC: a clear error with every violated field, nothing half-applied, nothing crashed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/auth/jwt_verifier.h"
#include "common/rpc/client.h"
#include "common/rpc/host.h"
#include "common/rpc/server.h"
#include "common/service/backend.h"
#include "services/intake/intake_service.h"
#include "services/intake/policy.h"
#include "tests/integration/intake/credentials.h"
#include "tests/support/redis_process.h"
#include "tests/support/violations.h"
#include "tests/support/wait.h"
#include "tests/unit/intake/desk.h"

namespace motcua::intake::test {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

service::BackendOptions OptionsFor(const motcua::test::RedisProcess& redis) {
  service::BackendOptions options;
  options.redis.address = redis.address();
  options.simulated_start = MondayMorning();
  return options;
}

auth::JwtVerifier VerifierOf(const Credentials& credentials) {
  auth::JwtKeys keys;
  EXPECT_TRUE(keys.AddPem("test", credentials.public_pem()).ok());
  return auth::JwtVerifier(std::move(keys), "motcua", "motcua");
}

auth::Policy PolicyOfIntake() {
  auth::Policy policy;
  AllowIntake(policy);
  return policy;
}

// The whole service but for its main function.
class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    AddIntakeService(host_, intake_);
    loop_.Spawn(backend_.Run(stop_.token()));
    auto server = rpc::Server::Start(rpc::ServerOptions(), host_, health_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    host_.Open();
    ASSERT_TRUE(motcua::test::WaitUntil([&] { return backend_.ready(); }));
    auto channel = rpc::MakeChannel(rpc::ChannelOptions("127.0.0.1:" + std::to_string(server_->port())));
    ASSERT_TRUE(channel.ok()) << channel.status();
    client_ = std::make_unique<rpc::BlockingClient>(*channel);
    v1::ApplyReferenceRequest request;
    *request.mutable_set() = JurisdictionSet();
    ASSERT_TRUE(Call<v1::ApplyReferenceResponse>(request, admin_).ok());
    auto filed = Call<v1::FileResponse>(Application("1.000001", true), an_);
    ASSERT_TRUE(filed.ok()) << filed.status();
    code_ = filed->dossier().code();
  }

  void TearDown() override {
    server_->Shutdown(absl::Now() + absl::Seconds(5));
    stop_.Cancel();
    EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
    loop_.Stop();
  }

  template <class Response, class Request>
  absl::StatusOr<Response> Call(const Request& request, const std::string& token) {
    rpc::CallOptions options;
    options.bearer_token = token;
    options.deadline = absl::Now() + absl::Seconds(10);
    return client_->Call<Response>(request, options, /*retry=*/false);
  }

  uint64_t Dossiers() {
    v1::GetStatisticsRequest request;
    request.set_shard("H30");
    return Call<v1::GetStatisticsResponse>(request, an_)->dossiers();
  }

  // `spoil` makes a good request bad; the answer must be INVALID_ARGUMENT and name the field.
  void ExpectViolation(const char* field, const std::function<void(v1::FileRequest&)>& spoil) {
    v1::FileRequest request = Application("1.000001", true);
    request.set_request_id("bad-request");
    spoil(request);
    const absl::Status status = Call<v1::FileResponse>(request, an_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field << ": " << status;
    EXPECT_THAT(motcua::test::Violations(status), Contains(Pair(field, Not(IsEmpty())))) << status;
    EXPECT_THAT(errors::VietnameseMessage(status), Not(IsEmpty()));
  }

  motcua::test::RedisProcess redis_;
  Credentials credentials_;
  const std::string an_ = credentials_.Officer("an", kCommune, {"intake"});
  const std::string binh_ = credentials_.Officer("binh", "H30.18.06", {"intake"});
  const std::string admin_ = credentials_.Officer("root", "H30", {"admin"});
  rpc::Loop loop_{"intake"};
  async::CancelSource stop_{loop_};
  telemetry::InertMetrics metrics_;
  service::Backend backend_{loop_, service::Description("intake", "in", {}, false), OptionsFor(redis_), {}, metrics_};
  Intake intake_{backend_.store(), backend_.catalogues(), backend_.publisher()};
  rpc::Host host_{loop_, PolicyOfIntake(), VerifierOf(credentials_), metrics_};
  rpc::Health health_{metrics_};
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::BlockingClient> client_;
  std::string code_;
};

TEST_F(BadInput, AFilingNamesItsBadFieldsAndChangesNothing) {
  ExpectViolation("request_id", [](auto& r) { r.clear_request_id(); });
  ExpectViolation("request_id", [](auto& r) { r.set_request_id("short"); });
  ExpectViolation("request_id", [](auto& r) { r.set_request_id(std::string(65, 'a')); });
  ExpectViolation("receiving_agency", [](auto& r) { r.clear_receiving_agency(); });
  ExpectViolation("receiving_agency", [](auto& r) { r.set_receiving_agency("h30'; drop"); });
  ExpectViolation("procedure", [](auto& r) { r.set_procedure("9.999999"); });
  ExpectViolation("procedure", [](auto& r) { r.set_procedure("no such/procedure"); });
  ExpectViolation("channel", [](auto& r) { r.set_channel("pigeon"); });
  ExpectViolation("channel", [](auto& r) { r.set_channel(std::string(65, 'x')); });
  ExpectViolation("applicant", [](auto& r) { r.clear_applicant(); });
  ExpectViolation("applicant.name", [](auto& r) { r.mutable_applicant()->clear_name(); });
  for (const char* unseen : {"   ", "\u200B", "A\u202EB", "A\nB"}) {
    ExpectViolation("applicant.name", [unseen](auto& r) { r.mutable_applicant()->set_name(unseen); });
    ExpectViolation("components[0].name", [unseen](auto& r) { r.add_components()->set_name(unseen); });
  }
  ExpectViolation("applicant.name", [](auto& r) { r.mutable_applicant()->set_name(std::string(201, 'x')); });
  ExpectViolation("applicant.email", [](auto& r) { r.mutable_applicant()->set_email("not an address"); });
  ExpectViolation("subject", [](auto& r) { r.set_subject(std::string(1001, 'x')); });
  ExpectViolation("components[0].name", [](auto& r) { r.add_components(); });
  ExpectViolation("components[0].count", [](auto& r) {
    r.add_components()->set_name("Form");
    r.mutable_components(0)->set_count(100);
  });
  ExpectViolation("components", [](auto& r) {
    for (int i = 0; i < 101; ++i) r.add_components()->set_name(std::to_string(i));
  });
  ExpectViolation("submitted_at", [](auto& r) { *r.mutable_submitted_at() = time::ToTimestamp(MondayMorning() + absl::Seconds(1)); });
  ExpectViolation("submitted_at", [](auto& r) { r.mutable_submitted_at()->set_nanos(-1); });
  ExpectViolation("counted_from", [](auto& r) { r.mutable_counted_from()->set_seconds(0); });
  EXPECT_EQ(Dossiers(), 1u);
}

TEST_F(BadInput, FieldsThatAreWrongTogetherAreToldTogether) {
  v1::FileRequest request;
  request.set_subject(std::string(1001, 'x'));
  const absl::Status status = Call<v1::FileResponse>(request, an_).status();
  EXPECT_EQ(motcua::test::Violations(status).size(), 5u) << status;
}

TEST_F(BadInput, CodesThatAreMalformedUnknownOrForeign) {
  v1::GetDossierRequest get;
  for (const char* malformed : {"", "nonsense", "H30.18.05-250113", "H30.18.05-251340-0001", "H30.18.05-250113-001",
                                "H30.18.05-250113-00000001", "../../etc"}) {
    get.set_dossier(malformed);
    EXPECT_EQ(Call<v1::GetDossierResponse>(get, an_).status().code(), absl::StatusCode::kInvalidArgument)
        << malformed;
  }
  get.set_dossier("H30.18.05-250113-9999");
  EXPECT_EQ(errors::Reason(Call<v1::GetDossierResponse>(get, an_).status()), "DOSSIER_NOT_FOUND");
  get.set_dossier("H31.18.05-250113-0001");
  EXPECT_EQ(errors::Reason(Call<v1::GetDossierResponse>(get, an_).status()), "NOT_YOUR_JURISDICTION");
  get.set_dossier(code_);
  EXPECT_EQ(Call<v1::GetDossierResponse>(get, "").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Call<v1::GetDossierResponse>(get, "not.a.token").status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(Call<v1::GetDossierResponse>(get, binh_).ok()) << "any officer of the jurisdiction";
}

TEST_F(BadInput, ActsThatComeTooLateTwiceOrFromOthers) {
  v1::AcceptRequest accept;
  accept.set_request_id("accept-1");
  accept.set_dossier(code_);
  accept.set_expected_version(7);
  EXPECT_EQ(errors::Reason(Call<v1::AcceptResponse>(accept, an_).status()), "VERSION_MISMATCH");
  accept.clear_expected_version();
  EXPECT_EQ(errors::Reason(Call<v1::AcceptResponse>(accept, an_).status()), "ALREADY_ACCEPTED");
  EXPECT_EQ(errors::Reason(Call<v1::AcceptResponse>(accept, binh_).status()), "NOT_RECEIVING_AGENCY");
  const std::string handler = credentials_.Officer("chi", kCommune, {"handler"});
  EXPECT_EQ(errors::Reason(Call<v1::AcceptResponse>(accept, handler).status()), "ROLE_NOT_ALLOWED");
  v1::ReturnResultRequest give;
  give.set_request_id("return-1");
  give.set_dossier(code_);
  EXPECT_EQ(errors::Reason(Call<v1::ReturnResultResponse>(give, an_).status()), "NOT_FINISHED");

  v1::FileRequest another = Application();
  another.set_request_id("request-2");
  v1::RefuseRequest refuse;
  refuse.set_request_id("refuse-1");
  refuse.set_dossier(Call<v1::FileResponse>(another, an_)->dossier().code());
  EXPECT_EQ(Call<v1::RefuseResponse>(refuse, an_).status().code(), absl::StatusCode::kInvalidArgument) << "no reason";
  refuse.set_reason("not complete");
  ASSERT_TRUE(Call<v1::RefuseResponse>(refuse, an_).ok());
  EXPECT_TRUE(Call<v1::RefuseResponse>(refuse, an_)->written().replayed());
  refuse.set_reason("another reason");
  EXPECT_EQ(errors::Reason(Call<v1::RefuseResponse>(refuse, an_).status()), "REQUEST_ID_REUSED");
  refuse.set_request_id("refuse-2");
  EXPECT_EQ(errors::Reason(Call<v1::RefuseResponse>(refuse, an_).status()), "DOSSIER_ENDED");

  v1::RateRequest rate;
  rate.set_request_id("rate-0001");
  rate.set_dossier(code_);
  rate.set_score(4);
  EXPECT_EQ(Call<v1::RateResponse>(rate, an_).status().code(), absl::StatusCode::kInvalidArgument);
  rate.set_score(3);
  EXPECT_EQ(errors::Reason(Call<v1::RateResponse>(rate, an_).status()), "NOT_RETURNED");
  EXPECT_EQ(errors::Reason(Call<v1::RateResponse>(rate, "").status()), "DOSSIER_NOT_FOUND") << "without the secret";
}

TEST_F(BadInput, ReferenceDataIsRefusedAsAWholeWithEveryBreach) {
  v1::ApplyReferenceRequest request;
  *request.mutable_set() = JurisdictionSet();
  EXPECT_EQ(errors::Reason(Call<v1::ApplyReferenceResponse>(request, an_).status()), "ROLE_NOT_ALLOWED");
  request.mutable_set()->mutable_agencies(1)->set_parent("H30.99");
  request.mutable_set()->mutable_officers(0)->set_agency("H30.98");
  const absl::Status status = Call<v1::ApplyReferenceResponse>(request, admin_).status();
  EXPECT_EQ(errors::Reason(status), "REFERENCE_INVALID") << status;
  EXPECT_THAT(motcua::test::Violations(status), Contains(Pair("set.agencies[1].parent", testing::_)));
  EXPECT_THAT(motcua::test::Violations(status), Contains(Pair("set.officers[0].agency", testing::_)));
  v1::GetReferenceRequest get;
  get.set_shard("H30");
  EXPECT_EQ(Call<v1::GetReferenceResponse>(get, an_)->set().version(), 1u);
}

TEST_F(BadInput, WithoutRedisCallsFailFastAndComeBack) {
  redis_.Kill9();
  const absl::Time before = absl::Now();
  v1::GetDossierRequest get;
  get.set_dossier(code_);
  const absl::Status gone = Call<v1::GetDossierResponse>(get, an_).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable) << gone;
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return !backend_.ready(); }));
  redis_.Restart();
  EXPECT_TRUE(motcua::test::WaitUntil([&] { return Call<v1::GetDossierResponse>(get, an_).ok(); }));
}

}  // namespace
}  // namespace motcua::intake::test
