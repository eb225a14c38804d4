#pragma once

#include <string>
#include <string_view>

#include "common/redis/command.h"

namespace motcua::store {

// Names of the Redis keys of one service in one shard. Every key carries the hash tag `{shard}`, so that a
// transaction stays in one slot of a Redis Cluster, and the service's prefix, so that services never meet.
//
// Layout, for the prefix `in` and the shard `H30`:
//   in:{H30}:d:<id>     a record of the kind `d`        in:{H30}:l:d:<id>  the history of that record
//   in:{H30}:x2:<index> an index (sorted set) of        in:{H30}:n2        the counters (hash) of it,
//                       definition 2                    in:{H30}:n2:<g>    those of the group <g>
//   in:{H30}:def        where it stands between two     in:{H30}:defp      how far the newer is built,
//                       definitions                     in:{H30}:defo      what is to be removed of the older
//   in:{H30}:k:<kind>   which records there are of a kind (sorted set): see Registry
//   in:{H30}:feed       the feed (stream)               in:{H30}:wm        its watermark
//   in:{H30}:q:<id>     the stored reply of a request   in:{H30}:cur:<s>   the cursor in the feed of s
//   in:{H30}:m:<id>     what a request has made, for ever
//   in:{H30}:s:<name>   a number sequence               in:{H30}:ack       what each consumer has applied
//   in:{H30}:r:<id>:<s> the number of the sequence s that is reserved for a request
//   in:{H30}:epoch      the epochs of the feed          in:{H30}:lost:<s>  what was lost of the feed of s
//   in:{H30}:boot:<s>   how far the snapshot of s     in:{H30}:bootp:<s>  which events it had in it (list)
//                       has been taken
//   in:{H30}:w          a marker that replicas are asked for, empty
// and of the service, not of a shard:
//   in:{all}:shards     its shards (set)                in:{all}:simulated_now   simulated time
//   in:{all}:w          their marker
class Keyspace {
 public:
  Keyspace(std::string_view prefix, std::string_view shard)
      : shard_(shard), base_(std::string(prefix) + ":{" + std::string(shard) + "}:") {}

  const std::string& shard() const { return shard_; }

  std::string Record(std::string_view kind, std::string_view id) const { return Join(kind, ":", id); }
  std::string History(std::string_view kind, std::string_view id) const { return History(Record(kind, id)); }
  // Of a record's key.
  std::string History(std::string_view record) const { return Join("l:", record.substr(base_.size())); }
  std::string Index(uint16_t definition, std::string_view name) const {
    std::string key = base_;
    AppendSuffix(key, 'x', definition, name);
    return key;
  }
  // Of a group; empty: those of no group.
  std::string Counters(uint16_t definition, std::string_view group = {}) const {
    std::string key = base_;
    AppendSuffix(key, 'n', definition, group);
    return key;
  }
  std::string Definition() const { return base_ + "def"; }
  std::string Progress() const { return base_ + "defp"; }
  std::string Retired() const { return base_ + "defo"; }
  std::string Registry(std::string_view kind) const { return Join("k:", kind); }
  // The key that ends so.
  std::string Of(std::string_view suffix) const { return Join(suffix, {}); }
  // What follows the shard in a record's key: `<kind>:<id>`.
  std::string_view Name(std::string_view record) const { return record.substr(base_.size()); }
  // How the key of an index (x) or of counters (n) ends: `x2:<name>`, `n2`.
  static void AppendSuffix(std::string& out, char letter, uint16_t definition, std::string_view name);
  std::string Feed() const { return base_ + "feed"; }
  std::string Watermark() const { return base_ + "wm"; }
  std::string Request(std::string_view digest) const { return Join("q:", digest); }
  std::string Made(std::string_view digest) const { return Join("m:", digest); }
  std::string Cursor(std::string_view source) const { return Join("cur:", source); }
  std::string Sequence(std::string_view name) const { return Join("s:", name); }
  std::string Reservation(std::string_view sequence, std::string_view digest) const {
    return Join("r:", digest, std::string(":").append(sequence));
  }
  std::string Epochs() const { return base_ + "epoch"; }
  std::string Lost(std::string_view source) const { return Join("lost:", source); }
  std::string Bootstrap(std::string_view source) const { return Join("boot:", source); }
  std::string BootstrapPages(std::string_view source) const { return Join("bootp:", source); }
  std::string Acknowledged() const { return base_ + "ack"; }
  // What stands for everything written before it: see redis::Client::Confirm.
  std::string Marker() const { return base_ + "w"; }

  // Of the service as a whole: Keyspace(prefix, kAll) has these alone.
  static constexpr std::string_view kAll = "all";
  std::string Shards() const { return base_ + "shards"; }
  std::string SimulatedNow() const { return base_ + "simulated_now"; }

  // The same as arguments of a Redis command in wire form, for what writes many.
  void AppendSuffixed(std::string& out, std::string_view suffix) const {
    redis::internal::AppendBulk(out, {base_, suffix});
  }
  void AppendDefinition(std::string& out) const { redis::internal::AppendBulk(out, {base_, "def"}); }
  void AppendFeed(std::string& out) const { redis::internal::AppendBulk(out, {base_, "feed"}); }
  void AppendWatermark(std::string& out) const { redis::internal::AppendBulk(out, {base_, "wm"}); }

 private:
  std::string Join(std::string_view a, std::string_view b, std::string_view c = {}) const {
    std::string key;
    key.reserve(base_.size() + a.size() + b.size() + c.size());
    key.append(base_).append(a).append(b).append(c);
    return key;
  }

  std::string shard_;
  std::string base_;
};

// The shard of a dossier code or agency id: `H30` of `H30.18.05-260714-0001`, of `H30.18`, and of the older form
// `000.05.18.H30-260714-0001`. Empty where there is none.
std::string ShardOf(std::string_view code);

}  // namespace motcua::store
