#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>

#include "absl/time/time.h"

namespace motcua::feed {

// Watermarks with the position of the feed that each belongs to: every event with a time before the watermark
// has at most that position. So one who has come as far as a position knows which watermark holds there, also
// while others wait further on.
//
// Bounded: where there are too many, every second of the older half goes. That only tells of less. Not
// thread-safe.
class Watermarks {
 public:
  static constexpr size_t kMost = 128;

  // In any order: who asks is told of the feed's end while others still tell of what is before it.
  void Add(uint64_t position, absl::Time watermark) {
    // Mostly the last.
    auto behind = pairs_.end();
    while (behind != pairs_.begin() && std::prev(behind)->position >= position) --behind;
    // What holds at a position holds behind it, too: of two, the one that says more at the same or a lower
    // position.
    if (behind != pairs_.begin() && std::prev(behind)->watermark >= watermark) return;
    if (behind != pairs_.end() && behind->position == position && behind->watermark >= watermark) return;
    auto more = behind;
    while (more != pairs_.end() && more->watermark <= watermark) ++more;
    pairs_.insert(pairs_.erase(behind, more), Pair(position, watermark));
    if (pairs_.size() > kMost) Thin();
  }

  // The greatest watermark that holds for one who has come as far as `position`; InfinitePast = none.
  absl::Time At(uint64_t position) const {
    absl::Time watermark = absl::InfinitePast();
    for (auto pair = pairs_.rbegin(); pair != pairs_.rend(); ++pair) {
      if (pair->position <= position) return pair->watermark;
    }
    return watermark;
  }

  // The same, and forgets what is before it.
  absl::Time Take(uint64_t position) {
    absl::Time watermark = absl::InfinitePast();
    while (!pairs_.empty() && pairs_.front().position <= position) {
      watermark = pairs_.front().watermark;
      pairs_.pop_front();
    }
    return watermark;
  }

  bool empty() const { return pairs_.empty(); }
  size_t size() const { return pairs_.size(); }
  // The last, however far its position. Not where empty().
  absl::Time last() const { return pairs_.back().watermark; }
  uint64_t last_position() const { return pairs_.back().position; }
  void Clear() { pairs_.clear(); }

 private:
  struct Pair {
    Pair(uint64_t position, absl::Time watermark) : position(position), watermark(watermark) {}
    uint64_t position;
    absl::Time watermark;
  };

  void Thin() {
    std::deque<Pair> kept;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      if (i >= pairs_.size() / 2 || i % 2 == 0) kept.push_back(pairs_[i]);
    }
    pairs_ = std::move(kept);
  }

  // Both positions and watermarks ascend, strictly.
  std::deque<Pair> pairs_;
};

}  // namespace motcua::feed
