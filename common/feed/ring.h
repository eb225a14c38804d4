#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "common/feed/wire.h"

namespace motcua::feed {

// The last events of a feed, without a gap between them; bounded by number and by bytes. Not thread-safe.
class Ring {
 public:
  Ring(size_t max_events, size_t max_bytes) : max_events_(max_events), max_bytes_(max_bytes) {}

  // Positions ascend. After a gap (the events between were trimmed before they were seen here) the ring
  // begins anew: readers find by it that positions follow one another. The latest event is kept whatever its
  // size.
  void Push(Entry entry) {
    if (!entries_.empty() && entry.position != entries_.back().position + 1) Clear();
    bytes_ += entry.framed.size();
    entries_.push_back(std::move(entry));
    while (entries_.size() > max_events_ || (bytes_ > max_bytes_ && entries_.size() > 1)) {
      bytes_ -= entries_.front().framed.size();
      entries_.pop_front();
    }
  }
  // Forgets what is behind `position`.
  void DropBehind(uint64_t position) {
    while (!entries_.empty() && entries_.back().position > position) {
      bytes_ -= entries_.back().framed.size();
      entries_.pop_back();
    }
  }
  void Clear() {
    if (entries_.empty()) return;
    entries_ = std::deque<Entry>();
    bytes_ = 0;
  }

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }
  // Whether all from `position` on is here.
  bool Holds(uint64_t position) const { return !entries_.empty() && position >= entries_.front().position; }
  // nullptr behind the end. Only where Holds(position).
  const Entry* At(uint64_t position) const {
    const size_t index = position - entries_.front().position;
    return index < entries_.size() ? &entries_[index] : nullptr;
  }

 private:
  const size_t max_events_;
  const size_t max_bytes_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace motcua::feed
