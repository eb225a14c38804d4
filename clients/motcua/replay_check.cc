#include "clients/motcua/replay_check.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/substitute.h"
#include "clients/motcua/replay_requests.h"
#include "clients/motcua/text.h"
#include "common/reference/validate.h"
#include "common/reference/zone.h"
#include "common/rpc/validator.h"

namespace motcua::client {
namespace {

// The years of common/time/calendar.h.
constexpr int kFirstYear = 2000;
constexpr int kLastYear = 2100;
// Passes every rule on codes: the services have not given any yet.
constexpr char kSomeDossier[] = "R01.1-000101-0001";

class Checker {
 public:
  Checker(const Plan& plan, const ReplayNames& names, LogFaults& faults)
      : plan_(plan),
        names_(names),
        faults_(faults),
        zone_(reference::FindTimeZone(plan.zone).value_or(absl::UTCTimeZone())) {}

  void Check() {
    for (const PlannedDossier& dossier : plan_.dossiers) {
      if (faults_.full()) return;
      CheckDossier(dossier);
    }
    for (size_t i = 0; i < plan_.activities.size() && !faults_.full(); ++i) {
      Action work;
      work.activity = static_cast<int>(i);
      CheckRequest(WorkOf(plan_, work, kSomeDossier), plan_.activities[i].line, "concept:name",
                   plan_.activities[i].text);
    }
    for (size_t i = 0; i < plan_.actions.size() && !faults_.full(); ++i) {
      const Action& action = plan_.actions[i];
      const int64_t line = plan_.dossiers[action.dossier].line;
      if (action.kind == ActionKind::kFile) CheckRequest(FilingOf(plan_, names_, action), line);
      if (action.kind == ActionKind::kChangeDue) CheckRequest(DueChangeOf(plan_, action, kSomeDossier), line);
    }
    CheckReference();
  }

 private:
  template <class... Values>
  void Report(int64_t line, const char* vi, const char* en, const Values&... values) {
    faults_.Add(line, absl::Substitute(faults_.Say(vi, en), values...));
  }

  // A column, what stands there, what is wrong with it.
  void ReportText(int64_t line, const char* column, const std::string& text, const std::string& what) {
    Report(line, "$0: \"$1\" không được nhận: $2", "$0: \"$1\": $2", column, FirstCharacters(text, 40), what);
  }

  void CheckDossier(const PlannedDossier& dossier) {
    CheckYear(dossier, "case:startdate", dossier.started);
    CheckYear(dossier, "case:startdate", dossier.started + absl::Hours(24 * kStandardDays));
    if (dossier.ended) CheckYear(dossier, "case:enddate", *dossier.ended);
    int year = 0;
    if (!absl::SimpleAtoi(dossier.due.substr(0, dossier.due.find('-')), &year) || year < kFirstYear ||
        year > kLastYear)
      ReportYear(dossier, "case:deadline", dossier.due);
    // A whole number of days is less than the days that it is on.
    if (dossier.started - dossier.received > absl::Hours(24 * (kMostDaysBefore - 1))) {
      Report(dossier.line, "case:startdate: muộn hơn việc đầu tiên quá $0 ngày",
             "case:startdate: more than $0 days after the first activity", kMostDaysBefore);
    }
    if (dossier.hand_overs >= kMostSpells) {
      Report(dossier.line, "hồ sơ luân chuyển $0 lần: nhiều nhất $1",
             "the dossier is handed over $0 times: at most $1", dossier.hand_overs, kMostSpells - 1);
    }
    // Opened; offered and taken; worked on.
    if (const int lines = 1 + 2 * dossier.hand_overs + dossier.works; lines > kMostHistoryLines) {
      Report(dossier.line, "nhật ký hồ sơ có $0 dòng: nhiều nhất $1",
             "the dossier's history has $0 lines: at most $1", lines, kMostHistoryLines);
    }
  }

  void CheckYear(const PlannedDossier& dossier, const char* column, absl::Time at) {
    const auto year = absl::ToCivilYear(at, zone_).year();
    if (year < kFirstYear || year > kLastYear)
      ReportYear(dossier, column, absl::FormatTime("%Y-%m-%d", at, zone_));
  }

  void ReportYear(const PlannedDossier& dossier, const char* column, const std::string& date) {
    if (!told_.insert(&dossier).second) return;
    Report(dossier.line, "$0: $1 ngoài các năm $2 đến $3 của lịch làm việc",
           "$0: $1 is outside the years $2 to $3 that calendars cover", column, date, kFirstYear, kLastYear);
  }

  // By the rules that the services apply.
  void CheckRequest(const google::protobuf::Message& request, int64_t line, const char* column = kNameColumn,
                    const std::string& text = "") {
    errors::Violations violations;
    rpc::Validate(request, violations);
    for (const errors::FieldViolation& violation : violations.kept()) {
      const std::string& path = violation.field;
      const std::string& what = violation.description;
      const bool named = path == "subject" || path == "activity";
      // The applicant's name is made of the same.
      if (path == "applicant.name") continue;
      if (named && !text.empty()) {
        ReportText(line, column, text, what);
      } else {
        Report(line, "$0 ($1): $2", "$0 ($1): $2", column, path, what);
      }
    }
  }

  void CheckReference() {
    for (const reference::Violation& violation : reference::Validate(ReplayReference(plan_, names_))) {
      if (faults_.full()) return;
      const std::string& path = violation.path;
      const int number = NumberIn(path);
      if (absl::StartsWith(path, "agencies[") && number >= 1 &&
          number <= static_cast<int>(plan_.units.size())) {
        // Before them comes the root.
        const LogText& unit = plan_.units[number - 1];
        ReportText(unit.line, "org:group", unit.text, violation.description);
      } else if (absl::StartsWith(path, "officers[") && number >= 0 &&
                 number < static_cast<int>(plan_.officers.size())) {
        const LogText& name = plan_.officers[number].name;
        if (told_officers_.insert(name.text).second)
          ReportText(name.line, "org:resource", name.text, violation.description);
      } else {
        Report(0, "dữ liệu tham chiếu của nhật ký, $0: $1", "reference data made of the log, $0: $1", path,
               violation.description);
      }
    }
  }

  // 7 in `agencies[7].name`; -1 where there is none.
  static int NumberIn(const std::string& path) {
    const size_t open = path.find('['), close = path.find(']');
    int number = -1;
    if (open == std::string::npos || close == std::string::npos ||
        !absl::SimpleAtoi(path.substr(open + 1, close - open - 1), &number))
      return -1;
    return number;
  }

  const Plan& plan_;
  const ReplayNames& names_;
  LogFaults& faults_;
  const absl::TimeZone zone_;
  std::set<const PlannedDossier*> told_;
  std::set<std::string> told_officers_;
};

}  // namespace

void CheckPlan(const Plan& plan, const ReplayNames& names, LogFaults& faults) {
  Checker(plan, names, faults).Check();
}

}  // namespace motcua::client
