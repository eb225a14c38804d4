// Shared by the parts of the publisher.
#pragma once

#include <charconv>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/feed/wire.h"
#include "common/redis/reply.h"
#include "common/status/errors.h"

namespace motcua::feed::internal {

// Deadlines of the publisher's own work are of the machine's clock, whatever the service's clock says.
inline absl::Time Patience() { return absl::Now() + absl::Seconds(5); }

inline absl::Status Corrupt() {
  return errors::DataLoss("CORRUPT_FEED", "a feed holds an entry that is not an event");
}

// The position of an entry of a stream, [id, [field, value]]; 0 where it is none.
inline uint64_t PositionOf(const redis::Reply& entry) {
  uint64_t position = 0;
  if (entry.items().size() != 2) return 0;
  const std::string& id = entry.items()[0].text();
  if (id.size() < 3) return 0;
  const auto read = std::from_chars(id.data() + 2, id.data() + id.size(), position);
  return read.ec == std::errc() && read.ptr == id.data() + id.size() ? position : 0;
}

inline std::optional<Entry> ParseEntry(const redis::Reply& entry) {
  const uint64_t position = PositionOf(entry);
  if (position == 0 || entry.items()[1].items().size() != 2) return std::nullopt;
  return MakeEntry(entry.items()[1].items()[1].text(), position);
}

}  // namespace motcua::feed::internal
