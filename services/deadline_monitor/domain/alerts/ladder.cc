#include "services/deadline_monitor/domain/alerts/ladder.h"

#include "absl/strings/str_cat.h"

namespace motcua::deadline {
namespace {

using feed::v1::ALERT_KIND_OVERDUE;
using reference::v1::AlertRung;

AlertRung* OverdueRung(std::initializer_list<const char*> audience) {
  auto* rung = new AlertRung;
  rung->set_kind("OVERDUE");
  for (const char* word : audience) rung->add_audience(word);
  return rung;
}

const common::v1::Limit* WorkingDays(uint32_t days) {
  auto* limit = new common::v1::Limit;
  limit->set_unit(common::v1::LIMIT_UNIT_WORKING_DAYS);
  limit->set_tenths(10 * days);
  return limit;
}

const AlertRung& DefaultOverdueRung() {
  static const AlertRung* const rung = OverdueRung({"holder-leader", "receiving-leader"});
  return *rung;
}

bool Contains(const std::vector<Rung>& rungs, feed::v1::AlertKind kind) {
  for (const Rung& rung : rungs) {
    if (rung.kind == kind) return true;
  }
  return false;
}

}  // namespace

std::vector<Rung> RungsOf(const v1::Clock& clock, const reference::Catalogue& catalogue) {
  std::vector<Rung> rungs;
  const std::string& id = clock.ladder();
  const reference::v1::AlertLadder* ladder = id.empty() ? nullptr : catalogue.FindLadder(id);
  if (ladder == nullptr) ladder = catalogue.FindLadder("default");
  if (ladder != nullptr) {
    for (const AlertRung* rung : reference::Catalogue::RungsFor(*ladder, clock.limit())) {
      feed::v1::AlertKind kind;
      if (!feed::v1::AlertKind_Parse(absl::StrCat("ALERT_KIND_", rung->kind()), &kind)) continue;
      if (!Contains(rungs, kind)) rungs.push_back({kind, rung});
    }
  }
  if (!Contains(rungs, ALERT_KIND_OVERDUE)) rungs.push_back({ALERT_KIND_OVERDUE, &DefaultOverdueRung()});
  return rungs;
}

const AlertRung& PartRung() {
  static const AlertRung* const rung = OverdueRung({"holder"});
  return *rung;
}

const common::v1::Limit& OfferLimit() {
  static const common::v1::Limit* const limit = WorkingDays(1);
  return *limit;
}

const common::v1::Limit& ConsultationLimit() {
  static const common::v1::Limit* const limit = WorkingDays(2);
  return *limit;
}

}  // namespace motcua::deadline
