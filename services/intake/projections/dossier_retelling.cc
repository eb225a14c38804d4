#include "services/intake/projections/dossier_retelling.h"

#include <deque>
#include <utility>
#include <vector>

#include "common/service/reference_model.h"
#include "common/store/session.h"
#include "common/time/timestamp.h"
#include "motcua/internal/intake/records.pb.h"
#include "services/intake/calls/reference_store.h"
#include "services/intake/domain/dossier/retell.h"

namespace motcua::intake {

using async::Task;
using feed::v1::SnapshotRecord;
using reference::v1::PieceRef;
using service::CataloguePtr;

namespace {

// Pieces that are told together, by their size.
constexpr size_t kTellAtOnce = size_t{256} << 10;

// Versions of the reference data that are held at a time: dossiers come by agency and day, so that the next
// one is mostly of the same.
constexpr size_t kMostVersions = 4;

class Story final : public feed::RetellingStream {
 public:
  Story(store::Store& store, service::Catalogues& catalogues, std::string shard)
      : store_(store), catalogues_(catalogues), shard_(std::move(shard)) {}

  Task<absl::Status> TellFirst(Tell* tell, absl::Time deadline) override;
  Task<absl::StatusOr<Records>> Retell(std::vector<feed::StoredRecordOf> records,
                                       absl::Time deadline) override;

 private:
  Task<absl::StatusOr<CataloguePtr>> CatalogueOf(const v1::Dossier& dossier, absl::Time deadline);

  store::Store& store_;
  service::Catalogues& catalogues_;
  const std::string shard_;
  // Of a jurisdiction, by its number.
  class Version {
   public:
    std::string jurisdiction;
    uint64_t number = 0;
    CataloguePtr catalogue;
  };
  std::deque<Version> versions_;
};

Task<absl::Status> Story::TellFirst(Tell* tell, absl::Time deadline) {
  store::Session session(store_, shard_);
  absl::StatusOr<ReferenceState> state = co_await LoadReference(session, deadline);
  if (!state.ok()) co_return state.status();
  if (state->record == nullptr) co_return absl::OkStatus();
  if (state->record->has_passing()) {
    SnapshotRecord passed;
    passed.set_subject(shard_);
    feed::v1::Event& event = *passed.add_events();
    event.set_subject(shard_);
    *event.mutable_at() = time::ToTimestamp(store_.clock().Now());
    *event.mutable_shard_passed()->mutable_passing() = state->record->passing();
    absl::Status told = co_await (*tell)(std::move(passed));
    if (!told.ok()) co_return told;
  }
  if (state->version() == 0) co_return absl::OkStatus();
  const reference::v1::ReferenceManifest manifest = state->record->manifest();
  for (int next = 0; next < manifest.pieces_size();) {
    std::vector<std::string> digests;
    for (size_t bytes = 0; next < manifest.pieces_size() && bytes < kTellAtOnce; ++next) {
      digests.push_back(manifest.pieces(next).digest());
      bytes += manifest.pieces(next).size();
    }
    absl::StatusOr<std::vector<std::string>> pieces =
        co_await catalogues_.ReadPieces(shard_, digests, nullptr, deadline);
    if (!pieces.ok()) co_return pieces.status();
    SnapshotRecord record;
    record.set_subject(shard_);
    for (size_t i = 0; i < digests.size(); ++i) {
      feed::v1::Event& event = *record.add_events();
      event.set_subject(shard_);
      event.mutable_reference_piece()->set_digest(digests[i]);
      event.mutable_reference_piece()->set_data(std::move((*pieces)[i]));
    }
    absl::Status told = co_await (*tell)(std::move(record));
    if (!told.ok()) co_return told;
  }
  SnapshotRecord record;
  record.set_subject(shard_);
  feed::v1::Event& event = *record.add_events();
  event.set_subject(shard_);
  *event.mutable_at() = time::ToTimestamp(store_.clock().Now());
  *event.mutable_reference_applied()->mutable_manifest() = manifest;
  for (PieceRef& piece : *event.mutable_reference_applied()->mutable_manifest()->mutable_pieces())
    piece.clear_since();
  co_return co_await (*tell)(std::move(record));
}

// Of the version that the dossier was received under; nullptr where it is no longer kept. `dossier` outlives
// the task.
Task<absl::StatusOr<CataloguePtr>> Story::CatalogueOf(const v1::Dossier& dossier, absl::Time deadline) {
  const std::string& heir = dossier.reference_jurisdiction();
  const std::string jurisdiction = heir.empty() ? shard_ : heir;
  const uint64_t number = dossier.reference_version();
  for (const Version& known : versions_) {
    if (known.number == number && known.jurisdiction == jurisdiction) co_return known.catalogue;
  }
  absl::StatusOr<CataloguePtr> catalogue =
      co_await CatalogueOfVersion(store_, catalogues_, jurisdiction, number, deadline);
  if (absl::IsNotFound(catalogue.status())) catalogue = CataloguePtr();
  if (!catalogue.ok()) co_return catalogue.status();
  if (versions_.size() >= kMostVersions) versions_.pop_front();
  Version& version = versions_.emplace_back();
  version.jurisdiction = jurisdiction;
  version.number = number;
  version.catalogue = *catalogue;
  co_return catalogue;
}

Task<absl::StatusOr<Story::Records>> Story::Retell(std::vector<feed::StoredRecordOf> records,
                                                   absl::Time deadline) {
  Records told;
  for (const feed::StoredRecordOf& stored : records) {
    internal::intake::DossierRecord record;
    uint64_t version = 0;
    absl::Status read = store::ReadStored<DossierModel>(stored.bytes, record, version);
    if (!read.ok()) co_return read;
    absl::StatusOr<CataloguePtr> catalogue = CataloguePtr();
    if (record.dossier().has_accepted_at()) catalogue = co_await CatalogueOf(record.dossier(), deadline);
    if (!catalogue.ok()) co_return catalogue.status();
    SnapshotRecord& one = told.emplace_back(intake::Retell(record, catalogue->get()));
    one.set_version(version);
  }
  co_return told;
}

}  // namespace

std::unique_ptr<feed::RetellingStream> DossierRetelling::Open(std::string shard) {
  return std::make_unique<Story>(store_, catalogues_, std::move(shard));
}

}  // namespace motcua::intake
