// The compiled reference data of the shards, as the service has stored it.
#ifndef MOTCUA_COMMON_SERVICE_CATALOGUES_H_
#define MOTCUA_COMMON_SERVICE_CATALOGUES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/aside.h"
#include "common/async/loop.h"
#include "common/async/semaphore.h"
#include "common/async/task.h"
#include "common/reference/catalogue.h"
#include "common/reference/violation.h"
#include "common/store/session.h"
#include "common/store/store.h"

namespace motcua::service {

using CataloguePtr = std::shared_ptr<const reference::Catalogue>;

// A set that was put together and looked at.
class CompiledSet {
 public:
  CompiledSet() {}

  // Why it may not apply; then there is no catalogue.
  std::vector<reference::Violation> violations;
  CataloguePtr catalogue;
  // See reference::ContentDigest.
  std::string content;
};

// Confined to the loop; reading and compiling, which take long where the data are large, happen in pieces and
// on another thread. What it returns is immutable and may be kept across suspensions.
class Catalogues {
 public:
  Catalogues(async::Loop& loop, store::Store& store) : loop_(loop), store_(store), aside_(loop) {}

  // The catalogue of a shard, at most kFreshness old: another replica's change shows by then, this one's at once
  // when told by Changed. Errors: NOT_FOUND (UNKNOWN_SHARD), the store's.
  async::Task<absl::StatusOr<CataloguePtr>> Get(std::string shard, absl::Time deadline);

  // As the session has it, what it is about to commit included; what Get tells where the session holds no
  // reference data. Compiled only once: a projection that asks for it before the commit saves the calls that
  // follow from waiting.
  async::Task<absl::StatusOr<CataloguePtr>> Of(store::Session& session, absl::Time deadline);

  // Of a version that is not in force. The last one that was asked for is kept.
  async::Task<absl::StatusOr<CataloguePtr>> OfOldVersion(std::string shard,
                                                         reference::v1::ReferenceManifest manifest,
                                                         absl::Time deadline);

  // The service has just committed other reference data of the shard.
  void Changed(const std::string& shard);

  // `catalogue` is what this manifest, which is about to be committed, compiles to.
  void Expect(const std::string& shard, const reference::v1::ReferenceManifest& manifest,
              CataloguePtr catalogue);

  // The bytes of pieces in their order; those that `session` (may be null) holds are taken from there.
  async::Task<absl::StatusOr<std::vector<std::string>>> ReadPieces(std::string shard,
                                                                   std::vector<std::string> digests,
                                                                   store::Session* session,
                                                                   absl::Time deadline);

  // Puts pieces together as that version, checks the whole and compiles it.
  async::Task<CompiledSet> Compile(std::vector<std::string> pieces, uint64_t version);

  // For other long work about reference data.
  async::Aside& aside() { return aside_; }

  // How often one was compiled; for tests.
  uint64_t compiled() const { return compiled_; }

  static constexpr absl::Duration kFreshness = absl::Seconds(1);

 private:
  // A catalogue with what it was made from: the digest of its list of pieces, and its version.
  class Made {
   public:
    Made() {}

    std::string key;
    CataloguePtr catalogue;
  };
  // Of one shard.
  class Cached {
   public:
    explicit Cached(async::Loop& loop) : turn(loop, 1) {}
    bool fresh(absl::Time now) const { return made.catalogue != nullptr && now < checked_at + kFreshness; }

    Made made;
    // What will be in force soon, perhaps.
    Made expected;
    uint64_t record_version = 0;
    absl::Time checked_at = absl::InfinitePast();
    // Changes that this service has told of.
    uint64_t changes = 0;
    // One call looks for a change, or compiles, while the others wait for what it finds.
    async::Semaphore turn;
  };

  static std::string KeyOf(const reference::v1::ReferenceManifest& manifest);
  Cached& CachedOf(const std::string& shard);
  async::Task<absl::Status> Refresh(Cached* cached, std::string shard, absl::Time now, absl::Time deadline);
  async::Task<absl::StatusOr<CataloguePtr>> Make(std::string shard, reference::v1::ReferenceManifest manifest,
                                                 store::Session* session, absl::Time deadline);

  async::Loop& loop_;
  store::Store& store_;
  async::Aside aside_;
  uint64_t compiled_ = 0;
  // Never erased: callers wait at what it holds, and there are no more shards than codes of provinces.
  std::map<std::string, std::unique_ptr<Cached>> cached_;
  std::string old_shard_;
  Made old_;
};

}  // namespace motcua::service

#endif  // MOTCUA_COMMON_SERVICE_CATALOGUES_H_
