// The durable consumers of a feed as Redis keeps them: what they have not applied is not trimmed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/store/store.h"

namespace motcua::feed {

// One of them.
struct Durable {
  std::string consumer;
  uint64_t position = 0;
  // When it began to read, and when it last moved; by Redis' clock.
  absl::Time since;
  absl::Time moved_at;
};

// Each of these changes nothing unless the feed is still in `epoch`: what was known of an earlier one may be
// wrong. They answer UNAVAILABLE (FEED_EPOCH_UNKNOWN) then; else the errors are the store's.

// A consumer has applied the feed up to a position. Less than before changes nothing. `first`: only where it
// is new.
async::Task<absl::Status> SetApplied(store::Store& store, store::Keyspace keys, uint64_t epoch,
                                     std::string consumer, uint64_t position, bool first,
                                     absl::Time deadline);
// Drops what all have applied, but for the last `retention` events and the very last one.
async::Task<absl::Status> TrimFeed(store::Store& store, store::Keyspace keys, uint64_t epoch,
                                   uint64_t retention, absl::Time deadline);

// By name.
async::Task<absl::StatusOr<std::vector<Durable>>> ListDurable(store::Store& store, store::Keyspace keys,
                                                              absl::Time deadline);
// The consumer as it was; nullopt where there was none.
async::Task<absl::StatusOr<std::optional<Durable>>> RemoveDurable(store::Store& store, store::Keyspace keys,
                                                                  std::string consumer, absl::Time deadline);

}  // namespace motcua::feed
