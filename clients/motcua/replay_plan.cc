#include "clients/motcua/replay_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace motcua::client {
namespace {

absl::Time ReceivedOf(const LogDossier& dossier) {
  return std::min(dossier.started, dossier.activities.front().at);
}

std::optional<absl::Time> EndOf(const LogDossier& dossier) {
  if (!dossier.ended) return std::nullopt;
  return std::max(*dossier.ended, ReceivedOf(dossier));
}

// Sorts texts by themselves; returns the new number of each.
std::vector<int> Sort(std::vector<LogText>& texts) {
  std::vector<int> order(texts.size()), number(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) order[i] = static_cast<int>(i);
  std::sort(order.begin(), order.end(), [&texts](int a, int b) { return texts[a].text < texts[b].text; });
  std::vector<LogText> sorted;
  for (size_t i = 0; i < order.size(); ++i) {
    number[order[i]] = static_cast<int>(i);
    sorted.push_back(std::move(texts[order[i]]));
  }
  texts = std::move(sorted);
  return number;
}

class Planner {
 public:
  Planner(Log log, const absl::TimeZone& zone) : log_(std::move(log)), zone_(zone) {
    plan_.zone = zone.name();
    AddUnassigned();
    unit_ = Sort(log_.units);
    channel_ = Sort(log_.channels);
    plan_.units = std::move(log_.units);
    plan_.channels = std::move(log_.channels);
    plan_.activities = std::move(log_.activities);
  }

  // Every dossier is planned, so that all officers are known; the actions of those beyond `limit` are
  // dropped.
  Plan Make(int limit) {
    const size_t all = log_.dossiers.size();
    const size_t count = limit > 0 ? std::min(all, static_cast<size_t>(limit)) : all;
    plan_.now = absl::InfinitePast();
    for (size_t i = 0; i < all; ++i) {
      LogDossier& dossier = log_.dossiers[i];
      const size_t before = plan_.actions.size();
      PlanDossier(dossier, static_cast<int>(i));
      if (i < count) {
        plan_.now = std::max(plan_.now, dossier.activities.back().at);
      } else {
        plan_.actions.resize(before);
        plan_.dossiers.pop_back();
      }
      dossier.activities = {};
    }
    std::stable_sort(plan_.actions.begin(), plan_.actions.end(),
                     [](const Action& a, const Action& b) { return a.at < b.at; });
    return std::move(plan_);
  }

 private:
  // Where some dossier has no unit at all; the log may have a unit of that name besides.
  void AddUnassigned() {
    const auto nobodys = [this](const LogDossier& dossier) { return FirstUnit(dossier) == kSameUnit; };
    const auto first = std::find_if(log_.dossiers.begin(), log_.dossiers.end(), nobodys);
    if (first == log_.dossiers.end()) return;
    const auto named = std::find_if(log_.units.begin(), log_.units.end(),
                                    [](const LogText& unit) { return unit.text == kUnassigned; });
    unassigned_ = static_cast<int>(named - log_.units.begin());
    if (named == log_.units.end()) log_.units.push_back({kUnassigned, first->line});
  }

  // By the log's numbers.
  static int FirstUnit(const LogDossier& dossier) {
    for (const LogActivity& activity : dossier.activities) {
      if (activity.unit != kSameUnit) return activity.unit;
    }
    return kSameUnit;
  }

  OfficerIndex Officer(int unit, int name) {
    const auto [known, added] = officer_.try_emplace({unit, name}, static_cast<int>(plan_.officers.size()));
    if (added) plan_.officers.push_back({unit, log_.officers[name]});
    return known->second;
  }

  void Act(absl::Time at, ActionKind kind, OfficerIndex officer, const Key& key, int activity = -1) {
    Action& action = plan_.actions.emplace_back();
    action.at = at;
    action.kind = kind;
    action.dossier = dossier_;
    action.officer = officer;
    action.activity = activity;
    action.key = key;
  }

  void PlanDossier(const LogDossier& dossier, int number) {
    dossier_ = number;
    PlannedDossier& planned = plan_.dossiers.emplace_back();
    planned.name = dossier.name;
    planned.line = dossier.line;
    planned.channel = channel_[dossier.channel];
    planned.received = ReceivedOf(dossier);
    planned.started = dossier.started;
    planned.ended = EndOf(dossier);
    const absl::CivilDay due = absl::ToCivilDay(dossier.due, zone_);
    planned.due = absl::FormatCivilTime(due);
    const Key key = KeyOf({dossier.name, absl::StrCat(absl::ToUnixNanos(dossier.started)),
                           absl::StrCat(absl::ToUnixNanos(dossier.due)),
                           absl::StrCat(absl::ToUnixNanos(planned.ended.value_or(absl::InfiniteFuture())))});

    const int first = FirstUnit(dossier);
    int holder = unit_[first == kSameUnit ? unassigned_ : first];
    OfficerIndex last = Officer(holder, dossier.activities.front().officer);
    Act(planned.received, ActionKind::kFile, last, key);
    if (due - absl::ToCivilDay(dossier.started, zone_) != kStandardDays) {
      Act(planned.received, ActionKind::kChangeDue, last, key);
    }
    const auto unit_of = [&](const LogActivity& activity) {
      return activity.unit == kSameUnit ? holder : unit_[activity.unit];
    };
    for (const LogActivity& activity : dossier.activities) {
      if (planned.ended && activity.at > *planned.ended) break;
      const int unit = unit_of(activity);
      const OfficerIndex officer = Officer(unit, activity.officer);
      if (unit != holder) {
        Act(activity.at, ActionKind::kHandOver, officer, activity.key);
        plan_.actions.back().giver = last;
        holder = unit;
        ++planned.hand_overs;
      }
      Act(activity.at, ActionKind::kWork, officer, activity.key, activity.activity);
      ++planned.works;
      last = officer;
    }
    if (!planned.ended) return;
    Act(*planned.ended, ActionKind::kFinish, last, key);
    for (const LogActivity& activity : dossier.activities) {
      if (activity.at <= *planned.ended) continue;
      Act(activity.at, ActionKind::kWorkAfterEnd, Officer(unit_of(activity), activity.officer), activity.key,
          activity.activity);
    }
  }

  Log log_;
  const absl::TimeZone zone_;
  // From the log's numbers to the plan's.
  std::vector<int> unit_, channel_;
  int unassigned_ = 0;
  std::map<std::pair<int, int>, OfficerIndex> officer_;
  Plan plan_;
  int dossier_ = 0;
};

}  // namespace

Plan MakePlan(Log log, const absl::TimeZone& zone, int limit) {
  return Planner(std::move(log), zone).Make(limit);
}

}  // namespace motcua::client
