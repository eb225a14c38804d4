// Feeds of routing and deadline-monitor, as far as intake's dossiers show them.
#pragma once

#include <vector>

#include "common/feed/projection.h"

namespace motcua::intake {

// See Follow (domain/progress.h). Emits nothing, so intake's own feed waits for no other. Stateless.
class ProgressProjection final : public feed::Projection {
 public:
  std::vector<feed::v1::Event::BodyCase> Wanted() const override {
    return {feed::v1::Event::kRouteOpened,        feed::v1::Event::kHandOverAccepted,
            feed::v1::Event::kAgencySucceeded,    feed::v1::Event::kSupplementRequested,
            feed::v1::Event::kSupplementReceived, feed::v1::Event::kResultReady,
            feed::v1::Event::kDueChanged};
  }
  async::Task<absl::Status> Apply(store::Session& session, feed::Events events,
                                  absl::Time not_before) override;
  // See FollowAll.
  async::Task<absl::Status> ApplySnapshot(store::Session& session, feed::Records records,
                                          absl::Time not_before) override;
};

}  // namespace motcua::intake
