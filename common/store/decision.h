#pragma once

#include <cstdint>
#include <map>
#include <string>
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

// Everything that a record is listed under, and everything that it contributes to the service's counters. Both are
// functions of the record alone; the store commits the difference between the old and the new record, so an index
// or a figure can never disagree with the records.
using Indexes = std::vector<IndexEntry>;
using Counters = std::map<std::string, int64_t>;

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
