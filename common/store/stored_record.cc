#include "common/store/stored_record.h"

#include <algorithm>

#include "common/store/varint.h"

namespace motcua::store {

namespace {

bool Take(std::string_view& bytes, size_t size, std::string_view& taken) {
  if (bytes.size() < size) return false;
  taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

bool TakeSized(std::string_view& bytes, std::string_view& taken) {
  uint64_t size = 0;
  return TakeVarint(bytes, size) && size <= bytes.size() && Take(bytes, static_cast<size_t>(size), taken);
}

size_t EntrySize(const RequestBlock::Entry& entry) {
  return entry.digest.size() + VarintSize(entry.expires) + VarintSize(entry.position) +
         VarintSize(entry.answer.size()) + entry.answer.size();
}

}  // namespace

uint64_t DecodeVersion(std::string_view stored) {
  if (stored.size() < kVersionBytes) return 0;
  uint64_t version = 0;
  for (size_t i = 2; i < kVersionBytes; ++i) version = version << 8 | static_cast<unsigned char>(stored[i]);
  return version;
}

void AppendVersion(std::string& out, uint64_t version, uint16_t definition) {
  uint64_t left = uint64_t{definition} << kDefinitionShift | version;
  char bytes[kVersionBytes];
  for (size_t i = kVersionBytes; i-- > 0; left >>= 8) bytes[i] = static_cast<char>(left & 0xff);
  out.append(bytes, kVersionBytes);
}

bool DecodeStored(std::string_view stored, StoredRecord& parts) {
  if (stored.size() < kVersionBytes) return false;
  parts.version = DecodeVersion(stored);
  parts.definition = static_cast<uint16_t>(static_cast<unsigned char>(stored[0]) << 8 |
                                           static_cast<unsigned char>(stored[1]));
  stored.remove_prefix(kVersionBytes);
  parts.position = 0;
  size_t digits = 0;
  for (; digits < stored.size() && stored[digits] >= '0' && stored[digits] <= '9'; ++digits) {
    parts.position = parts.position * 10 + static_cast<uint64_t>(stored[digits] - '0');
  }
  if (digits == 0 || digits == stored.size() || stored[digits] != ':') return false;
  stored.remove_prefix(digits + 1);
  uint64_t schema = 0, lines = 0;
  if (!TakeVarint(stored, schema) || !TakeSized(stored, parts.requests) || !TakeVarint(stored, lines) ||
      !TakeSized(stored, parts.tail))
    return false;
  parts.schema = static_cast<uint32_t>(schema);
  parts.tail_lines = static_cast<uint32_t>(lines);
  parts.record = stored;
  return parts.version != 0;
}

bool DecodeRecord(std::string_view stored, uint64_t& version, std::string_view& bytes) {
  StoredRecord parts;
  if (!DecodeStored(stored, parts)) return false;
  version = parts.version;
  bytes = parts.record;
  return true;
}

size_t BodySize(uint32_t schema, std::string_view requests, uint32_t tail_lines, std::string_view tail,
                size_t record_size) {
  return VarintSize(schema) + VarintSize(requests.size()) + requests.size() + VarintSize(tail_lines) +
         VarintSize(tail.size()) + tail.size() + record_size;
}

void AppendBody(std::string& out, uint32_t schema, std::string_view requests, uint32_t tail_lines,
                std::string_view tail) {
  AppendVarint(out, schema);
  AppendVarint(out, requests.size());
  out.append(requests);
  AppendVarint(out, tail_lines);
  AppendVarint(out, tail.size());
  out.append(tail);
}

void AppendSerialized(std::string& out, const google::protobuf::MessageLite& record, size_t cached_size) {
  const size_t before = out.size();
  out.resize(before + cached_size);
  record.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out.data() + before));
}

void AppendLine(std::string& lines, std::string_view line) {
  AppendVarint(lines, line.size());
  lines.append(line);
}

bool SplitLines(std::string_view chunk, std::vector<std::string_view>& lines) {
  while (!chunk.empty()) {
    std::string_view line;
    if (!TakeSized(chunk, line)) return false;
    lines.push_back(line);
  }
  return true;
}

std::string PackAnswer(const StoredAnswer& answer) {
  std::string packed;
  packed.reserve(answer.fingerprint.size() + 1 + 2 * kMaxVarint + answer.content.size());
  packed.append(answer.fingerprint);
  packed.push_back(answer.kind);
  AppendVarint(packed, answer.version);
  AppendVarint(packed, static_cast<uint64_t>(answer.at_nanos));
  packed.append(answer.content);
  return packed;
}

bool UnpackAnswer(std::string_view packed, StoredAnswer& answer) {
  std::string_view kind;
  uint64_t at = 0;
  if (!Take(packed, std::tuple_size_v<decltype(RequestMark::fingerprint)>, answer.fingerprint)) return false;
  if (!Take(packed, 1, kind) || !TakeVarint(packed, answer.version) || !TakeVarint(packed, at)) return false;
  answer.kind = kind[0];
  answer.at_nanos = static_cast<int64_t>(at);
  answer.content = packed;
  return answer.kind == StoredAnswer::kReply || answer.kind == StoredAnswer::kError;
}

bool RequestBlock::Parse(std::string_view bytes, uint64_t version, uint64_t position) {
  if (bytes.empty()) return true;
  if (!TakeVarint(bytes, elsewhere_until_)) return false;
  while (!bytes.empty()) {
    Entry entry;
    if (!Take(bytes, std::tuple_size_v<decltype(RequestMark::digest)>, entry.digest)) return false;
    if (!TakeVarint(bytes, entry.expires) || !TakeVarint(bytes, entry.position)) return false;
    if (!TakeSized(bytes, entry.answer)) return false;
    entries_.push_back(entry);
  }
  // Only the latest can be of the commit that wrote the record.
  StoredAnswer latest;
  if (entries_.empty() || entries_.back().position != 0) return true;
  if (!UnpackAnswer(entries_.back().answer, latest)) return false;
  if (latest.version == version) entries_.back().position = position;
  return true;
}

const RequestBlock::Entry* RequestBlock::Find(std::string_view digest, uint64_t now) const {
  for (const Entry& entry : entries_) {
    if (entry.digest == digest && entry.expires > now) return &entry;
  }
  return nullptr;
}

void RequestBlock::Trim(uint64_t now, std::vector<Entry>& moved) {
  std::erase_if(entries_, [now](const Entry& entry) { return entry.expires <= now; });
  size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += EntrySize(entry);
  size_t leaving = 0;
  while (entries_.size() - leaving > 1 && (entries_.size() - leaving > kMaxEntries || bytes > kMaxBytes)) {
    const Entry& entry = entries_[leaving++];
    bytes -= EntrySize(entry);
    elsewhere_until_ = std::max(elsewhere_until_, entry.expires);
    moved.push_back(entry);
  }
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(leaving));
  if (elsewhere_until_ <= now) elsewhere_until_ = 0;
}

std::string RequestBlock::Serialize() const {
  std::string bytes;
  if (entries_.empty() && elsewhere_until_ == 0) return bytes;
  size_t size = kMaxVarint;
  for (const Entry& entry : entries_) size += EntrySize(entry);
  bytes.reserve(size);
  AppendVarint(bytes, elsewhere_until_);
  for (const Entry& entry : entries_) {
    bytes.append(entry.digest);
    AppendVarint(bytes, entry.expires);
    AppendVarint(bytes, entry.position);
    AppendLine(bytes, entry.answer);
  }
  return bytes;
}

}  // namespace motcua::store
