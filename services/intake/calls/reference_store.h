// ReferenceStore: how a change of the reference data is read and committed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/service/catalogues.h"
#include "common/store/mutate.h"
#include "motcua/internal/reference/records.pb.h"
#include "services/intake/domain/reference/reference_change.h"

namespace motcua::intake {

// One record per shard, named by the shard.
struct LedgerModel {
  using Record = internal::reference::ReferenceLedger;
  static constexpr std::string_view kKind = "refl";
  static void IndexesOf(const Record&, store::IndexSink&) {}
  static void CountersOf(const Record&, store::CounterSink&) {}
};

// Bytes of pieces by their digests.
using PieceBytes = std::map<std::string, std::string>;

// A set that is ready to apply, as the version it would be.
class PreparedSet {
 public:
  PreparedSet() {}

  reference::v1::ReferenceManifest manifest;
  service::CompiledSet compiled;
  PieceBytes bytes;
};

// Loads what is stored of a shard's reference data into the session; views are into it. Errors: the store's.
async::Task<absl::StatusOr<ReferenceState>> LoadReference(store::Session& session, absl::Time deadline);

// How many open dossiers need each version, of the one in force and those that are kept: in the
// jurisdiction's own shard and in those that it has inherited. `state` outlives the task.
async::Task<absl::StatusOr<OpenByVersion>> ReadOpen(store::Store& store, std::string shard,
                                                    const ReferenceState& state, absl::Time deadline);

// The manifest of an older version. Errors: NOT_FOUND (UNKNOWN_VERSION), the store's.
async::Task<absl::StatusOr<reference::v1::ReferenceManifest>> ReadOldVersion(store::Store& store,
                                                                             std::string shard,
                                                                             uint64_t version,
                                                                             absl::Time deadline);

// The catalogue of one of the shard's own versions: in force, or kept for the dossiers received under it;
// those of an inherited shard stay. Errors: NOT_FOUND (UNKNOWN_VERSION, UNKNOWN_SHARD), the store's.
async::Task<absl::StatusOr<service::CataloguePtr>> CatalogueOfVersion(store::Store& store,
                                                                      service::Catalogues& catalogues,
                                                                      std::string shard, uint64_t version,
                                                                      absl::Time deadline);

// Puts a changed ledger into the session, with the pieces that come (from `bytes`) and go.
void PutLedger(store::Session& session, LedgerChange change, const PieceBytes& bytes);

// Puts a new version into the session, with its event.
void PutApplication(store::Session& session, const ReferenceState& state, ReferenceApplication application,
                    const PreparedSet& set, const store::Context& context);

// Whether the event ReferenceApplied holds the whole set.
bool IsInline(const reference::v1::ReferenceManifest& manifest);

// Tells the pieces that `before` does not have in events of their own, a few in each commit.
async::Task<absl::Status> TellPieces(store::Store& store, std::string shard,
                                     reference::v1::ReferenceManifest before, const PreparedSet& set,
                                     store::Caller caller);

}  // namespace motcua::intake
