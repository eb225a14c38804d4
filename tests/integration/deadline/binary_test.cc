// The real motcua-deadline-monitor over gRPC: Advance fires every timer once and in order, through kill -9
// and with two replicas racing; who may call; a graceful end.
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
namespace {

absl::Time Begin() { return At("2025-01-06T07:00"); }
absl::Time End() { return At("2025-02-20T00:00"); }
std::string Code(int number) { return absl::StrCat("H30.18.05-250106-", absl::Dec(number, absl::kZeroPad4)); }

auth::JwtSigner NewSigner() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  auto signer =
      auth::JwtSigner::FromPem(std::string_view(text, static_cast<size_t>(length)), "test", "motcua", "motcua");
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
    return {"--redis=" + redis_.address(),         "--peer=intake=" + intake_.address(),
            "--peer=routing=" + routing_.address(), "--jwt_keys=" + dir_.File("test.pem"),
            "--simulated_time", "--simulated_start=2025-01-06T00:00:00Z", "--log_level=warning"};
  }
  std::string Token(const std::string& id, const std::string& agency, std::vector<std::string> roles) const {
    auto token = signer_.Mint(auth::Principal(auth::Kind::kOfficer, id, agency, std::move(roles)), absl::Now(),
                              absl::Hours(1));
    return *token;
  }
  template <class Response, class Request>
  absl::StatusOr<Response> Call(const MonitorProcess& monitor, const Request& request, const std::string& token,
                                absl::Duration patience = absl::Seconds(30), bool retry = true) {
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
      *accepted.mutable_due() = *time::ComputeDeadline(intake_.now(), accepted.limit(), {},
                                                       TestCatalogue().CalendarOf(kCommune));
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
    auto reply = async::SyncWait(intake_.loop(), intake_.redis().Execute(std::move(range), absl::Now() + absl::Seconds(10)));
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

TEST_F(BinaryTest, AdvanceFiresEveryTimerOnceInOrder) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(400);
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
  EXPECT_EQ(monitor.Stop(), 0) << monitor.Log();
}

TEST_F(BinaryTest, KilledAgainAndAgainItRepeatsNothing) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(400);
  for (absl::Time t = Begin() + absl::Hours(60); t < End(); t += absl::Hours(60)) {
    intake_.Advance(t);
    routing_.Advance(t);
    ASSERT_TRUE(Advance(monitor, t, /*no_wait=*/true).ok()) << monitor.Log();
    // Somewhere within its work, or after it.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30000));
    monitor.Kill9();
    monitor.Start();
  }
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
}

TEST_F(BinaryTest, TwoReplicasRacingFireEachOnce) {
  MonitorProcess one(Flags()), two(Flags());
  one.Start();
  two.Start();
  AcceptMany(400);
  for (absl::Time t = Begin() + absl::Hours(100); t < End() + absl::Hours(100); t += absl::Hours(100)) {
    const absl::Time to = std::min(t, End());
    intake_.Advance(to);
    routing_.Advance(to);
    absl::Status first, second;
    std::thread other([&] { second = Advance(two, to); });
    first = Advance(one, to);
    other.join();
    ASSERT_TRUE(first.ok()) << first << one.Log();
    ASSERT_TRUE(second.ok()) << second << two.Log();
  }
  ExpectAllOnceInOrder();
}

TEST_F(BinaryTest, AReplicaFollowsTheTimeOfTheOtherAndAlertsAreRaisedOnce) {
  MonitorProcess advanced(Flags()), follower(Flags());
  advanced.Start();
  follower.Start();
  AcceptMany(100);
  const std::string admin = Token("root", "H30", {"admin"});
  ASSERT_TRUE(Call<admin::v1::GetStatusResponse>(follower, admin::v1::GetStatusRequest(), admin).ok());
  for (absl::Time t = Begin() + absl::Hours(100); t < End() + absl::Hours(100); t += absl::Hours(100)) {
    const absl::Time to = std::min(t, End());
    intake_.Advance(to);
    routing_.Advance(to);
    ASSERT_TRUE(Advance(advanced, to).ok()) << advanced.Log();
    auto status = Call<admin::v1::GetStatusResponse>(follower, admin::v1::GetStatusRequest(), admin);
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(time::FromTimestamp(status->now()), to) << "a call is answered at the new time";
  }
  // Without being advanced, its own watermark comes along.
  EXPECT_TRUE(test::WaitUntil([&] {
    auto status = Call<admin::v1::GetStatusResponse>(follower, admin::v1::GetStatusRequest(), admin);
    return status.ok() && status->feeds_size() == 1 &&
           time::FromTimestamp(status->feeds(0).watermark()) == End();
  }));
  // Time never goes back, whichever replica is told to.
  ASSERT_TRUE(Advance(follower, Begin()).ok());
  auto status = Call<admin::v1::GetStatusResponse>(advanced, admin::v1::GetStatusRequest(), admin);
  EXPECT_EQ(time::FromTimestamp(status->now()), End());
  ExpectAllOnceInOrder();
}

TEST_F(BinaryTest, CallsOverGrpcCarryRulesAndReasons) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(3);
  const absl::Time now = Begin() + absl::Hours(2);
  intake_.Advance(now);
  routing_.Advance(now);
  ASSERT_TRUE(Advance(monitor, now).ok()) << monitor.Log();
  const std::string leader = Token("leader", kCommune, {"leader"});
  const std::string handler = Token("handler", kCommune, {"handler"});

  v1::ChangeDueRequest change;
  change.set_request_id("00000000-0000-4000-8000-000000000001");
  change.set_dossier(Code(2));
  change.set_date("2025-01-20");
  change.set_kind(feed::v1::DUE_CHANGE_KIND_AGREED);
  change.set_reason("agreed");
  EXPECT_EQ(errors::Reason(Call<v1::ChangeDueResponse>(monitor, change, handler).status()), "ROLE_NOT_ALLOWED");
  EXPECT_EQ(errors::Reason(Call<v1::ChangeDueResponse>(monitor, change, "").status()), "NO_CREDENTIALS");
  auto changed = Call<v1::ChangeDueResponse>(monitor, change, leader);
  ASSERT_TRUE(changed.ok()) << changed.status() << monitor.Log();
  EXPECT_EQ(changed->due().date(), "2025-01-20");
  v1::ChangeDueRequest bad;
  bad.set_date("soon");
  EXPECT_GE(errors::FieldViolations(Call<v1::ChangeDueResponse>(monitor, bad, leader).status()).size(), 4u);

  v1::GetClockRequest get;
  get.set_dossier(Code(2));
  auto clock = Call<v1::GetClockResponse>(monitor, get, handler);
  ASSERT_TRUE(clock.ok()) << clock.status();
  EXPECT_EQ(clock->clock().due_version(), 1u);
  EXPECT_EQ(clock->charges(0).held_micros(), 7200ull * 1000 * 1000);
  get.set_dossier("H30.18.05-250106-9999");
  EXPECT_EQ(errors::Reason(Call<v1::GetClockResponse>(monitor, get, handler).status()), "DOSSIER_NOT_FOUND");
  v1::ListClocksRequest list;
  list.set_agency(kCommune);
  auto listed = Call<v1::ListClocksResponse>(monitor, list, handler);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->total(), 3u);
  v1::GetStatisticsRequest statistics;
  statistics.set_shard("H30");
  auto figures = Call<v1::Statistics>(monitor, statistics, handler);
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_EQ(figures->due_changed(), 1u);
}

TEST_F(BinaryTest, SimulatedTimeAndTimersSurviveARestart) {
  MonitorProcess monitor(Flags());
  monitor.Start();
  AcceptMany(50);
  intake_.Advance(End());
  routing_.Advance(End());
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  EXPECT_EQ(monitor.Stop(), 0);
  monitor.Start();
  v1::GetStatisticsRequest statistics;
  statistics.set_shard("H30");
  auto figures = Call<v1::Statistics>(monitor, statistics, Token("a", kCommune, {"handler"}));
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_EQ(time::FromTimestamp(figures->as_of()), End());
  EXPECT_EQ(figures->open_overdue(), 50u);
  ASSERT_TRUE(Advance(monitor, End()).ok()) << monitor.Log();
  ExpectAllOnceInOrder();
}

}  // namespace
}  // namespace motcua::deadline
