#include "common/reference/validate.h"

#include "common/reference/rules.h"

namespace motcua::reference {
namespace {

constexpr int kMaxAgencies = 20000;
constexpr int kMaxOfficers = 100000;
constexpr int kMaxProcedures = 20000;
constexpr int kMaxCalendars = 1000;
constexpr int kMaxLadders = 200;
constexpr int kMaxTemplates = 5000;

bool CheckSizes(const v1::ReferenceSet& set, Report& report) {
  const bool sizes[] = {CheckCount("agencies", set.agencies_size(), kMaxAgencies, report),
                        CheckCount("officers", set.officers_size(), kMaxOfficers, report),
                        CheckCount("procedures", set.procedures_size(), kMaxProcedures, report),
                        CheckCount("calendars", set.calendars_size(), kMaxCalendars, report),
                        CheckCount("ladders", set.ladders_size(), kMaxLadders, report),
                        CheckCount("templates", set.templates_size(), kMaxTemplates, report)};
  for (bool fine : sizes) {
    if (!fine) return false;
  }
  return true;
}

}  // namespace

std::vector<Violation> Validate(const v1::ReferenceSet& set) {
  Report report;
  // A set too large to be meant is not looked at further.
  if (CheckSizes(set, report)) {
    const Index index(set);
    ValidateTexts(set, report);
    ValidateJurisdiction(set, index, report);
    ValidateAgencies(set, index, report);
    ValidateOfficers(set, index, report);
    ValidateProcedures(set, index, report);
    ValidateCalendars(set, index, report);
    ValidateLadders(set, report);
    ValidateTemplates(set, report);
  }
  return std::move(report).Take();
}

}  // namespace motcua::reference
