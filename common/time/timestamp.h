// Between absl::Time and google.protobuf.Timestamp.
//
// Pure and thread-safe.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace motcua::time {

// Seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range of a Timestamp.
inline constexpr int64_t kMinTimestampSeconds = -62135596800;
inline constexpr int64_t kMaxTimestampSeconds = 253402300799;

// Clamped to the range of a Timestamp.
inline google::protobuf::Timestamp ToTimestamp(absl::Time t) {
  const absl::Time clamped =
      std::clamp(t, absl::FromUnixSeconds(kMinTimestampSeconds), absl::FromUnixSeconds(kMaxTimestampSeconds));
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(clamped));
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(clamped - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

// Clamped likewise, so that no number from outside overflows; IsTimestamp tells whether it was in range.
inline absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(std::clamp(timestamp.seconds(), kMinTimestampSeconds, kMaxTimestampSeconds)) +
         absl::Nanoseconds(std::clamp(timestamp.nanos(), 0, 999999999));
}

// Microseconds are what Redis compares moments by (common/store/commit.lua): earlier, at the most, by less
// than one.
inline absl::Time WholeMicros(absl::Time t) { return absl::FromUnixMicros(absl::ToUnixMicros(t)); }

inline bool IsTimestamp(const google::protobuf::Timestamp& timestamp) {
  return timestamp.seconds() >= kMinTimestampSeconds && timestamp.seconds() <= kMaxTimestampSeconds &&
         timestamp.nanos() >= 0 && timestamp.nanos() <= 999999999;
}

}  // namespace motcua::time
