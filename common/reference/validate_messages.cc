// Rules of alert ladders and message templates.
#include <algorithm>
#include <set>
#include <tuple>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/reference/rules.h"
#include "common/time/limit.h"

namespace motcua::reference {
namespace {

constexpr int kMaxRungs = 100;
constexpr absl::string_view kVariables[] = {"code", "procedure", "agency", "holder",
                                            "due",  "at",        "reason", "applicant"};
constexpr char kVariableList[] = "code, procedure, agency, holder, due, at, reason, applicant";

void CheckAudience(const std::string& path, const v1::AlertRung& rung, Report& report) {
  if (rung.audience().empty()) report.Add(path, "somebody must be told: ", kAudiences);
  if (!CheckCount(path, rung.audience_size(), 10, report)) return;
  for (int i = 0; i < rung.audience_size(); ++i) {
    if (!IsAudience(rung.audience(i))) {
      report.Add(Item(path, i), "unknown audience ", Quote(rung.audience(i)), "; known are ", kAudiences);
    }
  }
}

void CheckRung(const std::string& item, const v1::AlertRung& rung, Report& report) {
  if (rung.kind() == "NEARING" || rung.kind() == "ESCALATED") {
    CheckLegalLimit(Field(item, "offset"), rung.has_offset(), rung.offset(), report);
  } else if (rung.kind() == "DUE_TODAY" || rung.kind() == "OVERDUE") {
    if (rung.has_offset()) report.Add(Field(item, "offset"), rung.kind(), " has no offset");
  } else {
    report.Add(Field(item, "kind"), Quote(rung.kind()), " is not NEARING, DUE_TODAY, OVERDUE or ESCALATED");
  }
  if (rung.from_limit_tenths() > time::kMaxLimitTenths) {
    report.Add(Field(item, "from_limit_tenths"), "more than ", time::kMaxLimitTenths);
  }
  CheckAudience(Field(item, "audience"), rung, report);
}

// Checks the mustache tags of a text: closed, sections nested, variables known. Tags beyond variables,
// sections and comments are refused: a message is filled in, it does not include files or change delimiters.
void CheckMustache(const std::string& path, absl::string_view text, Report& report) {
  std::vector<std::string> open;
  size_t at = 0;
  while ((at = text.find("{{", at)) != absl::string_view::npos) {
    const bool triple = absl::StartsWith(text.substr(at), "{{{");
    const size_t begin = at + (triple ? 3 : 2);
    const size_t end = text.find(triple ? "}}}" : "}}", begin);
    if (end == absl::string_view::npos) {
      report.Add(path, "the tag ", Quote(text.substr(at, 20)), " is not closed");
      return;
    }
    absl::string_view tag = absl::StripAsciiWhitespace(text.substr(begin, end - begin));
    at = end + (triple ? 3 : 2);
    char kind = 'v';
    if (!tag.empty() && absl::StrContains("#^/!&>=", tag.substr(0, 1))) {
      kind = tag[0];
      tag = absl::StripAsciiWhitespace(tag.substr(1));
    }
    if (kind == '!') continue;
    if (kind == '>' || kind == '=') {
      report.Add(path, "the tag ", Quote(absl::StrCat("{{", std::string(1, kind))), " is not allowed");
      continue;
    }
    if (std::find(std::begin(kVariables), std::end(kVariables), tag) == std::end(kVariables)) {
      report.Add(path, "unknown variable ", Quote(tag), "; known are ", kVariableList);
    }
    if (kind == '#' || kind == '^') open.emplace_back(tag);
    if (kind != '/') continue;
    if (open.empty() || open.back() != tag) {
      report.Add(path, "the section ", Quote(tag), " is closed but not open");
      return;
    }
    open.pop_back();
  }
  if (!open.empty()) report.Add(path, "the section ", Quote(open.back()), " is not closed");
}

}  // namespace

void ValidateLadders(const v1::ReferenceSet& set, Report& report) {
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < set.ladders_size(); ++i) {
    const v1::AlertLadder& ladder = set.ladders(i);
    const std::string item = Item("ladders", i);
    CheckIdentifier(Field(item, "id"), ladder.id(), report);
    if (!seen.insert(ladder.id()).second)
      report.Add(Field(item, "id"), "duplicate ladder ", Quote(ladder.id()));
    if (!CheckCount(Field(item, "rungs"), ladder.rungs_size(), kMaxRungs, report)) continue;
    std::set<std::tuple<std::string, uint32_t, std::string>> rungs;
    for (int r = 0; r < ladder.rungs_size(); ++r) {
      const v1::AlertRung& rung = ladder.rungs(r);
      const std::string path = Item(Field(item, "rungs"), r);
      CheckRung(path, rung, report);
      if (!rungs.emplace(rung.kind(), rung.from_limit_tenths(), time::FormatLimit(rung.offset())).second) {
        report.Add(path, "duplicate rung ", Quote(rung.kind()), " from ", rung.from_limit_tenths(),
                   " tenths");
      }
    }
  }
}

void ValidateTemplates(const v1::ReferenceSet& set, Report& report) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (int i = 0; i < set.templates_size(); ++i) {
    const v1::MessageTemplate& text = set.templates(i);
    const std::string item = Item("templates", i);
    CheckIdentifier(Field(item, "event"), text.event(), report);
    if (!IsAudience(text.audience())) {
      report.Add(Field(item, "audience"), "unknown audience ", Quote(text.audience()), "; known are ",
                 kAudiences);
    }
    if (text.language() != "vi" && text.language() != "en")
      report.Add(Field(item, "language"), "must be vi or en");
    CheckRequired(Field(item, "subject"), text.subject(), report);
    CheckRequired(Field(item, "body"), text.body(), report);
    CheckMustache(Field(item, "subject"), text.subject(), report);
    CheckMustache(Field(item, "body"), text.body(), report);
    if (!seen.emplace(text.event(), text.audience(), text.language()).second) {
      report.Add(item, "duplicate template ", text.event(), " ", text.audience(), " ", text.language());
    }
  }
}

}  // namespace motcua::reference
