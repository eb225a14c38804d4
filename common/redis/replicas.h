// Confirmations: waits until replicas have what one primary has answered: one WAIT for all who wait
// meanwhile.
//
// WAIT counts what its own connection wrote last, and holds up what is behind it. So it has a connection of
// its own, and writes a marker there first: the marker is later in the primary's history than everything that
// was answered before, and so a replica that has it has that, too. Both connections must lead to the same
// primary: they were told the same replication id, of which a server has a new one after each promotion.
//
// Thread-safety: confined to the loop.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <memory>
#include <set>
#include <string>

#include "common/async/cancel.h"
#include "common/async/event.h"
#include "common/async/task.h"
#include "common/redis/pipeline.h"

namespace motcua::redis {

class Confirmations : public std::enable_shared_from_this<Confirmations> {
 public:
  // `link`: a pipeline of Kind::kConfirm.
  Confirmations(std::shared_ptr<Pipeline> link, std::shared_ptr<PipelineShared> shared)
      : link_(std::move(link)), shared_(std::move(shared)) {}

  const std::shared_ptr<Pipeline>& link() const { return link_; }

  // OK when enough replicas have what the primary of the replication id `history` has answered before this
  // call; else UNAVAILABLE (OUTCOME_UNKNOWN), or CANCELLED. `self` is kept for as long.
  static async::Task<absl::Status> Confirm(std::shared_ptr<Confirmations> self, std::string history,
                                           std::string marker, absl::Time deadline,
                                           async::CancelToken cancel);

 private:
  // Those who wait for one WAIT.
  struct Batch {
    explicit Batch(async::Loop& loop) : done(loop) {}
    std::set<std::string> markers;
    async::Event done;
    bool confirmed = false;
    std::string history;
  };

  static async::Task<void> Run(std::shared_ptr<Confirmations> self);
  static async::Task<bool> WaitForReplicas(Confirmations* self, const Batch* batch);
  static async::Task<void> Mark(std::shared_ptr<Pipeline> link, std::string marker, absl::Time deadline,
                                int* written);

  const std::shared_ptr<Pipeline> link_;
  const std::shared_ptr<PipelineShared> shared_;
  std::shared_ptr<Batch> next_;
  bool running_ = false;
};

}  // namespace motcua::redis
