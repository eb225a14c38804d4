#include "test_bed.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/reference/sample.h"
#include "common/time/timestamp.h"
#include "tests/support/wait.h"

namespace motcua::routing {

namespace {

redis::Options RedisOptions(const test::RedisProcess& redis) {
  redis::Options options;
  options.address = redis.address();
  options.max_backoff = absl::Milliseconds(50);
  return options;
}

feed::PublisherOptions FeedOptions() {
  feed::PublisherOptions options;
  options.grace = absl::ZeroDuration();
  options.eager = true;  // as on simulated time
  options.watermark_interval = absl::Milliseconds(20);
  return options;
}

}  // namespace

std::string Code(int n) { return absl::StrFormat("H30.18.05-260714-%04d", n); }

Replica::Replica(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock,
                 feed::Publisher& intake)
    : loop(loop),
      client(loop, RedisOptions(redis)),
      store(client, clock, "ro", absl::Hours(1)),
      catalogues(loop, store),
      routing(store, catalogues),
      source_(loop, intake),
      projection_(catalogues,
                  [this] {
                    if (successions != nullptr) successions->ReferenceChanged();
                  }),
      subscriptions_(loop, store, "routing"),
      cancel_(loop) {
  subscriptions_.Add("intake", source_, projection_);
}

Replica::~Replica() { Stop(); }

void Replica::Start() {
  ASSERT_TRUE(async::SyncWait(loop, client.WaitConnected(Soon())).ok());
  ASSERT_TRUE(async::SyncWait(loop, store.AddShard("H30", Soon())).ok());
  running_ = true;
  loop.Spawn(subscriptions_.Run(cancel_.token()));
}

void Replica::StartSuccessions(Successions::Start start) {
  loop.RunAndWait([&] {
    successions = std::make_unique<Successions>(
        loop, store, catalogues, [] { return std::vector<std::string>(1, "H30"); }, start);
  });
  succession_cancel_ = std::make_unique<async::CancelSource>(loop);
  loop.Spawn(successions->Run(succession_cancel_->token()));
}

void Replica::Stop() {
  if (!std::exchange(running_, false)) return;
  cancel_.Cancel();
  if (succession_cancel_ != nullptr) succession_cancel_->Cancel();
}

TestBed::TestBed()
    : client_(loop_, RedisOptions(redis_)),
      tail_(loop_, RedisOptions(redis_)),
      clock_(absl::FromCivil(absl::CivilMinute(2026, 7, 14, 2, 0), absl::UTCTimeZone())),
      intake_store_(client_, clock_, "in", absl::Hours(1)),
      intake_(loop_, intake_store_, tail_, FeedOptions()),
      cancel_(loop_) {}

void TestBed::SetUp() {
  ASSERT_TRUE(async::SyncWait(loop_, client_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(async::SyncWait(loop_, tail_.WaitConnected(Soon())).ok());
  ASSERT_TRUE(async::SyncWait(loop_, intake_.AddShard("H30", Soon())).ok());
  loop_.Spawn(intake_.Run(cancel_.token()));
  AddReplica();
  ApplyReference();
}

void TestBed::TearDown() {
  for (auto& replica : replicas_) replica->Stop();
  cancel_.Cancel();
  EXPECT_TRUE(loop_.Drain(absl::Seconds(10)));
}

Replica& TestBed::AddReplica() {
  replicas_.push_back(std::make_unique<Replica>(loop_, redis_, clock_, intake_));
  replicas_.back()->Start();
  return *replicas_.back();
}

void TestBed::EmitFromIntake(std::vector<feed::v1::Event> events) {
  store::Transaction tx(intake_store_.Keys("H30"));
  for (feed::v1::Event& event : events) {
    *event.mutable_at() = time::ToTimestamp(clock_.Now());
    tx.Emit(event.SerializeAsString());
  }
  const auto outcome = async::SyncWait(loop_, intake_store_.Commit(std::move(tx), Soon()));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
}

void TestBed::ApplyReference(const std::vector<End>& ends) {
  feed::v1::Event event;
  event.set_subject("H30");
  reference::v1::ReferenceSet& set = *event.mutable_reference_applied()->mutable_set();
  set = reference::SampleCatalogue().set();
  set.set_version(++reference_version_);
  for (const End& end : ends) {
    for (reference::v1::Agency& agency : *set.mutable_agencies()) {
      if (agency.id() != end.agency) continue;
      agency.set_valid_until(end.until);
      agency.set_successor(end.successor);
    }
  }
  std::vector<feed::v1::Event> events;
  events.push_back(std::move(event));
  EmitFromIntake(std::move(events));
  for (auto& replica : replicas_) {
    ASSERT_TRUE(test::WaitUntil([&] {
      auto catalogue = async::SyncWait(loop_, replica->catalogues.Get("H30", Soon()));
      return catalogue.ok() && (*catalogue)->version() == reference_version_;
    }));
  }
}

void TestBed::Accept(const std::string& code, const std::vector<std::string>& legs, int due_in_days) {
  feed::v1::Event event;
  event.set_subject(code);
  feed::v1::DossierAccepted& accepted = *event.mutable_dossier_accepted();
  accepted.set_procedure("1.001193");
  accepted.set_receiving_agency(kDesk);
  accepted.set_competent_agency(kDistrict);
  *accepted.mutable_received_at() = time::ToTimestamp(clock_.Now() - absl::Minutes(1));
  *accepted.mutable_due()->mutable_late_from() = time::ToTimestamp(clock_.Now() + absl::Hours(24 * due_in_days));
  accepted.set_max_supplements(1);
  for (const std::string& agency : legs) {
    feed::v1::PlannedLeg& leg = *accepted.add_legs();
    leg.set_id(absl::StrFormat("leg-%d", accepted.legs_size()));
    leg.set_agency(agency);
  }
  std::vector<feed::v1::Event> events;
  events.push_back(std::move(event));
  EmitFromIntake(std::move(events));
}

void TestBed::AwaitRoutes(uint64_t routes) {
  ASSERT_TRUE(test::WaitUntil([&] { return Statistics().routes() >= routes; })) << Statistics().DebugString();
}

auth::Principal TestBed::Officer(const std::string& agency, const std::string& role) {
  return auth::Principal(auth::Kind::kOfficer, agency + "-" + role, agency, std::vector<std::string>(1, role));
}

store::Caller TestBed::CallerOf(const auth::Principal& who) {
  common::v1::Actor actor;
  actor.set_id(who.subject);
  actor.set_agency(who.agency);
  return store::Caller(std::move(actor), "", Soon());
}

v1::Route TestBed::Route(const std::string& code) {
  v1::GetRouteRequest request;
  request.set_dossier(code);
  auto route = Call(&Routing::GetRoute, kDesk, request);
  EXPECT_TRUE(route.ok()) << route.status();
  return route.ok() ? route->route() : v1::Route();
}

v1::GetStatisticsResponse TestBed::Statistics() {
  v1::GetStatisticsRequest request;
  request.set_shard("H30");
  auto statistics = Call(&Routing::GetStatistics, kDesk, request);
  return statistics.ok() ? *std::move(statistics) : v1::GetStatisticsResponse();
}

std::vector<feed::v1::Event> TestBed::RoutingEvents() {
  redis::Command range("XRANGE");
  range.Arg(first().store.Keys("H30").Feed()).Arg("-").Arg("+");
  auto reply = async::SyncWait(loop_, first().client.Execute(std::move(range), Soon()));
  std::vector<feed::v1::Event> events;
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (!reply.ok()) return events;
  for (redis::Reply& entry : reply->items()) {
    feed::v1::Event event;
    EXPECT_TRUE(event.ParseFromString(entry.items()[1].items()[1].text()));
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace motcua::routing
