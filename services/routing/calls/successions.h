// Runs of successions: what is open with agencies that have ended is moved to the agencies in charge.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/children.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/auth/principal.h"
#include "common/service/catalogues.h"
#include "common/store/leases.h"
#include "common/store/mutate.h"
#include "common/store/store.h"
#include "motcua/admin/v1/admin.pb.h"
#include "motcua/internal/routing/records.pb.h"
#include "motcua/routing/v1/routing.pb.h"
#include "services/routing/calls/route_reader.h"

namespace motcua::routing {

// Nothing but the moving of what is stored: who may act is told by the reference data from the first moment
// on (domain/succession.h), and readers look at the lists of the agencies before, too.
//
// A run first walks the inboxes of agencies that have ended, then all open routes for legs that are planned
// to come to one. Each route is moved by a commit of its own, which checks its version and decides anew; one
// that the agencies in charge have already is left alone. So a run can be cut off anywhere and begun again,
// by any replica and by several at once: what was moved is in no list of theirs any more. That a run is under
// way is stored; who holds the shard's lease, or was asked, does it.
//
// Confined to the loop.
class Successions {
 public:
  enum class Start {
    // Runs are started by StartSuccession.
    kManual,
    // And whenever other reference data or another day has made an agency end.
    kAutomatic,
  };

  // All references outlive it. `shards`: those that the service knows of.
  Successions(async::Loop& loop, store::Store& store, service::Catalogues& catalogues,
              std::function<std::vector<std::string>()> shards, Start start);

  // Before Run: of shards that are not held, another replica sees to the runs. They outlive it.
  void SetLeases(store::Leases& leases);

  // Until cancelled; survives the loss of Redis.
  async::Task<void> Run(async::CancelToken cancel);

  template <class Response>
  using Answered = async::Task<absl::StatusOr<Response>>;

  // The errors of each are those of the contract (routing.proto).
  Answered<v1::PreviewSuccessionResponse> PreviewSuccession(const auth::Principal& who, store::Caller caller,
                                                            const v1::PreviewSuccessionRequest& request);
  Answered<v1::StartSuccessionResponse> StartSuccession(const auth::Principal& who, store::Caller caller,
                                                        const v1::StartSuccessionRequest& request);
  Answered<v1::GetSuccessionResponse> GetSuccession(const auth::Principal& who, store::Caller caller,
                                                    const v1::GetSuccessionRequest& request);

  // Other reference data have been committed, of a shard here or of one whose jurisdiction has others.
  void ReferenceChanged();

  // What this replica knows of.
  void AddStatus(admin::v1::GetStatusResponse& status) const;
  // Entries left with agencies that have ended, as last counted.
  uint64_t left(const std::string& shard) const;
  // Routes that this replica has moved.
  uint64_t moved() const { return moved_; }

 private:
  // A shard, as this replica knows of it.
  class Shard {
   public:
    Shard() {}

    bool tending = false;
    // To be looked at.
    bool dirty = true;
    // Asked here to run, whoever holds the lease.
    bool asked = false;
    bool held = false;
    // By the machine's clock.
    absl::Time looked_at = absl::InfinitePast();
    absl::Time retry_at = absl::InfinitePast();
    absl::Duration pause;
    // Of the reference data that were last looked at.
    std::optional<absl::TimeZone> zone;
    absl::CivilDay day;
    internal::routing::SuccessionRecord record;
    uint64_t left = 0;
    uint64_t moved = 0;
    uint64_t routes_seen = 0;
    std::string trouble;
  };
  class Batch;
  using CataloguePtr = service::CataloguePtr;

  void Tick(const std::string& name, const async::CancelToken& cancel);
  async::Task<void> Tend(std::string name, async::CancelToken cancel);
  async::Task<absl::Status> TendOnce(std::string name, async::CancelToken cancel);
  async::Task<absl::Status> Begin(std::string name, absl::Time deadline);
  async::Task<absl::Status> WalkAll(std::string name, CataloguePtr catalogue, async::CancelToken cancel);
  async::Task<absl::Status> WalkLists(Lists lists, std::vector<v1::Box> boxes, CataloguePtr catalogue,
                                      async::CancelToken cancel);
  async::Task<absl::Status> WalkList(std::string name, std::string index, CataloguePtr catalogue,
                                     async::CancelToken cancel);
  async::Task<void> MoveNext(Batch* batch, async::CancelToken cancel);
  async::Task<absl::Status> Move(Batch* batch, std::string dossier, async::CancelToken cancel);

  async::Task<absl::StatusOr<internal::routing::SuccessionRecord>> Load(std::string name,
                                                                        absl::Time deadline);
  async::Task<absl::Status> Save(std::string name, internal::routing::SuccessionRecord record,
                                 absl::Time deadline);
  // How many moves there were in the shard.
  async::Task<absl::StatusOr<uint64_t>> Count(std::string name, absl::Time deadline);
  // Entries in these lists.
  async::Task<absl::StatusOr<uint64_t>> CountEntries(Lists lists, absl::Time deadline);
  async::Task<absl::StatusOr<admin::v1::SuccessionStatus>> StatusNow(std::string name, absl::Time deadline);

  async::Loop& loop_;
  store::Store& store_;
  service::Catalogues& catalogues_;
  const std::function<std::vector<std::string>()> shards_;
  const Start start_;
  const RouteReader reader_;
  store::Leases* leases_ = nullptr;
  std::map<std::string, Shard> known_;
  uint64_t moved_ = 0;
  async::Children tending_;
};

}  // namespace motcua::routing
