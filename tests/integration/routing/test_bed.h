// A real redis-server, intake's feed as a test writes it, and any number of replicas of routing without gRPC.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/time/time.h"
#include "common/async/loop.h"
#include "common/async/sync_wait.h"
#include "common/feed/publisher.h"
#include "common/feed/subscriptions.h"
#include "common/redis/client.h"
#include "common/service/catalogues.h"
#include "common/store/store.h"
#include "common/time/clock.h"
#include "services/routing/calls/routing.h"
#include "services/routing/calls/successions.h"
#include "services/routing/projections/intake_projection.h"
#include "tests/support/local_source.h"
#include "tests/support/redis_process.h"

namespace motcua::routing {

inline constexpr char kDesk[] = "H30.18.05";
inline constexpr char kDistrict[] = "H30.18";
inline constexpr char kTax[] = "H30.18.TH";
inline constexpr char kPolice[] = "H30.18.CA";

inline absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

// The n-th dossier of the tests.
std::string Code(int n);

// One replica of routing: calls and projection over a Redis client of its own.
class Replica {
 public:
  Replica(async::Loop& loop, const test::RedisProcess& redis, const time::Clock& clock, feed::Publisher& intake);
  ~Replica();

  void Start();
  void Stop();
  // What moves dossiers of agencies that have ended, until it is cut off.
  void StartSuccessions(Successions::Start start = Successions::Start::kManual);
  void StopSuccessions() { succession_cancel_->Cancel(); }

  async::Loop& loop;
  redis::Client client;
  store::Store store;
  service::Catalogues catalogues;
  Routing routing;
  std::unique_ptr<Successions> successions;

 private:
  test::LocalSource source_;
  IntakeProjection projection_;
  feed::Subscriptions subscriptions_;
  async::CancelSource cancel_;
  std::unique_ptr<async::CancelSource> succession_cancel_;
  bool running_ = false;
};

class TestBed : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // An agency that ends on a day, and who continues its work.
  struct End {
    std::string agency;
    std::string until;
    std::string successor;
  };

  // Events of intake: the sample data, in which these agencies end; returns when the replicas have them.
  void ApplyReference(const std::vector<End>& ends = {});
  // Received by kDesk one minute before now; due days later.
  void Accept(const std::string& code, const std::vector<std::string>& legs, int due_in_days = 5);
  void EmitFromIntake(std::vector<feed::v1::Event> events);

  absl::Time Now() { return clock_.Now(); }
  void Pass(absl::Duration time) { clock_.AdvanceTo(clock_.Now() + time); }

  // Waits until the first replica has routes of so many dossiers.
  void AwaitRoutes(uint64_t routes);

  auth::Principal Officer(const std::string& agency, const std::string& role = "handler");
  store::Caller CallerOf(const auth::Principal& who);

  template <class Request>
  Request For(const std::string& code, const std::string& request_id = "") {
    Request request;
    request.set_dossier(code);
    request.set_request_id(request_id.empty() ? "request-" + std::to_string(++requests_) : request_id);
    return request;
  }

  // One call by an officer of the agency.
  template <class Response, class Request>
  absl::StatusOr<Response> Call(async::Task<absl::StatusOr<Response>> (Routing::*method)(
                                    const auth::Principal&, store::Caller, const Request&),
                                const std::string& agency, std::type_identity_t<const Request&> request,
                                const std::string& role = "handler") {
    const auth::Principal who = Officer(agency, role);
    return async::SyncWait(loop_, (first().routing.*method)(who, CallerOf(who), request));
  }

  v1::Route Route(const std::string& code);
  v1::GetStatisticsResponse Statistics();
  // Bodies of routing's feed, in order.
  std::vector<feed::v1::Event> RoutingEvents();

  Replica& first() { return *replicas_.front(); }
  Replica& AddReplica();

  test::RedisProcess redis_;
  async::Loop loop_{"test"};
  redis::Client client_;
  redis::Client tail_;
  time::SimulatedClock clock_;
  store::Store intake_store_;
  feed::Publisher intake_;
  async::CancelSource cancel_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  int requests_ = 0;
  uint64_t reference_version_ = 0;

  TestBed();
};

}  // namespace motcua::routing
