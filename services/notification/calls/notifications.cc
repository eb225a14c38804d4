#include "services/notification/calls/notifications.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/service/caller.h"
#include "common/status/errors.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/inbox/inbox.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {
namespace {

using async::Task;

// Time for one look at the store, for streams that have no deadline of their own.
constexpr absl::Duration kPatience = absl::Seconds(10);

absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const service::Authority& authority) {
  if (principal.is_service() || authority.Covers(principal.agency, shard)) return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_JURISDICTION",
                                  "the caller's agency belongs to another jurisdiction");
}

}  // namespace

Task<absl::Status> Notifications::AllowIn(std::shared_ptr<rpc::Call> call, std::string shard) {
  const absl::Time deadline = std::min(call->deadline(), absl::Now() + kPatience);
  co_return co_await catalogues_.Allow(call->principal(), std::move(shard), CheckJurisdiction, deadline);
}

Task<absl::Status> Notifications::AllowReader(std::shared_ptr<rpc::Call> call, std::string shard,
                                              std::string recipient) {
  absl::Status jurisdiction = co_await AllowIn(call, shard);
  if (!jurisdiction.ok()) co_return jurisdiction;
  if (call->principal().is_service() || call->principal().HasRole("admin")) co_return absl::OkStatus();
  const common::v1::Actor actor = service::CallerOf(*call).actor;
  if (IsRecipient(actor, recipient)) co_return absl::OkStatus();
  const absl::Time deadline = std::min(call->deadline(), absl::Now() + kPatience);
  absl::StatusOr<service::CataloguePtr> catalogue = co_await catalogues_.Get(std::move(shard), deadline);
  if (!catalogue.ok() && !absl::IsNotFound(catalogue.status())) co_return catalogue.status();
  if (catalogue.ok() && ActsFor(actor, recipient, store_.clock().Now(), **catalogue))
    co_return absl::OkStatus();
  co_return errors::PermissionDenied("NOT_YOUR_AGENCY", "the inbox belongs to another officer or agency");
}

Task<absl::StatusOr<v1::ListMessagesResponse>> Notifications::ListMessages(
    std::shared_ptr<rpc::Call> call, const v1::ListMessagesRequest& request) {
  absl::Status allowed = co_await AllowReader(call, request.shard(), request.recipient());
  if (!allowed.ok()) co_return allowed;
  co_return co_await reader_.List(request, call->deadline());
}

Task<absl::StatusOr<v1::ListDossierMessagesResponse>> Notifications::ListDossierMessages(
    std::shared_ptr<rpc::Call> call, const v1::ListDossierMessagesRequest& request) {
  absl::Status allowed = co_await AllowIn(call, store::ShardOf(request.dossier()));
  if (!allowed.ok()) co_return allowed;
  co_return co_await reader_.ListDossier(request.dossier(), call->deadline());
}

Task<absl::StatusOr<v1::MarkReadResponse>> Notifications::MarkRead(std::shared_ptr<rpc::Call> call,
                                                                   const v1::MarkReadRequest& request) {
  absl::Status allowed = co_await AllowIn(call, request.shard());
  if (!allowed.ok()) co_return allowed;
  const std::optional<MessageId> id = MessageId::Parse(request.message());
  // Of a shard that the jurisdiction has: an inbox is made of all.
  if (id.has_value()) allowed = co_await AllowIn(call, id->shard);
  if (!id.has_value() || !allowed.ok()) {
    errors::Violations violations;
    violations.Add("message", "FIELD_MALFORMED", "must be the id of a message of the jurisdiction");
    co_return violations.ToStatus();
  }
  absl::StatusOr<service::CataloguePtr> catalogue = co_await catalogues_.Get(id->shard, call->deadline());
  if (errors::Reason(catalogue.status()) == "UNKNOWN_SHARD") {
    co_return errors::NotFound("MESSAGE_NOT_FOUND", "no such message, or it left the full inbox");
  }
  if (!catalogue.ok()) co_return catalogue.status();
  absl::StatusOr<std::string> dossier = co_await reader_.Locate(*id, call->deadline());
  if (!dossier.ok()) co_return dossier.status();
  store::Decide<DossierModel> decide = [id = *id, &current = **catalogue](
                                           const internal::notification::DossierRecord* record,
                                           const store::Context& context) {
    return DecideMarkRead(record, id, context, current);
  };
  store::Answer<DossierModel, v1::MarkReadResponse> answer = [](const internal::notification::DossierRecord&,
                                                                v1::MarkReadResponse&) {};
  // A message that left its inbox is kept nowhere: a repeated request finds its answer by itself alone.
  std::string kept_with = dossier->empty() ? "-" : *std::move(dossier);
  co_return co_await store::Mutate<DossierModel, v1::MarkReadRequest, v1::MarkReadResponse>(
      store_, service::CallerOf(*call), request, id->shard, std::move(kept_with), std::move(decide),
      std::move(answer), store::Keep::kByRequest);
}

Task<absl::StatusOr<v1::SetPreferencesResponse>> Notifications::SetPreferences(
    std::shared_ptr<rpc::Call> call, const v1::SetPreferencesRequest& request) {
  absl::Status allowed = co_await AllowIn(call, request.shard());
  if (!allowed.ok()) co_return allowed;
  // For all of the jurisdiction: see Preferred.
  absl::StatusOr<service::CataloguePtr> catalogue =
      co_await catalogues_.Get(request.shard(), call->deadline());
  if (!catalogue.ok() && !absl::IsNotFound(catalogue.status())) co_return catalogue.status();
  std::string shard = catalogue.ok() ? (*catalogue)->id() : request.shard();
  const bool admin = call->principal().HasRole("admin");
  store::Decide<PreferencesModel> decide = [&request, admin](const internal::notification::Preferences*,
                                                             const store::Context& context) {
    return DecideSetPreferences(request, admin, context);
  };
  store::Answer<PreferencesModel, v1::SetPreferencesResponse> answer =
      [](const internal::notification::Preferences&, v1::SetPreferencesResponse&) {};
  co_return co_await store::Mutate<PreferencesModel, v1::SetPreferencesRequest, v1::SetPreferencesResponse>(
      store_, service::CallerOf(*call), request, std::move(shard), request.recipient(), std::move(decide),
      std::move(answer));
}

Task<absl::StatusOr<v1::GetStatisticsResponse>> Notifications::GetStatistics(
    std::shared_ptr<rpc::Call> call, const v1::GetStatisticsRequest& request) {
  absl::Status allowed = co_await AllowIn(call, request.shard());
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(request.shard(), call->deadline());
  if (!counters.ok()) co_return counters.status();
  v1::GetStatisticsResponse statistics;
  for (const auto& [name, value] : *counters) {
    const auto figure = static_cast<uint64_t>(std::max<int64_t>(value, 0));
    if (name.rfind(kTopicCounterPrefix, 0) == 0) {
      (*statistics.mutable_by_event())[name.substr(std::char_traits<char>::length(kTopicCounterPrefix))] =
          figure;
    } else if (name == kMessagesCounter) {
      statistics.set_messages(figure);
    } else if (name == kPendingCounter) {
      statistics.set_deliveries_pending(figure);
    } else if (name == kDeliveredCounter) {
      statistics.set_deliveries_done(figure);
    } else if (name == kFailedCounter) {
      statistics.set_deliveries_failed(figure);
    }
  }
  co_return statistics;
}

Task<absl::Status> Notifications::Subscribe(std::shared_ptr<rpc::Call> call, v1::SubscribeRequest request,
                                            Sink sink) {
  absl::Status allowed = co_await AllowReader(call, request.shard(), request.recipient());
  if (!allowed.ok()) co_return allowed;
  InboxWatch::Watcher watcher(watch_);
  std::vector<FollowedInbox> followed;
  bool begun = false;
  while (!call->cancel().cancelled()) {
    // On the day when the jurisdiction, or the agency, takes over others' work, their inboxes join.
    absl::Status looked = co_await reader_.FollowAll(request, &followed, absl::Now() + kPatience);
    if (!looked.ok()) co_return looked;
    for (FollowedInbox& inbox : followed) {
      if (!std::exchange(inbox.watched, true)) watcher.Follow(inbox.name.shard, inbox.name.recipient);
    }
    if (!std::exchange(begun, true)) {
      v1::SubscribeResponse start;
      start.set_resume(ResumeAt(request, followed));
      absl::Status written = co_await sink(std::move(start));
      if (!written.ok()) co_return written;
    }
    bool any = false;
    for (FollowedInbox& inbox : followed) {
      absl::StatusOr<std::vector<NumberedMessage>> messages = co_await reader_.Next(
          inbox.name.shard, inbox.name.recipient, &inbox.cursor, absl::Now() + kPatience);
      if (!messages.ok()) co_return messages.status();
      for (size_t i = 0; i < messages->size(); ++i) {
        NumberedMessage& next = (*messages)[i];
        v1::SubscribeResponse step;
        step.set_resume(ResumeAfter(request, followed, inbox, next));
        *step.mutable_message() = std::move(next.second);
        absl::Status written = co_await sink(std::move(step));
        if (!written.ok()) co_return written;
        any = true;
      }
    }
    if (any) continue;
    absl::Status waited = co_await watcher.Wait(absl::Now() + kPollInterval, call->cancel());
    if (!waited.ok()) break;
  }
  co_return errors::Cancelled("CANCELLED", "the caller has gone");
}

}  // namespace motcua::notification
