// Rules of the jurisdiction, its agencies and its officers.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/reference/rules.h"
#include "common/reference/zone.h"
#include "common/time/iso.h"

namespace motcua::reference {
namespace {

constexpr int kMaxChannels = 50;
constexpr int kMaxRoles = 20;
constexpr int kMaxInherited = 100;

bool IsJurisdictionId(absl::string_view id) {
  return id.size() == 3 && absl::ascii_isupper(id[0]) && absl::ascii_isdigit(id[1]) &&
         absl::ascii_isdigit(id[2]);
}

// Decision 20/2020: the top, then up to three parts of one to three capital letters or digits.
bool IsAgencyId(absl::string_view id) {
  const std::vector<absl::string_view> parts = absl::StrSplit(id, '.');
  if (id.size() > 35 || parts.size() > 4 || !IsJurisdictionId(parts[0])) return false;
  return std::all_of(parts.begin() + 1, parts.end(), [](absl::string_view part) {
    return !part.empty() && part.size() <= 3 && std::all_of(part.begin(), part.end(), [](char c) {
      return absl::ascii_isupper(c) || absl::ascii_isdigit(c);
    });
  });
}

bool IsRole(absl::string_view role) {
  return role == "intake" || role == "handler" || role == "leader" || role == "returner" || role == "admin";
}

// Agencies that lie on a cycle of the links `next`, each cycle named once, by its first agency in the set.
template <typename Next>
std::vector<int> CyclesOf(int count, const Next& next) {
  enum class Mark : char { kNew, kOpen, kDone };
  std::vector<Mark> marks(count, Mark::kNew);
  std::vector<int> cycles;
  for (int start = 0; start < count; ++start) {
    std::vector<int> walk;
    int at = start;
    while (at >= 0 && marks[at] == Mark::kNew) {
      marks[at] = Mark::kOpen;
      walk.push_back(at);
      at = next(at);
    }
    if (at >= 0 && marks[at] == Mark::kOpen) {
      cycles.push_back(*std::min_element(std::find(walk.begin(), walk.end(), at), walk.end()));
    }
    for (int seen : walk) marks[seen] = Mark::kDone;
  }
  return cycles;
}

void CheckWebhook(absl::string_view path, absl::string_view value, Report& report) {
  if (value.empty()) return;
  const bool scheme = absl::StartsWith(value, "https://") || absl::StartsWith(value, "http://");
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c != 127; });
  if (!scheme || !plain || value.size() < 9)
    report.Add(path, Quote(value), " is not an http or https address");
}

// Whether the shard is the jurisdiction's own or inherited.
bool IsOfShard(const v1::Jurisdiction& jurisdiction, absl::string_view shard) {
  if (jurisdiction.id() == shard) return true;
  return std::any_of(jurisdiction.inherited().begin(), jurisdiction.inherited().end(),
                     [shard](const v1::InheritedShard& inherited) { return inherited.shard() == shard; });
}

void CheckInherited(const v1::Jurisdiction& jurisdiction, Report& report) {
  if (!CheckCount("jurisdiction.inherited", jurisdiction.inherited_size(), kMaxInherited, report)) return;
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < jurisdiction.inherited_size(); ++i) {
    const v1::InheritedShard& inherited = jurisdiction.inherited(i);
    const std::string item = Item("jurisdiction.inherited", i);
    if (!IsJurisdictionId(inherited.shard())) {
      report.Add(Field(item, "shard"), Quote(inherited.shard()), " is not one capital letter and two digits");
    } else if (inherited.shard() == jurisdiction.id()) {
      report.Add(Field(item, "shard"), Quote(inherited.shard()), " is the jurisdiction itself");
    } else if (!seen.insert(inherited.shard()).second) {
      report.Add(Field(item, "shard"), "duplicate shard ", Quote(inherited.shard()));
    }
    if (!time::ParseDate(inherited.since()).ok()) {
      report.Add(Field(item, "since"), Quote(inherited.since()), " is not a date such as 2025-07-01");
    }
  }
}

void CheckAgency(const v1::ReferenceSet& set, const Index& index, int i, Report& report) {
  const v1::Agency& agency = set.agencies(i);
  const std::string item = Item("agencies", i);
  const std::string& jurisdiction = set.jurisdiction().id();
  if (!IsAgencyId(agency.id())) {
    report.Add(Field(item, "id"), Quote(agency.id()), " is not an agency id such as H30.18.05");
  } else if (!jurisdiction.empty() && !IsOfShard(set.jurisdiction(), agency.id().substr(0, 3))) {
    report.Add(Field(item, "id"), Quote(agency.id()), " does not begin with the jurisdiction's id ",
               Quote(jurisdiction),
               set.jurisdiction().inherited().empty() ? "" : " nor with a shard that it has inherited");
  }
  if (index.agencies.at(agency.id()) != i)
    report.Add(Field(item, "id"), "duplicate agency ", Quote(agency.id()));
  CheckRequired(Field(item, "name"), agency.name(), report);
  if (agency.level() == v1::LEVEL_UNSPECIFIED || !v1::Level_IsValid(agency.level())) {
    report.Add(Field(item, "level"), "must be central, province, district or commune");
  }
  if (!agency.parent().empty() && !index.agencies.contains(agency.parent())) {
    report.Add(Field(item, "parent"), "unknown agency ", Quote(agency.parent()));
  }
  if (!agency.calendar().empty() && !index.calendars.contains(agency.calendar())) {
    report.Add(Field(item, "calendar"), "unknown calendar ", Quote(agency.calendar()));
  }
  CheckValidity(item, agency.valid_from(), agency.valid_until(), report);
  if (!agency.successor().empty()) {
    if (!index.agencies.contains(agency.successor())) {
      report.Add(Field(item, "successor"), "unknown agency ", Quote(agency.successor()));
    } else if (agency.valid_until().empty()) {
      report.Add(Field(item, "successor"), "needs valid_until: the day its work passes on");
    }
  }
  CheckEmail(Field(item, "email"), agency.email(), report);
  CheckWebhook(Field(item, "webhook"), agency.webhook(), report);
}

void CheckCycles(const v1::ReferenceSet& set, const Index& index, Report& report) {
  const auto target = [&](const std::string& id) {
    const auto found = id.empty() ? index.agencies.end() : index.agencies.find(id);
    return found == index.agencies.end() ? -1 : found->second;
  };
  for (int i : CyclesOf(set.agencies_size(), [&](int at) { return target(set.agencies(at).parent()); })) {
    report.Add(Field(Item("agencies", i), "parent"), "agency ", Quote(set.agencies(i).id()),
               " is above itself");
  }
  for (int i : CyclesOf(set.agencies_size(), [&](int at) { return target(set.agencies(at).successor()); })) {
    report.Add(Field(Item("agencies", i), "successor"), "agency ", Quote(set.agencies(i).id()),
               " succeeds itself");
  }
}

}  // namespace

void ValidateJurisdiction(const v1::ReferenceSet& set, const Index& index, Report& report) {
  const v1::Jurisdiction& jurisdiction = set.jurisdiction();
  if (!IsJurisdictionId(jurisdiction.id())) {
    report.Add("jurisdiction.id", Quote(jurisdiction.id()), " is not one capital letter and two digits");
  }
  CheckRequired("jurisdiction.name", jurisdiction.name(), report);
  if (const auto zone = FindTimeZone(jurisdiction.time_zone()); !zone.ok()) {
    report.Add("jurisdiction.time_zone", zone.status().message());
  }
  if (jurisdiction.default_calendar().empty()) {
    report.Add("jurisdiction.default_calendar", "must not be empty");
  } else if (!index.calendars.contains(jurisdiction.default_calendar())) {
    report.Add("jurisdiction.default_calendar", "unknown calendar ", Quote(jurisdiction.default_calendar()));
  }
  CheckInherited(jurisdiction, report);
  if (!CheckCount("jurisdiction.channels", jurisdiction.channels_size(), kMaxChannels, report)) return;
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < jurisdiction.channels_size(); ++i) {
    const v1::ReceiptChannel& channel = jurisdiction.channels(i);
    const std::string item = Item("jurisdiction.channels", i);
    CheckIdentifier(Field(item, "id"), channel.id(), report);
    if (!seen.insert(channel.id()).second)
      report.Add(Field(item, "id"), "duplicate channel ", Quote(channel.id()));
    if (channel.kind() == common::v1::CHANNEL_KIND_UNSPECIFIED ||
        !common::v1::ChannelKind_IsValid(channel.kind())) {
      report.Add(Field(item, "kind"), "must be direct, online or postal");
    }
  }
}

void ValidateAgencies(const v1::ReferenceSet& set, const Index& index, Report& report) {
  if (set.agencies().empty()) report.Add("agencies", "a jurisdiction has at least one agency");
  for (int i = 0; i < set.agencies_size(); ++i) CheckAgency(set, index, i, report);
  CheckCycles(set, index, report);
}

void ValidateOfficers(const v1::ReferenceSet& set, const Index& index, Report& report) {
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < set.officers_size(); ++i) {
    const v1::Officer& officer = set.officers(i);
    const std::string item = Item("officers", i);
    CheckIdentifier(Field(item, "id"), officer.id(), report);
    if (!seen.insert(officer.id()).second)
      report.Add(Field(item, "id"), "duplicate officer ", Quote(officer.id()));
    CheckRequired(Field(item, "name"), officer.name(), report);
    if (!index.agencies.contains(officer.agency())) {
      report.Add(Field(item, "agency"), "unknown agency ", Quote(officer.agency()));
    }
    CheckEmail(Field(item, "email"), officer.email(), report);
    if (!CheckCount(Field(item, "roles"), officer.roles_size(), kMaxRoles, report)) continue;
    for (int r = 0; r < officer.roles_size(); ++r) {
      const std::string path = Item(Field(item, "roles"), r);
      if (!IsRole(officer.roles(r))) {
        report.Add(path, "unknown role ", Quote(officer.roles(r)),
                   "; roles are intake, handler, leader, returner, admin");
      }
      if (std::find(officer.roles().begin(), officer.roles().begin() + r, officer.roles(r)) !=
          officer.roles().begin() + r) {
        report.Add(path, "duplicate role ", Quote(officer.roles(r)));
      }
    }
  }
}

}  // namespace motcua::reference
