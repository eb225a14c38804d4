#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/store/decision.h"
#include "common/store/store.h"
#include "google/protobuf/message_lite.h"

namespace motcua::store {

// One unit of work in one shard: reads records through a cache, collects what decisions changed, commits it all.
//
// A Model tells the store what it must know of a kind of record:
//   struct RouteModel {
//     using Record = routing::v1::RouteRecord;             // has fields `chain` and `history_length`
//     static constexpr std::string_view kKind = "d";
//     static Indexes IndexesOf(const Record& record);      // pure
//     static Counters CountersOf(const Record& record);    // pure
//   };
//
// Confined to the loop; used by one coroutine. Usage:
//   Session session(store, "H30");
//   co_await session.Fetch(std::move(keys), deadline);
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

  // Loads what is not yet in the cache. Keys other than records' are cached too: see Raw.
  async::Task<absl::Status> Fetch(std::vector<std::string> keys, absl::Time deadline);

  // A fetched value as it is stored; nullptr = absent.
  const std::string* Raw(const std::string& key) const;

  // The record as of now in this session (changes included); nullptr = there is none. Must have been fetched.
  // Valid until the next Apply of the same record.
  template <class Model>
  const typename Model::Record* Find(std::string_view id) {
    Slot* slot = SlotOf(KeyOf<Model>(id));
    if (slot == nullptr || !Parse<Model>(*slot)) return nullptr;
    return static_cast<const typename Model::Record*>(slot->now.get());
  }

  // Version of a fetched record, counting the change of this session; 0 = there is none.
  template <class Model>
  uint64_t VersionOf(std::string_view id) const {
    const Slot* slot = SlotOf(KeyOf<Model>(id));
    return slot == nullptr ? 0 : slot->version + (slot->dirty ? 1 : 0);
  }

  // Takes a decision over: its record replaces the one in the session, its events and history lines are added.
  // The record's chain and history_length are kept here; whatever the decision set there is overwritten.
  template <class Model>
  void Apply(std::string_view id, Decision<typename Model::Record> decision) {
    Slot& slot = NewSlot(KeyOf<Model>(id));
    Parse<Model>(slot);
    auto* before = static_cast<typename Model::Record*>(slot.now.get());
    if (!slot.dirty && before != nullptr) {
      slot.indexes = Model::IndexesOf(*before);
      slot.counters = Model::CountersOf(*before);
    }
    std::string chain = before == nullptr ? std::string() : before->chain();
    uint32_t length = before == nullptr ? 0 : before->history_length();
    AppendHistory(keys_.History(Model::kKind, id), decision.history, chain, length);
    auto after = std::make_unique<typename Model::Record>(std::move(decision.record));
    after->set_chain(std::move(chain));
    after->set_history_length(length);
    slot.new_indexes = Model::IndexesOf(*after);
    slot.new_counters = Model::CountersOf(*after);
    slot.now = std::move(after);
    slot.dirty = true;
    for (feed::v1::Event& event : decision.events) Emit(std::move(event));
  }

  void Emit(feed::v1::Event event);

  // Additions beyond records, committed with the rest.
  Transaction& extra() { return extra_; }

  // Nothing was changed.
  bool clean() const { return !dirty_ && extra_.empty(); }

  // Commits everything. The session is spent afterwards, whatever the outcome.
  async::Task<absl::StatusOr<CommitOutcome>> Commit(absl::Time deadline);

 private:
  struct Slot {
    bool present = false;
    bool dirty = false;
    uint64_t version = 0;
    std::string stored;
    std::unique_ptr<google::protobuf::MessageLite> now;
    Indexes indexes, new_indexes;
    Counters counters, new_counters;
  };

  template <class Model>
  bool Parse(Slot& slot) {
    if (slot.now != nullptr) return true;
    if (!slot.present) return false;
    auto record = std::make_unique<typename Model::Record>();
    if (!ParseStored(slot, *record)) return false;
    slot.now = std::move(record);
    return true;
  }

  Slot* SlotOf(const std::string& key);
  const Slot* SlotOf(const std::string& key) const;
  Slot& NewSlot(const std::string& key);
  bool ParseStored(Slot& slot, google::protobuf::MessageLite& record);
  void AppendHistory(const std::string& key, const std::vector<common::v1::HistoryEntry>& lines, std::string& chain,
                     uint32_t& length);
  void WriteSlot(const std::string& key, Slot& slot, Transaction& checks, Counters& counts);

  Store& store_;
  Keyspace keys_;
  // In the order of first use, so that the same work makes the same transaction.
  std::vector<std::pair<std::string, std::unique_ptr<Slot>>> slots_;
  absl::flat_hash_map<std::string, Slot*> by_key_;
  std::vector<feed::v1::Event> events_;
  std::vector<std::pair<std::string, std::string>> history_;
  Transaction extra_;
  bool dirty_ = false;
  bool corrupt_ = false;
};

// Checks a history against the head of its chain, and decodes it.
common::v1::History DecodeHistory(const std::vector<std::string>& lines, std::string_view chain);

}  // namespace motcua::store
