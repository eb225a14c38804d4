#include "common/store/record_cache.h"

#include <iterator>

namespace motcua::store {

namespace {

// Bytes in memory for each byte of a serialized record, and for the rest of an entry: measured with routes.
constexpr size_t kGrowth = 4;
constexpr size_t kEntryBytes = 400;

size_t BytesOf(std::string_view key, const LoadedRecord& record) {
  return kEntryBytes + 2 * key.size() + record.requests.size() + record.tail.size() +
         kGrowth * record.record_size;
}

}  // namespace

std::shared_ptr<const LoadedRecord> RecordCache::Get(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++tally_.misses;
    return nullptr;
  }
  ++tally_.hits;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->record;
}

void RecordCache::Put(std::string_view key, std::shared_ptr<const LoadedRecord> record) {
  const size_t bytes = BytesOf(key, *record);
  if (bytes > max_bytes_) {
    Drop(key, record->version);
    return;
  }
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    entries_.emplace_front(key, std::move(record));
    by_key_.emplace(entries_.front().key, entries_.begin());
  } else {
    if (found->second->record->version > record->version) return;
    found->second->record = std::move(record);
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  bytes_ += bytes - entries_.front().bytes;
  entries_.front().bytes = bytes;
  while (bytes_ > max_bytes_) {
    ++tally_.evictions;
    Erase(std::prev(entries_.end()));
  }
}

void RecordCache::Drop(std::string_view key, uint64_t version) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end() && found->second->record->version <= version) Erase(found->second);
}

void RecordCache::Clear() {
  by_key_.clear();
  entries_.clear();
  bytes_ = 0;
  ++epoch_;
}

void RecordCache::Erase(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace motcua::store
