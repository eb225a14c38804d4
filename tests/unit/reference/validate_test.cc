// Every rule of reference data: broken once, it is reported once, with file, line, field and reason.
#include "common/reference/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/reference/loader.h"
#include "tests/unit/reference/small_set.h"

namespace motcua::reference {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* from;
  const char* to;
  // The violations' beginnings: `line: path: reason`.
  std::vector<const char*> expected;
};

std::vector<std::string> ViolationsOf(const std::string& text) {
  std::vector<std::string> lines;
  for (const SourceViolation& violation : LoadTexts({{"set.yaml", text}}).violations) {
    lines.push_back(violation.ToString());
  }
  return lines;
}

void Check(const Case& test) {
  SCOPED_TRACE(absl::StrCat("\"", test.from, "\" -> \"", test.to, "\""));
  std::string text = kSmallSet;
  const size_t at = text.find(test.from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(test.from).size(), test.to);
  const std::vector<std::string> violations = ViolationsOf(text);
  ASSERT_EQ(violations.size(), test.expected.size()) << ::testing::PrintToString(violations);
  for (size_t i = 0; i < violations.size(); ++i) {
    EXPECT_TRUE(absl::StartsWith(violations[i], absl::StrCat("set.yaml:", test.expected[i])))
        << violations[i] << "\nexpected " << test.expected[i];
  }
}

TEST(ReferenceRules, AValidSetHasNoViolations) { EXPECT_THAT(ViolationsOf(kSmallSet), ::testing::IsEmpty()); }

TEST(ReferenceRules, InheritedShards) {
  const auto with = [](const char* inherited) {
    return absl::StrCat("  default_calendar: vn\n  inherited: ", inherited, "\n");
  };
  const auto check = [&](const char* inherited, std::vector<const char*> expected) {
    const std::string to = with(inherited);
    Check({"  default_calendar: vn\n", to.c_str(), std::move(expected)});
  };
  check("[{shard: H13, since: 2025-07-01}, {shard: H51, since: 2026-01-01}]", {});
  check("[{shard: Hau, since: 2025-07-01}]",
        {"6: jurisdiction.inherited[0].shard: \"Hau\" is not one capital letter and two digits"});
  check("[{since: 2025-07-01}]", {"6: jurisdiction.inherited[0].shard: \"\" is not one capital letter"});
  check("[{shard: H30, since: 2025-07-01}]",
        {"6: jurisdiction.inherited[0].shard: \"H30\" is the jurisdiction itself"});
  check("[{shard: H13, since: 2025-07-01}, {shard: H13, since: 2025-07-02}]",
        {"6: jurisdiction.inherited[1].shard: duplicate shard \"H13\""});
  check("[{shard: H13, since: 1/7/2025}]",
        {"6: jurisdiction.inherited[0].since: \"1/7/2025\" is not a date such as 2025-07-01"});
  check("[{shard: H13}]", {"6: jurisdiction.inherited[0].since: \"\" is not a date"});
  // Agencies may bear codes of inherited shards, and of no others.
  Check(
      {"  default_calendar: vn\n  channels: [{id: direct, kind: direct}, {id: online, kind: "
       "online}]\nagencies:\n",
       "  default_calendar: vn\n  inherited: [{shard: H13, since: 2025-07-01}]\nagencies:\n"
       "  - {id: H13.05, name: Commune, level: commune}\n  - {id: H51.05, name: Commune, level: commune}\n",
       {"9: agencies[1].id: \"H51.05\" does not begin with the jurisdiction's id \"H30\" nor with a shard "
        "that it has "
        "inherited"}});
}

TEST(ReferenceRules, Jurisdiction) {
  Check({"id: H30\n",
         "id: Hau\n",
         {"2: jurisdiction.id: \"Hau\" is not one capital letter",
          "8: agencies[0].id: \"H30\" does not begin", "9: agencies[1].id: ", "10: agencies[2].id: "}});
  Check({"  name: Hau Giang\n", "", {"1: jurisdiction.name: must not be empty"}});
  Check({"Asia/Ho_Chi_Minh", "Asia/Hanoi", {"4: jurisdiction.time_zone: unknown time zone \"Asia/Hanoi\""}});
  Check({"Asia/Ho_Chi_Minh", "/etc/passwd", {"4: jurisdiction.time_zone: unknown time zone"}});
  Check({"Asia/Ho_Chi_Minh", "localtime", {"4: jurisdiction.time_zone: unknown time zone"}});
  Check({"default_calendar: vn",
         "default_calendar: xy",
         {"5: jurisdiction.default_calendar: unknown calendar \"xy\""}});
  Check({"  default_calendar: vn\n", "", {"1: jurisdiction.default_calendar: must not be empty"}});
  Check({"{id: online, kind: online}",
         "{id: direct, kind: online}",
         {"6: jurisdiction.channels[1].id: duplicate channel \"direct\""}});
  Check({", kind: online", "", {"6: jurisdiction.channels[1].kind: must be direct, online or postal"}});
  Check({"{id: online", "{id: on line", {"6: jurisdiction.channels[1].id: \"on line\" is not an id"}});
}

TEST(ReferenceRules, Agencies) {
  Check({"id: H30.18.05, name",
         "id: H30.18.5x, name",
         {"10: agencies[2].id: \"H30.18.5x\" is not an agency id",
          "12: officers[0].agency: unknown agency \"H30.18.05\""}});
  Check({"{id: H30.18, name: District",
         "{id: H31.18, name: District",
         {"9: agencies[1].id: \"H31.18\" does not begin with the jurisdiction's id \"H30\"",
          "10: agencies[2].parent: unknown agency \"H30.18\"",
          "13: officers[1].agency: unknown agency \"H30.18\"",
          "37: procedures[0].competent: unknown agency \"H30.18\""}});
  Check({"name: District, ", "", {"9: agencies[1].name: must not be empty"}});
  Check({"level: district, ", "", {"9: agencies[1].level: must be central, province, district or commune"}});
  Check({"level: district",
         "level: town",
         {"9: agencies[1].level: unknown word \"town\"; known are central, province, district, commune"}});
  Check({"parent: H30.18,", "parent: H30.99,", {"10: agencies[2].parent: unknown agency \"H30.99\""}});
  Check({"calendar: desk", "calendar: disk", {"10: agencies[2].calendar: unknown calendar \"disk\""}});
  Check({"email: a@example.org",
         "email: nobody",
         {"10: agencies[2].email: \"nobody\" is not an e-mail address"}});
  Check(
      {"email: a@example.org", "webhook: ftp://x", {"10: agencies[2].webhook: \"ftp://x\" is not an http"}});
  Check({"calendar: desk",
         "valid_from: 2025-02-30",
         {"10: agencies[2].valid_from: \"2025-02-30\" is not a date"}});
  Check({"calendar: desk",
         "valid_from: 2025-02-02, valid_until: 2025-02-02",
         {"10: agencies[2].valid_until: must be later than valid_from"}});
  Check({"calendar: desk", "successor: H30.18", {"10: agencies[2].successor: needs valid_until"}});
  Check({"calendar: desk",
         "valid_until: 2025-07-01, successor: H30.99",
         {"10: agencies[2].successor: unknown agency \"H30.99\""}});
  Check({"calendar: desk",
         "valid_until: 2025-07-01, successor: H30.18.05",
         {"10: agencies[2].successor: agency \"H30.18.05\" succeeds itself"}});
  Check({"name: Province, level: province",
         "name: Province, level: province, parent: H30.18.05",
         {"8: agencies[0].parent: agency \"H30\" is above itself"}});
  Check({"  - {id: H30.18.05",
         "  - {id: H30.18, name: Twin, level: district, parent: H30}\n  - {id: H30.18.05",
         {"10: agencies[2].id: duplicate agency \"H30.18\""}});
}

TEST(ReferenceRules, Officers) {
  Check({"agency: H30.18.05, roles",
         "agency: H30.18.77, roles",
         {"12: officers[0].agency: unknown agency \"H30.18.77\""}});
  Check({"{id: binh", "{id: an", {"13: officers[1].id: duplicate officer \"an\""}});
  Check({"{id: binh", "{id: 'b inh'", {"13: officers[1].id: \"b inh\" is not an id"}});
  Check({"name: Binh, ", "", {"13: officers[1].name: must not be empty"}});
  Check({"[leader]", "[boss]", {"13: officers[1].roles[0]: unknown role \"boss\""}});
  Check({"[leader]", "[leader, leader]", {"13: officers[1].roles[1]: duplicate role \"leader\""}});
  Check({"email: an@example.org",
         "email: 'a@b@c'",
         {"12: officers[0].email: \"a@b@c\" is not an e-mail address"}});
}

TEST(ReferenceRules, Calendars) {
  Check({"base: vn", "base: vm", {"22: calendars[1].base: unknown calendar \"vm\""}});
  Check({"  - id: vn\n",
         "  - id: vn\n    base: desk\n",
         {"16: calendars[0].base: calendar \"vn\" is its own base"}});
  Check({"{id: desk, base",
         "{id: vn, base",
         {"10: agencies[2].calendar: unknown calendar \"desk\"",
          "22: calendars[1].id: duplicate calendar \"vn\""}});
  Check({"kind: makeup-work",
         "kind: makeup-work}\n      - {date: 2025-04-30, kind: makeup-work",
         {"22: calendars[0].days[2].date: 2025-04-30 is both a day off and a make-up day"}});
  Check({"kind: makeup-work",
         "kind: makeup-work}\n      - {date: 2025-04-30, kind: comp-off",
         {"22: calendars[0].days[2].date: duplicate day 2025-04-30"}});
  Check({"2025-04-30", "2025-04-31", {"20: calendars[0].days[0].date: \"2025-04-31\" is not a date"}});
  Check({"2025-04-30", "2101-04-30", {"20: calendars[0].days[0].date: 2101-04-30 is outside"}});
  Check({"kind: holiday", "kind: party", {"20: calendars[0].days[0].kind: unknown word \"party\""}});
  Check({", kind: holiday", "", {"20: calendars[0].days[0].kind: must be holiday"}});
  Check({"weekday: 2", "weekday: 1", {"18: calendars[0].week[1].weekday: duplicate weekday 1"}});
  Check({"weekday: 2",
         "weekday: 8",
         {"18: calendars[0].week[1].weekday: must be 1 (Monday) to 7 (Sunday), not 8"}});
  Check({"\"13:30-17:00\"",
         "\"11:00-17:00\"",
         {"17: calendars[0].week[0].sessions[1]: session \"11:00-17:00\" begins before the one before it "
          "ends"}});
  Check({"\"13:30-17:00\"",
         "\"17:00-13:30\"",
         {"17: calendars[0].week[0].sessions[1]: \"17:00-13:30\" ends before"}});
  Check({"\"13:30-17:00\"",
         "afternoon",
         {"17: calendars[0].week[0].sessions[1]: \"afternoon\" is not a session"}});
  Check({"minutes_per_day: 240",
         "minutes_per_day: 1441",
         {"22: calendars[1].minutes_per_day: must be at most 1440"}});
  Check({"base: vn, ", "", {"22: calendars[1]: calendar \"desk\" has a week without working days"}});
}

TEST(ReferenceRules, Ladders) {
  Check({"kind: OVERDUE", "kind: LATE", {"27: ladders[0].rungs[1].kind: \"LATE\" is not NEARING"}});
  Check({"offset: 1wd, ", "", {"26: ladders[0].rungs[0].offset: a limit such as 5wd"}});
  Check({"kind: OVERDUE",
         "kind: OVERDUE, offset: 1wd",
         {"27: ladders[0].rungs[1].offset: OVERDUE has no offset"}});
  Check({"audience: [holder]",
         "audience: [boss]",
         {"26: ladders[0].rungs[0].audience[0]: unknown audience \"boss\""}});
  Check({"audience: [holder]", "audience: []", {"26: ladders[0].rungs[0].audience: somebody must be told"}});
  Check({"kind: OVERDUE, audience",
         "kind: NEARING, offset: 1wd, audience",
         {"27: ladders[0].rungs[1]: duplicate rung \"NEARING\""}});
  Check({"kind: OVERDUE",
         "kind: OVERDUE, from_limit_tenths: 100001",
         {"27: ladders[0].rungs[1].from_limit_tenths: more than 100000"}});
  Check({"  - id: default\n",
         "  - {id: default}\n  - id: default\n",
         {"25: ladders[1].id: duplicate ladder \"default\""}});
}

TEST(ReferenceRules, Templates) {
  Check({"\"{{code}}\"", "\"{{cod}}\"", {"29: templates[0].subject: unknown variable \"cod\""}});
  Check({"\"{{code}}\"", "\"{{code\"", {"29: templates[0].subject: the tag \"{{code\" is not closed"}});
  Check({"{{/due}}", "", {"29: templates[0].body: the section \"due\" is not closed"}});
  Check({"{{/due}}", "{{/code}}", {"29: templates[0].body: the section \"code\" is closed but not open"}});
  Check({"\"{{code}}\"", "\"{{>file}}\"", {"29: templates[0].subject: the tag"}});
  Check({"language: vi", "language: fr", {"29: templates[0].language: must be vi or en"}});
  Check({"audience: holder, language",
         "audience: boss, language",
         {"29: templates[0].audience: unknown audience"}});
  Check({"event: Nearing, ", "", {"29: templates[0].event: \"\" is not an id"}});
  Check({"subject: \"{{code}}\", ", "", {"29: templates[0].subject: must not be empty"}});
  Check({"procedures:\n",
         "  - {event: Nearing, audience: holder, language: vi, subject: a, body: b}\nprocedures:\n",
         {"30: templates[1]: duplicate template Nearing holder vi"}});
}

TEST(ReferenceRules, Procedures) {
  Check({"limit: 9wd",
         "limit: 9.5wd",
         {"40: procedures[0].legs: the legs' sum 10.5wd is over the legal limit 10wd"}});
  Check({"limit: 9wd",
         "limit: 80wh",
         {"40: procedures[0].legs: the legs' sum 11wd is over the legal limit 10wd"}});
  Check({"1.013992", "1 013992", {"31: procedures[0].code: \"1 013992\" is not a procedure code"}});
  Check({"    name: Land use\n", "", {"31: procedures[0].name: must not be empty"}});
  Check({"    limit: 10wd\n", "", {"31: procedures[0].limit: a limit such as 5wd"}});
  Check({"limit: 10wd", "limit: soon", {"35: procedures[0].limit: \"soon\" is not a limit"}});
  Check({"cutoff: \"15:00\"",
         "cutoff: \"25:00\"",
         {"36: procedures[0].cutoff: \"25:00\" is not a time of day"}});
  Check({"competent: H30.18",
         "competent: \"@competent\"",
         {"37: procedures[0].competent: unknown word \"@competent\""}});
  Check({"    competent: H30.18\n", "", {"31: procedures[0].competent: must not be empty"}});
  Check({"[commune]", "[village]", {"38: procedures[0].receivable_at[0]: unknown word \"village\""}});
  Check({"[Form]", "[Form, '']", {"39: procedures[0].components[1]: must not be empty"}});
  Check({"{id: sign", "{id: intake", {"42: procedures[0].legs[1].id: duplicate leg \"intake\""}});
  Check({"name: Sign, ", "", {"42: procedures[0].legs[1].name: must not be empty"}});
  Check({"\"@receiving\"", "\"@child\"", {"41: procedures[0].legs[0].agency: unknown word \"@child\""}});
  Check({"\"@receiving\"", "H30.99", {"41: procedures[0].legs[0].agency: unknown agency \"H30.99\""}});
  Check({"valid_until: 2027-01-01",
         "valid_until: 2023-01-01",
         {"34: procedures[0].valid_until: must be later than valid_from"}});
  Check({"valid_until: 2027-01-01", "ladder: steep", {"34: procedures[0].ladder: unknown ladder \"steep\""}});
  Check({"valid_until: 2027-01-01", "fee: -5", {"34: procedures[0].fee: \"-5\" is not a number"}});
  Check({"valid_until: 2027-01-01", "fee: 1000000000001", {"34: procedures[0].fee: more than"}});
  Check({"valid_until: 2027-01-01",
         "max_supplements: 101",
         {"34: procedures[0].max_supplements: more than 100"}});
  Check({"valid_until: 2027-01-01",
         "counted_from_window_days: 3651",
         {"34: procedures[0].counted_from_window_days: more than 3650 days"}});
  Check(
      {"valid_until: 2027-01-01", "pause_policy: forever", {"34: procedures[0].pause_policy: unknown word"}});
  Check({"procedures:\n",
         "procedures:\n  - {code: '1.013992', name: N, valid_from: 2026-12-31, limit: 1wd, competent: H30}\n",
         {"31: procedures[0].valid_from: overlaps another version of \"1.013992\", procedures[1]"}});
  Check({"procedures:\n",
         "procedures:\n  - {code: '1.013992', name: N, valid_from: 2027-01-01, limit: 1wd, competent: H30}\n",
         {}});
}

TEST(ReferenceRules, KeysAndShapes) {
  Check({"  id: H30\n", "  id: H30\n  motto: x\n", {"3: jurisdiction: unknown key \"motto\""}});
  Check({"agencies:\n", "version: 7\nagencies:\n", {"7: unknown key \"version\""}});
  Check({"  id: H30\n", "  id: H30\n  id: H30\n", {"3: jurisdiction.id: the key is given twice"}});
  Check({"parent: H30.18,", "parent: [H30.18],", {"10: agencies[2].parent: must be a single value"}});
  Check({"[leader]", "leader", {"13: officers[1].roles: must be a list"}});
  Check({"limit: 10wd", "limit: {unit: 1}", {"35: procedures[0].limit: must be a limit"}});
  Check({"name: Hau Giang",
         "name: \"Hau\\u0007Giang\"",
         {"3: jurisdiction.name: contains control characters"}});
}

TEST(ReferenceRules, SetsFromElsewhereAreCheckedWithoutYaml) {
  v1::ReferenceSet set = LoadTexts({{"set.yaml", kSmallSet}}).set;
  EXPECT_TRUE(Validate(set).empty());
  set.mutable_agencies(0)->set_level(static_cast<v1::Level>(77));
  set.mutable_agencies(1)->set_name("\xff");
  set.mutable_procedures(0)->set_pause_policy(static_cast<v1::PausePolicy>(77));
  set.mutable_jurisdiction()->set_name(std::string(2000, 'x'));
  std::vector<std::string> paths;
  for (const Violation& violation : Validate(set)) paths.push_back(violation.path);
  EXPECT_THAT(paths, ::testing::UnorderedElementsAre("agencies[0].level", "agencies[1].name",
                                                     "procedures[0].pause_policy", "jurisdiction.name"));
}

TEST(ReferenceRules, SizesAreBounded) {
  v1::ReferenceSet set = LoadTexts({{"set.yaml", kSmallSet}}).set;
  for (int i = 0; i < 1001; ++i) set.add_calendars();
  const std::vector<Violation> violations = Validate(set);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_THAT(violations[0].description, HasSubstr("at most 1000"));
  v1::ReferenceSet noisy;
  for (int i = 0; i < 5000; ++i) noisy.add_officers();
  EXPECT_EQ(Validate(noisy).size(), kMaxViolations + 1);
}

}  // namespace
}  // namespace motcua::reference
