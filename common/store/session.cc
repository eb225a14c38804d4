#include "common/store/session.h"

#include "common/status/errors.h"
#include "common/time/timestamp.h"

namespace motcua::store {

Session::Session(Store& store, std::string_view shard)
    : store_(store), keys_(store.Keys(shard)), extra_(keys_) {}

Session::~Session() = default;

async::Task<absl::Status> Session::Fetch(std::vector<std::string> keys, absl::Time deadline) {
  std::vector<std::string> missing;
  for (std::string& key : keys) {
    if (by_key_.contains(key)) continue;
    NewSlot(key);
    missing.push_back(std::move(key));
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> values = co_await store_.Get(missing, deadline);
  if (!values.ok()) co_return values.status();
  for (size_t i = 0; i < missing.size(); ++i) {
    if (!(*values)[i].has_value()) continue;
    Slot& slot = *SlotOf(missing[i]);
    slot.present = true;
    slot.stored = *std::move((*values)[i]);
    std::string_view bytes;
    DecodeRecord(slot.stored, slot.version, bytes);
  }
  co_return absl::OkStatus();
}

const std::string* Session::Raw(const std::string& key) const {
  const Slot* slot = SlotOf(key);
  return slot != nullptr && slot->present ? &slot->stored : nullptr;
}

void Session::Emit(feed::v1::Event event) {
  dirty_ = true;
  events_.push_back(std::move(event));
}

Session::Slot* Session::SlotOf(const std::string& key) {
  auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

const Session::Slot* Session::SlotOf(const std::string& key) const {
  auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

Session::Slot& Session::NewSlot(const std::string& key) {
  Slot*& slot = by_key_[key];
  if (slot == nullptr) {
    slots_.emplace_back(key, std::make_unique<Slot>());
    slot = slots_.back().second.get();
  }
  return *slot;
}

bool Session::ParseStored(Slot& slot, google::protobuf::MessageLite& record) {
  std::string_view bytes;
  uint64_t version = 0;
  const bool good = DecodeRecord(slot.stored, version, bytes) &&
                    record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!good) corrupt_ = true;  // never overwritten: Commit refuses
  return good;
}

void Session::AppendHistory(const std::string& key, const std::vector<common::v1::HistoryEntry>& lines,
                            std::string& chain, uint32_t& length) {
  dirty_ = true;
  for (const common::v1::HistoryEntry& line : lines) {
    std::string bytes = line.SerializeAsString();
    chain = Sha256(chain, bytes);
    ++length;
    history_.emplace_back(key, std::move(bytes));
  }
}

void Session::WriteSlot(const std::string& key, Slot& slot, Transaction& tx, Counters& counts) {
  tx.CheckVersion(key, slot.version);
  tx.PutRecord(key, slot.version + 1, slot.now->SerializeAsString());
  for (const IndexEntry& entry : slot.new_indexes) {
    bool same = false;
    for (const IndexEntry& old : slot.indexes) same = same || old == entry;
    if (!same) tx.IndexPut(keys_.Index(entry.index), entry.member, entry.score);
  }
  for (const IndexEntry& old : slot.indexes) {
    bool kept = false;
    for (const IndexEntry& entry : slot.new_indexes) kept = kept || entry.Key() == old.Key();
    if (!kept) tx.IndexRemove(keys_.Index(old.index), old.member);
  }
  for (const auto& [field, value] : slot.new_counters) counts[field] += value;
  for (const auto& [field, value] : slot.counters) counts[field] -= value;
}

async::Task<absl::StatusOr<CommitOutcome>> Session::Commit(absl::Time deadline) {
  if (corrupt_) co_return errors::DataLoss("CORRUPT_RECORD", "a stored record cannot be read");
  Transaction tx(keys_);
  Counters counts;
  for (auto& [key, slot] : slots_) {
    if (slot->dirty) WriteSlot(key, *slot, tx, counts);
  }
  for (const auto& [field, delta] : counts) {
    if (delta != 0) tx.Count(keys_.Counters(), field, delta);
  }
  for (const auto& [key, line] : history_) tx.Append(key, line);
  absl::Time earliest = absl::InfiniteFuture();
  for (const feed::v1::Event& event : events_) {
    earliest = std::min(earliest, time::FromTimestamp(event.at()));
    tx.Emit(event.SerializeAsString());
  }
  if (!events_.empty()) tx.TakesEffectAt(earliest);
  tx.Merge(std::move(extra_));
  absl::StatusOr<CommitOutcome> outcome = co_await store_.Commit(std::move(tx), deadline);
  co_return outcome;
}

common::v1::History DecodeHistory(const std::vector<std::string>& lines, std::string_view chain) {
  common::v1::History history;
  std::string head;
  bool readable = true;
  for (const std::string& line : lines) {
    head = Sha256(head, line);
    readable = history.add_entries()->ParseFromString(line) && readable;
  }
  history.set_verified(readable && head == chain);
  return history;
}

}  // namespace motcua::store
