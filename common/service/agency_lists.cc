#include "common/service/agency_lists.h"

#include <algorithm>

#include "common/store/keys.h"

namespace motcua::service {

std::vector<AgencyLists> ListsOf(const reference::Catalogue& catalogue, const std::string& agency,
                                 absl::CivilDay day) {
  const std::vector<std::string> agencies = catalogue.WorksFor(agency, day);
  std::vector<std::string> shards;
  for (const std::string& each : agencies) {
    std::string shard = store::ShardOf(each);
    if (std::find(shards.begin(), shards.end(), shard) == shards.end()) shards.push_back(std::move(shard));
  }
  std::vector<AgencyLists> lists;
  for (const std::string& each : agencies) {
    for (const std::string& shard : shards) lists.emplace_back(shard, each);
  }
  return lists;
}

}  // namespace motcua::service
