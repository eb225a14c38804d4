#include "common/time/calendar.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"

namespace motcua::time {
namespace {

using reference::v1::ReferenceSet;
using CalendarProto = reference::v1::Calendar;

constexpr absl::CivilDay kFirstDay(2000, 1, 1);
constexpr absl::CivilDay kEndDay(2101, 1, 1);
constexpr int32_t kDays = static_cast<int32_t>(kEndDay - kFirstDay);
// Keeps the last block partly empty, so that one past the last day still lies in a block.
static_assert(kDays % 64 != 0);
constexpr int kDefaultMinutesPerDay = 480;

// One past the last day is allowed where a range ends.
absl::StatusOr<int32_t> IndexOf(absl::CivilDay day, int32_t last = kDays - 1) {
  if (day < kFirstDay || day > kEndDay || day - kFirstDay > last) {
    return absl::OutOfRangeError(
        absl::StrCat(FormatDate(day), " is outside the years 2000 to 2100 that calendars cover"));
  }
  return static_cast<int32_t>(day - kFirstDay);
}

int WeekdayIndex(int32_t index) { return (index + 5) % 7; }  // 2000-01-01 was a Saturday; Monday is 0

int TotalMinutes(absl::Span<const Session> sessions) {
  int minutes = 0;
  for (const Session& session : sessions) minutes += session.minutes();
  return minutes;
}

absl::StatusOr<std::vector<const CalendarProto*>> ChainOf(const ReferenceSet& set, absl::string_view id) {
  std::vector<const CalendarProto*> chain;
  absl::string_view wanted = id;
  while (!wanted.empty()) {
    const auto found = std::find_if(set.calendars().begin(), set.calendars().end(),
                                    [&](const CalendarProto& c) { return c.id() == wanted; });
    if (found == set.calendars().end()) {
      return absl::NotFoundError(absl::StrCat("no calendar \"", wanted, "\""));
    }
    if (std::find(chain.begin(), chain.end(), &*found) != chain.end()) {
      return absl::InvalidArgumentError(absl::StrCat("calendar \"", id, "\" is its own base"));
    }
    chain.push_back(&*found);
    wanted = found->base();
  }
  if (chain.empty()) return absl::NotFoundError("a calendar needs an id");
  std::reverse(chain.begin(), chain.end());
  return chain;
}

absl::StatusOr<std::vector<Session>> ParseSessions(const reference::v1::WeekdaySessions& weekday) {
  std::vector<Session> sessions;
  for (const std::string& text : weekday.sessions()) {
    const auto session = ParseSession(text);
    if (!session.ok()) return session.status();
    if (!sessions.empty() && session->begin < sessions.back().end) {
      return absl::InvalidArgumentError(
          absl::StrCat("session ", text, " begins before the one before it ends"));
    }
    sessions.push_back(*session);
  }
  return sessions;
}

}  // namespace

absl::StatusOr<Calendar> Calendar::Compile(const ReferenceSet& set, absl::string_view id,
                                           const absl::TimeZone& zone) {
  const auto chain = ChainOf(set, id);
  if (!chain.ok()) return chain.status();
  Calendar calendar;
  calendar.id_ = std::string(id);
  calendar.zone_ = zone;
  calendar.minutes_per_day_ = kDefaultMinutesPerDay;
  std::map<int32_t, reference::v1::DayKind> days;
  for (const CalendarProto* layer : *chain) {
    if (layer->minutes_per_day() > 24 * 60) {
      return absl::InvalidArgumentError("minutes_per_day is more than a day has");
    }
    if (layer->minutes_per_day() != 0) calendar.minutes_per_day_ = static_cast<int>(layer->minutes_per_day());
    for (const auto& weekday : layer->week()) {
      if (weekday.weekday() < 1 || weekday.weekday() > 7) {
        return absl::InvalidArgumentError(absl::StrCat("weekday ", weekday.weekday(), " is not 1 to 7"));
      }
      auto sessions = ParseSessions(weekday);
      if (!sessions.ok()) return sessions.status();
      calendar.week_[weekday.weekday() - 1] = *std::move(sessions);
    }
    for (const auto& day : layer->days()) {
      const auto date = ParseDate(day.date());
      if (!date.ok()) return date.status();
      const auto index = IndexOf(*date);
      if (!index.ok()) return index.status();
      if (day.kind() == reference::v1::DAY_KIND_UNSPECIFIED || !reference::v1::DayKind_IsValid(day.kind())) {
        return absl::InvalidArgumentError(absl::StrCat("the day ", day.date(), " has no kind"));
      }
      days[*index] = day.kind();
    }
  }
  const auto longest =
      std::max_element(calendar.week_.begin(), calendar.week_.end(),
                       [](const auto& a, const auto& b) { return TotalMinutes(a) < TotalMinutes(b); });
  if (longest->empty()) {
    return absl::InvalidArgumentError(absl::StrCat("calendar \"", id, "\" has a week without working days"));
  }
  calendar.make_up_sessions_ = *longest;
  std::vector<int32_t> days_off;
  for (const auto& [index, kind] : days) {
    (kind == reference::v1::DAY_KIND_MAKEUP_WORK ? calendar.make_up_days_ : days_off).push_back(index);
  }
  calendar.FillBlocks(days_off);
  return calendar;
}

void Calendar::FillBlocks(absl::Span<const int32_t> days_off) {
  blocks_.assign(kDays / 64 + 1, Block());
  for (int32_t index = 0; index < kDays; ++index) {
    if (!week_[WeekdayIndex(index)].empty()) blocks_[index / 64].working |= uint64_t{1} << (index % 64);
  }
  for (int32_t index : days_off) blocks_[index / 64].working &= ~(uint64_t{1} << (index % 64));
  for (int32_t index : make_up_days_) blocks_[index / 64].working |= uint64_t{1} << (index % 64);
  int32_t days = 0;
  int32_t minutes = 0;
  for (int32_t index = 0; index < kDays; ++index) {
    if (index % 64 == 0) {
      blocks_[index / 64].days_before = days;
      blocks_[index / 64].minutes_before = minutes;
    }
    if (Works(index)) {
      ++days;
      minutes += MinutesOf(index);
    }
  }
}

int32_t Calendar::MinutesOf(int32_t index) const { return TotalMinutes(SessionsOf(kFirstDay + index)); }

int64_t Calendar::DaysBefore(int32_t index) const {
  const Block& block = blocks_[index / 64];
  return block.days_before + __builtin_popcountll(block.working & ((uint64_t{1} << (index % 64)) - 1));
}

int64_t Calendar::MinutesBefore(int32_t index) const {
  int64_t minutes = blocks_[index / 64].minutes_before;
  for (int32_t day = index - index % 64; day < index; ++day) minutes += MinutesOf(day);
  return minutes;
}

int64_t Calendar::MinutesBefore(LocalMinute local) const {
  int64_t minutes = MinutesBefore(static_cast<int32_t>(local.day - kFirstDay));
  for (const Session& session : SessionsOf(local.day)) {
    minutes += std::clamp(local.minute - session.begin, 0, session.minutes());
  }
  return minutes;
}

// The working day before which `rank` working days lie.
absl::StatusOr<absl::CivilDay> Calendar::WorkingDayOfRank(int64_t rank) const {
  if (rank < 0 || rank >= DaysBefore(kDays)) {
    return absl::OutOfRangeError("the term leads outside the years 2000 to 2100 that calendars cover");
  }
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), rank,
                                      [](int64_t r, const Block& block) { return r < block.days_before; });
  const auto block = after - 1;
  uint64_t working = block->working;
  for (int64_t skip = rank - block->days_before; skip > 0; --skip) working &= working - 1;
  return kFirstDay + ((block - blocks_.begin()) * 64 + __builtin_ctzll(working));
}

bool Calendar::IsWorkingDay(absl::CivilDay day) const {
  const auto index = IndexOf(day);
  return index.ok() && Works(*index);
}

absl::Span<const Session> Calendar::SessionsOf(absl::CivilDay day) const {
  const auto index = IndexOf(day);
  if (!index.ok() || !Works(*index)) return {};
  if (std::binary_search(make_up_days_.begin(), make_up_days_.end(), *index)) return make_up_sessions_;
  return week_[WeekdayIndex(*index)];
}

absl::StatusOr<absl::CivilDay> Calendar::AddWorkingDays(absl::CivilDay day, int64_t n) const {
  const auto index = IndexOf(day);
  if (!index.ok()) return index.status();
  if (n < 0 || n > kDays) return absl::OutOfRangeError(absl::StrCat("cannot add ", n, " working days"));
  if (n == 0) return day;
  return WorkingDayOfRank(DaysBefore(*index + 1) + n - 1);
}

absl::StatusOr<absl::CivilDay> Calendar::SubtractWorkingDays(absl::CivilDay day, int64_t n) const {
  const auto index = IndexOf(day, kDays);
  if (!index.ok()) return index.status();
  if (n < 0 || n > kDays) return absl::OutOfRangeError(absl::StrCat("cannot subtract ", n, " working days"));
  if (n == 0) return day;
  return WorkingDayOfRank(DaysBefore(*index) - n);
}

absl::StatusOr<absl::CivilDay> Calendar::WorkingDayOnOrAfter(absl::CivilDay day) const {
  return IsWorkingDay(day) ? day : AddWorkingDays(day, 1);
}

absl::StatusOr<absl::CivilDay> Calendar::WorkingDayOnOrBefore(absl::CivilDay day) const {
  return IsWorkingDay(day) ? day : SubtractWorkingDays(day, 1);
}

absl::StatusOr<int64_t> Calendar::CountWorkingDays(absl::CivilDay from, absl::CivilDay until) const {
  const auto begin = IndexOf(from, kDays);
  if (!begin.ok()) return begin.status();
  const auto end = IndexOf(until, kDays);
  if (!end.ok()) return end.status();
  return std::max<int64_t>(0, DaysBefore(*end) - DaysBefore(*begin));
}

absl::StatusOr<LocalMinute> Calendar::AddWorkingMinutes(LocalMinute start, int64_t minutes) const {
  const auto index = IndexOf(start.day);
  if (!index.ok()) return index.status();
  if (minutes < 0 || minutes > int64_t{kDays} * 24 * 60) {
    return absl::OutOfRangeError(absl::StrCat("cannot add ", minutes, " working minutes"));
  }
  for (const Session& session : SessionsOf(start.day)) {
    if (minutes == 0 && start.minute < session.end)
      return LocalMinute{start.day, std::max(start.minute, session.begin)};
  }
  if (minutes == 0) {
    const auto next = AddWorkingDays(start.day, 1);
    if (!next.ok()) return next.status();
    return StartOfWork(*next);
  }
  const int64_t target = MinutesBefore(start) + minutes;
  // The last block before which less than the target lies holds the end: a term used up with a day ends that
  // day.
  const auto after = std::lower_bound(blocks_.begin(), blocks_.end(), target,
                                      [](const Block& block, int64_t t) { return block.minutes_before < t; });
  const auto block = after - 1;
  int64_t left = target - block->minutes_before;
  for (auto day = static_cast<int32_t>((block - blocks_.begin()) * 64); day < kDays; ++day) {
    for (const Session& session : SessionsOf(kFirstDay + day)) {
      if (left <= session.minutes())
        return LocalMinute{kFirstDay + day, session.begin + static_cast<int>(left)};
      left -= session.minutes();
    }
  }
  return absl::OutOfRangeError("the term leads outside the years 2000 to 2100 that calendars cover");
}

absl::StatusOr<LocalMinute> Calendar::SubtractWorkingMinutes(LocalMinute end, int64_t minutes) const {
  const auto index = IndexOf(end.day);
  if (!index.ok()) return index.status();
  const int64_t target = MinutesBefore(end) - minutes;
  if (minutes <= 0 || target < 0) {
    return absl::OutOfRangeError(absl::StrCat("cannot subtract ", minutes, " working minutes"));
  }
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), target,
                                      [](int64_t t, const Block& block) { return t < block.minutes_before; });
  const auto block = after - 1;
  int64_t left = target - block->minutes_before;
  for (auto day = static_cast<int32_t>((block - blocks_.begin()) * 64); day < kDays; ++day) {
    for (const Session& session : SessionsOf(kFirstDay + day)) {
      if (left < session.minutes())
        return LocalMinute{kFirstDay + day, session.begin + static_cast<int>(left)};
      left -= session.minutes();
    }
  }
  return absl::OutOfRangeError("no moment of work before the term");
}

absl::StatusOr<int64_t> Calendar::CountWorkingMinutes(LocalMinute from, LocalMinute until) const {
  for (const LocalMinute& local : {from, until}) {
    if (const auto index = IndexOf(local.day); !index.ok()) return index.status();
  }
  return std::max<int64_t>(0, MinutesBefore(until) - MinutesBefore(from));
}

absl::StatusOr<LocalMinute> Calendar::StartOfWork(absl::CivilDay day) const {
  const auto sessions = SessionsOf(day);
  if (sessions.empty())
    return absl::InvalidArgumentError(absl::StrCat(FormatDate(day), " is not a working day"));
  return LocalMinute{day, sessions.front().begin};
}

absl::StatusOr<LocalMinute> Calendar::EndOfWork(absl::CivilDay day) const {
  const auto sessions = SessionsOf(day);
  if (sessions.empty())
    return absl::InvalidArgumentError(absl::StrCat(FormatDate(day), " is not a working day"));
  return LocalMinute{day, sessions.back().end};
}

LocalMinute Calendar::LocalMinuteAt(absl::Time t) const {
  const absl::CivilMinute minute = absl::ToCivilMinute(t, zone_);
  return LocalMinute{absl::CivilDay(minute), minute.hour() * 60 + minute.minute()};
}

absl::Time Calendar::TimeAt(LocalMinute local) const {
  return absl::FromCivil(absl::CivilMinute(local.day) + local.minute, zone_);
}

}  // namespace motcua::time
