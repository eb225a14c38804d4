// Slots of a Redis Cluster: which key has which, and which node has them. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/redis/address.h"
#include "common/redis/reply.h"

namespace motcua::redis::internal {

inline constexpr size_t kSlots = 16384;

// CRC16 of the key, or of its hash tag: what stands between the first `{` and the next `}`, if anything
// does.
uint16_t SlotOf(std::string_view key);

// Who takes writes for which slot.
class SlotTable {
 public:
  SlotTable() {}  // nobody for any
  // One node for all.
  explicit SlotTable(Address node) { nodes_.push_back(std::move(node)); }

  static constexpr uint16_t kNobody = UINT16_MAX;

  const std::vector<Address>& nodes() const { return nodes_; }
  // Index into nodes().
  uint16_t OwnerOf(uint16_t slot) const {
    if (!owners_.empty()) return owners_[slot];
    return nodes_.empty() ? kNobody : 0;
  }

  // The answer to CLUSTER SLOTS. `asked`: the host that was asked, which stands for itself where the answer
  // leaves its own host open. INTERNAL (STORE_PROTOCOL) where it is malformed.
  static absl::StatusOr<SlotTable> Parse(const Reply& slots, const std::string& asked);

  bool operator==(const SlotTable& other) const = default;

 private:
  std::vector<Address> nodes_;
  std::vector<uint16_t> owners_;
};

// "MOVED 3999 127.0.0.1:6381" or "ASK 3999 127.0.0.1:6381".
struct Redirection {
  bool ask = false;
  uint16_t slot = 0;
  Address node;
};

// `asked`: the host that answered, for an answer without one. Nothing where `error_text` is no redirection.
std::optional<Redirection> ParseRedirection(std::string_view error_text, const std::string& asked);

// Whether a node says in CLUSTER INFO that the cluster serves.
bool ClusterServes(std::string_view cluster_info);

}  // namespace motcua::redis::internal
