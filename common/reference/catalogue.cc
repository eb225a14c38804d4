#include "common/reference/catalogue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/reference/validate.h"
#include "common/reference/zone.h"
#include "common/time/iso.h"

namespace motcua::reference {
namespace {

template <typename Map>
auto FindOrNull(const Map& map, absl::string_view key) -> typename Map::mapped_type {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

std::string TemplateKey(absl::string_view event, absl::string_view audience, absl::string_view language) {
  return absl::StrCat(event, "/", audience, "/", language);
}

// Validated dates parse; empty ones are open ends.
bool IsWithin(absl::CivilDay day, const std::string& from, const std::string& until) {
  return day >= time::ParseDate(from).value_or(absl::CivilDay::min()) &&
         day < time::ParseDate(until).value_or(absl::CivilDay::max());
}

// Another agency continues its work.
bool WasSucceeded(const v1::Agency& agency, absl::CivilDay day) {
  return !agency.successor().empty() && !IsWithin(day, "", agency.valid_until());
}

template <class Item, class List, class Key>
std::vector<const Item*> SortedBy(const List& list, const Key& key) {
  std::vector<const Item*> sorted;
  sorted.reserve(list.size());
  for (const Item& item : list) sorted.push_back(&item);
  std::sort(sorted.begin(), sorted.end(), [&key](const Item* a, const Item* b) { return key(*a) < key(*b); });
  return sorted;
}

uint32_t TenthsOfDays(const common::v1::Limit& limit) {
  return limit.unit() == common::v1::LIMIT_UNIT_WORKING_HOURS ? limit.tenths() / 8 : limit.tenths();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Catalogue>> Catalogue::Compile(v1::ReferenceSet set) {
  const std::vector<Violation> violations = Validate(set);
  if (!violations.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(
        violations, "\n",
        [](std::string* out, const Violation& v) { absl::StrAppend(out, v.path, ": ", v.description); }));
  }
  return CompileValid(std::move(set));
}

absl::StatusOr<std::shared_ptr<const Catalogue>> Catalogue::CompileValid(v1::ReferenceSet set) {
  std::shared_ptr<Catalogue> catalogue(new Catalogue());
  catalogue->set_ = std::move(set);
  catalogue->bytes_ = catalogue->set_.ByteSizeLong();
  const auto zone = FindTimeZone(catalogue->set_.jurisdiction().time_zone());
  if (!zone.ok()) return zone.status();
  catalogue->zone_ = *zone;
  if (absl::Status status = catalogue->CompileCalendars(); !status.ok()) return status;
  catalogue->IndexEverything();
  return catalogue;
}

absl::Status Catalogue::CompileCalendars() {
  for (const v1::Calendar& proto : set_.calendars()) {
    auto calendar = time::Calendar::Compile(set_, proto.id(), zone_);
    if (!calendar.ok()) return calendar.status();
    calendars_.emplace(proto.id(), std::make_unique<const time::Calendar>(*std::move(calendar)));
  }
  default_calendar_ = calendars_.at(set_.jurisdiction().default_calendar()).get();
  return absl::OkStatus();
}

void Catalogue::IndexEverything() {
  for (const v1::Agency& agency : set_.agencies()) {
    agencies_.emplace(agency.id(), &agency);
    if (!agency.successor().empty()) predecessors_[agency.successor()].push_back(&agency);
  }
  for (const v1::Officer& officer : set_.officers()) {
    officers_.emplace(officer.id(), &officer);
    officers_of_[officer.agency()].push_back(&officer);
  }
  for (const v1::Procedure& procedure : set_.procedures())
    procedures_[procedure.code()].push_back(&procedure);
  for (const v1::AlertLadder& ladder : set_.ladders()) ladders_.emplace(ladder.id(), &ladder);
  for (const v1::MessageTemplate& text : set_.templates()) {
    templates_.emplace(TemplateKey(text.event(), text.audience(), text.language()), &text);
  }
  const auto id = [](const auto& item) -> const std::string& { return item.id(); };
  agencies_by_id_ = SortedBy<v1::Agency>(set_.agencies(), id);
  officers_by_id_ = SortedBy<v1::Officer>(set_.officers(), id);
  calendars_by_id_ = SortedBy<v1::Calendar>(set_.calendars(), id);
  procedures_by_key_ = SortedBy<v1::Procedure>(set_.procedures(), ProcedureKey);
  shards_.push_back(set_.jurisdiction().id());
  for (const v1::InheritedShard& inherited : set_.jurisdiction().inherited())
    shards_.push_back(inherited.shard());
}

std::vector<std::string> Catalogue::ShardsOn(absl::CivilDay day) const {
  std::vector<std::string> shards;
  shards.push_back(id());
  for (const v1::InheritedShard& inherited : set_.jurisdiction().inherited()) {
    if (IsWithin(day, inherited.since(), "")) shards.push_back(inherited.shard());
  }
  return shards;
}

std::string Catalogue::ProcedureKey(const v1::Procedure& procedure) {
  return absl::StrCat(procedure.code(), " ", procedure.valid_from());
}

const v1::Agency* Catalogue::FindAgency(absl::string_view id) const { return FindOrNull(agencies_, id); }

const v1::Officer* Catalogue::FindOfficer(absl::string_view id) const { return FindOrNull(officers_, id); }

std::vector<const v1::Officer*> Catalogue::OfficersOf(absl::string_view agency,
                                                      absl::string_view role) const {
  std::vector<const v1::Officer*> officers;
  const auto found = officers_of_.find(agency);
  if (found == officers_of_.end()) return officers;
  for (const v1::Officer* officer : found->second) {
    if (role.empty() ||
        std::find(officer->roles().begin(), officer->roles().end(), role) != officer->roles().end()) {
      officers.push_back(officer);
    }
  }
  return officers;
}

std::vector<const v1::Agency*> Catalogue::AgenciesAbove(absl::string_view agency) const {
  std::vector<const v1::Agency*> above;
  const v1::Agency* at = FindAgency(agency);
  while (at != nullptr && !at->parent().empty()) {
    at = FindAgency(at->parent());
    if (at != nullptr) above.push_back(at);
  }
  return above;
}

bool Catalogue::IsInForce(const v1::Agency& agency, absl::CivilDay day) {
  return IsWithin(day, agency.valid_from(), agency.valid_until());
}

bool Catalogue::IsInForce(const v1::Procedure& procedure, absl::CivilDay day) {
  return IsWithin(day, procedure.valid_from(), procedure.valid_until());
}

const v1::Agency* Catalogue::AgencyInCharge(absl::string_view id, absl::CivilDay day) const {
  const v1::Agency* agency = FindAgency(id);
  while (agency != nullptr && WasSucceeded(*agency, day)) agency = FindAgency(agency->successor());
  return agency;
}

absl::string_view Catalogue::InChargeAt(absl::string_view id, absl::Time now) const {
  if (predecessors_.empty()) return id;
  const v1::Agency* agency = FindAgency(id);
  if (agency == nullptr || agency->successor().empty()) return id;
  const v1::Agency* in_charge = AgencyInCharge(id, DayOf(now));
  return in_charge == nullptr ? id : absl::string_view(in_charge->id());
}

std::vector<std::string> Catalogue::WorksFor(absl::string_view id, absl::CivilDay day) const {
  const v1::Agency* agency = FindAgency(id);
  std::vector<std::string> agencies;
  if (agency != nullptr && WasSucceeded(*agency, day)) return agencies;
  agencies.emplace_back(id);
  // Successions have no cycles.
  for (size_t next = 0; next < agencies.size(); ++next) {
    const auto found = predecessors_.find(agencies[next]);
    if (found == predecessors_.end()) continue;
    for (const v1::Agency* before : found->second) {
      if (WasSucceeded(*before, day)) agencies.push_back(before->id());
    }
  }
  return agencies;
}

std::vector<const v1::Agency*> Catalogue::SucceededBy(absl::CivilDay day) const {
  std::vector<const v1::Agency*> succeeded;
  for (const v1::Agency* agency : agencies_by_id_) {
    if (WasSucceeded(*agency, day)) succeeded.push_back(agency);
  }
  return succeeded;
}

const v1::Procedure* Catalogue::ProcedureInForce(absl::string_view code, absl::CivilDay day) const {
  const auto found = procedures_.find(code);
  if (found == procedures_.end()) return nullptr;
  for (const v1::Procedure* version : found->second) {
    if (IsWithin(day, version->valid_from(), version->valid_until())) return version;
  }
  return nullptr;
}

const v1::Procedure* Catalogue::AnyProcedure(absl::string_view code) const {
  const auto found = procedures_.find(code);
  return found == procedures_.end() ? nullptr : found->second.back();
}

const time::Calendar& Catalogue::CalendarOf(absl::string_view agency) const {
  const v1::Agency* found = FindAgency(agency);
  if (found == nullptr || found->calendar().empty()) return *default_calendar_;
  return *calendars_.at(found->calendar());
}

common::v1::ChannelKind Catalogue::ChannelKindOf(absl::string_view channel) const {
  for (const v1::ReceiptChannel& known : set_.jurisdiction().channels()) {
    if (known.id() == channel) return known.kind();
  }
  if (set_.jurisdiction().channels().empty()) {
    if (channel == "direct") return common::v1::CHANNEL_KIND_DIRECT;
    if (channel == "online") return common::v1::CHANNEL_KIND_ONLINE;
    if (channel == "postal") return common::v1::CHANNEL_KIND_POSTAL;
  }
  return common::v1::CHANNEL_KIND_UNSPECIFIED;
}

absl::StatusOr<const v1::Agency*> Catalogue::ResolveAgency(absl::string_view word,
                                                           absl::string_view receiving,
                                                           const v1::Procedure& procedure) const {
  // A competence names no further competence, so this looks through one word at most.
  const absl::string_view wanted = word == "@competent" ? absl::string_view(procedure.competent()) : word;
  const v1::Agency* agency = nullptr;
  if (wanted == "@receiving") {
    agency = FindAgency(receiving);
  } else if (wanted == "@parent") {
    const v1::Agency* below = FindAgency(receiving);
    if (below != nullptr) agency = FindAgency(below->parent());
  } else {
    agency = FindAgency(wanted);
  }
  if (agency == nullptr) {
    return absl::NotFoundError(absl::StrCat("no agency is \"", word, "\" of ", procedure.code(),
                                            " received at \"", receiving, "\""));
  }
  return agency;
}

const v1::AlertLadder* Catalogue::FindLadder(absl::string_view id) const { return FindOrNull(ladders_, id); }

const v1::AlertLadder* Catalogue::LadderOf(const v1::Procedure& procedure) const {
  return FindLadder(procedure.ladder().empty() ? "default" : procedure.ladder());
}

std::vector<const v1::AlertRung*> Catalogue::RungsFor(const v1::AlertLadder& ladder,
                                                      const common::v1::Limit& limit) {
  const uint32_t tenths = TenthsOfDays(limit);
  absl::flat_hash_map<absl::string_view, uint32_t> highest;
  for (const v1::AlertRung& rung : ladder.rungs()) {
    if (rung.from_limit_tenths() > tenths) continue;
    uint32_t& most = highest[rung.kind()];
    most = std::max(most, rung.from_limit_tenths());
  }
  std::vector<const v1::AlertRung*> rungs;
  for (const v1::AlertRung& rung : ladder.rungs()) {
    const auto found = highest.find(rung.kind());
    if (found != highest.end() && found->second == rung.from_limit_tenths()) rungs.push_back(&rung);
  }
  return rungs;
}

const v1::MessageTemplate* Catalogue::FindTemplate(absl::string_view event, absl::string_view audience,
                                                   absl::string_view language) const {
  const v1::MessageTemplate* text = FindOrNull(templates_, TemplateKey(event, audience, language));
  return text != nullptr ? text : FindOrNull(templates_, TemplateKey(event, audience, "vi"));
}

}  // namespace motcua::reference
