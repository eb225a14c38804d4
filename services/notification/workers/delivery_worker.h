// Attempts the deliveries that are due, and enters how they ended.
//
// At least once towards the outside: an attempt is claimed by a commit, made, and concluded by another
// commit. Who dies in between leaves a lease that runs out; the message then goes out again, under the same
// id. Replicas share the shards, and a claim is won by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/service/catalogues.h"
#include "common/store/leases.h"
#include "common/store/store.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/channels/transport.h"
#include "services/notification/domain/delivery/delivery.h"

namespace motcua::notification {

class DeliveryOptions {
 public:
  DeliveryOptions() {}

  RetryPolicy retry;
  // Attempts at once.
  size_t concurrency = 8;
  // Longest pause between looks at the outbox.
  absl::Duration poll_interval = absl::Milliseconds(500);
};

// Confined to the loop. Must outlive what it has spawned: Run returns when that has ended.
class DeliveryWorker {
 public:
  // References outlive the worker.
  DeliveryWorker(async::Loop& loop, store::Store& store, service::Catalogues& catalogues,
                 Transport& transport, DeliveryOptions options);

  // Before Run: what is due in shards that are not held, another replica delivers. They outlive the worker.
  void SetLeases(store::Leases& leases);

  // Until cancelled; survives the loss of Redis. Attempts under way then have kGrace to end before they are
  // broken off.
  async::Task<void> Run(async::CancelToken cancel);

  // Something of a shard may be due.
  void Kick(const std::string& shard) {
    rests_.erase(shard);
    kicked_.Set();
  }

  // Called for every attempt whose outcome was entered, and every delivery given up; for metrics.
  void OnConcluded(std::function<void(v1::DeliveryChannel, Conclusion)> observe) {
    observe_ = std::move(observe);
  }

  // What is not delivered yet, in all shards; the same in every replica.
  class Backlog {
   public:
    Backlog() {}

    // Deliveries neither made nor given up, held ones and those waiting for another attempt included.
    uint64_t waiting = 0;
    // For how long the one that has been due the longest has been due; zero where nothing is due. A delivery
    // that waits for the moment of its next attempt, or for the morning, is not due.
    absl::Duration longest_due = absl::ZeroDuration();
  };
  async::Task<absl::StatusOr<Backlog>> ReadBacklog();

  static constexpr absl::Duration kGrace = absl::Seconds(3);

 private:
  using Change = absl::AnyInvocable<bool(internal::notification::DossierRecord&)>;

  async::Task<absl::Status> Pass(std::string shard);
  // Lets a shard rest that has nothing to deliver, now or later.
  async::Task<absl::Status> RestWhereEmpty(std::string shard, absl::Time deadline);
  async::Task<absl::Status> ReleaseHeld(std::string shard, absl::Time deadline);
  async::Task<absl::Status> ClaimDue(std::string shard, std::string code, absl::Time deadline);
  async::Task<void> Attempt(std::string shard, std::string code, DeliveryKey key);
  async::Task<absl::StatusOr<Parcel>> Write(std::string shard, std::string code, DeliveryKey key);
  // Enters the outcome, at last or never: then the lease runs out.
  async::Task<Conclusion> Enter(std::string shard, std::string code, DeliveryKey key, Outcome outcome);
  // Commits what `change` makes of the record, with a check of its version; decides anew after a lost race.
  // `change` returns false where there is nothing to change.
  async::Task<absl::StatusOr<bool>> Commit(std::string shard, std::string code, Change change,
                                           absl::Time deadline);

  async::Loop& loop_;
  store::Store& store_;
  service::Catalogues& catalogues_;
  Transport& transport_;
  const DeliveryOptions options_;
  store::Leases* leases_ = nullptr;
  async::Event kicked_;
  async::Event ended_;
  // Shards with nothing to deliver, and until when nobody looks: only another replica can change that unseen.
  std::map<std::string, absl::Time> rests_;
  // None rests any longer.
  const std::shared_ptr<bool> look_again_ = std::make_shared<bool>(false);
  size_t under_way_ = 0;
  bool stopping_ = false;
  std::function<void(v1::DeliveryChannel, Conclusion)> observe_;
};

}  // namespace motcua::notification
