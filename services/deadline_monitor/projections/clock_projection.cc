#include "services/deadline_monitor/projections/clock_projection.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/service/reference_model.h"
#include "common/status/errors.h"
#include "common/store/keys.h"
#include "common/telemetry/trace.h"
#include "motcua/internal/deadline/records.pb.h"
#include "services/deadline_monitor/domain/clock/clock_model.h"
#include "services/deadline_monitor/domain/clock/follow.h"

namespace motcua::deadline {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

}  // namespace

async::Task<absl::Status> ClockProjection::Apply(store::Session& session, feed::Events events,
                                                 absl::Time not_before) {
  const std::string shard = session.keys().shard();
  CataloguePtr catalogue;
  std::vector<std::string> keys;
  for (const feed::v1::Event* const entry : events) {
    const feed::v1::Event& event = *entry;
    service::AddReferenceKeys(session, event, keys);
    if (ConcernsClocks(event)) keys.push_back(session.KeyOf<ClockModel>(event.subject()));
  }
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + kPatience);
  if (!fetched.ok()) co_return fetched;

  for (const feed::v1::Event* const entry : events) {
    const feed::v1::Event& event = *entry;
    if (service::IsOfReference(event)) {
      absl::Status taken = service::ApplyReferenceEvent(session, event);
      if (!taken.ok()) co_return taken;
      if (event.has_shard_passed()) catalogue = nullptr;
      if (!event.has_reference_applied()) continue;
    }
    const bool concerns = ConcernsClocks(event) && store::ShardOf(event.subject()) == shard;
    if (!concerns && !event.has_reference_applied()) continue;
    if (catalogue == nullptr || event.has_reference_applied()) {
      absl::StatusOr<CataloguePtr> current = co_await catalogues_.Of(session, absl::Now() + kPatience);
      if (absl::IsNotFound(current.status())) {
        co_return errors::Unavailable("WAITING_FOR_INTAKE", "the reference data have not been read yet");
      }
      if (!current.ok()) co_return current.status();
      catalogue = *std::move(current);
    }
    if (!concerns) continue;
    if (event.has_dossier_accepted() && !event.dossier_accepted().reference_jurisdiction().empty()) {
      absl::StatusOr<CataloguePtr> current = co_await OfAcceptance(event);
      if (!current.ok()) co_return current.status();
      catalogue = *std::move(current);
    }
    const internal::deadline::ClockRecord* record = session.Find<ClockModel>(event.subject());
    absl::StatusOr<std::optional<store::Decision<internal::deadline::ClockRecord>>> decision =
        DecideEvent(record, event, not_before, *catalogue);
    if (!decision.ok()) co_return decision.status();
    if (!decision->has_value()) continue;
    (*decision)->record.set_trace(telemetry::PackTrace(event.traceparent()));
    session.Apply<ClockModel>(event.subject(), **std::move(decision));
  }
  co_return absl::OkStatus();
}

async::Task<absl::StatusOr<CataloguePtr>> ClockProjection::OfAcceptance(const feed::v1::Event& event) {
  const feed::v1::DossierAccepted& accepted = event.dossier_accepted();
  co_return co_await catalogues_.GetAtLeast(accepted.reference_jurisdiction(), accepted.reference_version(),
                                            absl::Now() + kPatience);
}

bool ClockProjection::IsRepeatable(const feed::v1::Event& event) const {
  return service::IsOfReference(event);
}

async::Task<absl::Status> ClockProjection::ApplySnapshot(store::Session& session, feed::Records records,
                                                         absl::Time not_before) {
  std::vector<const feed::v1::Event*> of_reference;
  std::vector<std::string> keys;
  for (const feed::v1::SnapshotRecord* const record : records) {
    for (const feed::v1::Event& event : record->events()) {
      if (service::IsOfReference(event)) of_reference.push_back(&event);
    }
    keys.push_back(session.KeyOf<ClockModel>(record->subject()));
  }
  if (!of_reference.empty()) {
    const feed::Events events(of_reference);
    co_return co_await Apply(session, events, not_before);
  }
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + kPatience);
  if (!fetched.ok()) co_return fetched;
  absl::StatusOr<CataloguePtr> catalogue = co_await catalogues_.Of(session, absl::Now() + kPatience);
  if (absl::IsNotFound(catalogue.status())) {
    co_return errors::Unavailable("WAITING_FOR_INTAKE", "the reference data have not been read yet");
  }
  if (!catalogue.ok()) co_return catalogue.status();
  const absl::Time as_of = session.store().clock().Now();
  for (const feed::v1::SnapshotRecord* const record : records) {
    if (store::ShardOf(record->subject()) != session.keys().shard()) continue;
    for (const feed::v1::Event& event : record->events()) {
      if (!event.has_dossier_accepted() || event.dossier_accepted().reference_jurisdiction().empty())
        continue;
      catalogue = co_await OfAcceptance(event);
      if (!catalogue.ok()) co_return catalogue.status();
    }
    absl::StatusOr<std::optional<store::Decision<internal::deadline::ClockRecord>>> decision = DecideSnapshot(
        session.Find<ClockModel>(record->subject()), record->events(), as_of, not_before, **catalogue);
    if (!decision.ok()) co_return decision.status();
    if (decision->has_value()) session.Apply<ClockModel>(record->subject(), **std::move(decision));
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::deadline
