#include "common/store/entries.h"

#include <algorithm>
#include <tuple>

namespace motcua::store {

namespace {

using google::protobuf::MessageLite;

void DiffIndexes(const IndexSink& before, const IndexSink& after, uint16_t definition, bool retire,
                 Transaction& tx) {
  // Entries come in the same order before and after, but for the few that changed: looked for where the last
  // one was found, and only then everywhere. Returns size() where there is none.
  const auto place_of = [](const IndexSink& wanted, size_t i, const IndexSink& in, size_t& hint) {
    if (hint < in.size() && wanted.SameKey(i, in, hint)) return hint++;
    for (size_t j = 0; j < in.size(); ++j) {
      if (!wanted.SameKey(i, in, j)) continue;
      hint = j + 1;
      return j;
    }
    return in.size();
  };
  size_t hint = 0;
  for (size_t i = 0; i < after.size(); ++i) {
    const size_t was = place_of(after, i, before, hint);
    if (was != before.size() && before.score(was) == after.score(i)) continue;
    tx.IndexPut(definition, after.index(i), after.member(i), after.score(i));
    if (!retire) continue;
    std::string suffix;
    Keyspace::AppendSuffix(suffix, 'x', definition, after.index(i));
    tx.Retire(suffix);
  }
  hint = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (place_of(before, i, after, hint) == after.size())
      tx.IndexRemove(definition, before.index(i), before.member(i));
  }
}

void DiffCounters(const CounterSink& lost, const CounterSink& gained, CounterSink& sum) {
  // What stands at the same place with the same figure needs no looking up.
  for (size_t i = 0; i < std::max(gained.size(), lost.size()); ++i) {
    const bool both = i < gained.size() && i < lost.size() && gained.field(i) == lost.field(i) &&
                      gained.group(i) == lost.group(i);
    if (both) {
      if (gained.delta(i) != lost.delta(i))
        sum.AddTo(gained.group(i), gained.field(i), "", gained.delta(i) - lost.delta(i));
      continue;
    }
    if (i < gained.size()) sum.AddTo(gained.group(i), gained.field(i), "", gained.delta(i));
    if (i < lost.size()) sum.AddTo(lost.group(i), lost.field(i), "", -lost.delta(i));
  }
}

void WriteOf(const EntriesOf& entries, const MessageLite* before, const MessageLite& after,
             uint16_t definition, bool retire, Store::Scratch& scratch, CounterSink& sum, Transaction& tx) {
  scratch.new_indexes.Clear();
  scratch.old_indexes.Clear();
  scratch.new_counters.Clear();
  scratch.old_counters.Clear();
  entries.indexes(after, scratch.new_indexes);
  entries.counters(after, scratch.new_counters);
  if (before != nullptr) {
    entries.indexes(*before, scratch.old_indexes);
    entries.counters(*before, scratch.old_counters);
  }
  DiffIndexes(scratch.old_indexes, scratch.new_indexes, definition, retire, tx);
  DiffCounters(scratch.old_counters, scratch.new_counters, sum);
}

void WriteSum(uint16_t definition, const CounterSink& sum, bool retire, std::vector<size_t>& order,
              Transaction& tx) {
  order.clear();
  for (size_t i = 0; i < sum.size(); ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), [&sum](size_t a, size_t b) {
    return std::tuple(sum.group(a), sum.field(a)) < std::tuple(sum.group(b), sum.field(b));
  });
  for (size_t i = 0; i < order.size();) {
    const std::string_view group = sum.group(order[i]);
    const std::string_view field = sum.field(order[i]);
    int64_t delta = 0;
    for (; i < order.size() && sum.field(order[i]) == field && sum.group(order[i]) == group; ++i)
      delta += sum.delta(order[i]);
    if (delta == 0) continue;
    tx.Count(definition, group, field, delta);
    if (!retire) continue;
    std::string suffix;
    Keyspace::AppendSuffix(suffix, 'n', definition, group);
    tx.Retire(suffix);
  }
}

}  // namespace

void WriteEntries(const RecordKind& kind, const MessageLite* before, uint16_t definition,
                  const MessageLite& after, const Phase& phase, Store::Scratch& scratch, Transaction& tx) {
  WriteOf(kind.entries, definition == phase.to ? before : nullptr, after, phase.to, false, scratch,
          scratch.sum, tx);
  if (const uint16_t also = phase.Also(); also != 0) {
    WriteOf(kind.previous, before, after, also, true, scratch, scratch.also_sum, tx);
  }
}

void WriteCounters(const Phase& phase, Store::Scratch& scratch, Transaction& tx) {
  WriteSum(phase.to, scratch.sum, false, scratch.order, tx);
  if (phase.Also() != 0) WriteSum(phase.Also(), scratch.also_sum, true, scratch.order, tx);
}

}  // namespace motcua::store
