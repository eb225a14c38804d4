// Clocks and the own copy of the reference data follow the feeds of intake and routing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/feed/projection.h"
#include "common/reference/catalogue.h"
#include "common/service/catalogues.h"

namespace motcua::deadline {

// Confined to the loop. One serves both feeds. See domain/follow.h for what the events do.
class ClockProjection final : public feed::Projection {
 public:
  // `catalogues` outlive the projection.
  explicit ClockProjection(service::Catalogues& catalogues) : catalogues_(catalogues) {}

  std::vector<feed::v1::Event::BodyCase> Wanted() const override {
    return {feed::v1::Event::kReferencePiece,        feed::v1::Event::kReferenceApplied,
            feed::v1::Event::kShardPassed,           feed::v1::Event::kDossierAccepted,
            feed::v1::Event::kHandOverOffered,       feed::v1::Event::kHandOverAccepted,
            feed::v1::Event::kHandOverRefused,       feed::v1::Event::kHandOverRecalled,
            feed::v1::Event::kConsultationRequested, feed::v1::Event::kConsultationAnswered,
            feed::v1::Event::kSupplementRequested,   feed::v1::Event::kSupplementReceived,
            feed::v1::Event::kResultReady,           feed::v1::Event::kAgencySucceeded};
  }
  // A route that nothing has happened to tells that, too: an offer may have been recalled.
  std::vector<feed::v1::Event::BodyCase> WantedOfSnapshot() const override {
    std::vector<feed::v1::Event::BodyCase> wanted = Wanted();
    wanted.push_back(feed::v1::Event::kRouteOpened);
    return wanted;
  }
  async::Task<absl::Status> Apply(store::Session& session, feed::Events events,
                                  absl::Time not_before) override;
  // See DecideSnapshot.
  async::Task<absl::Status> ApplySnapshot(store::Session& session, feed::Records records,
                                          absl::Time not_before) override;
  bool IsRepeatable(const feed::v1::Event& event) const override;
  void Committed(const std::string& shard, feed::Events events) override {
    catalogues_.Committed(shard, events);
  }

 private:
  // What the acceptance was made by, where that is another jurisdiction's: nothing orders the feeds of two
  // shards, and it may have come before those reference data. `event` outlives the task.
  async::Task<absl::StatusOr<service::CataloguePtr>> OfAcceptance(const feed::v1::Event& event);

  service::Catalogues& catalogues_;
};

}  // namespace motcua::deadline
