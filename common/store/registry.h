#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace motcua::store {

// Which records there are: a sorted set for each kind of a shard whose records stay (see Removable), entered
// with each record's first commit and never changed after. Read in the order of its members, from wherever
// one left off, by whatever process and on whatever server: nothing is missed that was there at the start.
//
// Ids that end in two digits are entered as one member a hundred, `H30.18.05-260714-00#` for
// `H30.18.05-260714-0000` ... `0099`, so that it costs a few bytes a record: who reads it asks for all
// hundred. Others are members themselves, behind which an `=` stands.
//
// Pure functions.
class Registry {
 public:
  // The member that stands for the id.
  static void AppendGroup(std::string& out, std::string_view id);
  // The ids that a member stands for; some of which there may not be.
  static void AppendIds(std::string_view group, std::vector<std::string>& ids);

  // Most ids of one member.
  static constexpr size_t kMostIds = 100;
};

}  // namespace motcua::store
