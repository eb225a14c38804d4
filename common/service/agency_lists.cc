#include "common/service/agency_lists.h"

#include <algorithm>

#include "common/store/keys.h"

namespace motcua::service {

std::vector<AgencyLists> ListsOf(const reference::Catalogue& catalogue, const std::string& agency,
                                 absl::CivilDay day) {
  const std::vector<std::string> agencies = catalogue.WorksFor(agency, day);
  std::vector<std::string> shards;
  const auto add = [&shards](std::string shard) {
    if (std::find(shards.begin(), shards.end(), shard) == shards.end()) shards.push_back(std::move(shard));
  };
  // Its own list comes first.
  for (const std::string& each : agencies) add(store::ShardOf(each));
  for (std::string& shard : catalogue.ShardsOn(day)) add(std::move(shard));
  std::vector<AgencyLists> lists;
  for (const std::string& each : agencies) {
    for (const std::string& shard : shards) lists.emplace_back(shard, each);
  }
  return lists;
}

}  // namespace motcua::service
