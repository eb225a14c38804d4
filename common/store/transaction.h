#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "common/redis/script.h"
#include "common/store/cursor.h"
#include "common/store/keys.h"
#include "common/store/stored_record.h"
#include "google/protobuf/message_lite.h"

namespace motcua::store {

// A list of checks and operations on one shard that is applied by commit.lua as a whole or not at all.
// Written straight into the form in which it is sent.
//
// Thread-compatible; a value. Usage:
//   Transaction tx(keys);
//   tx.TakesEffectAt(now);
//   tx.CheckVersion(key, 3);
//   tx.PutRecord(key, 4, bytes);
//   auto result = co_await store.Commit(std::move(tx), deadline);
class Transaction {
 public:
  explicit Transaction(Keyspace keys) : keys_(std::move(keys)) {}

  // The commit is refused as stale where `at` is before the shard's watermark. Of several, the earliest
  // counts.
  void TakesEffectAt(absl::Time at);

  // The shard must stand where `phase` says: see Phase. Goes before other checks.
  void CheckPhase(std::string_view phase);
  // The record's version must be `version`, and its entries must have been written by `definition`; 0 = it
  // must not exist.
  void CheckVersion(std::string_view key, uint64_t version, uint16_t definition = 1);
  // The key must hold `text`; "0" = or not exist.
  void CheckText(std::string_view key, std::string_view text);
  // No reply may be stored under the request.
  void CheckRequest(std::string_view key);
  // The cursor must stand there, in that very epoch; 0 = or not exist.
  void CheckCursor(std::string_view key, Cursor cursor);

  // A record without requests and history lines. Events come first: a record's head bears the position of the
  // last.
  void PutRecord(std::string_view key, uint64_t version, std::string_view bytes, uint16_t definition = 1);
  // The whole; the record's size is `record.GetCachedSize()`, computed before.
  void PutRecord(std::string_view key, uint64_t version, uint16_t definition, uint32_t schema,
                 std::string_view requests, uint32_t tail_lines, std::string_view tail,
                 const google::protobuf::MessageLite& record);
  // Deletes a key, before anything is put: one that is no record, or a record of a kind that is in no
  // registry and no list (see Session::Remove).
  void Delete(std::string_view key);
  // Enters a new record, by its key, among those of its kind.
  void Register(std::string_view record);
  void IndexPut(uint16_t definition, std::string_view index, std::string_view member, double score);
  void IndexRemove(uint16_t definition, std::string_view index, std::string_view member);
  // `group` empty: of no group.
  void Count(uint16_t definition, std::string_view group, std::string_view field, int64_t delta);
  // Of a hash.
  void Count(std::string_view key, std::string_view field, int64_t delta);
  // Notes a key, by how it ends, that is to be removed with its definition.
  void Retire(std::string_view suffix);
  void Append(std::string_view key, std::string_view chunk);
  // Serialized feed::v1::Event without position.
  void Emit(std::string_view event);
  void Emit(const google::protobuf::MessageLite& event);
  void SetCursor(std::string_view key, Cursor cursor);
  // Sets a key as it is: a text, or a record whose entries alone were written anew. A check of a cursor or a
  // text may be what guards it.
  void SetText(std::string_view key, std::string_view text);
  // Kept for `ttl`, at least a second; behind the position of the last event emitted so far.
  void StoreReply(std::string_view key, std::string_view reply, absl::Duration ttl);
  // The same, of an earlier commit.
  void StoreReply(std::string_view key, std::string_view reply, absl::Duration ttl, uint64_t position);
  // Moves the shard's watermark; the commit's result tells where it stands then, and the feed's last
  // position. `bounded`: not past Redis' own clock, whatever that of this host says.
  void MoveWatermark(absl::Time to, bool bounded);

  const Keyspace& keyspace() const { return keys_; }
  // What CheckPhase was given; empty = nothing.
  const std::string& phase() const { return phase_; }
  bool empty() const { return checks_ == 0 && op_keys_count_ == 0 && puts_.empty() && removes_.empty(); }

  // What the script takes.
  redis::ScriptCall CallOf(const redis::Script& script) const;

 private:
  // What one operation does to an index: its members, with scores where they are put. All but the key in wire
  // form.
  struct Listing {
    bool Is(uint16_t of, std::string_view name) const {
      return definition == of && std::string_view(suffix).substr(name_at) == name;
    }
    uint16_t definition = 0;  // 0 = of no definition
    std::string suffix;       // how its key ends
    size_t name_at = 0;
    std::string args;
    size_t count = 0;
  };
  // Of many records at once: those of one index go in one operation.
  class Listings {
   public:
    // The operation that takes `args` more arguments of the index.
    Listing& Of(uint16_t definition, std::string_view name, size_t args);
    bool empty() const { return all_.empty(); }
    const std::vector<Listing>& all() const { return all_; }

   private:
    std::vector<Listing> all_;
    std::unordered_map<std::string, size_t> open_;  // filled once there are many
  };

  // The next operation, of the key that the caller appends.
  std::string& Op(char op, size_t args);
  // The next check, whose argument the caller appends.
  std::string& Check(char kind);

  Keyspace keys_;
  std::string phase_;
  int64_t at_micros_ = 0;
  // In wire form.
  std::string check_keys_;
  std::string check_args_;
  std::string op_keys_;
  std::string op_args_;
  Listings removes_;
  Listings puts_;
  size_t checks_ = 0;
  size_t op_keys_count_ = 0;
  size_t op_args_count_ = 0;
};

}  // namespace motcua::store
