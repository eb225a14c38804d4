#include "services/routing/projections/intake_projection.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/service/reference_model.h"
#include "common/time/timestamp.h"
#include "services/routing/domain/route/opening.h"
#include "services/routing/domain/route/route_model.h"

namespace motcua::routing {

namespace {

// The consumer tries again after that.
constexpr absl::Duration kPatience = absl::Seconds(10);

bool Opens(const store::Session& session, const feed::v1::Event& event) {
  return CanOpen(event) && store::ShardOf(event.subject()) == session.keys().shard();
}

std::vector<std::string> KeysFor(const store::Session& session, feed::Events events) {
  std::vector<std::string> keys;
  for (const feed::v1::Event* const entry : events) {
    const feed::v1::Event& event = *entry;
    if (Opens(session, event)) keys.push_back(session.KeyOf<RouteModel>(event.subject()));
    service::AddReferenceKeys(session, event, keys);
  }
  return keys;
}

}  // namespace

async::Task<absl::Status> IntakeProjection::Apply(store::Session& session, feed::Events events,
                                                  absl::Time not_before) {
  absl::Status fetched = co_await session.FetchToChange(KeysFor(session, events), absl::Now() + kPatience);
  if (!fetched.ok()) co_return fetched;
  for (const feed::v1::Event* const entry : events) {
    const feed::v1::Event& event = *entry;
    absl::Status taken;
    if (service::IsOfReference(event)) taken = service::ApplyReferenceEvent(session, event);
    if (!taken.ok()) co_return taken;
    if (event.has_reference_applied()) {
      // Compiled now, so that no call waits for it after the commit.
      absl::StatusOr<service::CataloguePtr> compiled =
          co_await catalogues_.Of(session, absl::Now() + kPatience);
      if (!compiled.ok()) co_return compiled.status();
    }
    if (!Opens(session, event) || session.Find<RouteModel>(event.subject()) != nullptr) continue;
    const store::Context context(std::max(time::FromTimestamp(event.at()), not_before), common::v1::Actor(),
                                 event.traceparent());
    session.Apply<RouteModel>(event.subject(), OpenRoute(event, context));
  }
  co_return absl::OkStatus();
}

void IntakeProjection::Committed(const std::string& shard, feed::Events events) {
  catalogues_.Committed(shard, events);
  const bool reference = std::any_of(events.begin(), events.end(), [](const feed::v1::Event* event) {
    return event->has_reference_applied() || event->has_shard_passed();
  });
  if (reference && reference_changed_) reference_changed_();
}

async::Task<absl::Status> IntakeProjection::ApplySnapshot(store::Session& session, feed::Records records,
                                                          absl::Time not_before) {
  std::vector<std::string> keys;
  for (const feed::v1::SnapshotRecord* const record : records) {
    if (!record->heard().empty()) keys.push_back(session.KeyOf<RouteModel>(record->subject()));
  }
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + kPatience);
  if (!fetched.ok()) co_return fetched;
  for (const feed::v1::SnapshotRecord* const record : records) {
    if (record->heard().empty() || session.Find<RouteModel>(record->subject()) != nullptr) continue;
    for (const feed::v1::Event& event : record->events()) {
      if (!Opens(session, event)) continue;
      const store::Context context(std::max(session.store().clock().Now(), not_before), common::v1::Actor());
      session.Apply<RouteModel>(record->subject(), RestoreRoute(event, record->heard(), context));
    }
  }
  co_return co_await feed::Projection::ApplySnapshot(session, records, not_before);
}

}  // namespace motcua::routing
