// BinaryFixture: the real motcua-deadline-monitor with feeds that the test writes.
#pragma once

#include <openssl/ec.h>
#include <openssl/pem.h>

#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "common/auth/jwt_signer.h"
#include "common/rpc/client.h"
#include "gmock/gmock.h"
#include "motcua/deadline/v1/deadline.pb.h"
#include "tests/integration/deadline/monitor_process.h"
#include "tests/integration/deadline/upstream.h"
#include "tests/support/redis_process.h"
#include "tests/unit/deadline/life.h"

namespace motcua::deadline {

inline absl::Time Begin() { return At("2025-01-06T07:00"); }
inline absl::Time End() { return At("2025-02-20T00:00"); }
inline std::string Code(int number) {
  return absl::StrCat("H30.18.05-250106-", absl::Dec(number, absl::kZeroPad4));
}

inline auth::JwtSigner NewSigner() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  auto signer = auth::JwtSigner::FromPem(std::string_view(text, static_cast<size_t>(length)), "test",
                                         "motcua", "motcua");
  BIO_free(memory);
  EVP_PKEY_free(key);
  return *std::move(signer);
}

class BinaryTest : public ::testing::Test {
 protected:
  BinaryTest()
      : signer_(NewSigner()),
        intake_("intake", "motcua:in", redis_.address(), Begin()),
        routing_("routing", "motcua:ro", redis_.address(), Begin()) {
    std::ofstream(dir_.File("test.pem")) << signer_.PublicPem();
    feed::v1::Event reference;
    *reference.mutable_at() = time::ToTimestamp(Begin());
    reference.set_subject("H30");
    *reference.mutable_reference_applied()->mutable_set() = TestCatalogue().set();
    reference.mutable_reference_applied()->mutable_set()->set_version(1);
    intake_.Emit({reference});
  }

  std::vector<std::string> Flags() const {
    return {"--redis=" + redis_.address(),
            "--peer=intake=" + intake_.address(),
            "--peer=routing=" + routing_.address(),
            "--jwt_keys=" + dir_.File("test.pem"),
            "--simulated_time",
            "--simulated_start=2025-01-06T00:00:00Z",
            "--log_level=warning"};
  }
  std::string Token(const std::string& id, const std::string& agency, std::vector<std::string> roles) const {
    auto token = signer_.Mint(auth::Principal(auth::Kind::kOfficer, id, agency, std::move(roles)),
                              absl::Now(), absl::Hours(1));
    return *token;
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Call(const MonitorProcess& monitor, const Request& request,
                                const std::string& token, absl::Duration patience = absl::Seconds(30),
                                bool retry = true) {
    rpc::BlockingClient client(*rpc::MakeChannel(rpc::ChannelOptions(monitor.address())), token);
    rpc::CallOptions options;
    options.deadline = absl::Now() + patience;
    return client.Call<Response>(request, options, retry);
  }
  absl::Status Advance(const MonitorProcess& monitor, absl::Time to, bool no_wait = false) {
    admin::v1::AdvanceRequest request;
    *request.mutable_to() = time::ToTimestamp(to);
    request.set_no_wait(no_wait);
    return Call<admin::v1::AdvanceResponse>(monitor, request, Token("root", "H30", {"admin"})).status();
  }

  // Dossiers with every sort of limit, and what must be told of each until `End()`.
  void AcceptMany(int count) {
    const char* const limits[] = {"1wd", "2wd", "5wd", "8wd", "4wh", "15cd", "0.5wd"};
    std::vector<feed::v1::Event> events;
    for (int i = 1; i <= count; ++i) {
      feed::v1::Event event;
      *event.mutable_at() = time::ToTimestamp(intake_.now());
      event.set_subject(Code(i));
      auto& accepted = *event.mutable_dossier_accepted();
      accepted.set_receiving_agency(kCommune);
      *accepted.mutable_received_at() = event.at();
      *accepted.mutable_limit() = LimitOf(limits[i % 7]);
      *accepted.mutable_due() =
          *time::ComputeDeadline(intake_.now(), accepted.limit(), {}, TestCatalogue().CalendarOf(kCommune));
      Life life;
      feed::v1::Event alone = event;
      alone.set_subject(kCode);
      life.Apply(alone);
      life.Sweep(deadline::At("2025-02-20T00:00"));
      for (const std::string& alert : life.Alerts()) expected_.insert(Code(i) + " " + alert);
      events.push_back(std::move(event));
    }
    intake_.Emit(events);
  }

  std::vector<feed::v1::Event> Told() {
    redis::Command range("XRANGE");
    range.Arg("motcua:dm:{H30}:feed").Arg("-").Arg("+");
    auto reply = async::SyncWait(intake_.loop(),
                                 intake_.redis().Execute(std::move(range), absl::Now() + absl::Seconds(10)));
    EXPECT_TRUE(reply.ok()) << reply.status();
    std::vector<feed::v1::Event> events;
    if (!reply.ok()) return events;
    for (const redis::Reply& entry : reply->items()) {
      EXPECT_TRUE(events.emplace_back().ParseFromString(entry.items()[1].items()[1].text()));
    }
    return events;
  }
  void ExpectAllOnceInOrder() {
    std::multiset<std::string> told, apologies;
    absl::Time last = absl::InfinitePast();
    for (const feed::v1::Event& event : Told()) {
      EXPECT_GE(time::FromTimestamp(event.at()), last);
      last = time::FromTimestamp(event.at());
      if (event.has_alert_raised()) told.insert(event.subject() + " " + AlertText(event));
      if (event.has_apology_due()) apologies.insert(event.subject());
    }
    EXPECT_EQ(told, expected_);
    for (const std::string& code : apologies) EXPECT_EQ(apologies.count(code), 1u) << code;
  }

  test::RedisProcess redis_;
  test::TempDir dir_;
  auth::JwtSigner signer_;
  Upstream intake_;
  Upstream routing_;
  std::multiset<std::string> expected_;
};

}  // namespace motcua::deadline
