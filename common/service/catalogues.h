// The compiled reference data of the shards, as the service has stored it.
#ifndef MOTCUA_COMMON_SERVICE_CATALOGUES_H_
#define MOTCUA_COMMON_SERVICE_CATALOGUES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/reference/catalogue.h"
#include "common/store/store.h"

namespace motcua::service {

// Confined to the loop. What it returns is immutable and may be kept across suspensions.
class Catalogues {
 public:
  explicit Catalogues(store::Store& store) : store_(store) {}

  // The catalogue of a shard, at most kFreshness old: another replica's change shows by then, this one's at once
  // when told by Changed. Errors: NOT_FOUND (UNKNOWN_SHARD), the store's.
  async::Task<absl::StatusOr<std::shared_ptr<const reference::Catalogue>>> Get(std::string shard, absl::Time deadline);

  // The service has just committed other reference data of the shard.
  void Changed(const std::string& shard) { cached_.erase(shard); }

  static constexpr absl::Duration kFreshness = absl::Seconds(1);

 private:
  class Cached {
   public:
    Cached() {}
    std::shared_ptr<const reference::Catalogue> catalogue;
    uint64_t record_version = 0;
    absl::Time checked_at = absl::InfinitePast();
  };

  store::Store& store_;
  std::map<std::string, Cached> cached_;
};

}  // namespace motcua::service

#endif  // MOTCUA_COMMON_SERVICE_CATALOGUES_H_
