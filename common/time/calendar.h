// A working calendar (lịch làm việc) compiled for fast questions: which days are worked, from when to when,
// and where the n-th working day or minute from some point lies.
//
// The days of 2000-01-01 .. 2100-12-31 are held as a bitmap with counts per 64 days (about 12 KB): every
// question costs a few dozen steps at most, whatever the distance. Whatever leads outside those years is
// OUT_OF_RANGE.
//
// Thread-safety: immutable after Compile; share freely between threads.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/time/iso.h"
#include "motcua/reference/v1/reference.pb.h"

namespace motcua::time {

// A minute of a local day. `minute` is 0..1440: 1440 is the end of the day, told apart from the next day's 0
// because a term that ends at 24:00 ends on this day.
struct LocalMinute {
  absl::CivilDay day;
  int minute = 0;

  friend bool operator==(const LocalMinute&, const LocalMinute&) = default;
};

class Calendar {
 public:
  // Compiles the calendar `id` of `set`: its days and sessions over those of its base, and so on.
  // NOT_FOUND: no such calendar or base. INVALID_ARGUMENT: a cycle of bases, a malformed date, session or
  // weekday, or a week without any working day.
  static absl::StatusOr<Calendar> Compile(const reference::v1::ReferenceSet& set, absl::string_view id,
                                          const absl::TimeZone& zone);

  const std::string& id() const { return id_; }
  const absl::TimeZone& time_zone() const { return zone_; }
  // Working minutes that make one day where a part of a day is counted.
  int minutes_per_day() const { return minutes_per_day_; }

  // False outside the calendar's years.
  bool IsWorkingDay(absl::CivilDay day) const;

  // The sessions of a day in order; empty on a day off. A make-up day (làm bù) stands for a whole lost day
  // and has the sessions of the longest day of the week.
  absl::Span<const Session> SessionsOf(absl::CivilDay day) const;

  // The n-th working day after (before) `day`; `day` itself, worked or not, for n = 0. n >= 0.
  absl::StatusOr<absl::CivilDay> AddWorkingDays(absl::CivilDay day, int64_t n) const;
  absl::StatusOr<absl::CivilDay> SubtractWorkingDays(absl::CivilDay day, int64_t n) const;

  absl::StatusOr<absl::CivilDay> WorkingDayOnOrAfter(absl::CivilDay day) const;
  absl::StatusOr<absl::CivilDay> WorkingDayOnOrBefore(absl::CivilDay day) const;

  // Working days d with from <= d < until; 0 where until <= from.
  absl::StatusOr<int64_t> CountWorkingDays(absl::CivilDay from, absl::CivilDay until) const;

  // The earliest moment by which `minutes` of work have passed since `start`; a term used up with a session
  // ends with that session. For 0: `start`, or the next moment of work. minutes >= 0.
  absl::StatusOr<LocalMinute> AddWorkingMinutes(LocalMinute start, int64_t minutes) const;

  // The latest moment from which `minutes` of work remain until `end`; never the very end of a session.
  // minutes > 0.
  absl::StatusOr<LocalMinute> SubtractWorkingMinutes(LocalMinute end, int64_t minutes) const;

  // Minutes of work in [from, until); 0 where until <= from.
  absl::StatusOr<int64_t> CountWorkingMinutes(LocalMinute from, LocalMinute until) const;

  // Begin of the first and end of the last session of a day. INVALID_ARGUMENT on a day off.
  absl::StatusOr<LocalMinute> StartOfWork(absl::CivilDay day) const;
  absl::StatusOr<LocalMinute> EndOfWork(absl::CivilDay day) const;

  // Between instants and local minutes; seconds are dropped.
  LocalMinute LocalMinuteAt(absl::Time t) const;
  absl::Time TimeAt(LocalMinute local) const;

 private:
  // One 64-day stretch of the bitmap, with what lies before it.
  struct Block {
    uint64_t working = 0;
    int32_t days_before = 0;
    int32_t minutes_before = 0;
  };

  Calendar() = default;
  void FillBlocks(absl::Span<const int32_t> days_off);
  int32_t MinutesOf(int32_t index) const;
  bool Works(int32_t index) const { return blocks_[index / 64].working >> (index % 64) & 1; }
  int64_t DaysBefore(int32_t index) const;
  int64_t MinutesBefore(int32_t index) const;
  int64_t MinutesBefore(LocalMinute local) const;
  absl::StatusOr<absl::CivilDay> WorkingDayOfRank(int64_t rank) const;

  std::string id_;
  absl::TimeZone zone_;
  int minutes_per_day_ = 480;
  std::array<std::vector<Session>, 7> week_;  // Monday first
  std::vector<Session> make_up_sessions_;
  std::vector<int32_t> make_up_days_;  // indexes, ascending
  std::vector<Block> blocks_;
};

}  // namespace motcua::time
