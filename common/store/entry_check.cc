#include "common/store/entry_check.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/registry.h"

namespace motcua::store {

namespace {

using async::Task;
using redis::Command;
using redis::Reply;

constexpr uint32_t kMembersAtOnce = 2;
constexpr size_t kFieldsAtOnce = 500;
// Violations that are kept in mind; a store that has more is beyond listing.
constexpr size_t kMostKept = 10'000;
constexpr int kRounds = 3;

// One round.
class Round {
 public:
  Round(Store& store, std::string shard, const Phase& phase, absl::Time deadline)
      : store_(store),
        keys_(store.Keys(shard)),
        shard_(std::move(shard)),
        definition_(phase.ReadBy(store.definition().number)),
        settled_(phase.step == Phase::Step::kSteady),
        deadline_(deadline) {}

  Task<absl::StatusOr<EntryCheck>> Run() {
    for (const RecordKind* kind : store_.definition().kinds) {
      absl::Status walked = co_await Walk(kind);
      if (!walked.ok()) co_return walked;
    }
    absl::Status compared = co_await CompareSizes();
    if (compared.ok()) compared = co_await CompareCounters();
    if (!compared.ok()) co_return compared;
    Command left("EXISTS");
    left.Arg(keys_.Retired());
    absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(left), deadline_);
    if (!reply.ok()) co_return reply.status();
    std::sort(check_.violations.begin(), check_.violations.end());
    check_.leftovers = settled_ && reply->integer() != 0;
    co_return std::move(check_);
  }

 private:
  struct Listed {
    Listed(std::string index, std::string member, double score)
        : index(std::move(index)), member(std::move(member)), score(score) {}
    std::string index, member;
    double score;
  };

  void Report(std::string what) {
    if (check_.violations.size() < kMostKept) check_.violations.push_back(std::move(what));
  }

  Task<absl::Status> Walk(const RecordKind* kind) {
    std::string after;
    while (true) {
      absl::StatusOr<std::vector<std::string>> members =
          co_await store_.ReadRegistry(shard_, std::string(kind->name), after, kMembersAtOnce, deadline_);
      if (!members.ok()) co_return members.status();
      if (members->empty()) co_return absl::OkStatus();
      after = members->back();
      std::vector<std::string> ids, wanted;
      for (const std::string& member : *members) Registry::AppendIds(member, ids);
      for (const std::string& id : ids) wanted.push_back(keys_.Record(kind->name, id));
      absl::StatusOr<std::vector<std::optional<std::string>>> values =
          co_await store_.Get(std::move(wanted), deadline_);
      if (!values.ok()) co_return values.status();
      std::vector<Listed> listed;
      for (const std::optional<std::string>& value : *values) {
        if (!value.has_value()) continue;
        absl::Status taken = Take(*kind, *value, listed);
        if (!taken.ok()) co_return taken;
      }
      absl::Status compared = co_await Compare(std::move(listed));
      if (!compared.ok()) co_return compared;
    }
  }

  absl::Status Take(const RecordKind& kind, std::string_view stored, std::vector<Listed>& listed) {
    StoredRecord parts;
    const std::unique_ptr<google::protobuf::MessageLite> record = kind.make();
    absl::Status read = ReadStored(stored, kind.schema, parts, *record);
    if (!read.ok()) return read;
    ++check_.records;
    const EntriesOf& entries = definition_ == store_.definition().number ? kind.entries : kind.previous;
    IndexSink indexes;
    CounterSink counters;
    entries.indexes(*record, indexes);
    entries.counters(*record, counters);
    const size_t first = listed.size();
    for (size_t i = 0; i < indexes.size(); ++i) {
      // What a record is listed under twice (two consultations of one agency) is one entry.
      const bool known = std::any_of(
          listed.begin() + static_cast<ptrdiff_t>(first), listed.end(),
          [&](const Listed& l) { return l.index == indexes.index(i) && l.member == indexes.member(i); });
      if (known) continue;
      listed.emplace_back(std::string(indexes.index(i)), std::string(indexes.member(i)), indexes.score(i));
      ++sizes_[listed.back().index];
    }
    for (size_t i = 0; i < counters.size(); ++i) {
      counters_[std::string(counters.group(i))][std::string(counters.field(i))] += counters.delta(i);
    }
    return absl::OkStatus();
  }

  Task<absl::Status> Compare(std::vector<Listed> listed) {
    std::vector<Task<absl::StatusOr<Reply>>> asked;
    for (const Listed& entry : listed) {
      Command score("ZSCORE");
      score.Arg(keys_.Index(definition_, entry.index)).Arg(entry.member);
      asked.push_back(store_.redis().Execute(std::move(score), deadline_));
    }
    std::vector<absl::StatusOr<Reply>> replies = co_await async::WhenAll(std::move(asked));
    for (size_t i = 0; i < replies.size(); ++i) {
      if (!replies[i].ok()) co_return replies[i].status();
      ++check_.entries;
      double score = 0;
      if (replies[i]->is_nil()) {
        Report(absl::StrCat("index ", listed[i].index, ": ", listed[i].member, " is missing"));
      } else if (!absl::SimpleAtod(replies[i]->text(), &score) || score != listed[i].score) {
        Report(absl::StrFormat("index %s: %s stands at %s instead of %.17g", listed[i].index,
                               listed[i].member, replies[i]->text(), listed[i].score));
      }
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> CompareSizes() {
    for (const auto& [index, wanted] : sizes_) {
      Command size("ZCARD");
      size.Arg(keys_.Index(definition_, index));
      absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(size), deadline_);
      if (!reply.ok()) co_return reply.status();
      if (static_cast<uint64_t>(reply->integer()) != wanted) {
        Report(absl::StrCat("index ", index, ": has ", reply->integer(), " members instead of ", wanted));
      }
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> CompareCounters() {
    counters_[""];
    for (const std::string& group : store_.definition().groups) counters_[group];
    for (auto& [group, wanted] : counters_) {
      std::string cursor = "0";
      do {
        Command scan("HSCAN");
        scan.Arg(keys_.Counters(definition_, group)).Arg(cursor).Arg("COUNT").Arg(kFieldsAtOnce);
        absl::StatusOr<Reply> reply = co_await store_.redis().Execute(std::move(scan), deadline_);
        if (!reply.ok()) co_return reply.status();
        if (reply->items().size() != 2) co_return errors::DataLoss("CORRUPT_RECORD", "malformed counters");
        cursor = reply->items()[0].text();
        const std::vector<Reply>& items = reply->items()[1].items();
        for (size_t i = 0; i + 1 < items.size(); i += 2) {
          int64_t value = 0;
          const auto found = wanted.find(items[i].text());
          const int64_t sum = found == wanted.end() ? 0 : found->second;
          if (!absl::SimpleAtoi(items[i + 1].text(), &value) || value != sum) {
            Report(
                absl::StrCat("counter ", items[i].text(), ": is ", items[i + 1].text(), " instead of ", sum));
          }
          ++check_.counters;
          if (found != wanted.end()) wanted.erase(found);
        }
      } while (cursor != "0");
      for (const auto& [field, sum] : wanted) {
        if (sum != 0) Report(absl::StrCat("counter ", field, ": is missing, instead of ", sum));
      }
    }
    co_return absl::OkStatus();
  }

  Store& store_;
  const Keyspace keys_;
  const std::string shard_;
  const uint16_t definition_;
  const bool settled_;
  const absl::Time deadline_;
  EntryCheck check_;
  std::map<std::string, uint64_t> sizes_;
  std::map<std::string, Counters> counters_;
};

}  // namespace

Task<absl::StatusOr<EntryCheck>> CheckEntries(Store& store, std::string shard, absl::Time deadline) {
  std::vector<std::string> still;
  for (int round = 0; round < kRounds; ++round) {
    absl::StatusOr<Phase> phase = co_await store.LearnPhase(shard, deadline);
    if (!phase.ok()) co_return phase.status();
    absl::Status may = store.MayWrite(*phase);
    if (!may.ok()) co_return may;
    Round one(store, shard, *phase, deadline);
    absl::StatusOr<EntryCheck> check = co_await one.Run();
    if (!check.ok() || check->violations.empty()) co_return check;
    if (round > 0) {
      std::vector<std::string> both;
      std::set_intersection(check->violations.begin(), check->violations.end(), still.begin(), still.end(),
                            std::back_inserter(both));
      check->violations = std::move(both);
    }
    if (round + 1 == kRounds || check->violations.empty()) co_return check;
    still = std::move(check->violations);
  }
  co_return EntryCheck();
}

}  // namespace motcua::store
