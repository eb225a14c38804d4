#include "clients/motcua/replay_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/motcua/log_rows.h"
#include "common/reference/zone.h"

namespace motcua::client {
namespace {

const absl::TimeZone& Zone() {
  static const absl::TimeZone* const zone = [] {
    // Checked by MakePlan before it is asked for.
    return new absl::TimeZone(reference::FindTimeZone(kLogZone).value_or(absl::UTCTimeZone()));
  }();
  return *zone;
}

std::string FirstUnit(const LogDossier& dossier) {
  for (const LogActivity& activity : dossier.activities) {
    if (activity.unit != kSameUnit) return activity.unit;
  }
  return kUnassigned;
}

absl::Time ReceivedOf(const LogDossier& dossier) {
  return std::min(dossier.started, dossier.activities.front().at);
}

std::optional<absl::Time> EndOf(const LogDossier& dossier) {
  if (!dossier.ended) return std::nullopt;
  return std::max(*dossier.ended, ReceivedOf(dossier));
}

std::vector<std::string> NamesOfUnits(const std::vector<LogDossier>& dossiers) {
  std::set<std::string> names;
  for (const LogDossier& dossier : dossiers) {
    names.insert(FirstUnit(dossier));
    for (const LogActivity& activity : dossier.activities) {
      if (activity.unit != kSameUnit) names.insert(activity.unit);
    }
  }
  return {names.begin(), names.end()};
}

class Planner {
 public:
  explicit Planner(const std::vector<LogDossier>& log) : log_(log) {
    plan_.units = NamesOfUnits(log);
    for (size_t i = 0; i < plan_.units.size(); ++i) unit_[plan_.units[i]] = static_cast<int>(i);
    std::set<std::string> channels;
    for (const LogDossier& dossier : log) channels.insert(dossier.channel);
    plan_.channels.assign(channels.begin(), channels.end());
  }

  // Every dossier is planned, so that all officers are known; the actions of those beyond `limit` are
  // dropped.
  Plan Make(int limit) {
    const size_t count = limit > 0 ? std::min(log_.size(), static_cast<size_t>(limit)) : log_.size();
    plan_.now = absl::InfinitePast();
    for (size_t i = 0; i < log_.size(); ++i) {
      PlanDossier(log_[i], static_cast<int>(i));
      if (i >= count) continue;
      plan_.now = std::max(plan_.now, log_[i].activities.back().at);
      std::move(actions_.begin(), actions_.end(), std::back_inserter(plan_.actions));
    }
    std::stable_sort(plan_.actions.begin(), plan_.actions.end(),
                     [](const Action& a, const Action& b) { return a.at < b.at; });
    plan_.dossiers.resize(count);
    return std::move(plan_);
  }

 private:
  OfficerIndex Officer(int unit, const std::string& name) {
    const auto [known, added] = officer_.try_emplace({unit, name}, static_cast<int>(plan_.officers.size()));
    if (added) plan_.officers.push_back({unit, name});
    return known->second;
  }

  void Act(absl::Time at, ActionKind kind, OfficerIndex officer, const std::string& key,
           const std::string& activity = "") {
    Action& action = actions_.emplace_back();
    action.at = at;
    action.kind = kind;
    action.dossier = dossier_;
    action.officer = officer;
    action.activity = activity;
    action.key = key;
  }

  void PlanDossier(const LogDossier& dossier, int number) {
    actions_.clear();
    dossier_ = number;
    const absl::Time received = ReceivedOf(dossier);
    const std::optional<absl::Time> ended = EndOf(dossier);
    const absl::CivilDay due = absl::ToCivilDay(dossier.due, Zone());
    plan_.dossiers.push_back(
        {dossier.name, dossier.channel, received, dossier.started, absl::FormatCivilTime(due), ended});
    const std::string key = KeyOf({dossier.name, absl::StrCat(absl::ToUnixNanos(dossier.started)),
                                   absl::StrCat(absl::ToUnixNanos(dossier.due)),
                                   absl::StrCat(absl::ToUnixNanos(ended.value_or(absl::InfiniteFuture())))});

    int holder = unit_[FirstUnit(dossier)];
    OfficerIndex last = Officer(holder, dossier.activities.front().officer);
    Act(received, ActionKind::kFile, last, key);
    if (due - absl::ToCivilDay(dossier.started, Zone()) != kStandardDays) {
      Act(received, ActionKind::kChangeDue, last, key);
    }
    for (const LogActivity& activity : dossier.activities) {
      if (ended && activity.at > *ended) continue;
      const int unit = activity.unit == kSameUnit ? holder : unit_[activity.unit];
      const OfficerIndex officer = Officer(unit, activity.officer);
      if (unit != holder) {
        Act(activity.at, ActionKind::kHandOver, officer, activity.key);
        actions_.back().giver = last;
        holder = unit;
      }
      Act(activity.at, ActionKind::kWork, officer, activity.key, activity.activity);
      last = officer;
    }
    if (!ended) return;
    Act(*ended, ActionKind::kFinish, last, key);
    for (const LogActivity& activity : dossier.activities) {
      if (activity.at <= *ended) continue;
      const int unit = activity.unit == kSameUnit ? holder : unit_[activity.unit];
      Act(activity.at, ActionKind::kWorkAfterEnd, Officer(unit, activity.officer), activity.key,
          activity.activity);
    }
  }

  const std::vector<LogDossier>& log_;
  std::map<std::string, int> unit_;
  std::map<std::pair<int, std::string>, OfficerIndex> officer_;
  Plan plan_;
  int dossier_ = 0;
  std::vector<Action> actions_;  // of the dossier at work
};

bool TakeDigits(std::string_view& text, size_t count, int& number) {
  if (text.size() < count) return false;
  number = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return false;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeFraction(std::string_view& text, int64_t& nanos) {
  nanos = 0;
  if (!TakeChar(text, ".")) return true;
  int digits = 0;
  while (!text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    if (++digits > 9) return false;
    nanos = nanos * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  for (int i = digits; i < 9; ++i) nanos *= 10;
  return digits > 0;
}

bool TakeOffset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (TakeChar(text, "Z")) return true;
  const int sign = !text.empty() && text[0] == '-' ? -1 : 1;
  int hour = 0, minute = 0;
  if (!TakeChar(text, "+-") || !TakeDigits(text, 2, hour) || !TakeChar(text, ":") ||
      !TakeDigits(text, 2, minute))
    return false;
  minutes = sign * (hour * 60 + minute);
  return hour < 24 && minute < 60;
}

}  // namespace

absl::StatusOr<absl::Time> ParseLogTime(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  int64_t nanos = 0;
  const bool formed = TakeDigits(rest, 4, year) && TakeChar(rest, "-") && TakeDigits(rest, 2, month) &&
                      TakeChar(rest, "-") && TakeDigits(rest, 2, day) && TakeChar(rest, " T") &&
                      TakeDigits(rest, 2, hour) && TakeChar(rest, ":") && TakeDigits(rest, 2, minute) &&
                      TakeChar(rest, ":") && TakeDigits(rest, 2, second) && TakeFraction(rest, nanos) &&
                      TakeOffset(rest, offset) && rest.empty();
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  // What does not exist (30 February, 25:00) normalizes to something else.
  const bool exists = civil.year() == year && civil.month() == month && civil.day() == day &&
                      civil.hour() == hour && civil.minute() == minute && civil.second() == second &&
                      year >= 1;
  if (!formed || !exists) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", std::string(text.substr(0, 60)), "\" is not a time such as 2011-10-11 13:42:22.688000+02:00"));
  }
  return absl::FromCivil(civil, absl::UTCTimeZone()) - absl::Minutes(offset) + absl::Nanoseconds(nanos);
}

absl::StatusOr<Plan> MakePlan(const CsvTable& log, int limit) {
  if (const auto zone = reference::FindTimeZone(kLogZone); !zone.ok()) return zone.status();
  absl::StatusOr<std::vector<LogDossier>> dossiers = ReadLog(log);
  if (!dossiers.ok()) return dossiers.status();
  Plan plan = Planner(*dossiers).Make(limit);
  plan.excerpt = FormatCsvRow(log.header);
  std::vector<bool> planned(log.rows.size());
  for (size_t i = 0; i < plan.dossiers.size(); ++i) {
    for (size_t row : (*dossiers)[i].rows) planned[row] = true;
  }
  for (size_t row = 0; row < log.rows.size(); ++row) {
    if (planned[row]) plan.excerpt += FormatCsvRow(log.rows[row].cells);
  }
  return plan;
}

}  // namespace motcua::client
