// The compiled reference data of the shards, as the service has stored it.
#ifndef MOTCUA_COMMON_SERVICE_CATALOGUES_H_
#define MOTCUA_COMMON_SERVICE_CATALOGUES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/loop.h"
#include "common/async/semaphore.h"
#include "common/async/task.h"
#include "common/reference/catalogue.h"
#include "common/store/store.h"

namespace motcua::service {

// Confined to the loop. What it returns is immutable and may be kept across suspensions.
class Catalogues {
 public:
  Catalogues(async::Loop& loop, store::Store& store) : loop_(loop), store_(store) {}

  // The catalogue of a shard, at most kFreshness old: another replica's change shows by then, this one's at once
  // when told by Changed. Errors: NOT_FOUND (UNKNOWN_SHARD), the store's.
  async::Task<absl::StatusOr<std::shared_ptr<const reference::Catalogue>>> Get(std::string shard, absl::Time deadline);

  // The service has just committed other reference data of the shard.
  void Changed(const std::string& shard);

  // How often one was compiled; for tests.
  uint64_t compiled() const { return compiled_; }

  static constexpr absl::Duration kFreshness = absl::Seconds(1);

 private:
  // Of one shard.
  class Cached {
   public:
    explicit Cached(async::Loop& loop) : turn(loop, 1) {}
    bool fresh(absl::Time now) const { return catalogue != nullptr && now < checked_at + kFreshness; }

    std::shared_ptr<const reference::Catalogue> catalogue;
    uint64_t record_version = 0;
    absl::Time checked_at = absl::InfinitePast();
    // Changes that this service has told of.
    uint64_t changes = 0;
    // One call looks for a change, or compiles, while the others wait for what it finds.
    async::Semaphore turn;
  };

  async::Task<absl::Status> Refresh(Cached* cached, std::string shard, absl::Time now, absl::Time deadline);

  async::Loop& loop_;
  store::Store& store_;
  uint64_t compiled_ = 0;
  // Never erased: callers wait at what it holds, and there are no more shards than codes of provinces.
  std::map<std::string, std::unique_ptr<Cached>> cached_;
};

}  // namespace motcua::service

#endif  // MOTCUA_COMMON_SERVICE_CATALOGUES_H_
