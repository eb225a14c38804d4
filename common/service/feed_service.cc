#include "common/service/feed_service.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/rpc/server_stream.h"
#include "common/rpc/unary.h"
#include "common/status/errors.h"
#include "common/store/entry_check.h"
#include "common/telemetry/log.h"

namespace motcua::service {

namespace {

using async::Task;
using feed::v1::AcknowledgeRequest;
using feed::v1::AcknowledgeResponse;
using feed::v1::ListConsumersRequest;
using feed::v1::ListConsumersResponse;
using feed::v1::ListShardsRequest;
using feed::v1::ListShardsResponse;
using feed::v1::ReachRequest;
using feed::v1::ReachResponse;
using feed::v1::ReadRequest;
using feed::v1::ReadResponse;
using feed::v1::RemoveConsumerRequest;
using feed::v1::RemoveConsumerResponse;
using feed::v1::SnapshotRequest;
using feed::v1::SnapshotResponse;

// Told of one comparison.
constexpr int kMostViolations = 100;
// Whether a reader may read is found out within.
constexpr absl::Duration kPatience = absl::Seconds(5);

Task<absl::StatusOr<ListShardsResponse>> ListShardsOf(Backend& backend) {
  ListShardsResponse response;
  for (const std::string& shard : backend.publisher().shards()) response.add_shards(shard);
  co_return response;
}

Task<absl::StatusOr<AcknowledgeResponse>> AcknowledgeTo(Backend& backend, std::string caller,
                                                        AcknowledgeRequest request, absl::Time deadline) {
  if (!caller.empty() && request.consumer() != caller) {
    co_return errors::PermissionDenied("NOT_YOUR_CONSUMER", "consumer: must be the caller's own name");
  }
  absl::Status done = co_await backend.publisher().Acknowledge(std::move(request), deadline);
  if (!done.ok()) co_return done;
  co_return AcknowledgeResponse();
}

Task<absl::StatusOr<ListConsumersResponse>> ConsumersOf(Backend& backend, ListConsumersRequest request,
                                                        absl::Time deadline) {
  absl::StatusOr<ListConsumersResponse> response =
      co_await backend.publisher().ListConsumers(std::move(request), deadline);
  co_return response;
}

// Without it events may go that the consumer has not applied: the log keeps who did it.
Task<absl::StatusOr<RemoveConsumerResponse>> RemoveFrom(Backend& backend, std::shared_ptr<rpc::Call> call,
                                                        RemoveConsumerRequest request) {
  const std::string shard = request.shard();
  absl::StatusOr<RemoveConsumerResponse> response =
      co_await backend.publisher().RemoveConsumer(std::move(request), call->deadline());
  if (response.ok()) {
    telemetry::Log(telemetry::Level::kWarning, "a consumer was removed",
                   {{"by", call->principal().subject},
                    {"agency", call->principal().agency},
                    {"shard", shard},
                    {"consumer", response->removed().consumer()},
                    {"position", response->removed().position()},
                    {"lag", response->removed().lag()}});
  }
  co_return response;
}

Task<absl::StatusOr<ReachResponse>> ReachIn(Backend& backend, std::shared_ptr<rpc::Call> call,
                                            ReachRequest request) {
  absl::StatusOr<ReachResponse> response =
      co_await backend.publisher().Reach(std::move(request), call->deadline(), call->cancel());
  co_return response;
}

// Only services are durable consumers, each under its own name: what a durable consumer has not applied is
// not trimmed.
absl::Status MayConsume(const auth::Principal& principal, const std::string& consumer) {
  if (principal.is_service()) {
    if (consumer.empty() || consumer == principal.subject) return absl::OkStatus();
    return errors::PermissionDenied("NOT_YOUR_CONSUMER", "consumer: must be the caller's own name");
  }
  if (principal.is_anonymous()) return absl::OkStatus();  // let in by a policy table that names them: not ours
  if (!consumer.empty())
    return errors::PermissionDenied("NOT_YOUR_CONSUMER", "consumer: only services may be one");
  return absl::OkStatus();
}

// Officers read the feeds of their own jurisdiction.
absl::Status CheckJurisdiction(const auth::Principal& principal, const std::string& shard,
                               const Authority& authority) {
  if (principal.kind != auth::Kind::kOfficer || authority.Covers(principal.agency, shard))
    return absl::OkStatus();
  return errors::PermissionDenied("NOT_YOUR_JURISDICTION", "shard: must be one of the caller's jurisdiction");
}

// To services alone, which may read every shard.
Task<absl::Status> SnapshotFrom(Backend& backend, std::shared_ptr<rpc::Call> call, SnapshotRequest request,
                                rpc::StreamWriter<SnapshotResponse> writer) {
  absl::Status allowed = MayConsume(call->principal(), request.consumer());
  if (!allowed.ok()) co_return allowed;
  feed::Publisher::Sink sink = [writer = std::move(writer)](std::string step) mutable {
    return writer.WriteBytes(std::move(step));
  };
  co_return co_await backend.publisher().Snapshot(std::move(request), std::move(sink), call->cancel());
}

Task<absl::Status> ReadFrom(Backend& backend, std::shared_ptr<rpc::Call> call, ReadRequest request,
                            rpc::StreamWriter<ReadResponse> writer) {
  absl::Status allowed = MayConsume(call->principal(), request.consumer());
  if (!allowed.ok()) co_return allowed;
  const absl::Time patience = std::min(call->deadline(), absl::Now() + kPatience);
  allowed =
      co_await backend.catalogues().Allow(call->principal(), request.shard(), CheckJurisdiction, patience);
  if (!allowed.ok()) co_return allowed;
  feed::Publisher::Sink sink = [writer = std::move(writer)](std::string step) mutable {
    return writer.WriteBytes(std::move(step));
  };
  co_return co_await backend.publisher().Stream(std::move(request), std::move(sink), call->cancel());
}

Task<absl::StatusOr<admin::v1::CheckListsResponse>> CheckListsOf(Backend& backend, std::string shard,
                                                                 absl::Time deadline) {
  absl::StatusOr<store::EntryCheck> checked =
      co_await store::CheckEntries(backend.store(), std::move(shard), deadline);
  if (!checked.ok()) co_return checked.status();
  admin::v1::CheckListsResponse response;
  response.set_records(checked->records);
  response.set_entries(checked->entries);
  response.set_counters(checked->counters);
  response.set_leftovers(checked->leftovers);
  for (const std::string& violation : checked->violations) {
    if (response.violations_size() < kMostViolations) {
      response.add_violations(violation);
    } else {
      response.set_omitted(response.omitted() + 1);
    }
  }
  co_return response;
}

Task<absl::StatusOr<admin::v1::GetStatusResponse>> StatusOf(Backend& backend) {
  co_await backend.subscriptions().LookUp();
  co_return backend.Status();
}

}  // namespace

void AllowCommonMethods(auth::Policy& policy) {
  policy.Allow("motcua.feed.v1.FeedService/ListShards", {auth::kAuthenticated});
  policy.Allow("motcua.feed.v1.FeedService/Read", {auth::kService, "admin", "feed"});
  policy.Allow("motcua.feed.v1.FeedService/Snapshot", {auth::kService});
  policy.Allow("motcua.feed.v1.FeedService/Acknowledge", {auth::kService});
  policy.Allow("motcua.feed.v1.FeedService/Reach", {auth::kService});
  policy.Allow("motcua.feed.v1.FeedService/ListConsumers", {auth::kService, "admin"});
  policy.Allow("motcua.feed.v1.FeedService/RemoveConsumer", {"admin"});
  policy.Allow("motcua.admin.v1.AdminService/GetStatus", {auth::kService, "admin"});
  policy.Allow("motcua.admin.v1.AdminService/CheckLists", {"admin"});
  policy.Allow("motcua.admin.v1.AdminService/Advance", {"admin"});
}

void AddCommonServices(rpc::Host& host, Backend& backend) {
  using CallPtr = std::shared_ptr<rpc::Call>;
  host.Unary<ListShardsRequest, ListShardsResponse>(
      [&backend](CallPtr, const ListShardsRequest&) { return ListShardsOf(backend); });
  host.Stream<ReadRequest, ReadResponse>(
      [&backend](CallPtr call, const ReadRequest& read, rpc::StreamWriter<ReadResponse> writer) {
        return ReadFrom(backend, std::move(call), read, std::move(writer));
      });
  host.Stream<SnapshotRequest, SnapshotResponse>(
      [&backend](CallPtr call, const SnapshotRequest& request, rpc::StreamWriter<SnapshotResponse> writer) {
        return SnapshotFrom(backend, std::move(call), request, std::move(writer));
      });
  host.Unary<AcknowledgeRequest, AcknowledgeResponse>(
      [&backend](CallPtr call, const AcknowledgeRequest& request) {
        return AcknowledgeTo(backend, call->principal().subject, request, call->deadline());
      });
  host.Unary<ReachRequest, ReachResponse>([&backend](CallPtr call, const ReachRequest& request) {
    return ReachIn(backend, std::move(call), request);
  });
  host.Unary<ListConsumersRequest, ListConsumersResponse>(
      [&backend](CallPtr call, const ListConsumersRequest& request) {
        return ConsumersOf(backend, request, call->deadline());
      });
  host.Unary<RemoveConsumerRequest, RemoveConsumerResponse>(
      [&backend](CallPtr call, const RemoveConsumerRequest& request) {
        return RemoveFrom(backend, std::move(call), request);
      });
  host.Unary<admin::v1::GetStatusRequest, admin::v1::GetStatusResponse>(
      [&backend](CallPtr, const admin::v1::GetStatusRequest&) { return StatusOf(backend); });
  host.Unary<admin::v1::CheckListsRequest, admin::v1::CheckListsResponse>(
      [&backend](CallPtr call, const admin::v1::CheckListsRequest& request) {
        return CheckListsOf(backend, request.shard(), call->deadline());
      });
  host.Unary<admin::v1::AdvanceRequest, admin::v1::AdvanceResponse>(
      [&backend](CallPtr call, const admin::v1::AdvanceRequest& request) {
        return backend.Advance(request, call->deadline());
      });
}

}  // namespace motcua::service
