// What routing makes of intake's feed: routes of accepted dossiers, and its own copy of the reference data.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "common/feed/projection.h"
#include "common/service/catalogues.h"

namespace motcua::routing {

// An accepted dossier gets a route unless it has one; other events of dossiers mean nothing here, and an
// acceptance that tells too little to open a route is skipped. Confined to the loop; without state of its
// own.
class IntakeProjection final : public feed::Projection {
 public:
  // `catalogues` outlive the projection. `reference_changed` (optional) is called when other reference
  // data have been committed.
  explicit IntakeProjection(service::Catalogues& catalogues,
                            std::function<void()> reference_changed = nullptr)
      : catalogues_(catalogues), reference_changed_(std::move(reference_changed)) {}

  std::vector<feed::v1::Event::BodyCase> Wanted() const override {
    return {feed::v1::Event::kReferencePiece, feed::v1::Event::kReferenceApplied,
            feed::v1::Event::kShardPassed, feed::v1::Event::kDossierAccepted};
  }
  async::Task<absl::Status> Apply(store::Session& session, feed::Events events,
                                  absl::Time not_before) override;
  void Committed(const std::string& shard, feed::Events events) override;
  // A dossier that intake knows to be under way, or at its end, though there is no route of it here, gets one
  // that stands there: see RestoreRoute.
  async::Task<absl::Status> ApplySnapshot(store::Session& session, feed::Records records,
                                          absl::Time not_before) override;
  // Whatever has a route keeps it.
  bool IsRepeatable(const feed::v1::Event&) const override { return true; }

 private:
  service::Catalogues& catalogues_;
  const std::function<void()> reference_changed_;
};

}  // namespace motcua::routing
