#include "common/service/catalogues.h"

#include "absl/time/clock.h"
#include "common/service/reference_model.h"
#include "common/status/errors.h"

namespace motcua::service {

async::Task<absl::StatusOr<std::shared_ptr<const reference::Catalogue>>> Catalogues::Get(std::string shard,
                                                                                         absl::Time deadline) {
  std::unique_ptr<Cached>& entry = cached_[shard];
  if (entry == nullptr) entry = std::make_unique<Cached>(loop_);
  Cached* const cached = entry.get();
  // The machine's clock, not the service's: freshness is about replicas, not about legal time.
  if (cached->fresh(absl::Now())) co_return cached->catalogue;
  absl::Status turn = co_await cached->turn.Acquire(deadline);
  if (!turn.ok()) co_return turn;
  const async::SemaphorePermit permit(cached->turn);
  const absl::Time now = absl::Now();
  if (cached->fresh(now)) co_return cached->catalogue;
  absl::Status refreshed = co_await Refresh(cached, std::move(shard), now, deadline);
  if (!refreshed.ok()) co_return refreshed;
  co_return cached->catalogue;
}

async::Task<absl::Status> Catalogues::Refresh(Cached* cached, std::string shard, absl::Time now,
                                              absl::Time deadline) {
  const std::string key = store_.Keys(shard).Record(ReferenceModel::kKind, shard);
  const uint64_t changes = cached->changes;
  if (cached->catalogue != nullptr) {
    absl::StatusOr<uint64_t> version = co_await store_.VersionOf(key, deadline);
    if (!version.ok()) co_return version.status();
    if (cached->record_version == *version) {
      if (cached->changes == changes) cached->checked_at = now;
      co_return absl::OkStatus();
    }
  }
  std::vector<std::string> keys;
  keys.push_back(key);
  absl::StatusOr<std::vector<std::optional<std::string>>> values = co_await store_.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  if (!values->front().has_value()) {
    co_return errors::NotFound("UNKNOWN_SHARD", "there is no reference data of this jurisdiction");
  }
  uint64_t version = 0;
  std::string_view bytes;
  ReferenceModel::Record record;
  if (!store::DecodeRecord(*values->front(), version, bytes) ||
      !record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    co_return errors::DataLoss("CORRUPT_RECORD", "stored reference data cannot be read");
  }
  ++compiled_;
  absl::StatusOr<std::shared_ptr<const reference::Catalogue>> catalogue =
      reference::Catalogue::Compile(std::move(*record.mutable_set()));
  if (!catalogue.ok()) co_return errors::Prefixed(catalogue.status(), "stored reference data");
  cached->catalogue = *std::move(catalogue);
  cached->record_version = version;
  // A change that was told of meanwhile may be later than what was read.
  cached->checked_at = cached->changes == changes ? now : absl::InfinitePast();
  co_return absl::OkStatus();
}

void Catalogues::Changed(const std::string& shard) {
  auto found = cached_.find(shard);
  if (found == cached_.end()) return;
  ++found->second->changes;
  found->second->checked_at = absl::InfinitePast();
}

}  // namespace motcua::service
