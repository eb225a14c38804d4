#include "common/service/authority.h"

#include "common/store/keys.h"
#include "common/time/timestamp.h"

namespace motcua::service {

const reference::v1::ShardPassing* Authority::PassingOf(std::string_view shard) const {
  const auto found = passings_.find(shard);
  if (found == passings_.end() || clock_.Now() < found->second.from) return nullptr;
  return &found->second.passing;
}

std::string_view Authority::JurisdictionOf(std::string_view shard) const {
  // Where one that inherited was inherited itself. No more steps than shards: what is stored might lead
  // round.
  for (size_t steps = 0; steps <= passings_.size(); ++steps) {
    const reference::v1::ShardPassing* passing = PassingOf(shard);
    if (passing == nullptr) break;
    shard = passing->jurisdiction();
  }
  return shard;
}

bool Authority::Covers(std::string_view agency, std::string_view shard) const {
  if (agency.empty() || shard.empty()) return false;
  const std::string own = store::ShardOf(agency);
  if (own.empty()) return false;
  return own == shard || JurisdictionOf(own) == JurisdictionOf(shard);
}

void Authority::Learn(const std::string& shard, const reference::v1::ShardPassing& passing) {
  Known known;
  known.passing = passing;
  known.from = time::FromTimestamp(passing.begins_at());
  passings_[shard] = std::move(known);
}

}  // namespace motcua::service
