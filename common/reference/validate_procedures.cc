// Rules of procedures and their routes.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "common/reference/rules.h"
#include "common/time/iso.h"
#include "common/time/limit.h"

namespace motcua::reference {
namespace {

constexpr int kMaxLegs = 100;
constexpr int kMaxComponents = 200;
constexpr int kMaxLevels = 4;
constexpr uint64_t kMaxFee = 1'000'000'000'000;
constexpr uint32_t kMaxSupplements = 100;
constexpr uint32_t kMaxWindowDays = 3650;

bool IsProcedureCode(absl::string_view code) {
  return !code.empty() && code.size() <= 64 && std::all_of(code.begin(), code.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
  });
}

// Tenths of a working hour, for comparing limits of different units: a day of either kind is eight hours. A
// limit that is itself at fault counts nothing.
uint64_t TenthsOfHours(const common::v1::Limit& limit) {
  if (!time::CheckLimit(limit).ok()) return 0;
  const uint64_t tenths = limit.tenths();
  return limit.unit() == common::v1::LIMIT_UNIT_WORKING_HOURS ? tenths : tenths * 8;
}

void CheckAgencyWord(const std::string& path, const std::string& word, bool in_leg, const Index& index,
                     Report& report) {
  if (word == "@receiving" || word == "@parent" || (in_leg && word == "@competent")) return;
  if (word.empty()) {
    report.Add(path, "must not be empty");
  } else if (word[0] == '@') {
    report.Add(path, "unknown word ", Quote(word), "; known are @receiving, @parent",
               in_leg ? ", @competent" : "");
  } else if (!index.agencies.contains(word)) {
    report.Add(path, "unknown agency ", Quote(word));
  }
}

void CheckLegs(const std::string& item, const v1::Procedure& procedure, const Index& index, Report& report) {
  const std::string list = Field(item, "legs");
  if (!CheckCount(list, procedure.legs_size(), kMaxLegs, report)) return;
  absl::flat_hash_set<absl::string_view> seen;
  uint64_t sum = 0;
  for (int i = 0; i < procedure.legs_size(); ++i) {
    const v1::RouteLeg& leg = procedure.legs(i);
    const std::string path = Item(list, i);
    CheckIdentifier(Field(path, "id"), leg.id(), report);
    if (!seen.insert(leg.id()).second) report.Add(Field(path, "id"), "duplicate leg ", Quote(leg.id()));
    CheckRequired(Field(path, "name"), leg.name(), report);
    CheckAgencyWord(Field(path, "agency"), leg.agency(), /*in_leg=*/true, index, report);
    CheckLegalLimit(Field(path, "limit"), leg.has_limit(), leg.limit(), report);
    sum += TenthsOfHours(leg.limit());
  }
  const bool limited = procedure.has_limit() && time::CheckLimit(procedure.limit()).ok();
  if (limited && sum > TenthsOfHours(procedure.limit())) {
    common::v1::Limit hours;
    hours.set_unit(common::v1::LIMIT_UNIT_WORKING_HOURS);
    const bool whole_days = sum % 8 == 0 && procedure.limit().unit() != common::v1::LIMIT_UNIT_WORKING_HOURS;
    hours.set_tenths(static_cast<uint32_t>(whole_days ? sum / 8 : sum));
    if (whole_days) hours.set_unit(procedure.limit().unit());
    report.Add(list, "the legs' sum ", time::FormatLimit(hours), " is over the legal limit ",
               time::FormatLimit(procedure.limit()));
  }
}

void CheckAmounts(const std::string& item, const v1::Procedure& procedure, Report& report) {
  if (procedure.fee() > kMaxFee) report.Add(Field(item, "fee"), "more than ", kMaxFee, " dong");
  if (procedure.max_supplements() > kMaxSupplements) {
    report.Add(Field(item, "max_supplements"), "more than ", kMaxSupplements);
  }
  if (procedure.counted_from_window_days() > kMaxWindowDays) {
    report.Add(Field(item, "counted_from_window_days"), "more than ", kMaxWindowDays, " days");
  }
  if (CheckCount(Field(item, "components"), procedure.components_size(), kMaxComponents, report)) {
    for (int i = 0; i < procedure.components_size(); ++i) {
      CheckRequired(Item(Field(item, "components"), i), procedure.components(i), report);
    }
  }
  if (!CheckCount(Field(item, "receivable_at"), procedure.receivable_at_size(), kMaxLevels, report)) return;
  for (int i = 0; i < procedure.receivable_at_size(); ++i) {
    if (procedure.receivable_at(i) == v1::LEVEL_UNSPECIFIED ||
        !v1::Level_IsValid(procedure.receivable_at(i))) {
      report.Add(Item(Field(item, "receivable_at"), i), "must be central, province, district or commune");
    }
  }
}

void CheckPolicies(const std::string& item, const v1::Procedure& procedure, Report& report) {
  if (!v1::CutoffPolicy_IsValid(procedure.cutoff_policy())) {
    report.Add(Field(item, "cutoff_policy"), "unknown policy");
  }
  if (!v1::PausePolicy_IsValid(procedure.pause_policy()))
    report.Add(Field(item, "pause_policy"), "unknown policy");
  if (procedure.cutoff().empty()) return;
  if (const auto minute = time::ParseMinuteOfDay(procedure.cutoff()); !minute.ok()) {
    report.Add(Field(item, "cutoff"), minute.status().message());
  }
}

// Versions of one code, in the order of their beginning: none may begin before those ahead of it end.
void CheckVersions(const v1::ReferenceSet& set, std::vector<std::pair<Validity, int>>& versions,
                   Report& report) {
  std::sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.from, a.second) < std::pair(b.first.from, b.second);
  });
  size_t latest = 0;  // of the versions so far, the one that ends last
  for (size_t i = 1; i < versions.size(); ++i) {
    if (versions[i].first.from < versions[latest].first.until) {
      const int index = versions[i].second;
      report.Add(Field(Item("procedures", index),
                       set.procedures(index).valid_from().empty() ? "code" : "valid_from"),
                 "overlaps another version of ", Quote(set.procedures(index).code()), ", ",
                 Item("procedures", versions[latest].second));
    }
    if (versions[i].first.until > versions[latest].first.until) latest = i;
  }
}

}  // namespace

void ValidateProcedures(const v1::ReferenceSet& set, const Index& index, Report& report) {
  absl::flat_hash_map<absl::string_view, std::vector<std::pair<Validity, int>>> versions;
  std::vector<absl::string_view> codes;
  for (int i = 0; i < set.procedures_size(); ++i) {
    const v1::Procedure& procedure = set.procedures(i);
    const std::string item = Item("procedures", i);
    if (!IsProcedureCode(procedure.code())) {
      report.Add(Field(item, "code"), Quote(procedure.code()), " is not a procedure code such as 1.001193");
    }
    CheckRequired(Field(item, "name"), procedure.name(), report);
    if (const auto validity = CheckValidity(item, procedure.valid_from(), procedure.valid_until(), report)) {
      auto& same = versions[procedure.code()];
      if (same.empty()) codes.push_back(procedure.code());
      same.emplace_back(*validity, i);
    }
    CheckLegalLimit(Field(item, "limit"), procedure.has_limit(), procedure.limit(), report);
    CheckPolicies(item, procedure, report);
    CheckAgencyWord(Field(item, "competent"), procedure.competent(), /*in_leg=*/false, index, report);
    CheckLegs(item, procedure, index, report);
    CheckAmounts(item, procedure, report);
    if (!procedure.ladder().empty() && !index.ladders.contains(procedure.ladder())) {
      report.Add(Field(item, "ladder"), "unknown ladder ", Quote(procedure.ladder()));
    }
  }
  for (absl::string_view code : codes) CheckVersions(set, versions[code], report);
}

}  // namespace motcua::reference
