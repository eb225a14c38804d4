#include "services/routing/domain/route/route_model.h"

#include <algorithm>

#include "common/time/timestamp.h"

namespace motcua::routing {

namespace {

double UrgencyOf(const v1::Route& route) {
  if (!route.due().has_late_from()) return kNoDueScore;
  return static_cast<double>(absl::ToUnixMicros(time::FromTimestamp(route.due().late_from())));
}

std::string_view PrefixOf(v1::Box box) {
  switch (box) {
    case v1::BOX_OFFERED:
      return "o:";
    case v1::BOX_CONSULTED:
      return "c:";
    case v1::BOX_WAITING:
      return "w:";
    default:
      return "h:";
  }
}

// Whether an earlier consultation asks the same agency: two that were asked have become one.
bool IsAskedBefore(const v1::Route& route, int place) {
  for (int i = 0; i < place; ++i) {
    const v1::Consultation& earlier = route.consultations(i);
    if (!earlier.has_answered_at() && earlier.asked_agency() == route.consultations(place).asked_agency())
      return true;
  }
  return false;
}

}  // namespace

std::string InboxIndex(v1::Box box, std::string_view agency) {
  std::string index(PrefixOf(box));
  index.append(agency);
  return index;
}

bool IsListedIn(const v1::Route& route, v1::Box box, std::string_view agency) {
  if (route.has_ended_at()) return false;
  const bool waiting = route.status() == common::v1::DOSSIER_STATUS_SUPPLEMENT;
  switch (box) {
    case v1::BOX_OFFERED:
      return route.has_offer() && route.offer().receiver() == agency;
    case v1::BOX_CONSULTED:
      return std::any_of(route.consultations().begin(), route.consultations().end(),
                         [agency](const v1::Consultation& consultation) {
                           return consultation.asked_agency() == agency && !consultation.has_answered_at();
                         });
    case v1::BOX_WAITING:
      return waiting && route.holder() == agency;
    default:
      return !waiting && route.holder() == agency;
  }
}

void RouteModel::IndexesOf(const Record& record, store::IndexSink& indexes) {
  const v1::Route& route = record.route();
  if (route.has_ended_at()) return;
  const double urgency = UrgencyOf(route);
  const bool waiting = route.status() == common::v1::DOSSIER_STATUS_SUPPLEMENT;
  indexes.Add(PrefixOf(waiting ? v1::BOX_WAITING : v1::BOX_HELD), route.holder(), route.dossier(), urgency);
  if (route.has_offer())
    indexes.Add(PrefixOf(v1::BOX_OFFERED), route.offer().receiver(), route.dossier(), urgency);
  for (int i = 0; i < route.consultations_size(); ++i) {
    const v1::Consultation& consultation = route.consultations(i);
    if (consultation.has_answered_at() || IsAskedBefore(route, i)) continue;
    indexes.Add(PrefixOf(v1::BOX_CONSULTED), consultation.asked_agency(), route.dossier(), urgency);
  }
}

void RouteModel::CountersOf(const Record& record, store::CounterSink& counters) {
  const v1::Route& route = record.route();
  counters.Add(kRoutes, 1);
  counters.Add(route.has_ended_at() ? kEnded : kOpen, 1);
  const auto handed_over = std::count_if(route.custody().begin(), route.custody().end(),
                                         [](const v1::CustodySpan& span) { return !span.succeeded(); });
  counters.Add(kHandOvers, handed_over - 1);
  counters.Add(kWorkDone, route.work_done());
  counters.Add(kWorkRefused, route.work_refused());
  counters.Add(kSuccessions, route.successions());
}

}  // namespace motcua::routing
