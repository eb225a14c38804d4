// Authority (thẩm quyền): which jurisdiction has which shard.
//
// A shard is where a dossier lives for ever; a jurisdiction is who has authority over it: the shard's own,
// until another one inherits it. Who may act where goes by this alone, never by how codes begin.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/time/clock.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::service {

// What the process knows of it: kept by Catalogues, which learns it with the reference data. Asking costs no
// trip to Redis. Confined to the loop.
class Authority {
 public:
  // `clock` outlives it; the service's, which may be simulated: authority passes at a legal moment.
  explicit Authority(const time::Clock& clock) : clock_(clock) {}

  // Whether the jurisdiction of the agency, or of a shard, has the shard now. False where either is empty.
  // Once true it stays so: jurisdictions are merged, and never parted.
  bool Covers(std::string_view agency, std::string_view shard) const;

  // The jurisdiction that has the shard now; the shard's own name where it is its own.
  std::string_view JurisdictionOf(std::string_view shard) const;

  // How the shard passed to another jurisdiction; nullptr where it has not, or not yet.
  const reference::v1::ShardPassing* PassingOf(std::string_view shard) const;

  void Learn(const std::string& shard, const reference::v1::ShardPassing& passing);

 private:
  class Known {
   public:
    Known() {}

    reference::v1::ShardPassing passing;
    absl::Time from;
  };

  const time::Clock& clock_;
  // Of shards that have passed, or will on a day that is known.
  std::map<std::string, Known, std::less<>> passings_;
};

}  // namespace motcua::service
