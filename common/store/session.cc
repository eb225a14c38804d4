#include "common/store/session.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"

namespace motcua::store {

namespace {

// Up to so many slots are found by looking at each.
constexpr size_t kFewSlots = 8;

// A tail that is longer goes to the history's list as one chunk.
constexpr uint32_t kMaxTailLines = 8;
constexpr size_t kMaxTailBytes = 1024;

absl::Status CorruptRecord() { return errors::DataLoss("CORRUPT_RECORD", "a stored record cannot be read"); }

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
    } else {
      corrupt_ = true;
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

bool Session::ParseStored(Slot& slot, std::shared_ptr<google::protobuf::MessageLite> record) {
  StoredRecord parts;
  RequestBlock requests;
  if (!DecodeStored(slot.stored, parts) || !requests.Parse(parts.requests, parts.version, parts.position) ||
      !record->ParseFromArray(parts.record.data(), static_cast<int>(parts.record.size()))) {
    corrupt_ = true;  // never overwritten: Commit refuses
    return false;
  }
  auto loaded = std::make_shared<LoadedRecord>();
  loaded->version = parts.version;
  loaded->position = parts.position;
  loaded->requests = std::string(parts.requests);
  loaded->tail_lines = parts.tail_lines;
  loaded->tail = std::string(parts.tail);
  loaded->record_size = parts.record.size();
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

void Session::WriteSlot(Slot& slot, uint64_t now, Transaction& tx) {
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
  tx.PutRecord(slot.key, slot.version + 1, slot.requests, slot.tail_lines, slot.tail, *slot.now);
  slot.written = true;
  WriteListings(slot, tx);
}

void Session::WriteListings(const Slot& slot, Transaction& tx) {
  Store::Scratch& scratch = store_.scratch();
  IndexSink& after = scratch.new_indexes;
  IndexSink& before = scratch.old_indexes;
  CounterSink& gained = scratch.new_counters;
  CounterSink& lost = scratch.old_counters;
  after.Clear();
  before.Clear();
  gained.Clear();
  lost.Clear();
  slot.indexes(*slot.now, after);
  slot.counters(*slot.now, gained);
  if (slot.loaded != nullptr) {
    slot.indexes(*slot.loaded->record, before);
    slot.counters(*slot.loaded->record, lost);
  }
  // Entries come in the same order before and after, but for the few that changed: looked for where the last
  // one was found, and only then everywhere. Returns size() where there is none.
  const auto place_of = [](const IndexSink& wanted, size_t i, const IndexSink& in, size_t& hint) {
    if (hint < in.size() && wanted.SameKey(i, in, hint)) return hint++;
    for (size_t j = 0; j < in.size(); ++j) {
      if (!wanted.SameKey(i, in, j)) continue;
      hint = j + 1;
      return j;
    }
    return in.size();
  };
  size_t hint = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    const size_t was = place_of(after, i, before, hint);
    if (was == before.size() || before.score(was) != after.score(i)) {
      tx.IndexPut(after.index(i), after.member(i), after.score(i));
    }
  }
  hint = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (place_of(before, i, after, hint) == after.size()) tx.IndexRemove(before.index(i), before.member(i));
  }
  // What stands at the same place with the same figure needs no looking up.
  for (size_t i = 0; i < std::max(gained.size(), lost.size()); ++i) {
    const bool both = i < gained.size() && i < lost.size() && gained.field(i) == lost.field(i);
    if (both) {
      if (gained.delta(i) != lost.delta(i)) scratch.sum.Add(gained.field(i), gained.delta(i) - lost.delta(i));
      continue;
    }
    if (i < gained.size()) scratch.sum.Add(gained.field(i), gained.delta(i));
    if (i < lost.size()) scratch.sum.Add(lost.field(i), -lost.delta(i));
  }
}

namespace {

// Adds up what several records or entries say of one counter.
void WriteCounters(const CounterSink& sum, std::vector<size_t>& order, Transaction& tx) {
  order.clear();
  for (size_t i = 0; i < sum.size(); ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), [&sum](size_t a, size_t b) { return sum.field(a) < sum.field(b); });
  for (size_t i = 0; i < order.size();) {
    const std::string_view field = sum.field(order[i]);
    int64_t delta = 0;
    for (; i < order.size() && sum.field(order[i]) == field; ++i) delta += sum.delta(order[i]);
    if (delta != 0) tx.Count(field, delta);
  }
}

}  // namespace

async::Task<absl::StatusOr<CommitOutcome>> Session::Commit(absl::Time deadline) {
  if (corrupt_) co_return CorruptRecord();
  // Of an older state the same version may be another record, also where it was loaded.
  Begin();
  if (epoch_ != store_.cache().epoch()) {
    co_return CommitOutcome(CommitOutcome::Kind::kConflict, 0);
  }
  Transaction tx = std::move(extra_);
  for (const feed::v1::Event& event : events_) {
    tx.TakesEffectAt(time::FromTimestamp(event.at()));
    tx.Emit(event);
  }
  for (const auto& [mark, answer] : replies_) {
    tx.StoreReply(keys_.Request(mark.digest_view()), answer, store_.request_ttl());
  }
  const auto now = static_cast<uint64_t>(absl::ToUnixSeconds(absl::Now()));
  store_.scratch().sum.Clear();
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot->now == nullptr && !(slot->from_cache && slot->looked_at)) continue;
    tx.CheckVersion(slot->key, slot->version);
    if (slot->now == nullptr) continue;
    slot->now->ByteSizeLong();  // computes the cached sizes
    if (!Unchanged(*slot)) WriteSlot(*slot, now, tx);
  }
  WriteCounters(store_.scratch().sum, store_.scratch().order, tx);
  absl::StatusOr<CommitOutcome> outcome = co_await store_.Commit(std::move(tx), deadline);
  if (!outcome.ok() || outcome->kind == CommitOutcome::Kind::kConflict) {
    // Out of date, or perhaps written.
    if (outcome.ok() && from_cache_) store_.cache().CountStale();
    for (const std::unique_ptr<Slot>& slot : slots_) store_.cache().Drop(slot->key, slot->version);
  } else if (outcome->kind == CommitOutcome::Kind::kCommitted) {
    Remember(outcome->position);
  }
  from_cache_ = false;
  co_return outcome;
}

void Session::Remember(uint64_t position) {
  if (epoch_ != store_.cache().epoch()) return;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (!slot->written) continue;
    auto loaded = std::make_shared<LoadedRecord>();
    loaded->version = slot->version + 1;
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
