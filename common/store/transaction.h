#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/redis/script.h"
#include "common/store/keys.h"

namespace motcua::store {

// A list of checks and operations on one shard that is applied by commit.lua as a whole or not at all.
//
// Thread-compatible; a value. Usage:
//   Transaction tx(keys);
//   tx.TakesEffectAt(now);
//   tx.CheckVersion(key, 3);
//   tx.PutRecord(key, 4, bytes);
//   auto result = co_await store.Commit(std::move(tx), deadline);
class Transaction {
 public:
  explicit Transaction(Keyspace keys);

  // The commit is refused as stale where `at` is before the shard's watermark.
  void TakesEffectAt(absl::Time at);

  // The record's version must be `version`; 0 = it must not exist.
  void CheckVersion(std::string_view key, uint64_t version);
  // No reply may be stored under the request.
  void CheckRequest(std::string_view key);
  // The cursor must stand at `position`; 0 = or not exist.
  void CheckCursor(std::string_view key, uint64_t position);

  void PutRecord(std::string_view key, uint64_t version, std::string_view bytes);
  void Delete(std::string_view key);
  void IndexPut(std::string_view key, std::string_view member, double score);
  void IndexRemove(std::string_view key, std::string_view member);
  void Count(std::string_view key, std::string_view field, int64_t delta);
  void Append(std::string_view key, std::string_view line);
  // Serialized feed::v1::Event without position.
  void Emit(std::string_view event);
  void SetCursor(std::string_view key, uint64_t position);
  // Kept for `ttl`, at least a second.
  void StoreReply(std::string_view key, std::string_view reply, absl::Duration ttl);
  // Drops the feed's events below `position`.
  void TrimFeed(uint64_t position);
  // Moves the shard's watermark; the commit's result tells the feed's last position.
  void MoveWatermark(absl::Time to);

  const Keyspace& keyspace() const { return keys_; }
  bool empty() const { return check_keys_.empty() && op_keys_.empty(); }
  bool emits() const { return emits_; }

  // Adds what the script takes.
  void WriteTo(redis::ScriptCall& call) const;

  // Takes over the checks and operations of `other`, which is of the same shard.
  void Merge(Transaction other);

 private:
  Keyspace keys_;
  int64_t at_micros_ = 0;
  bool emits_ = false;
  std::vector<std::string> check_keys_;
  std::vector<std::string> check_args_;
  std::vector<std::string> op_keys_;
  std::vector<std::string> op_args_;
};

// A stored record is its version (8 bytes, big-endian) and its bytes.
std::string EncodeVersion(uint64_t version);
// Splits a stored record; false where it is not one.
bool DecodeRecord(std::string_view stored, uint64_t& version, std::string_view& bytes);

}  // namespace motcua::store
