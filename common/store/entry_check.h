#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/store/store.h"

namespace motcua::store {

// What a comparison of a shard's indexes and counters with its records found.
struct EntryCheck {
  EntryCheck() {}

  uint64_t records = 0;
  uint64_t entries = 0;
  uint64_t counters = 0;
  // Sorted; names of indexes, members and figures.
  std::vector<std::string> violations;
  // Something of an earlier definition is there, though nothing is being built or removed.
  bool leftovers = false;
};

// Compares what is read of the shard, entry by entry: every record is where it says, no index that a record
// is in has more members than there are such records, every counter is the sum of what records say. An index
// that no record is in is not seen. Where anything differs it is looked at again, and what is still so tells;
// what others write meanwhile does not. Memory: by the number of indexes and counters. Reads only.
async::Task<absl::StatusOr<EntryCheck>> CheckEntries(Store& store, std::string shard, absl::Time deadline);

}  // namespace motcua::store
