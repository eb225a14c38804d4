#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/store/decision.h"
#include "common/store/store.h"
#include "common/store/stored_record.h"
#include "google/protobuf/message_lite.h"
#include "motcua/internal/routing/records.pb.h"

namespace motcua::store {

// One unit of work in one shard: reads records, collects what decisions changed, commits it all.
//
// A Model tells the store what it must know of a kind of record:
//   struct RouteModel {
//     using Record = motcua::internal::routing::RouteRecord;             // has fields `chain` and
//     `history_length` static constexpr std::string_view kKind = "d";      // no colon static constexpr
//     uint32_t kSchema = 1;               // with Upgrade: see Schema static void IndexesOf(const Record&
//     record, IndexSink& indexes);       // pure static void CountersOf(const Record& record, CounterSink&
//     counters);   // pure
//   };
// Whoever changes the two functions takes a new number of the service's definition: see definition.h. A model
// whose records are removed has neither: see Removable.
//
// Confined to the loop; used by one coroutine. Usage:
//   Session session(store, "H30");
//   co_await session.FetchToChange(std::move(keys), deadline);
//   const RouteRecord* route = session.Find<RouteModel>(code);
//   session.Apply<RouteModel>(code, std::move(decision));
//   auto outcome = co_await session.Commit(deadline);
class Session {
 public:
  Session(Store& store, std::string_view shard);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Store& store() { return store_; }
  const Keyspace& keys() const { return keys_; }

  template <class Model>
  std::string KeyOf(std::string_view id) const {
    return keys_.Record(Model::kKind, id);
  }

  // Loads from Redis what this session does not have yet. For work that answers from what it finds.
  async::Task<absl::Status> Fetch(std::vector<std::string> keys, absl::Time deadline);

  // The same, but what the store remembers is taken from there, which may be out of date: only for work that
  // ends in this session's Commit, which checks the version of each such record that was looked at, changed
  // or not. Where the session ends without it, the records are forgotten, so that the next attempt sees what
  // is stored.
  async::Task<absl::Status> FetchToChange(std::vector<std::string> keys, absl::Time deadline);

  // The record as of now in this session (changes included); nullptr = there is none. Must have been fetched.
  // Valid until the next Apply of the same record.
  template <class Model>
  const typename Model::Record* Find(std::string_view id) {
    Slot* slot = SlotOf(KeyOf<Model>(id));
    return slot == nullptr ? nullptr : FindIn<Model>(*slot);
  }

  // Version of a fetched record, counting the change of this session; 0 = there is none.
  template <class Model>
  uint64_t VersionOf(std::string_view id) {
    Slot* slot = SlotOf(KeyOf<Model>(id));
    if (slot == nullptr) return 0;
    slot->looked_at = true;
    return slot->version + (slot->now != nullptr ? 1 : 0);
  }

  // Takes a decision over: its record replaces the one in the session, its events and history lines are added.
  // The record's chain and history_length are kept here; whatever the decision set there is overwritten.
  template <class Model>
  void Apply(std::string_view id, Decision<typename Model::Record> decision) {
    ApplyTo<Model>(NewSlot(KeyOf<Model>(id)), std::move(decision));
  }

  // Puts a record that is Removable, whatever is stored: past the records of this session and the store's
  // memory.
  template <class Model>
  void Put(std::string_view id, const typename Model::Record& record) {
    static_assert(Removable<Model>, "it would be in no registry and no list");
    record.ByteSizeLong();  // computes the cached sizes
    extra_.PutRecord(KeyOf<Model>(id), 1, 1, SchemaOf<Model>().number, {}, 0, {}, record);
  }

  // Deletes a record, where there is one; it need not have been fetched. Before anything is put: what Apply
  // makes of the same record stays.
  template <class Model>
  void Remove(std::string_view id) {
    static_assert(Removable<Model>, "it would be left in its registry and its lists");
    extra_.Delete(KeyOf<Model>(id));
  }

  void Emit(feed::v1::Event event);

  // Additions beyond records, committed with the rest.
  Transaction& extra() { return extra_; }

  // Nothing was changed.
  bool clean() const { return !dirty_ && extra_.empty(); }

  // Something that was looked at is stored and cannot be read: DATA_LOSS (CORRUPT_RECORD), UNAVAILABLE
  // (RECORD_NEWER). Else OK.
  const absl::Status& unreadable() const { return unreadable_; }

  // Commits everything. The session is spent afterwards, whatever the outcome. A record that came out as it
  // was is not written, but its version is checked.
  async::Task<absl::StatusOr<CommitOutcome>> Commit(absl::Time deadline);

  // The history of a fetched record, checked against its chain; its latest lines where there are more than
  // `limit`. Must have been fetched, and exist.
  template <class Model>
  async::Task<absl::StatusOr<common::v1::History>> ReadHistory(std::string id, uint32_t limit,
                                                               absl::Time deadline) {
    const typename Model::Record* record = Find<Model>(id);
    return HistoryOf(*SlotOf(KeyOf<Model>(id)), record->chain(), record->history_length(), limit, deadline);
  }

  // ---------------------------------------------------------------- for mutate.h: one record by its place
  struct Slot {
    explicit Slot(std::string key) : key(std::move(key)) {}

    const std::string key;
    bool fetched = false;
    bool from_cache = false;
    bool looked_at = false;
    uint64_t version = 0;
    uint16_t definition = 0;                             // by which its entries were written
    std::string stored;                                  // as fetched, until it is parsed
    std::shared_ptr<const LoadedRecord> loaded;          // null = there is none, or not parsed yet
    std::shared_ptr<google::protobuf::MessageLite> now;  // null = unchanged
    std::string lines;                                   // new history lines
    uint32_t line_count = 0;
    bool must_write = false;
    // The answer to keep with the record.
    RequestMark request;
    std::string answer;
    const RecordKind* kind = nullptr;  // where it was changed
    // Of the commit under way.
    std::string requests;
    std::string tail;
    uint32_t tail_lines = 0;
    bool written = false;

    // Views are into the slot.
    RequestBlock Requests() const {
      RequestBlock block;
      if (loaded != nullptr) block.Parse(loaded->requests, loaded->version, loaded->position);
      return block;
    }
  };

  Slot& NewSlot(std::string key);
  // Takes the record from the store's memory; false where it is not there.
  bool TakeRemembered(Slot& slot);
  // Takes the record from Redis.
  async::Task<absl::Status> Load(Slot& slot, absl::Time deadline);
  // Stores an answer under the request's own key.
  void StoreReply(const RequestMark& mark, std::string answer) {
    replies_.emplace_back(mark, std::move(answer));
  }

  template <class Model>
  const typename Model::Record* FindIn(Slot& slot) {
    slot.looked_at = true;
    const google::protobuf::MessageLite* record = slot.now.get();
    if (record == nullptr && Parse<Model>(slot)) record = slot.loaded->record.get();
    return static_cast<const typename Model::Record*>(record);
  }

  template <class Model>
  void ApplyTo(Slot& slot, Decision<typename Model::Record> decision) {
    const typename Model::Record* before = FindIn<Model>(slot);
    std::string chain = before == nullptr ? std::string() : before->chain();
    uint32_t length = before == nullptr ? 0 : before->history_length();
    AppendHistory(slot, decision.history, chain, length);
    auto after = std::make_shared<typename Model::Record>(std::move(decision.record));
    after->set_chain(std::move(chain));
    after->set_history_length(length);
    slot.now = std::move(after);
    slot.kind = &KindOf<Model>();
    dirty_ = true;
    for (feed::v1::Event& event : decision.events) Emit(std::move(event));
  }

 private:
  template <class Model>
  bool Parse(Slot& slot) {
    if (slot.loaded != nullptr) return true;
    if (slot.stored.empty()) return false;
    return ParseStored(slot, SchemaOf<Model>(), std::make_shared<typename Model::Record>());
  }

  void Begin();
  async::Task<absl::Status> Ask(std::vector<Slot*> slots, absl::Time deadline);
  Slot* SlotOf(std::string_view key);
  bool ParseStored(Slot& slot, const Schema& schema, std::shared_ptr<google::protobuf::MessageLite> record);
  void AppendHistory(Slot& slot, const std::vector<common::v1::HistoryEntry>& lines, std::string& chain,
                     uint32_t& length);
  async::Task<absl::StatusOr<common::v1::History>> HistoryOf(const Slot& slot, std::string chain,
                                                             uint32_t length, uint32_t limit,
                                                             absl::Time deadline);
  bool Unchanged(const Slot& slot) const;
  void WriteSlot(Slot& slot, const Phase& phase, uint64_t now, Transaction& tx);
  void Remember(const Phase& phase, uint64_t position);

  Store& store_;
  Keyspace keys_;
  // In the order of first use, so that the same work makes the same transaction.
  std::vector<std::unique_ptr<Slot>> slots_;
  std::unordered_map<std::string_view, Slot*> by_key_;  // filled once there are many
  std::vector<feed::v1::Event> events_;
  std::vector<std::pair<RequestMark, std::string>> replies_;
  Transaction extra_;
  // Of the store's memory, when this session first knew of a record.
  uint64_t epoch_ = 0;
  bool begun_ = false;
  bool dirty_ = false;
  absl::Status unreadable_;
  std::vector<std::string> registered_;  // members of registries that this commit enters
  bool from_cache_ = false;  // some record is from the store's memory, and not confirmed by a commit
};

}  // namespace motcua::store
