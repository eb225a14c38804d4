#include "services/routing/domain/work/work.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

namespace {

std::string NoteOf(const v1::CompleteWorkRequest& request) {
  return request.note().empty() ? request.activity() : absl::StrCat(request.activity(), ": ", request.note());
}

RouteDecision RefuseWork(const internal::routing::RouteRecord& record, const v1::CompleteWorkRequest& request,
                         const store::Context& context) {
  RouteChange change(record, context);
  change.route().set_work_refused(change.route().work_refused() + 1);
  // Nobody can finish an ended dossier once more: past the bound the attempt is only counted.
  if (record.history_length() < kMaxHistoryLines) change.Log("WorkRefused", NoteOf(request));
  RouteDecision decision = std::move(change).Take();
  decision.refusal = CheckOpen(&record);
  return decision;
}

}  // namespace

absl::StatusOr<RouteDecision> DecideAssign(const internal::routing::RouteRecord* record,
                                           const v1::AssignRequest& request, const store::Context& context,
                                           const reference::Catalogue& catalogue) {
  if (absl::Status open = CheckCanGoOn(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (absl::Status holder = CheckHolder(route, context.actor); !holder.ok()) return holder;
  const reference::v1::Officer* officer = catalogue.FindOfficer(request.officer());
  if (officer == nullptr || officer->agency() != route.holder()) {
    errors::Violations violations;
    violations.Add("officer", "UNKNOWN_OFFICER", "must be an officer of the agency that holds the dossier");
    return violations.ToStatus("UNKNOWN_OFFICER");
  }
  if (route.officer() == request.officer()) {
    return errors::FailedPrecondition("ALREADY_ASSIGNED", "the dossier is assigned to this officer");
  }
  RouteChange change(*record, context);
  change.route().set_officer(request.officer());
  feed::v1::OfficerAssigned& assigned = *change.Emit().mutable_officer_assigned();
  assigned.set_agency(route.holder());
  assigned.set_officer(request.officer());
  change.Log("OfficerAssigned", request.officer());
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideCompleteWork(const internal::routing::RouteRecord* record,
                                                 const v1::CompleteWorkRequest& request,
                                                 const store::Context& context) {
  if (record != nullptr && record->route().has_ended_at()) return RefuseWork(*record, request, context);
  if (absl::Status open = CheckCanGoOn(record); !open.ok()) return open;
  if (absl::Status holder = CheckHolder(record->route(), context.actor); !holder.ok()) return holder;
  RouteChange change(*record, context);
  change.route().set_work_done(change.route().work_done() + 1);
  feed::v1::WorkCompleted& completed = *change.Emit().mutable_work_completed();
  completed.set_agency(record->route().holder());
  completed.set_activity(request.activity());
  change.Log("WorkCompleted", NoteOf(request));
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideFinish(const internal::routing::RouteRecord* record,
                                           const v1::FinishRequest& request, const store::Context& context) {
  if (absl::Status open = CheckOpen(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (absl::Status holder = CheckHolder(route, context.actor); !holder.ok()) return holder;
  if (absl::Status free = CheckNotOffered(route); !free.ok()) return free;
  if (absl::Status ready = CheckNotWaiting(route); !ready.ok()) return ready;
  if (absl::Status answered = CheckNotConsulting(route); !answered.ok()) return answered;
  RouteChange change(*record, context);
  change.CloseLeg();
  change.route().set_status(common::v1::DOSSIER_STATUS_RESULT_READY);
  change.route().set_outcome(request.outcome());
  *change.route().mutable_ended_at() = change.at();
  feed::v1::ResultReady& ready = *change.Emit().mutable_result_ready();
  ready.set_agency(route.holder());
  ready.set_outcome(request.outcome());
  change.Log("ResultReady", request.note());
  return std::move(change).Take();
}

}  // namespace motcua::routing
