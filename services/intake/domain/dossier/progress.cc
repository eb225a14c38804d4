#include "services/intake/domain/dossier/progress.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/dossier/life.h"
#include "services/intake/domain/receipt/facts.h"

namespace motcua::intake {
namespace {

using feed::v1::Event;
using store::Context;
using store::Decision;
using FollowUp = std::optional<Decision<internal::intake::DossierRecord>>;

// From one status to another, and not from any other. `change` may adjust the dossier further before the
// history line is written.
template <class Change>
FollowUp Become(DossierStatus from, DossierStatus to, const internal::intake::DossierRecord& record,
                const Context& context, const char* action, const std::string& note, Change change) {
  if (record.dossier().status() != from) return std::nullopt;
  Decision<internal::intake::DossierRecord> decision(record);
  v1::Dossier& dossier = *decision.record.mutable_dossier();
  dossier.set_status(to);
  change(dossier);
  decision.history.push_back(LineOf(context, action, dossier, note));
  return decision;
}

FollowUp MoveCustody(const internal::intake::DossierRecord& record, const std::string& holder) {
  if (!IsUnderWay(record.dossier().status()) || record.dossier().holder() == holder) return std::nullopt;
  Decision<internal::intake::DossierRecord> decision(record);
  decision.record.mutable_dossier()->set_holder(holder);
  return decision;
}

void SetDue(v1::Dossier& dossier, const common::v1::DueDate& due) {
  if (dossier.has_original_due() && dossier.original_due().SerializeAsString() == due.SerializeAsString()) {
    dossier.clear_due();
  } else {
    *dossier.mutable_due() = due;
  }
}

FollowUp MoveDue(const internal::intake::DossierRecord& record, const common::v1::DueDate& due) {
  if (!record.dossier().has_accepted_at()) return std::nullopt;
  Decision<internal::intake::DossierRecord> decision(record);
  SetDue(*decision.record.mutable_dossier(), due);
  return decision;
}

}  // namespace

FollowUp Follow(const internal::intake::DossierRecord& record, const Event& event, const Context& context) {
  const auto unchanged = [](v1::Dossier&) {};
  switch (event.body_case()) {
    case Event::kRouteOpened:
      return Become(common::v1::DOSSIER_STATUS_ACCEPTED, common::v1::DOSSIER_STATUS_PROCESSING, record,
                    context, "RouteOpened", "",
                    [&](v1::Dossier& dossier) { dossier.set_holder(event.route_opened().holder()); });
    case Event::kHandOverAccepted:
      return MoveCustody(record, event.hand_over_accepted().receiver());
    case Event::kAgencySucceeded:
      if (!event.agency_succeeded().custody()) return std::nullopt;
      return MoveCustody(record, event.agency_succeeded().successor());
    case Event::kSupplementRequested:
      return Become(common::v1::DOSSIER_STATUS_PROCESSING, common::v1::DOSSIER_STATUS_SUPPLEMENT, record,
                    context, "SupplementRequested", event.supplement_requested().reason(), unchanged);
    case Event::kSupplementReceived:
      return Become(common::v1::DOSSIER_STATUS_SUPPLEMENT, common::v1::DOSSIER_STATUS_PROCESSING, record,
                    context, "SupplementReceived", event.supplement_received().note(), unchanged);
    case Event::kResultReady:
      return Become(common::v1::DOSSIER_STATUS_PROCESSING, common::v1::DOSSIER_STATUS_RESULT_READY, record,
                    context, "ResultReady", "",
                    [&](v1::Dossier& dossier) { *dossier.mutable_result_at() = event.at(); });
    case Event::kDueChanged:
      return MoveDue(record, event.due_changed().due());
    default:
      return std::nullopt;
  }
}

FollowUp FollowAll(const internal::intake::DossierRecord& record,
                   const google::protobuf::RepeatedPtrField<Event>& events, absl::Time not_before) {
  const v1::Dossier& before = record.dossier();
  Decision<internal::intake::DossierRecord> decision(record);
  v1::Dossier& dossier = *decision.record.mutable_dossier();
  const Event* made = nullptr;
  const char* action = nullptr;
  for (const Event& event : events) {
    if (event.has_due_changed()) {
      if (before.has_accepted_at()) SetDue(dossier, event.due_changed().due());
      continue;
    }
    if (!IsUnderWay(before.status()) || before.status() == common::v1::DOSSIER_STATUS_RESULT_READY) continue;
    const auto become = [&](DossierStatus status, const char* by) {
      dossier.set_status(status);
      made = &event;
      action = by;
    };
    if (event.has_route_opened()) {
      become(common::v1::DOSSIER_STATUS_PROCESSING, "RouteOpened");
      dossier.set_holder(event.route_opened().holder());
    } else if (event.has_hand_over_accepted()) {
      dossier.set_holder(event.hand_over_accepted().receiver());
    } else if (event.has_agency_succeeded()) {
      if (event.agency_succeeded().custody()) dossier.set_holder(event.agency_succeeded().successor());
    } else if (event.has_supplement_requested()) {
      become(common::v1::DOSSIER_STATUS_SUPPLEMENT, "SupplementRequested");
    } else if (event.has_supplement_received()) {
      become(common::v1::DOSSIER_STATUS_PROCESSING, "SupplementReceived");
    } else if (event.has_result_ready()) {
      become(common::v1::DOSSIER_STATUS_RESULT_READY, "ResultReady");
      *dossier.mutable_result_at() = event.at();
    }
  }
  if (made != nullptr && dossier.status() != before.status()) {
    const Context context(std::max(time::FromTimestamp(made->at()), not_before), made->actor());
    decision.history.push_back(LineOf(context, action, dossier, ""));
  } else if (dossier.SerializeAsString() == before.SerializeAsString()) {
    return std::nullopt;
  }
  return decision;
}

}  // namespace motcua::intake
