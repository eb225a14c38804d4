#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/store/decision.h"
#include "common/store/stored_record.h"
#include "google/protobuf/message_lite.h"

// What makes stored records readable for ever, and indexes and counters replaceable while they are used.
//
// A service has one definition of its indexes and counters, with a number. Keys of indexes and counters bear
// it, and each record's head tells by which definition its entries were last written. A program that has a
// higher definition than a shard builds its own beside the one that is read, then reads that, then removes
// the other: see Phase and IndexBuilder.
//
// To change what a model lists or counts:
// - take the next number in the service's Definition;
// - move the former functions of each model that changes into a nested `struct Previous`: they keep what is
//   read right until the new is built, and may go with the next change;
// - name in `Definition::added` what the former did not have, or lists under another meaning of its members.
//   An index or counter whose members mean something else takes a new name.
// An installation passes through every definition: a program serves shards of its own and of the one before.
namespace motcua::store {

// ---------------------------------------------------------------- schemas
// The form of a model's records. `upgrade` brings a record of a lower schema up to this one; null: nothing
// is to be done.
struct Schema {
  constexpr Schema(uint32_t number, void (*upgrade)(google::protobuf::MessageLite&, uint32_t))
      : number(number), upgrade(upgrade) {}
  uint32_t number;
  void (*upgrade)(google::protobuf::MessageLite& record, uint32_t from);
};

// Model::kSchema (1 where there is none) and `static void Model::Upgrade(Record&, uint32_t from)` (pure).
template <class Model>
constexpr Schema SchemaOf() {
  uint32_t number = 1;
  void (*upgrade)(google::protobuf::MessageLite&, uint32_t) = nullptr;
  if constexpr (requires { Model::kSchema; }) number = Model::kSchema;
  if constexpr (requires(typename Model::Record & record) { Model::Upgrade(record, uint32_t{}); }) {
    upgrade = [](google::protobuf::MessageLite& record, uint32_t from) {
      Model::Upgrade(static_cast<typename Model::Record&>(record), from);
    };
  }
  return Schema(number, upgrade);
}

// Takes a stored record apart and reads it, in the present schema. Errors: DATA_LOSS (CORRUPT_RECORD);
// UNAVAILABLE (RECORD_NEWER), a newer program wrote it in a schema that is not known here.
absl::Status ReadStored(std::string_view stored, const Schema& schema, StoredRecord& parts,
                        google::protobuf::MessageLite& record);

template <class Model>
absl::Status ReadStored(std::string_view stored, typename Model::Record& record, uint64_t& version) {
  StoredRecord parts;
  absl::Status read = ReadStored(stored, SchemaOf<Model>(), parts, record);
  version = parts.version;
  return read;
}

// ---------------------------------------------------------------- definitions
// Models with `static constexpr bool kRemovable = true`: records that come and go, and are found through what
// names them (a piece of reference data through its manifest). They are in no registry, and nothing lists or
// counts them: such a model has neither IndexesOf nor CountersOf. So nothing is left of one that is removed,
// and no definition concerns them. See Session::Remove.
template <class Model>
concept Removable = requires {
  requires Model::kRemovable;
};

// What a record is listed under and counts for.
struct EntriesOf {
  constexpr EntriesOf(void (*indexes)(const google::protobuf::MessageLite&, IndexSink&),
                      void (*counters)(const google::protobuf::MessageLite&, CounterSink&))
      : indexes(indexes), counters(counters) {}
  void (*indexes)(const google::protobuf::MessageLite& record, IndexSink& sink);
  void (*counters)(const google::protobuf::MessageLite& record, CounterSink& sink);
};

// A kind of record, without its type.
struct RecordKind {
  RecordKind(std::string_view name, Schema schema, bool registered, EntriesOf entries, EntriesOf previous,
             std::unique_ptr<google::protobuf::MessageLite> (*make)())
      : name(name),
        schema(schema),
        registered(registered),
        entries(entries),
        previous(previous),
        make(make) {}

  std::string_view name;
  Schema schema;
  // Each record is entered in the kind's registry.
  bool registered;
  EntriesOf entries;
  // By the definition before; the same where the model has no `Previous`.
  EntriesOf previous;
  std::unique_ptr<google::protobuf::MessageLite> (*make)();
};

namespace internal {

// Of the functions of `Functions`: the model, or its Previous.
template <class Model, class Functions>
constexpr EntriesOf Entries() {
  if constexpr (Removable<Model>) {
    static_assert(
        !requires { &Functions::IndexesOf; } && !requires { &Functions::CountersOf; },
        "what is removed is neither listed nor counted");
    return EntriesOf([](const google::protobuf::MessageLite&, IndexSink&) {},
                     [](const google::protobuf::MessageLite&, CounterSink&) {});
  } else {
    using Record = typename Model::Record;
    return EntriesOf([](const google::protobuf::MessageLite& record,
                        IndexSink& sink) { Functions::IndexesOf(static_cast<const Record&>(record), sink); },
                     [](const google::protobuf::MessageLite& record, CounterSink& sink) {
                       Functions::CountersOf(static_cast<const Record&>(record), sink);
                     });
  }
}

template <class Model>
constexpr EntriesOf PreviousEntries() {
  if constexpr (requires { typename Model::Previous; }) {
    return Entries<Model, typename Model::Previous>();
  } else {
    return Entries<Model, Model>();
  }
}

}  // namespace internal

// The kind of a model; lives for ever.
template <class Model>
const RecordKind& KindOf() {
  static const RecordKind kind(Model::kKind, SchemaOf<Model>(), !Removable<Model>,
                               internal::Entries<Model, Model>(), internal::PreviousEntries<Model>(),
                               []() -> std::unique_ptr<google::protobuf::MessageLite> {
                                 return std::make_unique<typename Model::Record>();
                               });
  return kind;
}

// A program's definition of its indexes and counters.
class Definition {
 public:
  Definition() {}
  Definition(uint16_t number, std::vector<const RecordKind*> kinds, std::vector<std::string> groups = {},
             std::vector<std::string> added = {})
      : number(number), kinds(std::move(kinds)), groups(std::move(groups)), added(std::move(added)) {}

  // The definition before this one had nothing of this name: an index's, or CountersName.
  bool IsAdded(std::string_view name) const;
  // The counters of a group (empty: of none), among the names of `added`.
  static std::string CountersName(std::string_view group) { return std::string("#").append(group); }

  // 1, 2, 3 ...
  uint16_t number = 1;
  // All kinds of which any record has an entry.
  std::vector<const RecordKind*> kinds;
  // Of counters, those of the definition before included: see CounterSink.
  std::vector<std::string> groups;
  // What the names of indexes begin with, and CountersName of the counters, that the definition before did
  // not have. They cannot be read while this definition is being built.
  std::vector<std::string> added;
};

// Where a shard stands between two definitions. It only ever goes on, by compare-and-set of its text, which
// every commit that writes entries checks: so at each moment all entries are written by the same rule.
//
//   "2"    2 is read and written
//   "2>3"  3 is being built: both are written, 2 is read
//   "2=3"  3 is built: both are written, 3 is read, but for those who have not learnt it yet
//   "2-3"  3 is read and written; what is left of earlier ones is being removed
class Phase {
 public:
  enum class Step : char { kSteady = 0, kBuilding = '>', kBuilt = '=', kRemoving = '-' };

  explicit Phase(uint16_t to, Step step = Step::kSteady, uint16_t from = 0)
      : to(to), step(step), from(from) {}

  static std::optional<Phase> Parse(std::string_view text);
  std::string ToString() const;

  // What is written besides `to`; 0 = nothing.
  uint16_t Also() const { return step == Step::kBuilding || step == Step::kBuilt ? from : uint16_t{0}; }
  bool Maintains(uint16_t definition) const {
    return definition == to || (definition != 0 && definition == Also());
  }
  // The definition that a program of `program` reads; 0 = none: it is too old.
  uint16_t ReadBy(uint16_t program) const;
  // Only programs of the highest definition write.
  bool WritableBy(uint16_t program) const { return program == to; }

  friend bool operator==(const Phase& a, const Phase& b) {
    return a.to == b.to && a.step == b.step && a.from == b.from;
  }

  uint16_t to;
  Step step;
  uint16_t from;  // 0 while steady
};

}  // namespace motcua::store
