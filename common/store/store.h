#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/redis/client.h"
#include "common/store/decision.h"
#include "common/store/definition.h"
#include "common/store/epochs.h"
#include "common/store/keys.h"
#include "common/store/record_cache.h"
#include "common/store/sequences.h"
#include "common/store/shard_definitions.h"
#include "common/store/transaction.h"
#include "common/time/clock.h"

namespace motcua::store {

// What became of a commit.
class CommitOutcome {
 public:
  enum class Kind {
    kCommitted,
    // A record had another version: load and decide again.
    kConflict,
    // The transaction's time was before the watermark: decide again, at `watermark` or later.
    kStale,
    // The request was done before: `stored` is its reply.
    kReplayed,
    // The cursor stood elsewhere, at `position`: another consumer applied these events.
    kCursorMoved,
  };

  CommitOutcome(Kind kind, uint64_t position) : kind(kind), position(position) {}

  Kind kind;
  // kCommitted: position of the last event written, 0 = none; after MoveWatermark the feed's last.
  uint64_t position;
  // kStale, and kCommitted after MoveWatermark: the shard's watermark as it stands now.
  absl::Time watermark;
  std::string stored;
  // kConflict: the shard stood elsewhere between two definitions. Nothing else was looked at.
  bool redefined = false;
};

// A number of a sequence that is kept for a request.
class NumberReservation {
 public:
  NumberReservation() {}

  uint64_t number = 0;  // 0 = none: the request has made something before
  std::string made;
};

// A page of an index.
class IndexPage {
 public:
  IndexPage() {}

  std::vector<std::string> members;
  // Empty on the last page.
  std::string next_page_token;
  // All members of the index.
  uint64_t total = 0;
};

// An index of a shard.
class ListName {
 public:
  ListName(std::string shard, std::string index) : shard(std::move(shard)), index(std::move(index)) {}

  std::string shard;
  std::string index;
};

// Which way an index is read.
enum class Order { kAscending, kDescending };

// The state of one service in Redis.
//
// Confined to the loop of its Redis client. Every call has a deadline; errors are the client's (UNAVAILABLE
// with STORE_UNAVAILABLE or OUTCOME_UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED) and DATA_LOSS
// (CORRUPT_RECORD).
class Store {
 public:
  // How the commits so far ended; for metrics.
  struct Tally {
    uint64_t committed = 0;
    uint64_t conflicts = 0;
    uint64_t stale = 0;
    uint64_t replayed = 0;
    uint64_t cursor_moved = 0;
    // Refused because the shard stood elsewhere between two definitions.
    uint64_t redefined = 0;
  };

  // `prefix` distinguishes the services that share a Redis: `in`, `ro`, `dm`, `no`. Replies to requests are
  // kept for `request_ttl`. Redis client and clock outlive the store. `cache_bytes`: how much of decoded
  // records is remembered; 0 = nothing.
  Store(redis::Client& redis, const time::Clock& clock, std::string prefix, absl::Duration request_ttl,
        size_t cache_bytes = kDefaultCacheBytes);

  static constexpr size_t kDefaultCacheBytes = size_t{64} << 20;
  // For so long at most a process reads what it has not been told to be read no more.
  static constexpr absl::Duration kLease = absl::Seconds(10);

  // Before anything else: by what the program's records are listed and counted, by default number 1.
  void SetDefinition(Definition definition, absl::Duration lease = kLease) {
    definition_ = std::move(definition);
    lease_ = lease;
  }
  const Definition& definition() const { return definition_; }
  absl::Duration lease() const { return lease_; }
  ShardDefinitions& definitions() { return *definitions_; }

  Keyspace Keys(std::string_view shard) const { return Keyspace(prefix_, shard); }
  const time::Clock& clock() const { return clock_; }
  redis::Client& redis() { return redis_; }
  absl::Duration request_ttl() const { return request_ttl_; }
  const Tally& tally() const { return tally_; }
  RecordCache& cache() { return *cache_; }
  Sequences& sequences() { return sequences_; }
  Epochs& epochs() { return epochs_; }

  // Used again by each session while it puts its commit together, without a pause.
  struct Scratch {
    IndexSink old_indexes, new_indexes;
    CounterSink old_counters, new_counters, sum, also_sum;
    std::vector<size_t> order;
  };
  Scratch& scratch() { return scratch_; }

  // On a connection that the shard's epochs were not looked at on, looks first. With replicas required
  // (redis::Options::min_replicas) it returns when they have it: also what was there before is told by then,
  // such as the reply of kReplayed.
  async::Task<absl::StatusOr<CommitOutcome>> Commit(Transaction transaction, absl::Time deadline);

  // For an answer that rests on what was read of the shard, and is as good as a commit: a reply that was
  // stored before. OK when the replicas required have it; UNAVAILABLE (OUTCOME_UNKNOWN) when they do not say
  // so in time.
  async::Task<absl::Status> ConfirmRead(Keyspace keys, absl::Time deadline);

  // Values in the order of `keys`; nullopt = absent.
  async::Task<absl::StatusOr<std::vector<std::optional<std::string>>>> Get(std::vector<std::string> keys,
                                                                        absl::Time deadline);

  // Version of a record; 0 = there is none.
  async::Task<absl::StatusOr<uint64_t>> VersionOf(std::string key, absl::Time deadline);

  // Reserves the next number of a sequence, 1, 2, 3 ..., at the key `reservation`, which the commit that
  // takes it checks and removes; or tells the one that is reserved there, unless it is to be `passed_over` (0
  // = none); or what is stored at `made`. A reservation lives as long as a reply.
  async::Task<absl::StatusOr<NumberReservation>> ReserveNumber(Keyspace keys, std::string sequence,
                                                               std::string reservation, std::string made,
                                                               uint64_t passed_over, absl::Time deadline);

  // Reads of indexes and counters name them; which definition's is read, the store knows: see Phase. Errors
  // besides: UNAVAILABLE (SHARD_UPGRADED, a newer program has taken the shard over; LIST_BEING_BUILT, the
  // program's own definition is the first to have it), FAILED_PRECONDITION (UPGRADE_SKIPS_DEFINITION).

  // A page of at most `page_size` (1..1000) members, in one trip. Stable under writes: the token names the
  // last member seen, so what is added or removed meanwhile neither repeats nor hides others. Errors:
  // INVALID_ARGUMENT (BAD_PAGE_TOKEN), also for the token of another index, order or definition.
  async::Task<absl::StatusOr<IndexPage>> ReadIndex(std::string shard, std::string index, Order order,
                                                   uint32_t page_size, std::string page_token,
                                                   absl::Time deadline);

  // The same, ascending, of several lists as of one; a member that is in several with one score comes once,
  // but counts in `total` for each. Tokens are the first list's, which is in them, and stay good whatever
  // members move from one list to another and whichever others are read along. One trip for each, all at
  // once.
  async::Task<absl::StatusOr<IndexPage>> ReadIndexes(std::vector<ListName> lists, uint32_t page_size,
                                                     std::string page_token, absl::Time deadline);

  // Members with a score of at most `score`, lowest first, at most `limit`, with their scores.
  async::Task<absl::StatusOr<std::vector<std::pair<std::string, double>>>> IndexUpTo(
      std::string shard, std::string index, double score, uint32_t limit, absl::Time deadline);
  // Members with a score of less than `below`, highest first, at most `limit`, with their scores.
  async::Task<absl::StatusOr<std::vector<std::pair<std::string, double>>>> IndexBelow(
      std::string shard, std::string index, double below, uint32_t limit, absl::Time deadline);
  // Lowest score of an index; nullopt = empty.
  async::Task<absl::StatusOr<std::optional<double>>> IndexLowest(std::string shard, std::string index,
                                                                 absl::Time deadline);

  // Sizes of indexes, in the order of `indexes`; in one trip.
  async::Task<absl::StatusOr<std::vector<uint64_t>>> IndexSizes(std::string shard,
                                                                std::vector<std::string> indexes,
                                                                absl::Time deadline);

  // The counters of no group: all of them, as their number is bounded by what their names can be.
  async::Task<absl::StatusOr<Counters>> ReadCounters(std::string shard, absl::Time deadline);
  // Counters of a group, by name; those that there are not are left out. All of one moment.
  async::Task<absl::StatusOr<Counters>> ReadCounters(std::string shard, std::string group,
                                                     std::vector<std::string> fields, absl::Time deadline);
  // Names of the counters of a group, from `cursor` (first "0"), some hundreds at a time; the next cursor,
  // "0" at the end. What is there from the first to the last step is told, perhaps twice.
  async::Task<absl::StatusOr<std::pair<std::string, std::vector<std::string>>>> CounterNames(
      std::string shard, std::string group, std::string cursor, absl::Time deadline);

  // The whole of a hash of numbers, which must be small.
  async::Task<absl::StatusOr<Counters>> ReadHash(std::string key, absl::Time deadline);

  // Members of a kind's registry behind `after` (empty: from the first), at most `limit`, in their order: see
  // Registry.
  async::Task<absl::StatusOr<std::vector<std::string>>> ReadRegistry(std::string shard, std::string kind,
                                                                     std::string after, uint32_t limit,
                                                                     absl::Time deadline);

  // Where the shard stands now. Begins to build the program's definition where that is the next one.
  async::Task<absl::StatusOr<Phase>> LearnPhase(std::string shard, absl::Time deadline);
  // OK, or UNAVAILABLE (SHARD_UPGRADED).
  absl::Status MayWrite(const Phase& phase) const;
  // Goes on from one phase to the next; false where it is no longer there.
  async::Task<absl::StatusOr<bool>> MovePhase(std::string shard, Phase from, Phase to, absl::Time deadline);

  // Items of a list, at most the latest `limit`.
  async::Task<absl::StatusOr<std::vector<std::string>>> ReadList(std::string key, uint32_t limit, absl::Time deadline);

  // Shards that the service has state of. AddShard is idempotent and must precede the shard's first commit.
  async::Task<absl::Status> AddShard(std::string shard, absl::Time deadline);
  async::Task<absl::StatusOr<std::vector<std::string>>> ListShards(absl::Time deadline);

  // Simulated time survives a restart of the service and is the same for all its replicas; it never goes
  // back. ReadSimulatedNow: InfinitePast where never written.
  async::Task<absl::Status> WriteSimulatedNow(absl::Time now, absl::Time deadline);
  async::Task<absl::StatusOr<absl::Time>> ReadSimulatedNow(absl::Time deadline);

 private:
  async::Task<absl::StatusOr<redis::Reply>> Ask(redis::Command command, absl::Time deadline);
  async::Task<absl::Status> BeginBuild(std::string shard, Phase from, absl::Time deadline);

  // Which definition's index or counter `name` is read. The first: without asking Redis; 0 = ask. After the
  // read the others tell whether it was still written when it was read: it was, where the shard has been
  // known to maintain it for less than the lease, or is so now.
  uint16_t KnownToRead(std::string_view shard, std::string_view name) const;
  async::Task<absl::StatusOr<uint16_t>> LearnToRead(std::string shard, std::string name, absl::Time deadline);
  bool WasMaintained(std::string_view shard, uint16_t definition) const;
  async::Task<absl::StatusOr<bool>> LearnMaintained(std::string shard, uint16_t definition,
                                                    absl::Time deadline);
  // Asks what `make` makes of a definition, of an index or counter of that name.
  using MakeCommand = absl::AnyInvocable<redis::Command(uint16_t definition)>;
  async::Task<absl::StatusOr<redis::Reply>> AskOf(std::string shard, std::string name, MakeCommand make,
                                                  absl::Time deadline);
  // What of a list follows a place.
  class Stretch;
  async::Task<absl::Status> ReadStretch(ListName list,
                                        const std::optional<std::pair<double, std::string>>* after,
                                        uint32_t most, absl::Time deadline, Stretch* stretch);

  redis::Client& redis_;
  const time::Clock& clock_;
  const std::string prefix_;
  // Replicas are required.
  const bool confirms_;
  const absl::Duration request_ttl_;
  // The client's observer has it, too.
  const std::shared_ptr<RecordCache> cache_;
  const std::shared_ptr<ShardDefinitions> definitions_ = std::make_shared<ShardDefinitions>();
  Definition definition_;
  absl::Duration lease_ = kLease;
  Sequences sequences_;
  Epochs epochs_;
  Scratch scratch_;
  Tally tally_;
};

// commit.lua.
const redis::Script& CommitScript();

// Digest under which the reply to a request is kept: the same request id of another caller is another
// request, and on another record, where it is of one.
std::string RequestDigest(std::string_view caller, std::string_view request_id, std::string_view record = {});

// SHA-256 (32 bytes) of the two in a row.
std::string Sha256(std::string_view a, std::string_view b = {});
std::array<char, 32> Sha256Of(std::initializer_list<std::string_view> parts);

}  // namespace motcua::store
