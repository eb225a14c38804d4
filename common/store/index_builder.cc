#include "common/store/index_builder.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status/errors.h"
#include "common/store/entries.h"
#include "common/store/registry.h"

namespace motcua::store {

namespace {

using async::CancelToken;
using async::Task;
using redis::Command;
using redis::Reply;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// A record is decided on anew so often while others write it.
constexpr int kMaxAttempts = 16;
// Names of retired keys that are remembered, so as not to note them again.
constexpr size_t kMostRemembered = 100'000;
// Keys removed in one command: each is freed beside the server's work.
constexpr int kRemovedAtOnce = 50;

// Of `x2:name` and `n2`; 0 where it is neither.
uint16_t DefinitionOf(std::string_view suffix) {
  uint16_t definition = 0;
  if (suffix.empty() || (suffix[0] != 'x' && suffix[0] != 'n')) return 0;
  std::from_chars(suffix.data() + 1, suffix.data() + suffix.size(), definition);
  return definition;
}

}  // namespace

std::string IndexBuilder::Progress::ToString() const {
  return absl::StrCat(owner, " ", kind, " ", records, " ", written, " ", done, " ", since, " ", after);
}

IndexBuilder::Progress IndexBuilder::Progress::Parse(std::string_view text) {
  Progress progress;
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), absl::MaxSplits(' ', 6));
  if (parts.size() != 7) return progress;
  Progress read;
  read.owner = parts[0];
  read.after = parts[6];
  const bool readable = absl::SimpleAtoi(parts[1], &read.kind) && absl::SimpleAtoi(parts[2], &read.records) &&
                        absl::SimpleAtoi(parts[3], &read.written) && absl::SimpleAtoi(parts[4], &read.done) &&
                        absl::SimpleAtoi(parts[5], &read.since);
  return readable ? read : progress;
}

IndexBuilder::IndexBuilder(async::Loop& loop, Store& store, std::function<std::vector<std::string>()> shards,
                           std::string owner, const IndexBuilderOptions& options)
    : loop_(loop), store_(store), shards_(std::move(shards)), owner_(std::move(owner)), options_(options) {}

// What is known tells without asking Redis.
bool IndexBuilder::Settled(const std::string& shard) {
  const ShardDefinitions::Known* known = store_.definitions().Find(shard);
  if (known == nullptr) return false;
  if (known->phase == Phase(store_.definition().number)) {
    states_.erase(shard);
    builds_.erase(shard);
    return true;
  }
  if (known->phase.to <= store_.definition().number) return false;
  states_.insert_or_assign(shard, State(known->phase));
  return true;
}

// One shard after the other, a step at a time, so that many shards take no larger share than one.
Task<void> IndexBuilder::Run(CancelToken cancel) {
  while (!cancel.cancelled()) {
    absl::Duration pause = options_.look;
    for (const std::string& shard : shards_()) {
      if (cancel.cancelled() || !store_.redis().connected()) break;
      if (Settled(shard)) continue;
      const Steady::time_point begun = Steady::now();
      absl::StatusOr<bool> done = co_await Step(shard, absl::Now() + kPatience);
      if (!done.ok()) {
        const auto [state, added] = states_.try_emplace(shard, Phase(store_.definition().number));
        state->second.trouble = std::string(done.status().message());
        continue;
      }
      if (*done) continue;
      const absl::Duration worked = absl::FromChrono(Steady::now() - begun);
      const absl::Duration rest =
          std::clamp(worked * (1 / options_.share - 1), absl::Milliseconds(1), kLongestPause);
      pause = absl::ZeroDuration();
      absl::Status slept = co_await loop_.Sleep(rest, cancel);
      (void)slept;
    }
    absl::Status slept = co_await loop_.Sleep(std::max(pause, absl::Milliseconds(1)), cancel);
    (void)slept;
  }
}

Task<absl::StatusOr<bool>> IndexBuilder::Step(std::string shard, absl::Time deadline) {
  absl::StatusOr<Phase> phase = co_await store_.LearnPhase(shard, deadline);
  if (!phase.ok()) co_return phase.status();
  if (Settled(shard)) co_return true;
  absl::StatusOr<bool> done = false;
  if (phase->step == Phase::Step::kBuilding) {
    done = co_await BuildStep(std::move(shard), *phase, deadline);
  } else if (phase->step == Phase::Step::kBuilt) {
    done = co_await ChangeOver(std::move(shard), *phase, deadline);
  } else if (phase->step == Phase::Step::kRemoving) {
    done = co_await RemoveStep(std::move(shard), *phase, deadline);
  }
  co_return done;
}

bool IndexBuilder::Yields(Build& build, const Progress& progress, const std::string& text) const {
  if (progress.owner.empty() || progress.owner == owner_) return false;
  const Steady::time_point now = Steady::now();
  if (build.seen != text) {
    build.seen = text;
    build.seen_at = now;
  }
  return absl::FromChrono(now - build.seen_at) < options_.takeover;
}

void IndexBuilder::Show(const std::string& shard, const Phase& phase, const Progress& progress,
                        uint64_t total) {
  State state(phase);
  state.written = progress.written;
  state.records = progress.records;
  state.done = progress.done;
  state.total = std::max(total, progress.done);
  state.since = absl::FromUnixSeconds(progress.since);
  states_.insert_or_assign(shard, std::move(state));
}

Task<absl::StatusOr<bool>> IndexBuilder::BuildStep(std::string shard, Phase phase, absl::Time deadline) {
  Build& build = builds_[shard];
  const std::string key = store_.Keys(shard).Progress();
  std::vector<std::string> wanted;
  wanted.push_back(key);
  absl::StatusOr<std::vector<std::optional<std::string>>> held =
      co_await store_.Get(std::move(wanted), deadline);
  if (!held.ok()) co_return held.status();
  const std::string text = held->front().value_or("0");
  Progress progress = Progress::Parse(text);
  if (build.total == 0) {
    absl::StatusOr<uint64_t> total = co_await CountMembers(shard, deadline);
    if (!total.ok()) co_return total.status();
    build.total = *total;
  }
  if (Yields(build, progress, text)) {
    Show(shard, phase, progress, build.total);
    co_return true;  // until the next look
  }
  progress.owner = owner_;
  if (progress.since == 0) progress.since = absl::ToUnixSeconds(absl::Now());
  const std::vector<const RecordKind*>& kinds = store_.definition().kinds;
  if (progress.kind < kinds.size()) {
    const std::string kind(kinds[progress.kind]->name);
    absl::StatusOr<std::vector<std::string>> members =
        co_await store_.ReadRegistry(shard, kind, progress.after, options_.members_at_once, deadline);
    if (!members.ok()) co_return members.status();
    if (members->empty()) {
      ++progress.kind;
      progress.after.clear();
    } else {
      progress.done += members->size();
      progress.after = members->back();
      absl::Status built = co_await BuildMembers(shard, phase, *std::move(members), &progress, deadline);
      if (!built.ok()) co_return built;
    }
  }
  Show(shard, phase, progress, build.total);
  if (progress.kind >= kinds.size()) {
    // Everything has been walked since the build began, and what is written since is written by both.
    absl::StatusOr<bool> moved =
        co_await store_.MovePhase(shard, phase, Phase(phase.to, Phase::Step::kBuilt, phase.from), deadline);
    if (!moved.ok()) co_return moved.status();
    co_return false;
  }
  Transaction save(store_.Keys(shard));
  save.CheckPhase(phase.ToString());
  save.CheckText(key, text);
  save.SetText(key, progress.ToString());
  absl::StatusOr<CommitOutcome> saved = co_await store_.Commit(std::move(save), deadline);
  // Where another was faster, the next step goes on from there.
  if (!saved.ok()) co_return saved.status();
  co_return false;
}

Task<absl::StatusOr<uint64_t>> IndexBuilder::CountMembers(std::string shard, absl::Time deadline) {
  uint64_t total = 0;
  for (const RecordKind* kind : store_.definition().kinds) {
    Command size("ZCARD");
    size.Arg(store_.Keys(shard).Registry(kind->name));
    absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(size), deadline);
    if (!reply.ok()) co_return reply.status();
    total += static_cast<uint64_t>(reply->integer());
  }
  co_return total;
}

Task<absl::Status> IndexBuilder::BuildMembers(std::string shard, Phase phase,
                                              std::vector<std::string> members, Progress* progress,
                                              absl::Time deadline) {
  const RecordKind* kind = store_.definition().kinds[progress->kind];
  const Keyspace keys = store_.Keys(shard);
  std::vector<std::string> ids;
  for (const std::string& member : members) Registry::AppendIds(member, ids);
  for (size_t from = 0; from < ids.size(); from += options_.records_at_once) {
    std::vector<std::string> some;
    for (size_t i = from; i < std::min(from + options_.records_at_once, ids.size()); ++i)
      some.push_back(keys.Record(kind->name, ids[i]));
    absl::Status built = co_await BuildRecords(shard, phase, kind, std::move(some), progress, deadline);
    if (!built.ok()) co_return built;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> IndexBuilder::BuildRecords(std::string shard, Phase phase, const RecordKind* kind,
                                              std::vector<std::string> keys, Progress* progress,
                                              absl::Time deadline) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    absl::StatusOr<std::vector<std::optional<std::string>>> values = co_await store_.Get(keys, deadline);
    if (!values.ok()) co_return values.status();
    Build& build = builds_[shard];
    Transaction tx(store_.Keys(shard));
    tx.CheckPhase(phase.ToString());
    Store::Scratch& scratch = store_.scratch();
    scratch.sum.Clear();
    std::vector<std::string> retired, rewritten;
    uint64_t found = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!(*values)[i].has_value()) continue;
      ++found;
      bool written = false;
      absl::Status added = AddRecord(keys[i], *(*values)[i], phase, *kind, build, retired, tx, written);
      if (!added.ok()) co_return added;
      if (written) rewritten.push_back(keys[i]);
    }
    WriteCounters(Phase(phase.to), scratch, tx);
    for (const std::string& suffix : retired) tx.Retire(suffix);
    if (!rewritten.empty() || !retired.empty()) {
      absl::StatusOr<CommitOutcome> outcome = co_await store_.Commit(std::move(tx), deadline);
      if (!outcome.ok()) co_return outcome.status();
      if (outcome->redefined) co_return errors::Aborted("CONFLICT", "another process has built the lists");
      if (outcome->kind != CommitOutcome::Kind::kCommitted) {
        if (keys.size() == 1) continue;
        // Somebody writes one of them: the others need not wait for it.
        std::vector<std::string> second(keys.begin() + static_cast<ptrdiff_t>(keys.size() / 2), keys.end());
        keys.resize(keys.size() / 2);
        absl::Status first = co_await BuildRecords(shard, phase, kind, std::move(keys), progress, deadline);
        if (!first.ok()) co_return first;
        co_return co_await BuildRecords(shard, phase, kind, std::move(second), progress, deadline);
      }
      // What is remembered has the version of the record, but not who wrote its entries.
      for (const std::string& key : rewritten) store_.cache().Drop(key, std::numeric_limits<uint64_t>::max());
      if (build.retired.size() + retired.size() > kMostRemembered) build.retired.clear();
      build.retired.insert(retired.begin(), retired.end());
    }
    progress->records += found;
    progress->written += rewritten.size();
    co_return absl::OkStatus();
  }
  co_return errors::Aborted("CONFLICT", "others changed the record again and again");
}

absl::Status IndexBuilder::AddRecord(const std::string& key, std::string_view stored, const Phase& phase,
                                     const RecordKind& kind, Build& build, std::vector<std::string>& retired,
                                     Transaction& tx, bool& written) {
  StoredRecord parts;
  const std::unique_ptr<google::protobuf::MessageLite> record = kind.make();
  absl::Status read = ReadStored(stored, kind.schema, parts, *record);
  if (!read.ok()) return read;
  // What it is listed under now is to be removed one day.
  IndexSink indexes;
  CounterSink counters;
  kind.previous.indexes(*record, indexes);
  kind.previous.counters(*record, counters);
  const auto retire = [&](char letter, std::string_view name) {
    std::string suffix;
    Keyspace::AppendSuffix(suffix, letter, phase.from, name);
    if (build.retired.count(suffix) != 0) return;
    if (std::find(retired.begin(), retired.end(), suffix) == retired.end())
      retired.push_back(std::move(suffix));
  };
  for (size_t i = 0; i < indexes.size(); ++i) retire('x', indexes.index(i));
  for (size_t i = 0; i < counters.size(); ++i) retire('n', counters.group(i));
  if (parts.definition == phase.to) return absl::OkStatus();
  tx.CheckVersion(key, parts.version, parts.definition);
  std::string restamped;
  restamped.reserve(stored.size());
  AppendVersion(restamped, parts.version, phase.to);
  restamped.append(stored.substr(kVersionBytes));
  tx.SetText(key, restamped);
  WriteEntries(kind, nullptr, 0, *record, Phase(phase.to), store_.scratch(), tx);
  written = true;
  return absl::OkStatus();
}

// Whoever reads by the definition before has been told by now, or lets go of it by himself: twice the lease.
Task<absl::StatusOr<bool>> IndexBuilder::ChangeOver(std::string shard, Phase phase, absl::Time deadline) {
  Build& build = builds_[shard];
  const std::string text = phase.ToString();
  const Steady::time_point now = Steady::now();
  if (build.seen != text) {
    build.seen = text;
    build.seen_at = now;
  }
  const auto state = states_.try_emplace(shard, phase).first;
  state->second.phase = phase;
  state->second.trouble.clear();
  if (absl::FromChrono(now - build.seen_at) < 2 * store_.lease()) co_return true;  // until the next look
  absl::StatusOr<bool> moved =
      co_await store_.MovePhase(shard, phase, Phase(phase.to, Phase::Step::kRemoving, phase.from), deadline);
  if (!moved.ok()) co_return moved.status();
  co_return false;
}

Task<absl::StatusOr<bool>> IndexBuilder::RemoveStep(std::string shard, Phase phase, absl::Time deadline) {
  const auto state = states_.try_emplace(shard, phase).first;
  state->second.phase = phase;
  state->second.trouble.clear();
  const Keyspace keys = store_.Keys(shard);
  Command some("ZRANGE");
  some.Arg(keys.Retired()).Arg(0).Arg(kRemovedAtOnce - 1);
  absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(some), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->items().empty()) {
    // Counters stay when they have come down to nothing, so that no record tells of their group any more.
    Command last("UNLINK");
    last.Arg(keys.Counters(phase.from));
    for (const std::string& group : store_.definition().groups) last.Arg(keys.Counters(phase.from, group));
    reply = co_await store_.redis().Execute(std::move(last), deadline);
    if (!reply.ok()) co_return reply.status();
    absl::StatusOr<bool> moved = co_await store_.MovePhase(shard, phase, Phase(phase.to), deadline);
    if (!moved.ok()) co_return moved.status();
    co_return false;
  }
  Command unlink("UNLINK"), forget("ZREM");
  forget.Arg(keys.Retired());
  bool any = false;
  for (const Reply& item : reply->items()) {
    forget.Arg(item.text());
    const uint16_t definition = DefinitionOf(item.text());
    if (definition == 0 || definition >= phase.to) continue;
    unlink.Arg(keys.Of(item.text()));
    any = true;
  }
  if (any) {
    absl::StatusOr<Reply> removed = co_await store_.redis().Execute(std::move(unlink), deadline);
    if (!removed.ok()) co_return removed.status();
  }
  absl::StatusOr<Reply> forgotten = co_await store_.redis().Execute(std::move(forget), deadline);
  if (!forgotten.ok()) co_return forgotten.status();
  co_return false;
}

}  // namespace motcua::store
