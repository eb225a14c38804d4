#include "services/notification/notifications.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/service/caller.h"
#include "common/status/errors.h"
#include "services/notification/domain/inbox.h"
#include "services/notification/domain/records.h"

namespace motcua::notification {
namespace {

using async::Task;

// Time for one look at the store, for streams that have no deadline of their own.
constexpr absl::Duration kPatience = absl::Seconds(10);

absl::Status CheckJurisdiction(const rpc::Call& call, std::string_view shard) {
  if (call.principal().is_service() || store::ShardOf(call.principal().agency) == shard) return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_JURISDICTION", "the caller's agency belongs to another jurisdiction");
}

// Services, administrators and the recipient.
absl::Status CheckReader(const rpc::Call& call, std::string_view shard, std::string_view recipient) {
  absl::Status jurisdiction = CheckJurisdiction(call, shard);
  if (!jurisdiction.ok()) return jurisdiction;
  if (call.principal().is_service() || call.principal().HasRole("admin")) return absl::OkStatus();
  if (IsRecipient(service::CallerOf(call).actor, recipient)) return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_AGENCY", "the inbox belongs to another officer or agency");
}

}  // namespace

Task<absl::StatusOr<v1::ListMessagesResponse>> Notifications::ListMessages(
    std::shared_ptr<rpc::Call> call, const v1::ListMessagesRequest& request) {
  absl::Status allowed = CheckReader(*call, request.shard(), request.recipient());
  if (!allowed.ok()) co_return allowed;
  co_return co_await reader_.List(request, call->deadline());
}

Task<absl::StatusOr<v1::ListMessagesResponse>> Notifications::ListDossierMessages(
    std::shared_ptr<rpc::Call> call, const v1::ListDossierMessagesRequest& request) {
  absl::Status allowed = CheckJurisdiction(*call, store::ShardOf(request.dossier()));
  if (!allowed.ok()) co_return allowed;
  co_return co_await reader_.ListDossier(request.dossier(), call->deadline());
}

Task<absl::StatusOr<v1::MarkReadResponse>> Notifications::MarkRead(std::shared_ptr<rpc::Call> call,
                                                                   const v1::MarkReadRequest& request) {
  absl::Status allowed = CheckJurisdiction(*call, request.shard());
  if (!allowed.ok()) co_return allowed;
  const std::optional<MessageId> id = MessageId::Parse(request.message());
  if (!id.has_value() || id->shard != request.shard()) {
    errors::Violations violations;
    violations.Add("message", "must be the id of a message of the jurisdiction");
    co_return violations.ToStatus();
  }
  absl::StatusOr<std::string> dossier = co_await reader_.Locate(*id, call->deadline());
  if (!dossier.ok()) co_return dossier.status();
  store::Decide<DossierModel> decide = [id = *id](const v1::DossierRecord* record, const store::Context& context) {
    return DecideMarkRead(record, id, context);
  };
  store::Answer<DossierModel, v1::MarkReadResponse> answer = [](const v1::DossierRecord&, v1::MarkReadResponse&) {};
  // A message that left its inbox is kept nowhere: a repeated request finds its answer by itself alone.
  std::string kept_with = dossier->empty() ? "-" : *std::move(dossier);
  co_return co_await store::Mutate<DossierModel, v1::MarkReadRequest, v1::MarkReadResponse>(
      store_, service::CallerOf(*call), request, request.shard(), std::move(kept_with), std::move(decide),
      std::move(answer), store::Keep::kByRequest);
}

Task<absl::StatusOr<v1::SetPreferencesResponse>> Notifications::SetPreferences(
    std::shared_ptr<rpc::Call> call, const v1::SetPreferencesRequest& request) {
  absl::Status allowed = CheckJurisdiction(*call, request.shard());
  if (!allowed.ok()) co_return allowed;
  const bool admin = call->principal().HasRole("admin");
  store::Decide<PreferencesModel> decide = [&request, admin](const v1::Preferences*,
                                                             const store::Context& context) {
    return DecideSetPreferences(request, admin, context);
  };
  store::Answer<PreferencesModel, v1::SetPreferencesResponse> answer = [](const v1::Preferences&,
                                                                          v1::SetPreferencesResponse&) {};
  co_return co_await store::Mutate<PreferencesModel, v1::SetPreferencesRequest, v1::SetPreferencesResponse>(
      store_, service::CallerOf(*call), request, request.shard(), request.recipient(), std::move(decide),
      std::move(answer));
}

Task<absl::StatusOr<v1::Statistics>> Notifications::GetStatistics(std::shared_ptr<rpc::Call> call,
                                                                  const v1::GetStatisticsRequest& request) {
  absl::Status allowed = CheckJurisdiction(*call, request.shard());
  if (!allowed.ok()) co_return allowed;
  absl::StatusOr<store::Counters> counters = co_await store_.ReadCounters(request.shard(), call->deadline());
  if (!counters.ok()) co_return counters.status();
  v1::Statistics statistics;
  for (const auto& [name, value] : *counters) {
    const auto figure = static_cast<uint64_t>(std::max<int64_t>(value, 0));
    if (name.rfind(kTopicCounterPrefix, 0) == 0) {
      (*statistics.mutable_by_event())[name.substr(std::char_traits<char>::length(kTopicCounterPrefix))] = figure;
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

Task<absl::Status> Notifications::Subscribe(std::shared_ptr<rpc::Call> call, v1::SubscribeRequest request, Sink sink) {
  absl::Status allowed = CheckReader(*call, request.shard(), request.recipient());
  if (!allowed.ok()) co_return allowed;
  InboxWatch::Watcher watcher(watch_, request.shard(), request.recipient());
  absl::StatusOr<InboxCursor> cursor = InboxCursor();
  if (request.after().empty()) {
    cursor = co_await reader_.AtEnd(request.shard(), request.recipient(), absl::Now() + kPatience);
  } else {
    std::optional<MessageId> id = MessageId::Parse(request.after());
    if (!id.has_value() || id->shard != request.shard() || id->recipient != request.recipient()) {
      errors::Violations violations;
      violations.Add("after", "must be the id of a message of this inbox");
      co_return violations.ToStatus();
    }
    cursor = co_await reader_.After(*std::move(id), absl::Now() + kPatience);
  }
  if (!cursor.ok()) co_return cursor.status();
  InboxCursor reached = *cursor;
  while (!call->cancel().cancelled()) {
    absl::StatusOr<std::vector<v1::Message>> messages =
        co_await reader_.Next(request.shard(), request.recipient(), &reached, absl::Now() + kPatience);
    if (!messages.ok()) co_return messages.status();
    for (v1::Message& message : *messages) {
      absl::Status written = co_await sink(std::move(message));
      if (!written.ok()) co_return written;
    }
    if (!messages->empty()) continue;
    absl::Status waited = co_await watcher.Wait(absl::Now() + kPollInterval, call->cancel());
    if (!waited.ok()) break;
  }
  co_return errors::Cancelled("CANCELLED", "the caller has gone");
}

}  // namespace motcua::notification
