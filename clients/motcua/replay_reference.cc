#include "clients/motcua/replay_reference.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace motcua::client {
namespace {

using common::v1::ChannelKind;
using common::v1::LIMIT_UNIT_CALENDAR_DAYS;

// The root of the agencies' tree.
constexpr char kRoot[] = "R01";
constexpr char kCalendar[] = "every-day";

// Letters, digits, dot, dash and underscore stay; an id that is taken gets a number.
std::string Identifier(const std::string& name, std::set<std::string>& taken) {
  std::string id = name.substr(0, 50);
  for (char& c : id) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '_';
  }
  std::string free = id;
  for (int n = 2; !taken.insert(free).second; ++n) free = absl::StrCat(id, "-", n);
  return free;
}

// Guessed from the name; what nobody knows was handed in at a desk.
ChannelKind KindOf(const std::string& channel) {
  const std::string lower = absl::AsciiStrToLower(channel);
  const auto names = [&lower](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&lower](const char* word) { return absl::StrContains(lower, word); });
  };
  if (names({"internet", "e-mail", "email", "online", "web", "trực tuyến", "thư điện tử", "cổng dịch vụ"}))
    return common::v1::CHANNEL_KIND_ONLINE;
  if (names({"post", "bưu "})) return common::v1::CHANNEL_KIND_POSTAL;
  return common::v1::CHANNEL_KIND_DIRECT;
}

// A group of an agency's id has at most three digits.
std::string AgencyId(size_t number) {
  constexpr size_t kGroup = 1000;
  if (number < kGroup) return absl::StrCat(kRoot, ".", number);
  return absl::StrCat(kRoot, ".", number / kGroup, ".", number % kGroup);
}

common::v1::Limit CalendarDays(uint32_t days) {
  common::v1::Limit limit;
  limit.set_unit(LIMIT_UNIT_CALENDAR_DAYS);
  limit.set_tenths(days * 10);
  return limit;
}

void AddCalendar(reference::v1::ReferenceSet& set) {
  reference::v1::Calendar& calendar = *set.add_calendars();
  calendar.set_id(kCalendar);
  calendar.set_name("Every day");
  for (uint32_t weekday = 1; weekday <= 7; ++weekday) {
    reference::v1::WeekdaySessions& sessions = *calendar.add_week();
    sessions.set_weekday(weekday);
    // Round the clock: whatever is received after the last session of a day would count from the next.
    sessions.add_sessions("00:00-24:00");
  }
}

void AddLadder(reference::v1::ReferenceSet& set) {
  reference::v1::AlertLadder& ladder = *set.add_ladders();
  ladder.set_id("default");
  reference::v1::AlertRung& nearing = *ladder.add_rungs();
  nearing.set_kind("NEARING");
  *nearing.mutable_offset() = CalendarDays(5);
  nearing.add_audience("holder");
  reference::v1::AlertRung& overdue = *ladder.add_rungs();
  overdue.set_kind("OVERDUE");
  overdue.add_audience("holder");
}

void AddProcedure(const Plan& plan, reference::v1::ReferenceSet& set) {
  int64_t window = 1;
  for (const PlannedDossier& dossier : plan.dossiers) {
    window = std::max(window, absl::ToInt64Hours(dossier.started - dossier.received) / 24 + 2);
  }
  reference::v1::Procedure& procedure = *set.add_procedures();
  procedure.set_code(kReplayProcedure);
  procedure.set_name("Replayed procedure");
  *procedure.mutable_limit() = CalendarDays(kStandardDays);
  procedure.set_cutoff_policy(reference::v1::CUTOFF_POLICY_NONE);
  procedure.set_competent("@receiving");
  procedure.set_counted_from_window_days(
      static_cast<uint32_t>(std::min<int64_t>(std::max<int64_t>(window, 366), kMostDaysBefore)));
}

}  // namespace

ReplayNames NamesOf(const Plan& plan) {
  ReplayNames names;
  for (size_t i = 0; i < plan.units.size(); ++i) names.agencies.push_back(AgencyId(i + 1));
  std::set<std::string> officers, channels;
  for (const PlannedOfficer& officer : plan.officers) {
    names.officers.push_back(
        Identifier(absl::StrCat(names.agencies[officer.unit], "-", officer.name.text), officers));
  }
  for (const LogText& channel : plan.channels) names.channels.push_back(Identifier(channel.text, channels));
  return names;
}

reference::v1::ReferenceSet ReplayReference(const Plan& plan, const ReplayNames& names) {
  reference::v1::ReferenceSet set;
  reference::v1::Jurisdiction& jurisdiction = *set.mutable_jurisdiction();
  jurisdiction.set_id(kReplayShard);
  jurisdiction.set_name("Replayed log");
  jurisdiction.set_time_zone(plan.zone);
  jurisdiction.set_default_calendar(kCalendar);
  for (size_t i = 0; i < names.channels.size(); ++i) {
    reference::v1::ReceiptChannel& channel = *jurisdiction.add_channels();
    channel.set_id(names.channels[i]);
    channel.set_kind(KindOf(plan.channels[i].text));
  }
  reference::v1::Agency& root = *set.add_agencies();
  root.set_id(kRoot);
  root.set_name("Replayed desk");
  root.set_level(reference::v1::LEVEL_PROVINCE);
  root.set_kind("committee");
  for (size_t i = 0; i < plan.units.size(); ++i) {
    reference::v1::Agency& agency = *set.add_agencies();
    agency.set_id(names.agencies[i]);
    agency.set_name(plan.units[i].text);
    agency.set_level(reference::v1::LEVEL_DISTRICT);
    agency.set_kind("office");
    agency.set_parent(kRoot);
  }
  for (size_t i = 0; i < plan.officers.size(); ++i) {
    reference::v1::Officer& officer = *set.add_officers();
    officer.set_id(names.officers[i]);
    officer.set_name(plan.officers[i].name.text);
    officer.set_agency(names.agencies[plan.officers[i].unit]);
    officer.add_roles("intake");
    officer.add_roles("handler");
  }
  AddProcedure(plan, set);
  AddCalendar(set);
  AddLadder(set);
  return set;
}

}  // namespace motcua::client
