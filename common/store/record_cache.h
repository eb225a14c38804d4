#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "google/protobuf/message_lite.h"

namespace motcua::store {

// A record as this process last saw it. Immutable.
struct LoadedRecord {
  uint64_t version = 0;
  uint16_t definition = 0;  // by which its entries were written
  // Of the last event of the commit that wrote it; 0 = none.
  uint64_t position = 0;
  std::string requests;  // see RequestBlock
  uint32_t tail_lines = 0;
  std::string tail;
  size_t record_size = 0;  // of the serialized record
  std::shared_ptr<const google::protobuf::MessageLite> record;
};

// Decoded records, so that a change need not load what it starts from: the commit's version check tells when
// an entry is out of date. Never a ground to refuse anything. Bounded by bytes; what was used longest ago
// goes first.
//
// Confined to the loop.
class RecordCache {
 public:
  struct Tally {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t evictions = 0;
    // Commits that were refused because of what was taken from here.
    uint64_t stale = 0;
  };

  // 0 keeps nothing.
  explicit RecordCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  // nullptr = not known.
  std::shared_ptr<const LoadedRecord> Get(std::string_view key);
  // Unless a later version is known.
  void Put(std::string_view key, std::shared_ptr<const LoadedRecord> record);
  // Forgets the record, unless a later version than `version` has become known.
  void Drop(std::string_view key, uint64_t version);
  // Forgets everything: Redis may come back with an older state than the one it was left with.
  void Clear();

  void CountStale() { ++tally_.stale; }

  // Changes with each Clear: what was decided on before it must not be committed after it.
  uint64_t epoch() const { return epoch_; }
  // Estimated from the sizes of the records.
  size_t bytes() const { return bytes_; }
  const Tally& tally() const { return tally_; }

 private:
  struct Entry {
    Entry(std::string_view key, std::shared_ptr<const LoadedRecord> record)
        : key(key), record(std::move(record)) {}
    std::string key;
    std::shared_ptr<const LoadedRecord> record;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the latest used first

  void Erase(Entries::iterator entry);

  const size_t max_bytes_;
  size_t bytes_ = 0;
  uint64_t epoch_ = 0;
  Tally tally_;
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace motcua::store
