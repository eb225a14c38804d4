#include "services/routing/domain/route_model.h"

#include "absl/strings/str_cat.h"
#include "common/time/timestamp.h"

namespace motcua::routing {

namespace {

double UrgencyOf(const v1::Route& route) {
  if (!route.due().has_late_from()) return kNoDueScore;
  return static_cast<double>(absl::ToUnixMicros(time::FromTimestamp(route.due().late_from())));
}

}  // namespace

std::string InboxIndex(v1::Box box, std::string_view agency) {
  char name = 'h';
  if (box == v1::BOX_OFFERED) name = 'o';
  if (box == v1::BOX_CONSULTED) name = 'c';
  if (box == v1::BOX_WAITING) name = 'w';
  std::string index{name, ':'};
  index.append(agency);
  return index;
}

store::Indexes RouteModel::IndexesOf(const Record& record) {
  const v1::Route& route = record.route();
  store::Indexes indexes;
  if (route.has_ended_at()) return indexes;
  const double urgency = UrgencyOf(route);
  const bool waiting = route.status() == common::v1::DOSSIER_STATUS_SUPPLEMENT;
  indexes.emplace_back(InboxIndex(waiting ? v1::BOX_WAITING : v1::BOX_HELD, route.holder()), route.dossier(), urgency);
  if (route.has_offer()) {
    indexes.emplace_back(InboxIndex(v1::BOX_OFFERED, route.offer().to()), route.dossier(), urgency);
  }
  for (const v1::Consultation& consultation : route.consultations()) {
    if (consultation.has_answered_at()) continue;
    indexes.emplace_back(InboxIndex(v1::BOX_CONSULTED, consultation.to()), route.dossier(), urgency);
  }
  return indexes;
}

store::Counters RouteModel::CountersOf(const Record& record) {
  const v1::Route& route = record.route();
  store::Counters counters;
  counters[std::string(kRoutes)] = 1;
  counters[std::string(route.has_ended_at() ? kEnded : kOpen)] = 1;
  counters[std::string(kHandOvers)] = route.custody_size() - 1;
  counters[std::string(kWorkDone)] = route.work_done();
  counters[std::string(kWorkRefused)] = route.work_refused();
  return counters;
}

}  // namespace motcua::routing
