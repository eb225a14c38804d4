#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message_lite.h"

// The stored form of a record: head, requests, tail, record.
//
//   head      by which definition its entries were written (2 bytes) and its version (6 bytes), both
//   big-endian:
//             what commits check; position of the last event of the commit that wrote it (decimal, 0 = none),
//             a colon
//   schema    the form of the record (varint): see Schema
//   requests  what its latest requests were answered: see RequestBlock
//   tail      its latest history lines, which are in no chunk of the history's list yet
//   record    the serialized record
namespace motcua::store {

// Taken apart; views are into what was stored.
struct StoredRecord {
  uint64_t version = 0;
  uint16_t definition = 0;
  uint32_t schema = 0;
  uint64_t position = 0;
  std::string_view requests;
  uint32_t tail_lines = 0;
  std::string_view tail;
  std::string_view record;
};

// A stored definition and version: one number, the highest byte first.
inline constexpr size_t kVersionBytes = 8;
inline constexpr int kDefinitionShift = 48;

// Its version, of which the first 8 bytes are enough; 0 where they are fewer.
uint64_t DecodeVersion(std::string_view stored);
// False where it is not a stored record.
bool DecodeStored(std::string_view stored, StoredRecord& parts);
// The version and the record alone, whatever its schema.
bool DecodeRecord(std::string_view stored, uint64_t& version, std::string_view& bytes);
// The first bytes of a record; the rest stays when its entries are written anew.
void AppendVersion(std::string& out, uint64_t version, uint16_t definition);

// All but the head, which commit.lua writes: appended to `out`. `record` must have its cached size computed.
size_t BodySize(uint32_t schema, std::string_view requests, uint32_t tail_lines, std::string_view tail,
                size_t record_size);
void AppendBody(std::string& out, uint32_t schema, std::string_view requests, uint32_t tail_lines,
                std::string_view tail);
void AppendSerialized(std::string& out, const google::protobuf::MessageLite& record, size_t cached_size);

// History lines in a row, each behind its length (varint): a tail, and a chunk of the history's list.
void AppendLine(std::string& lines, std::string_view line);
// Appends to `lines`; false where `chunk` is malformed.
bool SplitLines(std::string_view chunk, std::vector<std::string_view>& lines);

// Which request: whose, under which id, and (fingerprint) of what content.
struct RequestMark {
  std::array<char, 16> digest;
  std::array<char, 8> fingerprint;

  std::string_view digest_view() const { return std::string_view(digest.data(), digest.size()); }
  std::string_view fingerprint_view() const {
    return std::string_view(fingerprint.data(), fingerprint.size());
  }
};

// What a request was answered. Packed: the fingerprint, the kind, the version it made (varint), when it took
// effect (nanoseconds since the epoch, varint), the content.
struct StoredAnswer {
  static constexpr char kReply = 'R';  // content: the response, without what is known otherwise
  static constexpr char kError = 'E';  // content: google.rpc.Status

  std::string_view fingerprint;
  char kind = kReply;
  uint64_t version = 0;
  int64_t at_nanos = 0;
  std::string_view content;
};
std::string PackAnswer(const StoredAnswer& answer);
bool UnpackAnswer(std::string_view packed, StoredAnswer& answer);

// The answers to a record's latest requests, oldest first, and until when older ones may be stored under keys
// of their own. The answer of the commit that wrote the record has its position in the record's head; it
// moves here with the next write. Bytes: `elsewhere until` (seconds since the epoch, varint), then for each
// entry its digest, expiry (seconds), position and length (varints) and the packed answer.
class RequestBlock {
 public:
  struct Entry {
    std::string_view digest;
    uint64_t expires = 0;
    uint64_t position = 0;
    std::string_view answer;
  };

  // Most answers and bytes that stay with a record.
  static constexpr size_t kMaxEntries = 16;
  static constexpr size_t kMaxBytes = 4096;

  // False where the bytes are malformed. Views are into `bytes`. `version` and `position`: of the record's
  // head.
  bool Parse(std::string_view bytes, uint64_t version, uint64_t position);

  // The unexpired answer; nullptr = none.
  const Entry* Find(std::string_view digest, uint64_t now) const;
  // An older answer may be stored under a key of its own.
  bool MayBeElsewhere(uint64_t now) const { return elsewhere_until_ > now; }

  void Add(const Entry& entry) { entries_.push_back(entry); }
  // Drops what has expired, and moves to `moved` (oldest first) what there is no room for.
  void Trim(uint64_t now, std::vector<Entry>& moved);
  std::string Serialize() const;

 private:
  std::vector<Entry> entries_;
  uint64_t elsewhere_until_ = 0;
};

}  // namespace motcua::store
