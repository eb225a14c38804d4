// What a service tells of its records to consumers that have missed events: see FeedService.Snapshot.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/task.h"
#include "common/store/definition.h"
#include "motcua/feed/v1/feed.pb.h"

namespace motcua::feed {

// A record as it is stored.
class StoredRecordOf {
 public:
  StoredRecordOf(std::string id, std::string bytes) : id(std::move(id)), bytes(std::move(bytes)) {}
  std::string id;
  std::string bytes;
};

// What is told in one snapshot of a shard, which may take long. Confined to the loop.
class RetellingStream {
 public:
  using Tell = absl::AnyInvocable<async::Task<absl::Status>(v1::SnapshotRecord)>;
  using Records = std::vector<v1::SnapshotRecord>;

  virtual ~RetellingStream() = default;

  // Tells, before all records, what is in none of them but in events: a part at a time, none of it larger
  // than a message may be. The events must be such that to apply them again changes nothing. `tell` outlives
  // the task.
  virtual async::Task<absl::Status> TellFirst(Tell* tell, absl::Time deadline) {
    (void)tell, (void)deadline;
    co_return absl::OkStatus();
  }

  // In their order. Errors: those of reading a record, the store's.
  virtual async::Task<absl::StatusOr<Records>> Retell(std::vector<StoredRecordOf> records,
                                                      absl::Time deadline) = 0;
};

// Confined to the loop.
class Retelling {
 public:
  virtual ~Retelling() = default;

  // Of the records that the feed's events are about, by the ids that are the events' subjects.
  virtual std::string_view Kind() const = 0;
  // It outlives what it opens.
  virtual std::unique_ptr<RetellingStream> Open(std::string shard) = 0;
};

// Of a model whose records tell of themselves all that is to be told.
template <class Model>
class RetellingOf final : public Retelling {
 public:
  // Pure: the events that make the record.
  using Events = std::vector<v1::Event> (*)(const typename Model::Record& record);

  explicit RetellingOf(Events events) : events_(events) {}

  std::string_view Kind() const override { return Model::kKind; }
  std::unique_ptr<RetellingStream> Open(std::string shard) override {
    (void)shard;
    return std::make_unique<Stream>(events_);
  }

 private:
  class Stream final : public RetellingStream {
   public:
    explicit Stream(Events events) : events_(events) {}
    async::Task<absl::StatusOr<Records>> Retell(std::vector<StoredRecordOf> records,
                                                absl::Time deadline) override {
      (void)deadline;
      Records told;
      for (const StoredRecordOf& stored : records) {
        typename Model::Record record;
        uint64_t version = 0;
        absl::Status read = store::ReadStored<Model>(stored.bytes, record, version);
        if (!read.ok()) co_return read;
        v1::SnapshotRecord& one = told.emplace_back();
        one.set_subject(stored.id);
        one.set_version(version);
        for (v1::Event& event : events_(record)) *one.add_events() = std::move(event);
      }
      co_return told;
    }

   private:
    const Events events_;
  };

  const Events events_;
};

}  // namespace motcua::feed
