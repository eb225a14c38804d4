#include "common/redis/slots.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/redis/errors.h"

namespace motcua::redis::internal {
namespace {

// CRC16 of XMODEM: polynomial 0x1021.
constexpr std::array<uint16_t, 256> MakeCrcTable() {
  std::array<uint16_t, 256> table{};
  for (size_t byte = 0; byte < table.size(); ++byte) {
    auto crc = static_cast<uint16_t>(byte << 8);
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
    table[byte] = crc;
  }
  return table;
}

uint16_t Crc16(std::string_view bytes) {
  static constexpr std::array<uint16_t, 256> kTable = MakeCrcTable();
  uint16_t crc = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    crc = static_cast<uint16_t>((crc << 8) ^ kTable[static_cast<uint8_t>((crc >> 8) ^ byte)]);
  }
  return crc;
}

absl::Status Malformed() { return ProtocolError("the store answered with a malformed table of slots"); }

}  // namespace

uint16_t SlotOf(std::string_view key) {
  if (const size_t open = key.find('{'); open != std::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return Crc16(key) % kSlots;
}

absl::StatusOr<SlotTable> SlotTable::Parse(const Reply& slots, const std::string& asked) {
  SlotTable table;
  if (slots.type() != Reply::Type::kArray) return Malformed();
  table.owners_.assign(kSlots, kNobody);
  for (const Reply& range : slots.items()) {
    // [first slot, last slot, [host, port, ...] of the primary, replicas ...]
    if (range.items().size() < 3 || range.items()[2].items().size() < 2) return Malformed();
    const int64_t first = range.items()[0].integer();
    const int64_t last = range.items()[1].integer();
    if (first < 0 || last < first || last >= static_cast<int64_t>(kSlots)) return Malformed();
    const Reply& primary = range.items()[2];
    Address node;
    node.host = primary.items()[0].text();
    node.port = absl::StrCat(primary.items()[1].integer());
    if (node.host == "?") continue;  // a node without the name that is configured: nobody for us
    if (node.host.empty()) node.host = asked;
    auto known = std::find(table.nodes_.begin(), table.nodes_.end(), node);
    const auto index = static_cast<uint16_t>(known - table.nodes_.begin());
    if (known == table.nodes_.end()) table.nodes_.push_back(std::move(node));
    std::fill(table.owners_.begin() + first, table.owners_.begin() + last + 1, index);
  }
  return table;
}

std::optional<Redirection> ParseRedirection(std::string_view text, const std::string& asked) {
  Redirection redirection;
  if (text.starts_with("ASK ")) {
    redirection.ask = true;
    text.remove_prefix(4);
  } else if (text.starts_with("MOVED ")) {
    text.remove_prefix(6);
  } else {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), redirection.slot);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  const size_t colon = text.rfind(':');
  if (error != std::errc() || redirection.slot >= kSlots || !text.starts_with(' ') ||
      colon == std::string_view::npos) {
    return std::nullopt;
  }
  redirection.node.host = std::string(text.substr(1, colon - 1));
  redirection.node.port = std::string(text.substr(colon + 1));
  if (redirection.node.host.empty()) redirection.node.host = asked;
  if (redirection.node.port.empty()) return std::nullopt;
  return redirection;
}

bool ClusterServes(std::string_view cluster_info) {
  return cluster_info.find("cluster_state:ok") != std::string_view::npos;
}

}  // namespace motcua::redis::internal
