// Where a consumer stands that takes the source's snapshot in the place of events that are no longer kept.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/store/cursor.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

// A value. Kept as a text beside the cursor and changed by compare-and-set, so that a process that is killed
// goes on where it was, and of two replicas one takes each step.
class Bootstrap {
 public:
  enum class Step : char {
    kNone = '-',
    // Records are being taken. Meanwhile the cursor is `Barred`: whoever has read events ahead and knows it
    // as it was can apply none.
    kReading = 'r',
    // All were taken and the cursor stands at `position`, or behind it. Events up to `as_of` may be in their
    // records already: see KnownPages.
    kKnown = 'k',
  };

  Bootstrap() {}

  Step step = Step::kNone;
  // See v1::SnapshotProgress.
  uint64_t epoch = 0;
  uint64_t position = 0;
  uint64_t as_of = 0;
  std::string through;
  // Taken so far, and since when.
  uint64_t records = 0;
  absl::Time since = absl::InfinitePast();

  // What a cursor is while records are taken, of an epoch that no feed is ever in.
  static store::Cursor Barred(const store::Cursor& cursor) {
    return store::Cursor(std::numeric_limits<uint64_t>::max(), cursor.position);
  }
  // It was begun, and has to be begun anew.
  bool anew() const { return step == Step::kReading && epoch == 0; }

  // Takes over what a step of the stream tells.
  void Follow(const v1::SnapshotProgress& progress);
  v1::SnapshotProgress Progress() const;

  // Empty for kNone.
  std::string Text() const;
  static std::optional<Bootstrap> Parse(std::string_view text);
};

// Which events a snapshot had in it: its pages that were read behind its position, each with the position as
// of which it was read.
class KnownPages {
 public:
  // Subjects behind `from` up to `through`, as SnapshotProgress.through names them. In their order.
  class Page {
   public:
    Page(std::string from, std::string through, uint64_t as_of)
        : from(std::move(from)), through(std::move(through)), as_of(as_of) {}

    std::string from;
    std::string through;
    uint64_t as_of;

    std::string Text() const;
    static std::optional<Page> Parse(std::string_view text);
  };

  void Add(Page page);
  void Clear() { pages_.clear(); }
  bool empty() const { return pages_.empty(); }
  // The last position that any of them had.
  uint64_t last() const;
  // What was behind `kept` is lost, and the positions are given anew.
  void CutAt(uint64_t kept);
  // Whether the page of the subject had the event at `position` in it.
  bool Had(std::string_view subject, uint64_t position) const;

 private:
  std::vector<Page> pages_;
};

}  // namespace motcua::feed
