#include "services/intake/projections/progress_projection.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/domain/dossier/dossier_model.h"
#include "services/intake/domain/dossier/progress.h"

namespace motcua::intake {
namespace {

bool Concerns(const feed::v1::Event& event) {
  switch (event.body_case()) {
    case feed::v1::Event::kRouteOpened:
    case feed::v1::Event::kHandOverAccepted:
    case feed::v1::Event::kAgencySucceeded:
    case feed::v1::Event::kSupplementRequested:
    case feed::v1::Event::kSupplementReceived:
    case feed::v1::Event::kResultReady:
    case feed::v1::Event::kDueChanged:
      return true;
    default:
      return false;
  }
}

}  // namespace

async::Task<absl::Status> ProgressProjection::Apply(store::Session& session, feed::Events events,
                                                    absl::Time not_before) {
  std::vector<std::string> keys;
  for (const feed::v1::Event* const entry : events) {
    const feed::v1::Event& event = *entry;
    if (Concerns(event)) keys.push_back(session.KeyOf<DossierModel>(event.subject()));
  }
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + absl::Seconds(10));
  if (!fetched.ok()) co_return fetched;
  for (const feed::v1::Event* const entry : events) {
    const feed::v1::Event& event = *entry;
    if (!Concerns(event)) continue;
    const internal::intake::DossierRecord* record = session.Find<DossierModel>(event.subject());
    if (record == nullptr) continue;  // other services know of dossiers by intake alone: this one is nobody's
    const store::Context context(std::max(time::FromTimestamp(event.at()), not_before), event.actor(),
                                 event.traceparent());
    std::optional<store::Decision<internal::intake::DossierRecord>> decision =
        Follow(*record, event, context);
    if (decision.has_value()) session.Apply<DossierModel>(event.subject(), *std::move(decision));
  }
  co_return absl::OkStatus();
}

async::Task<absl::Status> ProgressProjection::ApplySnapshot(store::Session& session, feed::Records records,
                                                            absl::Time not_before) {
  std::vector<std::string> keys;
  for (const feed::v1::SnapshotRecord* const record : records)
    keys.push_back(session.KeyOf<DossierModel>(record->subject()));
  absl::Status fetched = co_await session.FetchToChange(std::move(keys), absl::Now() + absl::Seconds(10));
  if (!fetched.ok()) co_return fetched;
  for (const feed::v1::SnapshotRecord* const record : records) {
    const internal::intake::DossierRecord* dossier = session.Find<DossierModel>(record->subject());
    if (dossier == nullptr) continue;
    std::optional<store::Decision<internal::intake::DossierRecord>> decision =
        FollowAll(*dossier, record->events(), not_before);
    if (decision.has_value()) session.Apply<DossierModel>(record->subject(), *std::move(decision));
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::intake
