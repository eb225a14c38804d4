#include "services/intake/domain/promise/promise.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/time/legal_clock.h"

namespace motcua::intake {
namespace {

// The one leg of a procedure that plans none.
constexpr char kOnlyLeg[] = "handle";

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// The agency that a word of the procedure names, or its successor; empty where none is at work on that day.
std::string Resolve(const reference::Catalogue& catalogue, std::string_view word, std::string_view receiving,
                    const reference::v1::Procedure& procedure, absl::CivilDay day) {
  const auto named = catalogue.ResolveAgency(View(word), View(receiving), procedure);
  if (!named.ok()) return "";
  const reference::v1::Agency* in_charge = catalogue.AgencyInCharge((*named)->id(), day);
  if (in_charge == nullptr || !reference::Catalogue::IsInForce(*in_charge, day)) return "";
  return in_charge->id();
}

bool IsWithinWindow(const reference::Catalogue& catalogue, const reference::v1::Procedure& procedure,
                    absl::Time received, absl::Time counted_from) {
  if (counted_from == received) return true;
  const int64_t window = procedure.counted_from_window_days();
  return window > 0 && std::llabs(catalogue.DayOf(counted_from) - catalogue.DayOf(received)) <= window;
}

void PlanLegs(const reference::Catalogue& catalogue, const reference::v1::Procedure& procedure,
              std::string_view receiving, absl::CivilDay day, Promise& promise, Findings& findings) {
  for (const reference::v1::RouteLeg& leg : procedure.legs()) {
    feed::v1::PlannedLeg& planned = promise.legs.emplace_back();
    planned.set_id(leg.id());
    planned.set_name(leg.name());
    planned.set_agency(Resolve(catalogue, leg.agency(), receiving, procedure, day));
    if (leg.has_limit()) *planned.mutable_limit() = leg.limit();
    if (planned.agency().empty()) {
      findings.Add("procedure", "COMPETENCE_UNRESOLVED",
                   absl::StrCat("no agency is at work for the step ", leg.id()));
    }
  }
  if (!promise.legs.empty()) return;
  feed::v1::PlannedLeg& only = promise.legs.emplace_back();
  only.set_id(kOnlyLeg);
  only.set_name(procedure.name());
  only.set_agency(promise.competent_agency);
  if (procedure.has_limit()) *only.mutable_limit() = procedure.limit();
}

}  // namespace

Promise PlanPromise(const reference::Catalogue& catalogue, const reference::v1::Procedure& procedure,
                    std::string_view receiving_agency, absl::Time received,
                    std::optional<absl::Time> counted_from, Findings& findings) {
  Promise promise;
  promise.counted_from = counted_from.value_or(received);
  const bool within = IsWithinWindow(catalogue, procedure, received, promise.counted_from);
  if (!within) {
    findings.Add(
        "counted_from", "COUNTED_FROM_OUT_OF_WINDOW",
        absl::StrCat("must be within ", procedure.counted_from_window_days(), " days of the receipt"));
  }
  const absl::CivilDay day = catalogue.DayOf(received);
  promise.competent_agency = Resolve(catalogue, procedure.competent(), receiving_agency, procedure, day);
  if (promise.competent_agency.empty()) {
    findings.Add("procedure", "COMPETENCE_UNRESOLVED", "no agency is at work that decides it");
  }
  PlanLegs(catalogue, procedure, receiving_agency, day, promise, findings);
  if (!within || !procedure.has_limit()) return promise;
  const auto rule = time::ReceiptRuleOf(procedure);
  if (rule.ok()) {
    auto due = time::ComputeDeadline(promise.counted_from, procedure.limit(), *rule,
                                     catalogue.CalendarOf(View(receiving_agency)));
    if (due.ok()) promise.due = *std::move(due);
  }
  if (!promise.due.has_value()) {
    findings.Add("procedure", "CALENDAR_MISSING", "the term leads outside the years of the calendar");
  }
  return promise;
}

}  // namespace motcua::intake
