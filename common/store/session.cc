#include "common/store/session.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "common/store/entries.h"
#include "common/store/registry.h"
#include "common/time/timestamp.h"

namespace motcua::store {

namespace {

// Up to so many slots are found by looking at each.
constexpr size_t kFewSlots = 8;

// A tail that is longer goes to the history's list as one chunk.
constexpr uint32_t kMaxTailLines = 8;
constexpr size_t kMaxTailBytes = 1024;

common::v1::History DecodeHistory(const std::vector<std::string_view>& lines, std::string_view chain) {
  common::v1::History history;
  std::string head;
  bool readable = true;
  for (std::string_view line : lines) {
    head = Sha256(head, line);
    readable = history.add_entries()->ParseFromArray(line.data(), static_cast<int>(line.size())) && readable;
  }
  history.set_verified(readable && head == chain);
  return history;
}

}  // namespace

Session::Session(Store& store, std::string_view shard)
    : store_(store), keys_(store.Keys(shard)), extra_(keys_) {}

void Session::Begin() {
  if (!std::exchange(begun_, true)) epoch_ = store_.cache().epoch();
}

// What a session took from the store's memory and did not put to the test of a commit is forgotten: whatever
// it was that the session gave up for, the next attempt starts from what is stored.
Session::~Session() {
  if (!from_cache_) return;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot->from_cache) store_.cache().Drop(slot->key, slot->version);
  }
}

async::Task<absl::Status> Session::Fetch(std::vector<std::string> keys, absl::Time deadline) {
  std::vector<Slot*> missing;
  for (std::string& key : keys) {
    Slot& slot = NewSlot(std::move(key));
    if (slot.fetched) continue;
    slot.fetched = true;
    missing.push_back(&slot);
  }
  return Ask(std::move(missing), deadline);
}

async::Task<absl::Status> Session::FetchToChange(std::vector<std::string> keys, absl::Time deadline) {
  std::vector<Slot*> missing;
  for (std::string& key : keys) {
    Slot& slot = NewSlot(std::move(key));
    if (slot.fetched || TakeRemembered(slot)) continue;
    slot.fetched = true;
    missing.push_back(&slot);
  }
  return Ask(std::move(missing), deadline);
}

async::Task<absl::Status> Session::Load(Slot& slot, absl::Time deadline) {
  slot.fetched = true;
  std::vector<Slot*> slots;
  slots.push_back(&slot);
  return Ask(std::move(slots), deadline);
}

async::Task<absl::Status> Session::Ask(std::vector<Slot*> slots, absl::Time deadline) {
  if (slots.empty()) co_return absl::OkStatus();
  Begin();
  std::vector<std::string> keys;
  keys.reserve(slots.size());
  for (const Slot* slot : slots) keys.push_back(slot->key);
  absl::StatusOr<std::vector<std::optional<std::string>>> values =
      co_await store_.Get(std::move(keys), deadline);
  if (!values.ok()) {
    for (Slot* slot : slots) slot->fetched = false;
    co_return values.status();
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!(*values)[i].has_value()) continue;
    Slot& slot = *slots[i];
    slot.stored = *std::move((*values)[i]);
    StoredRecord parts;
    if (DecodeStored(slot.stored, parts)) {
      slot.version = parts.version;
      slot.definition = parts.definition;
    } else {
      unreadable_ = errors::DataLoss("CORRUPT_RECORD", "a stored record cannot be read");
    }
  }
  co_return absl::OkStatus();
}

bool Session::TakeRemembered(Slot& slot) {
  slot.loaded = store_.cache().Get(slot.key);
  if (slot.loaded == nullptr) return false;
  Begin();
  slot.fetched = slot.from_cache = from_cache_ = true;
  slot.version = slot.loaded->version;
  slot.definition = slot.loaded->definition;
  return true;
}

void Session::Emit(feed::v1::Event event) {
  dirty_ = true;
  events_.push_back(std::move(event));
}

Session::Slot* Session::SlotOf(std::string_view key) {
  if (!by_key_.empty()) {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
  }
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot->key == key) return slot.get();
  }
  return nullptr;
}

Session::Slot& Session::NewSlot(std::string key) {
  if (Slot* known = SlotOf(key); known != nullptr) return *known;
  Slot& slot = *slots_.emplace_back(std::make_unique<Slot>(std::move(key)));
  if (slots_.size() == kFewSlots) {
    for (const std::unique_ptr<Slot>& each : slots_) by_key_.emplace(each->key, each.get());
  } else if (slots_.size() > kFewSlots) {
    by_key_.emplace(slot.key, &slot);
  }
  return slot;
}

bool Session::ParseStored(Slot& slot, const Schema& schema,
                          std::shared_ptr<google::protobuf::MessageLite> record) {
  StoredRecord parts;
  RequestBlock requests;
  absl::Status read = ReadStored(slot.stored, schema, parts, *record);
  if (read.ok() && !requests.Parse(parts.requests, parts.version, parts.position)) {
    read = errors::DataLoss("CORRUPT_RECORD", "a stored record cannot be read");
  }
  if (!read.ok()) {
    unreadable_ = std::move(read);  // never overwritten: Commit refuses
    return false;
  }
  auto loaded = std::make_shared<LoadedRecord>();
  loaded->version = parts.version;
  loaded->definition = parts.definition;
  loaded->position = parts.position;
  loaded->requests = std::string(parts.requests);
  loaded->tail_lines = parts.tail_lines;
  loaded->tail = std::string(parts.tail);
  loaded->record_size = parts.schema == schema.number ? parts.record.size() : record->ByteSizeLong();
  loaded->record = std::move(record);
  slot.loaded = std::move(loaded);
  slot.stored = std::string();
  if (epoch_ == store_.cache().epoch()) store_.cache().Put(slot.key, slot.loaded);
  return true;
}

void Session::AppendHistory(Slot& slot, const std::vector<common::v1::HistoryEntry>& lines,
                            std::string& chain, uint32_t& length) {
  for (const common::v1::HistoryEntry& line : lines) {
    const std::string bytes = line.SerializeAsString();
    chain = Sha256(chain, bytes);
    ++length;
    AppendLine(slot.lines, bytes);
    ++slot.line_count;
  }
}

bool Session::Unchanged(const Slot& slot) const {
  if (slot.must_write || slot.loaded == nullptr || slot.line_count > 0) return false;
  // The sizes differ nearly always where the records do.
  return static_cast<size_t>(slot.now->GetCachedSize()) == slot.loaded->record_size &&
         slot.now->SerializeAsString() == slot.loaded->record->SerializeAsString();
}

void Session::WriteSlot(Slot& slot, const Phase& phase, uint64_t now, Transaction& tx) {
  const LoadedRecord* loaded = slot.loaded.get();
  RequestBlock requests = slot.Requests();
  std::vector<RequestBlock::Entry> moved;
  if (!slot.answer.empty()) {
    RequestBlock::Entry entry;
    entry.digest = slot.request.digest_view();
    entry.expires =
        now + static_cast<uint64_t>(std::max<int64_t>(1, absl::ToInt64Seconds(store_.request_ttl())));
    entry.answer = slot.answer;
    requests.Add(entry);
  }
  requests.Trim(now, moved);
  slot.requests = requests.Serialize();
  for (const RequestBlock::Entry& entry : moved) {
    tx.StoreReply(keys_.Request(entry.digest), entry.answer, absl::Seconds(entry.expires - now),
                  entry.position);
  }
  if (loaded != nullptr) {
    slot.tail = loaded->tail;
    slot.tail_lines = loaded->tail_lines;
  }
  slot.tail.append(slot.lines);
  slot.tail_lines += slot.line_count;
  if (slot.tail_lines > kMaxTailLines || slot.tail.size() > kMaxTailBytes) {
    tx.Append(keys_.History(slot.key), slot.tail);
    slot.tail.clear();
    slot.tail_lines = 0;
  }
  tx.PutRecord(slot.key, slot.version + 1, phase.to, slot.kind->schema.number, slot.requests, slot.tail_lines,
               slot.tail, *slot.now);
  slot.written = true;
  if (loaded == nullptr && slot.kind->registered) {
    std::string member;
    member.reserve(slot.key.size() + 1);
    Registry::AppendGroup(member, slot.key);
    if (!store_.definitions().IsRegistered(member)) {
      tx.Register(slot.key);
      registered_.push_back(std::move(member));
    }
  }
  WriteEntries(*slot.kind, loaded == nullptr ? nullptr : loaded->record.get(), slot.definition, *slot.now,
               phase, store_.scratch(), tx);
}

async::Task<absl::StatusOr<CommitOutcome>> Session::Commit(absl::Time deadline) {
  if (!unreadable_.ok()) co_return unreadable_;
  // Of an older state the same version may be another record, also where it was loaded.
  Begin();
  const ShardDefinitions::Known* known = store_.definitions().Find(keys_.shard());
  if (known == nullptr && dirty_) {
    absl::StatusOr<Phase> learnt = co_await store_.LearnPhase(keys_.shard(), deadline);
    if (!learnt.ok()) co_return learnt.status();
    known = store_.definitions().Find(keys_.shard());
  }
  if (epoch_ != store_.cache().epoch()) {
    co_return CommitOutcome(CommitOutcome::Kind::kConflict, 0);
  }
  const Phase phase = known != nullptr ? known->phase : Phase(store_.definition().number);
  Transaction tx = std::move(extra_);
  if (dirty_) {
    absl::Status may = store_.MayWrite(phase);
    if (!may.ok()) co_return may;
    // Not known: what was learnt is of an older state, which the check of the epoch has found already.
    tx.CheckPhase(known != nullptr ? std::string_view(known->text) : std::string_view("0"));
  }
  for (const feed::v1::Event& event : events_) {
    tx.TakesEffectAt(time::FromTimestamp(event.at()));
    tx.Emit(event);
  }
  for (const auto& [mark, answer] : replies_) {
    tx.StoreReply(keys_.Request(mark.digest_view()), answer, store_.request_ttl());
  }
  const auto now = static_cast<uint64_t>(absl::ToUnixSeconds(absl::Now()));
  store_.scratch().sum.Clear();
  store_.scratch().also_sum.Clear();
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot->now == nullptr && !(slot->from_cache && slot->looked_at)) continue;
    tx.CheckVersion(slot->key, slot->version, slot->definition);
    if (slot->now == nullptr) continue;
    slot->now->ByteSizeLong();  // computes the cached sizes
    if (!Unchanged(*slot)) WriteSlot(*slot, phase, now, tx);
  }
  WriteCounters(phase, store_.scratch(), tx);
  absl::StatusOr<CommitOutcome> outcome = co_await store_.Commit(std::move(tx), deadline);
  if (!outcome.ok() || outcome->kind == CommitOutcome::Kind::kConflict) {
    // Out of date, or perhaps written.
    if (outcome.ok() && from_cache_) store_.cache().CountStale();
    for (const std::unique_ptr<Slot>& slot : slots_) store_.cache().Drop(slot->key, slot->version);
  } else if (outcome->kind == CommitOutcome::Kind::kCommitted) {
    Remember(phase, outcome->position);
  }
  from_cache_ = false;
  co_return outcome;
}

void Session::Remember(const Phase& phase, uint64_t position) {
  if (epoch_ != store_.cache().epoch()) return;
  for (std::string& member : registered_) store_.definitions().Registered(std::move(member));
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (!slot->written) continue;
    auto loaded = std::make_shared<LoadedRecord>();
    loaded->version = slot->version + 1;
    loaded->definition = phase.to;
    loaded->position = position;
    loaded->requests = std::move(slot->requests);
    loaded->tail_lines = slot->tail_lines;
    loaded->tail = std::move(slot->tail);
    loaded->record_size = static_cast<size_t>(slot->now->GetCachedSize());
    loaded->record = std::move(slot->now);
    store_.cache().Put(slot->key, std::move(loaded));
  }
}

async::Task<absl::StatusOr<common::v1::History>> Session::HistoryOf(const Slot& slot, std::string chain,
                                                                    uint32_t length, uint32_t limit,
                                                                    absl::Time deadline) {
  absl::StatusOr<std::vector<std::string>> chunks = std::vector<std::string>();
  const uint32_t listed = length - std::min(length, slot.loaded->tail_lines);
  if (listed > 0) {
    // Each chunk has a line at least.
    chunks = co_await store_.ReadList(keys_.History(slot.key), limit, deadline);
    if (!chunks.ok()) co_return chunks.status();
  }
  std::vector<std::string_view> lines;
  bool readable = true;
  for (const std::string& chunk : *chunks) readable = SplitLines(chunk, lines) && readable;
  // Chunks that were appended since the record was read are not of its chain yet, or are its tail.
  if (lines.size() > listed) lines.resize(listed);
  readable = SplitLines(slot.loaded->tail, lines) && readable;
  if (lines.size() > limit) lines.erase(lines.begin(), lines.end() - static_cast<ptrdiff_t>(limit));
  common::v1::History history = DecodeHistory(lines, chain);
  history.set_verified(history.verified() && readable);
  co_return history;
}

}  // namespace motcua::store
