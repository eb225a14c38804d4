// What intake, routing and deadline-monitor tell becomes messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/feed/projection.h"
#include "common/service/catalogues.h"
#include "motcua/internal/notification/records.pb.h"
#include "services/notification/domain/delivery/delivery.h"
#include "services/notification/domain/inbox/records.h"

namespace motcua::notification {

class ProjectionOptions {
 public:
  ProjectionOptions() {}

  Channels channels;
  uint64_t inbox_bound = kInboxBound;
};

// What a batch of events will have done once it is committed.
class Announcement {
 public:
  Announcement() {}

  internal::notification::Source source = internal::notification::SOURCE_UNSPECIFIED;
  std::string shard;
  // Position of the source's feed from which on it is.
  uint64_t position = 0;
  // Inboxes that it adds to.
  std::vector<std::string> recipients;
  // Something is to be delivered.
  bool deliveries = false;
};

// Confined to the loop.
class NotificationProjection : public feed::Projection {
 public:
  // `announce` is called for every batch that makes messages, before it is committed. References outlive the
  // projection.
  NotificationProjection(internal::notification::Source source, service::Catalogues& catalogues,
                         ProjectionOptions options, std::function<void(Announcement)> announce);

  std::vector<feed::v1::Event::BodyCase> Wanted() const override {
    return {feed::v1::Event::kReferencePiece,
            feed::v1::Event::kReferenceApplied,
            feed::v1::Event::kShardPassed,
            feed::v1::Event::kDossierAccepted,
            feed::v1::Event::kDossierRefused,
            feed::v1::Event::kResultReturned,
            feed::v1::Event::kRouteOpened,
            feed::v1::Event::kHandOverAccepted,
            feed::v1::Event::kAgencySucceeded,
            feed::v1::Event::kHandOverOffered,
            feed::v1::Event::kConsultationRequested,
            feed::v1::Event::kConsultationAnswered,
            feed::v1::Event::kSupplementRequested,
            feed::v1::Event::kSupplementReceived,
            feed::v1::Event::kResultReady,
            feed::v1::Event::kAlertRaised,
            feed::v1::Event::kApologyDue,
            feed::v1::Event::kDueChanged};
  }
  async::Task<absl::Status> Apply(store::Session& session, feed::Events events,
                                  absl::Time not_before) override;
  // Nobody is told of what was: see Learn.
  async::Task<absl::Status> ApplySnapshot(store::Session& session, feed::Records records,
                                          absl::Time not_before) override;
  // What has happened while the snapshot was taken is news still, though the facts are known.
  bool IsRepeatable(const feed::v1::Event&) const override { return true; }
  void Committed(const std::string& shard, feed::Events events) override {
    catalogues_.Committed(shard, events);
  }

 private:
  const internal::notification::Source source_;
  service::Catalogues& catalogues_;
  const ProjectionOptions options_;
  const std::function<void(Announcement)> announce_;
};

}  // namespace motcua::notification
