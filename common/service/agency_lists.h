// Where the entries of what an agency has in charge lie.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "common/reference/catalogue.h"

namespace motcua::service {

// The lists of an agency in one shard.
class AgencyLists {
 public:
  AgencyLists(std::string shard, std::string agency) : shard(std::move(shard)), agency(std::move(agency)) {}

  std::string shard;
  std::string agency;
};

// All that a reader of the agency's work must look at: its own lists, first, and those of the agencies that
// it succeeded, whose entries stay there until each has been moved; in every shard that the jurisdiction has,
// for whose dossiers it may be asked. Empty for an agency that has ended and was succeeded: others have its
// work. A moment's work and nearly always one pair. Pure.
std::vector<AgencyLists> ListsOf(const reference::Catalogue& catalogue, const std::string& agency,
                                 absl::CivilDay day);

}  // namespace motcua::service
