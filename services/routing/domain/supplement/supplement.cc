#include "services/routing/domain/supplement/supplement.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::routing {

absl::StatusOr<RouteDecision> DecideRequestSupplement(const internal::routing::RouteRecord* record,
                                                      const v1::RequestSupplementRequest& request,
                                                      const store::Context& context) {
  if (absl::Status open = CheckCanGoOn(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  if (absl::Status holder = CheckHolder(route, context.actor); !holder.ok()) return holder;
  if (absl::Status ready = CheckNotWaiting(route); !ready.ok()) return ready;
  if (absl::Status free = CheckNotOffered(route); !free.ok()) return free;
  if (route.supplements() >= route.max_supplements()) {
    return errors::FailedPrecondition("TOO_MANY_SUPPLEMENTS", "the procedure allows no further supplement",
                                      {{"most", absl::StrCat(route.max_supplements())}});
  }
  RouteChange change(*record, context);
  change.route().set_status(common::v1::DOSSIER_STATUS_SUPPLEMENT);
  change.route().set_supplements(route.supplements() + 1);
  *change.route().mutable_supplement_requested_at() = change.at();
  feed::v1::SupplementRequested& requested = *change.Emit().mutable_supplement_requested();
  requested.set_agency(route.holder());
  requested.set_reason(request.reason());
  *requested.mutable_components() = request.components();
  change.Log("SupplementRequested", request.reason());
  return std::move(change).Take();
}

absl::StatusOr<RouteDecision> DecideReceiveSupplement(const internal::routing::RouteRecord* record,
                                                      const v1::ReceiveSupplementRequest& request,
                                                      const store::Context& context, bool at_desk,
                                                      const reference::Catalogue& catalogue) {
  if (absl::Status open = CheckOpen(record); !open.ok()) return open;
  const v1::Route& route = record->route();
  const std::string& agency = context.actor.agency();
  const bool receives =
      at_desk && !agency.empty() && agency == catalogue.InChargeAt(route.receiving_agency(), context.now);
  if (absl::Status holder = CheckHolder(route, context.actor); !holder.ok() && !receives) return holder;
  if (route.status() != common::v1::DOSSIER_STATUS_SUPPLEMENT) {
    return errors::FailedPrecondition("NO_SUPPLEMENT_REQUESTED", "no supplement is awaited");
  }
  RouteChange change(*record, context);
  change.route().set_status(common::v1::DOSSIER_STATUS_PROCESSING);
  v1::SupplementPause& pause = *change.route().add_pauses();
  *pause.mutable_requested_at() = route.supplement_requested_at();
  *pause.mutable_received_at() = change.at();
  change.route().clear_supplement_requested_at();
  feed::v1::SupplementReceived& received = *change.Emit().mutable_supplement_received();
  received.set_agency(agency);
  received.set_note(request.note());
  change.Log("SupplementReceived", request.note());
  return std::move(change).Take();
}

}  // namespace motcua::routing
