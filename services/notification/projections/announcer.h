// Tells those who wait for messages that a batch has been committed.
#pragma once

#include <utility>

#include "absl/time/clock.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/feed/subscriptions.h"
#include "services/notification/calls/inbox_watch.h"
#include "services/notification/domain/letters/names.h"
#include "services/notification/projections/notification_projection.h"
#include "services/notification/workers/delivery_worker.h"

namespace motcua::notification {

// Confined to the loop; outlives what it has spawned, which ends within kPatience.
class Announcer {
 public:
  // References outlive the announcer.
  Announcer(async::Loop& loop, feed::Subscriptions& subscriptions, InboxWatch& watch, DeliveryWorker& worker)
      : loop_(loop), subscriptions_(subscriptions), watch_(watch), worker_(worker) {}

  // Wakes followers and the delivery worker once the batch is committed; if it is not soon, they find out by
  // themselves.
  void Announce(Announcement announcement) {
    if (watch_.empty() && !announcement.deliveries) return;
    loop_.Spawn(AnnounceWhenApplied(std::move(announcement)));
  }

 private:
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  async::Task<void> AnnounceWhenApplied(Announcement announcement) {
    absl::Status applied = co_await subscriptions_.AwaitApplied(
        std::string(SourceName(announcement.source)), announcement.shard, announcement.position,
        absl::Now() + kPatience, async::CancelToken());
    if (!applied.ok()) co_return;
    watch_.Wake(announcement.shard, announcement.recipients);
    if (announcement.deliveries) worker_.Kick(announcement.shard);
  }

  async::Loop& loop_;
  feed::Subscriptions& subscriptions_;
  InboxWatch& watch_;
  DeliveryWorker& worker_;
};

}  // namespace motcua::notification
