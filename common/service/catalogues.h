// The compiled reference data of the shards, as the service has stored it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/async/aside.h"
#include "common/async/loop.h"
#include "common/async/semaphore.h"
#include "common/async/task.h"
#include "common/auth/principal.h"
#include "common/reference/catalogue.h"
#include "common/reference/violation.h"
#include "common/service/authority.h"
#include "common/store/session.h"
#include "common/store/store.h"
#include "motcua/feed/v1/event.pb.h"
#include "motcua/internal/reference/records.pb.h"

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
  Catalogues(async::Loop& loop, store::Store& store)
      : loop_(loop), store_(store), aside_(loop), authority_(store.clock()) {}

  // The catalogue of the jurisdiction that has the shard, at most kFreshness old: another replica's change
  // shows by then, this one's at once when told by Changed. Errors: NOT_FOUND (UNKNOWN_SHARD); UNAVAILABLE
  // (WAITING_FOR_INTAKE), the jurisdiction's reference data have not been read as far as those that inherited
  // the shard; the store's.
  async::Task<absl::StatusOr<CataloguePtr>> Get(std::string shard, absl::Time deadline) {
    return GetAtLeast(std::move(shard), 0, deadline);
  }
  // The same, of that version or a later one; of any version where another jurisdiction has the shard.
  // UNAVAILABLE (WAITING_FOR_INTAKE) where that was not read yet.
  async::Task<absl::StatusOr<CataloguePtr>> GetAtLeast(std::string shard, uint64_t version,
                                                       absl::Time deadline);

  // As the session has it, what it is about to commit included; what Get tells where the session holds no
  // reference data. Compiled only once: a projection that asks for it before the commit saves the calls that
  // follow from waiting.
  async::Task<absl::StatusOr<CataloguePtr>> Of(store::Session& session, absl::Time deadline);

  // Of a version that is not in force. The last one that was asked for is kept.
  async::Task<absl::StatusOr<CataloguePtr>> OfOldVersion(std::string shard,
                                                         reference::v1::ReferenceManifest manifest,
                                                         absl::Time deadline);

  // Which jurisdictions have which shards, as far as it was learnt with the reference data.
  const Authority& authority() const { return authority_; }

  // What a policy says of a caller and a shard, by what is known of authority.
  using JurisdictionCheck = absl::Status (*)(const auth::Principal&, const std::string& shard,
                                             const Authority&);

  // What `check` says. Before it refuses for good, what is stored of the two shards is looked at, unless that
  // was done within kFreshness: a replica that has heard of no passing refuses nobody for that. Errors: those
  // of `check`, the store's. `who` outlives the task.
  async::Task<absl::Status> Allow(const auth::Principal& who, std::string shard, JurisdictionCheck check,
                                  absl::Time deadline);

  // The service has just committed other reference data of the shard, or that it passed.
  void Changed(const std::string& shard);
  // The same, where any of the events tells so: see feed::Projection::Committed.
  void Committed(const std::string& shard, absl::Span<const feed::v1::Event* const> events);

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
    // Of the shard's own reference data; none where there are none, or another jurisdiction has the shard.
    Made made;
    // What will be in force soon, perhaps.
    Made expected;
    // As read last; 0 = there was none.
    uint64_t record_version = 0;
    absl::Time checked_at = absl::InfinitePast();
    // When it was looked at to whom the shard passed, if to anybody.
    absl::Time learnt_at = absl::InfinitePast();
    // Changes that this service has told of.
    uint64_t changes = 0;
    // One call looks for a change, or compiles, while the others wait for what it finds.
    async::Semaphore turn;
  };

  static std::string KeyOf(const reference::v1::ReferenceManifest& manifest);
  Cached& CachedOf(const std::string& shard);
  // Whether what is known of the shard answers for it without a look: its own catalogue of at least that
  // version, or to whom it passed.
  bool Answers(const Cached& cached, const std::string& shard, uint64_t version) const;
  // Looks at what is stored of the shard: to whom it passed, or its own reference data, which are compiled.
  async::Task<absl::Status> Refresh(Cached* cached, std::string shard, absl::Time now, absl::Time deadline);
  // Learns to whom the shard passed, unless it was looked at within kFreshness.
  async::Task<absl::Status> LearnOf(std::string shard, absl::Time deadline);
  async::Task<absl::StatusOr<internal::reference::ReferenceRecord>> ReadRecord(std::string shard,
                                                                               uint64_t* version,
                                                                               absl::Time deadline);
  async::Task<absl::StatusOr<CataloguePtr>> Make(std::string shard, reference::v1::ReferenceManifest manifest,
                                                 store::Session* session, absl::Time deadline);

  async::Loop& loop_;
  store::Store& store_;
  async::Aside aside_;
  Authority authority_;
  uint64_t compiled_ = 0;
  // Never erased: callers wait at what it holds, and there are no more shards than codes of provinces.
  std::map<std::string, std::unique_ptr<Cached>> cached_;
  std::string old_shard_;
  Made old_;
};

}  // namespace motcua::service
