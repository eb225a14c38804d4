#include "common/service/catalogues.h"

#include "absl/time/clock.h"
#include "common/service/reference_model.h"
#include "common/status/errors.h"

namespace motcua::service {

async::Task<absl::StatusOr<std::shared_ptr<const reference::Catalogue>>> Catalogues::Get(std::string shard,
                                                                                         absl::Time deadline) {
  // The machine's clock, not the service's: freshness is about replicas, not about legal time.
  const absl::Time now = absl::Now();
  auto known = cached_.find(shard);
  if (known != cached_.end() && now < known->second.checked_at + kFreshness) co_return known->second.catalogue;

  const std::string key = store_.Keys(shard).Record(ReferenceModel::kKind, shard);
  if (known != cached_.end()) {
    absl::StatusOr<uint64_t> version = co_await store_.VersionOf(key, deadline);
    if (!version.ok()) co_return version.status();
    known = cached_.find(shard);
    if (known != cached_.end() && known->second.record_version == *version) {
      known->second.checked_at = now;
      co_return known->second.catalogue;
    }
  }
  std::vector<std::string> keys;
  keys.push_back(key);
  absl::StatusOr<std::vector<std::optional<std::string>>> values = co_await store_.Get(std::move(keys), deadline);
  if (!values.ok()) co_return values.status();
  if (!values->front().has_value()) {
    co_return errors::NotFound("UNKNOWN_SHARD", "there is no reference data of this jurisdiction");
  }
  Cached cached;
  std::string_view bytes;
  ReferenceModel::Record record;
  if (!store::DecodeRecord(*values->front(), cached.record_version, bytes) ||
      !record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    co_return errors::DataLoss("CORRUPT_RECORD", "stored reference data cannot be read");
  }
  absl::StatusOr<std::shared_ptr<const reference::Catalogue>> catalogue =
      reference::Catalogue::Compile(std::move(*record.mutable_set()));
  if (!catalogue.ok()) co_return errors::Prefixed(catalogue.status(), "stored reference data");
  cached.catalogue = *std::move(catalogue);
  cached.checked_at = now;
  std::shared_ptr<const reference::Catalogue> result = cached.catalogue;
  cached_[shard] = std::move(cached);
  co_return result;
}

}  // namespace motcua::service
