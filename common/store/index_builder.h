#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/cancel.h"
#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/store/store.h"

namespace motcua::store {

class IndexBuilderOptions {
 public:
  IndexBuilderOptions() {}

  // Members of a registry that are worked off in one step: of some hundred records each, at most.
  uint32_t members_at_once = 4;
  // Records that are written in one commit.
  size_t records_at_once = 32;
  // Of the time, at most, that it works; the rest it leaves to calls.
  double share = 0.25;
  // Between two looks at whether there is anything to build.
  absl::Duration look = absl::Seconds(1);
  // Another process that has not gone on for so long is taken for dead.
  absl::Duration takeover = absl::Seconds(5);
};

// Brings shards from the definition before to the program's own while they are used: writes the entries of
// every record that has none of it yet, has it read, and removes what is left of earlier ones (see Phase).
//
// Every step is a commit that checks what it rests on, so any number of processes may do this at once, be
// killed anywhere, and go on where another stopped; that they keep out of each other's way (the progress
// names who works) only spares work. Costs nothing where every shard is of the program's definition.
//
// Confined to the loop. The store outlives it.
class IndexBuilder {
 public:
  // Of a shard that is not wholly of the program's definition.
  struct State {
    explicit State(Phase phase) : phase(phase) {}
    Phase phase;
    // Written and looked at so far.
    uint64_t written = 0;
    uint64_t records = 0;
    // Members of the registries worked off, of how many there are.
    uint64_t done = 0;
    uint64_t total = 0;
    // When the build was begun.
    absl::Time since = absl::InfinitePast();
    // Why it does not go on; empty while it does.
    std::string trouble;
  };

  // `shards`: those that there are now. `owner`: this process among all.
  IndexBuilder(async::Loop& loop, Store& store, std::function<std::vector<std::string>()> shards,
               std::string owner, const IndexBuilderOptions& options = IndexBuilderOptions());

  async::Task<void> Run(async::CancelToken cancel);

  // One step in a shard; true where nothing is left to do. For tests of what happens between two.
  async::Task<absl::StatusOr<bool>> Step(std::string shard, absl::Time deadline);

  // By shard, those that are not done. A phase above the program's: a newer program has taken the shard over.
  const std::map<std::string, State>& states() const { return states_; }
  bool Overtaken(const State& state) const { return state.phase.to > store_.definition().number; }

 private:
  using Steady = std::chrono::steady_clock;

  struct Progress {
    std::string owner;
    size_t kind = 0;
    uint64_t records = 0, written = 0, done = 0;
    int64_t since = 0;  // seconds since the epoch
    std::string after;  // the registry's member last worked off

    std::string ToString() const;
    static Progress Parse(std::string_view text);
  };
  // What this process remembers of a shard's build.
  struct Build {
    std::string seen;  // another's progress, unchanged since
    Steady::time_point seen_at;
    uint64_t total = 0;
    std::unordered_set<std::string> retired;  // noted already
  };

  bool Settled(const std::string& shard);
  async::Task<absl::StatusOr<bool>> BuildStep(std::string shard, Phase phase, absl::Time deadline);
  async::Task<absl::StatusOr<bool>> ChangeOver(std::string shard, Phase phase, absl::Time deadline);
  async::Task<absl::StatusOr<bool>> RemoveStep(std::string shard, Phase phase, absl::Time deadline);
  // Another process is at work.
  bool Yields(Build& build, const Progress& progress, const std::string& text) const;
  async::Task<absl::StatusOr<uint64_t>> CountMembers(std::string shard, absl::Time deadline);
  async::Task<absl::Status> BuildMembers(std::string shard, Phase phase, std::vector<std::string> members,
                                         Progress* progress, absl::Time deadline);
  // Writes those of the records that have no entries of the phase's definition yet.
  async::Task<absl::Status> BuildRecords(std::string shard, Phase phase, const RecordKind* kind,
                                         std::vector<std::string> keys, Progress* progress,
                                         absl::Time deadline);
  absl::Status AddRecord(const std::string& key, std::string_view stored, const Phase& phase,
                         const RecordKind& kind, Build& build, std::vector<std::string>& retired,
                         Transaction& tx, bool& written);
  void Show(const std::string& shard, const Phase& phase, const Progress& progress, uint64_t total);

  async::Loop& loop_;
  Store& store_;
  const std::function<std::vector<std::string>()> shards_;
  const std::string owner_;
  const IndexBuilderOptions options_;
  std::map<std::string, State> states_;
  std::map<std::string, Build> builds_;
};

}  // namespace motcua::store
