#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "common/store/definition.h"

namespace motcua::store {

// Where this process last knew each shard to stand between two definitions, and when that was true.
//
// Confined to the loop.
class ShardDefinitions {
 public:
  using Steady = std::chrono::steady_clock;

  struct Known {
    Known(Phase phase, std::string text, Steady::time_point confirmed)
        : phase(phase), text(std::move(text)), confirmed(confirmed) {}
    Phase phase;
    std::string text;
    // It stood there at this moment, or later.
    Steady::time_point confirmed;
  };

  // nullptr = not known. Valid until the next change.
  const Known* Find(std::string_view shard) const {
    const auto found = known_.find(shard);
    return found == known_.end() ? nullptr : &found->second;
  }
  void Learn(const std::string& shard, Phase phase, Steady::time_point sent) {
    known_.insert_or_assign(shard, Known(phase, phase.ToString(), sent));
  }
  // A commit that was sent then has found the shard to stand at `text`.
  void Confirm(std::string_view shard, std::string_view text, Steady::time_point sent) {
    const auto found = known_.find(shard);
    if (found != known_.end() && found->second.text == text && found->second.confirmed < sent) {
      found->second.confirmed = sent;
    }
  }
  void Forget(std::string_view shard) {
    const auto found = known_.find(shard);
    if (found != known_.end()) known_.erase(found);
  }
  // Redis may come back with an older state.
  void Clear() {
    known_.clear();
    registered_.clear();
  }

  // Members of registries (by key and member) that are known to be there, so that not every new record enters
  // its own again.
  bool IsRegistered(const std::string& member) const { return registered_.contains(member); }
  void Registered(std::string member) {
    if (registered_.size() >= kMostRegistered) registered_.clear();
    registered_.insert(std::move(member));
  }

 private:
  static constexpr size_t kMostRegistered = 20'000;

  std::map<std::string, Known, std::less<>> known_;
  absl::flat_hash_set<std::string> registered_;
};

}  // namespace motcua::store
