// The shard's records for consumers that have missed events.
#include <algorithm>
#include <bitset>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/feed/durable.h"
#include "common/feed/publisher.h"
#include "common/feed/publisher_internal.h"
#include "common/feed/retelling.h"
#include "common/redis/script.h"
#include "common/status/errors.h"
#include "common/store/registry.h"

namespace motcua::feed {

namespace {

using async::CancelToken;
using async::Task;
using internal::Patience;
using redis::Reply;

// Ids of one page, whether there are records of them or not.
constexpr size_t kPageIds = 100;
// A step ends behind the record that passes this size.
constexpr size_t kStepBytes = size_t{1} << 20;
// For as long the part that comes before the records may take.
constexpr absl::Duration kFirstPatience = absl::Minutes(5);

// KEYS: the registry, the feed, the epochs, the records. ARGV: behind which member, up to which one, and how
// many there are in between. Returns 0 where there are others by now; else the epoch, the feed's last
// position and the records: all of one moment.
constexpr char kReadPage[] = R"lua(
local call = redis.call
local members = call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYLEX', 'LIMIT', 0, ARGV[3] + 1)
if #members ~= tonumber(ARGV[3]) then return 0 end
local entry = call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
return {
  call('HGET', KEYS[3], 'epoch') or '0',
  entry and string.sub(entry[1], 3) or '0',
  call('MGET', unpack(KEYS, 4))
}
)lua";

absl::Status Lost(uint64_t kept) {
  errors::Metadata metadata;
  metadata.emplace_back("end", absl::StrCat(kept));
  return errors::Aborted("SNAPSHOT_LOST", "the snapshot cannot be gone on with; begin anew", metadata);
}

// Lists a consumer for as long as its stream is open.
class Bootstrapping {
 public:
  Bootstrapping(std::shared_ptr<std::multiset<std::string>> all, const std::string& consumer)
      : all_(std::move(all)), one_(all_->insert(consumer)) {}
  ~Bootstrapping() { all_->erase(one_); }
  Bootstrapping(const Bootstrapping&) = delete;

 private:
  const std::shared_ptr<std::multiset<std::string>> all_;
  const std::multiset<std::string>::iterator one_;
};

absl::Status OtherEpoch() {
  return errors::Unavailable("FEED_EPOCH_UNKNOWN", "a new epoch of the feed has begun; try again");
}

}  // namespace

// One stream of a snapshot.
class Publisher::SnapshotTeller {
 public:
  SnapshotTeller(const v1::SnapshotRequest& request, Sink* sink)
      : all_kinds_(request.kinds().empty()), sink_(sink), progress_(request.progress()) {
    for (const uint32_t kind : request.kinds()) {
      if (kind < kinds_.size()) kinds_.set(kind);
    }
  }

  v1::SnapshotProgress& progress() { return progress_; }

  Task<absl::Status> Tell(std::vector<v1::SnapshotRecord> records, std::string through) {
    v1::SnapshotResponse step;
    *step.mutable_progress() = progress_;
    size_t bytes = 0;
    for (v1::SnapshotRecord& record : records) {
      if (!Wants(record)) continue;
      if (bytes >= kStepBytes) {
        absl::Status told = co_await (*sink_)(step.SerializeAsString());
        if (!told.ok()) co_return told;
        step.clear_records();
        bytes = 0;
      }
      bytes += record.ByteSizeLong();
      *step.add_records() = std::move(record);
    }
    // With the last part of a page alone it has been taken.
    progress_.set_through(std::move(through));
    *step.mutable_progress() = progress_;
    co_return co_await (*sink_)(step.SerializeAsString());
  }

  Task<absl::Status> Complete() {
    v1::SnapshotResponse step;
    *step.mutable_progress() = progress_;
    step.set_complete(true);
    co_return co_await (*sink_)(step.SerializeAsString());
  }

 private:
  // Leaves out what is not asked for; false where nothing is left.
  bool Wants(v1::SnapshotRecord& record) const {
    if (all_kinds_) return true;
    auto& events = *record.mutable_events();
    const auto unwanted = [this](const v1::Event& event) {
      return !kinds_.test(static_cast<size_t>(event.body_case()));
    };
    events.erase(std::remove_if(events.begin(), events.end(), unwanted), events.end());
    return !events.empty();
  }

  const bool all_kinds_;
  std::bitset<1024> kinds_;
  Sink* const sink_;
  v1::SnapshotProgress progress_;
};

// A new one begins at the feed's end, behind which nothing is trimmed any more without the consumer.
Task<absl::Status> Publisher::BeginSnapshot(Shard* shard, std::string consumer,
                                            v1::SnapshotProgress* progress) {
  absl::StatusOr<uint64_t> end = co_await ReadEnd(shard, Patience());
  if (!end.ok()) co_return end.status();
  progress->set_epoch(shard->history.epoch);
  progress->set_position(*end);
  progress->set_as_of(*end);
  if (consumer.empty()) co_return absl::OkStatus();
  absl::Status registered = co_await SetApplied(store_, store_.Keys(shard->name), progress->epoch(),
                                                std::move(consumer), *end, /*first=*/false, Patience());
  co_return registered;
}

// One that was begun goes on where all that its records had is still there, and all that follows its
// position.
Task<absl::Status> Publisher::ResumeSnapshot(Shard* shard, const v1::SnapshotProgress* progress) {
  absl::StatusOr<uint64_t> end = co_await ReadEnd(shard, Patience());
  if (!end.ok()) co_return end.status();
  if (progress->epoch() > shard->history.epoch) co_return OtherEpoch();
  const std::optional<uint64_t> common = shard->history.CommonEnd(progress->epoch());
  if (!common.has_value()) co_return Lost(0);
  const uint64_t kept = std::min(*common, *end);
  if (kept < progress->as_of()) co_return Lost(kept);
  if (progress->position() >= *end) co_return absl::OkStatus();
  absl::StatusOr<Entries> next = co_await ReadRange(shard, progress->position(), 1);
  if (absl::IsOutOfRange(next.status())) co_return Lost(progress->as_of());
  co_return next.status();
}

// The next page behind progress->through; none behind the last one.
Task<absl::StatusOr<Publisher::SnapshotPage>> Publisher::ReadSnapshotPage(Shard* shard,
                                                                          v1::SnapshotProgress* progress) {
  static const auto* script = new redis::Script(kReadPage);
  const store::Keyspace keys = store_.Keys(shard->name);
  const std::string kind(retelling_->Kind());
  while (true) {
    absl::StatusOr<std::vector<std::string>> members =
        co_await store_.ReadRegistry(shard->name, kind, progress->through(), kPageIds, Patience());
    if (!members.ok()) co_return members.status();
    SnapshotPage page;
    if (members->empty()) co_return page;
    std::vector<std::string> ids;
    size_t taken = 0;
    while (taken < members->size() && ids.size() < kPageIds)
      store::Registry::AppendIds((*members)[taken++], ids);
    page.through = (*members)[taken - 1];
    redis::ScriptCall call(*script);
    call.Key(keys.Registry(kind)).Key(keys.Feed()).Key(keys.Epochs());
    for (const std::string& id : ids) call.Key(keys.Record(kind, id));
    call.Arg(progress->through().empty() ? "-" : absl::StrCat("(", progress->through()));
    call.Arg(absl::StrCat("[", page.through)).Arg(taken);
    absl::StatusOr<Reply> reply = co_await store_.redis().Eval(std::move(call), Patience());
    if (!reply.ok()) co_return reply.status();
    // Others have been entered in between, since the registry was read: the page is read again.
    if (reply->items().size() != 3) continue;
    uint64_t epoch = 0;
    uint64_t end = 0;
    const bool read = absl::SimpleAtoi(reply->items()[0].text(), &epoch) &&
                      absl::SimpleAtoi(reply->items()[1].text(), &end);
    if (!read) co_return internal::Corrupt();
    if (epoch != shard->history.epoch) co_return OtherEpoch();
    progress->set_as_of(std::max(progress->as_of(), end));
    std::vector<Reply>& records = reply->items()[2].items();
    for (size_t i = 0; i < std::min(ids.size(), records.size()); ++i) {
      if (!records[i].is_nil()) page.records.emplace_back(std::move(ids[i]), std::move(records[i].text()));
    }
    co_return page;
  }
}

Task<absl::Status> Publisher::Snapshot(v1::SnapshotRequest request, Sink sink, CancelToken cancel) {
  const auto found = shards_.find(request.shard());
  if (found == shards_.end()) co_return errors::NotFound("UNKNOWN_SHARD", "shard: there is no such feed");
  if (retelling_ == nullptr)
    co_return errors::Unimplemented("NO_SNAPSHOT", "the service has no records to tell of");
  Shard* const shard = found->second.get();
  const Bootstrapping bootstrapping(shard->bootstrapping, request.consumer());
  const std::unique_ptr<RetellingStream> retelling = retelling_->Open(request.shard());
  SnapshotTeller teller(request, &sink);
  v1::SnapshotProgress* const progress = &teller.progress();
  absl::Status status;
  if (request.has_progress()) {
    status = co_await ResumeSnapshot(shard, progress);
  } else {
    status = co_await BeginSnapshot(shard, request.consumer(), progress);
  }
  // The position is told before anything else.
  std::vector<v1::SnapshotRecord> nothing;
  if (status.ok()) status = co_await teller.Tell(std::move(nothing), progress->through());
  if (status.ok() && progress->through().empty()) {
    RetellingStream::Tell tell = [&teller](v1::SnapshotRecord record) {
      std::vector<v1::SnapshotRecord> one;
      one.push_back(std::move(record));
      return teller.Tell(std::move(one), std::string());
    };
    status = co_await retelling->TellFirst(&tell, absl::Now() + kFirstPatience);
  }
  while (status.ok() && !cancel.cancelled()) {
    absl::StatusOr<SnapshotPage> page = co_await ReadSnapshotPage(shard, progress);
    if (!page.ok()) co_return page.status();
    if (page->through.empty()) co_return co_await teller.Complete();
    absl::StatusOr<std::vector<v1::SnapshotRecord>> told =
        co_await retelling->Retell(std::move(page->records), Patience());
    if (!told.ok()) co_return told.status();
    status = co_await teller.Tell(*std::move(told), std::move(page->through));
  }
  co_return status.ok() ? errors::Cancelled("CANCELLED", "the reader has gone") : status;
}

}  // namespace motcua::feed
