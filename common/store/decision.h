#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "motcua/common/v1/types.pb.h"
#include "motcua/feed/v1/event.pb.h"

// What pure domain logic gives back, and what the store makes of it. No I/O, no clock, no randomness in here.
namespace motcua::store {

// What a decision may know besides the state and the command.
struct Context {
  Context(absl::Time now, common::v1::Actor actor, std::string traceparent = "")
      : now(now), actor(std::move(actor)), traceparent(std::move(traceparent)) {}

  // When the decision takes effect.
  absl::Time now;
  common::v1::Actor actor;
  // Of what caused it, the call or the event; empty = unknown. Every event of the decision bears it.
  std::string traceparent;
};

// Membership in a sorted index: the smaller the score, the earlier it is listed.
// Scores are doubles, exact for integers up to 2^53 (microseconds since the epoch fit).
struct IndexEntry {
  IndexEntry(std::string index, std::string member, double score)
      : index(std::move(index)), member(std::move(member)), score(score) {}

  std::string index;
  std::string member;
  double score;

  auto Key() const { return std::tie(index, member); }
  friend bool operator==(const IndexEntry& a, const IndexEntry& b) {
    return a.Key() == b.Key() && a.score == b.score;
  }
};

using Indexes = std::vector<IndexEntry>;
using Counters = std::map<std::string, int64_t>;

// Everything that a record is listed under, and everything that it contributes to the service's counters:
// what a model tells through these two. Both are functions of the record alone; the store commits the
// difference between the old and the new record, so an index or a figure can never disagree with the records.
// Names are copied into one buffer, which is used again: once warm, nothing is allocated.
class IndexSink {
 public:
  void Add(std::string_view index, std::string_view member, double score) { Add(index, "", member, score); }
  // The index's name in two parts.
  void Add(std::string_view prefix, std::string_view rest, std::string_view member, double score) {
    const size_t begin = text_.size();
    text_.append(prefix).append(rest);
    const size_t middle = text_.size();
    text_.append(member);
    entries_.emplace_back(begin, middle, text_.size(), score);
  }
  void Clear() {
    text_.clear();
    entries_.clear();
  }

  size_t size() const { return entries_.size(); }
  std::string_view index(size_t i) const { return Text(entries_[i].begin, entries_[i].middle); }
  std::string_view member(size_t i) const { return Text(entries_[i].middle, entries_[i].end); }
  double score(size_t i) const { return entries_[i].score; }

  bool SameKey(size_t i, const IndexSink& other, size_t j) const {
    return index(i) == other.index(j) && member(i) == other.member(j);
  }

 private:
  struct Entry {
    Entry(size_t begin, size_t middle, size_t end, double score)
        : begin(begin), middle(middle), end(end), score(score) {}
    size_t begin, middle, end;
    double score;
  };
  std::string_view Text(size_t begin, size_t end) const {
    return std::string_view(text_).substr(begin, end - begin);
  }

  std::string text_;
  std::vector<Entry> entries_;
};

// A counter may be told in several parts, which add up. Those of no group are read as a whole: their names
// are of a bounded number, whatever the records. Those that exist for each of many things (agencies) go in a
// group, of which is read what is asked for.
class CounterSink {
 public:
  void Add(std::string_view field, int64_t delta) { Add(field, "", delta); }
  // The counter's name in two parts.
  void Add(std::string_view prefix, std::string_view rest, int64_t delta) { AddTo("", prefix, rest, delta); }
  // A counter of a group. Names of groups are of a bounded number, too.
  void AddTo(std::string_view group, std::string_view prefix, std::string_view rest, int64_t delta) {
    const size_t begin = text_.size();
    text_.append(group);
    const size_t middle = text_.size();
    text_.append(prefix).append(rest);
    entries_.emplace_back(begin, middle, text_.size(), delta);
  }
  void Clear() {
    text_.clear();
    entries_.clear();
  }

  size_t size() const { return entries_.size(); }
  std::string_view group(size_t i) const { return Text(entries_[i].begin, entries_[i].middle); }
  std::string_view field(size_t i) const { return Text(entries_[i].middle, entries_[i].end); }
  int64_t delta(size_t i) const { return entries_[i].delta; }

 private:
  struct Entry {
    Entry(size_t begin, size_t middle, size_t end, int64_t delta)
        : begin(begin), middle(middle), end(end), delta(delta) {}
    size_t begin, middle, end;
    int64_t delta;
  };
  std::string_view Text(size_t begin, size_t end) const {
    return std::string_view(text_).substr(begin, end - begin);
  }

  std::string text_;
  std::vector<Entry> entries_;
};

// The same as values, for tests and for looking at one record.
template <class Model>
Indexes IndexesOf(const typename Model::Record& record) {
  IndexSink sink;
  Model::IndexesOf(record, sink);
  Indexes indexes;
  for (size_t i = 0; i < sink.size(); ++i) {
    indexes.emplace_back(std::string(sink.index(i)), std::string(sink.member(i)), sink.score(i));
  }
  return indexes;
}
template <class Model>
Counters CountersOf(const typename Model::Record& record) {
  CounterSink sink;
  Model::CountersOf(record, sink);
  Counters counters;
  for (size_t i = 0; i < sink.size(); ++i) counters[std::string(sink.field(i))] += sink.delta(i);
  return counters;
}

// The outcome of a decision about one record: the new state, the facts to publish, the lines for the history.
template <class Record>
struct Decision {
  explicit Decision(Record record) : record(std::move(record)) {}

  Record record;
  std::vector<feed::v1::Event> events;
  std::vector<common::v1::HistoryEntry> history;
  // Not OK: the change is committed (an attempt that is counted), but the caller is answered with this error,
  // which is also what a repeated request gets.
  absl::Status refusal;
};

// An event with its envelope filled in; the caller sets the body.
feed::v1::Event NewEvent(const Context& context, std::string_view subject);

}  // namespace motcua::store
