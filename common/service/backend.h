// Backend: the mechanisms that every service stands on, wired together once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/semaphore.h"
#include "common/feed/publisher.h"
#include "common/feed/source.h"
#include "common/feed/subscriptions.h"
#include "common/redis/client.h"
#include "common/rpc/call.h"
#include "common/service/catalogues.h"
#include "common/store/index_builder.h"
#include "common/store/leases.h"
#include "common/store/store.h"
#include "common/telemetry/metrics.h"
#include "common/time/clock.h"
#include "motcua/admin/v1/admin.pb.h"

namespace motcua::service {

// What distinguishes one service from another here.
class Description {
 public:
  Description(std::string name, std::string key_prefix, std::vector<std::string> sources, bool derives_events,
              store::Definition definition = {})
      : name(std::move(name)),
        key_prefix(std::move(key_prefix)),
        sources(std::move(sources)),
        derives_events(derives_events),
        definition(std::move(definition)) {}

  // `intake`, `routing`, `deadline-monitor`, `notification`.
  std::string name;
  // Of all its Redis keys.
  std::string key_prefix;
  // Services whose feeds it consumes.
  std::vector<std::string> sources;
  // Events of the sources make it write events of its own, at the same time: so its watermark follows theirs,
  // and it has caught up with a moment only when they have.
  bool derives_events;
  // By what its records are listed and counted.
  store::Definition definition;
  // The reason by which it refuses what a source has just made possible and has not been heard here yet: a
  // dossier that intake has taken in a moment ago. Empty = none.
  std::string too_early;
};

class BackendOptions {
 public:
  BackendOptions() {}

  redis::Options redis;
  // How long the reply to a request id is kept.
  absl::Duration request_ttl = absl::Hours(336);
  // Of decoded records that are remembered; 0 = none.
  size_t record_cache_bytes = store::Store::kDefaultCacheBytes;
  // Set: time is simulated and starts here, or later where the service remembers a later time.
  absl::Time simulated_start = absl::InfinitePast();
  feed::PublisherOptions publisher;
  store::LeaseOptions leases;
};

// Confined to the loop but for construction and destruction, which happen elsewhere while nothing of it runs.
class Backend {
 public:
  Backend(async::Loop& loop, Description description, BackendOptions options,
          std::map<std::string, std::unique_ptr<feed::Source>> sources, telemetry::Metrics& metrics);
  ~Backend();

  const Description& description() const { return description_; }
  async::Loop& loop() { return loop_; }
  const time::Clock& clock() const { return *clock_; }
  bool simulated() const { return simulated_ != nullptr; }
  redis::Client& redis() { return redis_; }
  // The connection over which the publisher waits for new events.
  const redis::Client& tail() const { return tail_; }
  store::Store& store() { return store_; }
  feed::Publisher& publisher() { return publisher_; }
  feed::Subscriptions& subscriptions() { return subscriptions_; }
  Catalogues& catalogues() { return catalogues_; }
  // Which shards' work is this replica's; all of them where time is simulated, as every replica moves it.
  store::Leases& leases() { return leases_; }
  telemetry::Metrics& metrics() { return metrics_; }

  // The feeds of one of description().sources.
  feed::Source& source(const std::string& name) { return *sources_.at(name); }
  // Before Start: `projection` applies the feeds of `source`.
  void Consume(const std::string& source, feed::Projection& projection);

  // Before Start: what is told of the service's records to consumers that have missed events. It outlives
  // the backend's run.
  void Retell(feed::Retelling& retelling) { publisher_.SetRetelling(retelling); }

  // Before Start: called whenever something of a shard's sources has been applied, or their watermark has
  // moved.
  void OnProgress(std::function<void(const std::string& shard)> progressed) {
    progressed_ = std::move(progressed);
  }

  // Before Start: called to add to the service's status what it alone knows of.
  void OnStatus(std::function<void(admin::v1::GetStatusResponse& status)> add) {
    add_status_ = std::move(add);
  }

  // Before Start: called once, when a newer version of the service has taken a shard over, so that this one
  // can no longer write.
  void OnOvertaken(std::function<void()> overtaken) { overtaken_ = std::move(overtaken); }
  store::IndexBuilder& index_builder() { return index_builder_; }

  // Takes over simulated time, then runs feeds and consumers until `cancel`.
  async::Task<void> Run(async::CancelToken cancel);
  // Redis answers and, on simulated time, the clock is known: calls may be served.
  bool ready() const { return redis_.connected() && clock_known_; }

  // Before each call: takes over simulated time from Redis, where another replica may have advanced it, and
  // waits for the writes that the call must not fall behind: at most kAfterPatience, at most kMostWaiting
  // calls at a time, and not for anonymous callers. Errors: INVALID_ARGUMENT (UNKNOWN_SERVICE,
  // POSITION_UNKNOWN), NOT_FOUND (UNKNOWN_SHARD), RESOURCE_EXHAUSTED (TOO_MANY_CALLS), UNAVAILABLE or
  // DEADLINE_EXCEEDED (NOT_CAUGHT_UP).
  async::Task<absl::Status> BeforeCall(std::shared_ptr<rpc::Call> call);
  // For Description::too_early: hears what every source has told of the request's shard until now. So the
  // natural sequence (file, then hand over) needs no positions. Errors: `refusal` where there is nothing to
  // be heard; UNAVAILABLE (NOT_CAUGHT_UP) where it cannot be heard in time.
  async::Task<absl::Status> HearSources(std::shared_ptr<rpc::Call> call,
                                        const google::protobuf::Message& request, absl::Status refusal);

  static constexpr absl::Duration kAfterPatience = absl::Seconds(5);
  static constexpr int kMostWaiting = 256;

  // AdminService, less the transport.
  async::Task<absl::StatusOr<admin::v1::AdvanceResponse>> Advance(admin::v1::AdvanceRequest request,
                                                                  absl::Time deadline);
  admin::v1::GetStatusResponse Status() const;

 private:
  // Takes over the time that Redis holds, where it is later.
  async::Task<absl::Status> FollowClock(absl::Time deadline);
  async::Task<void> FollowReplicas(async::CancelToken cancel);
  async::Task<void> WatchDefinitions(async::CancelToken cancel);
  async::Task<absl::Status> AwaitWrite(const rpc::Call* call, const rpc::AfterWrite* write);
  async::Task<absl::Status> AwaitSources(absl::Time moment, absl::Time deadline);

  async::Loop& loop_;
  const Description description_;
  std::unique_ptr<time::Clock> clock_;
  time::SimulatedClock* simulated_ = nullptr;  // clock_, where time is simulated
  bool clock_known_ = false;
  redis::Client redis_;
  redis::Client tail_;
  store::Store store_;
  store::Leases leases_;
  feed::Publisher publisher_;
  feed::Subscriptions subscriptions_;
  store::IndexBuilder index_builder_;
  Catalogues catalogues_;
  async::Semaphore advancing_;
  std::map<std::string, std::unique_ptr<feed::Source>> sources_;
  telemetry::Metrics& metrics_;
  std::function<void(const std::string&)> progressed_;
  std::function<void(admin::v1::GetStatusResponse&)> add_status_;
  std::function<void()> overtaken_;
  // Calls that wait for writes.
  int waiting_ = 0;
};

}  // namespace motcua::service
