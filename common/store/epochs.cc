#include "common/store/epochs.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/redis/script.h"
#include "common/status/errors.h"
#include "common/store/epochs_script.h"

namespace motcua::store {

namespace {

using async::Task;
using redis::Reply;

const redis::Script& EpochsScript() {
  static const auto* script = new redis::Script(std::string(kEpochsScript));
  return *script;
}

// What epochs.lua returns; false where it is something else.
bool ParseHistory(const Reply& reply, FeedHistory& history) {
  if (reply.items().size() != 5) return false;
  const std::vector<Reply>& items = reply.items();
  if (!absl::SimpleAtoi(items[0].text(), &history.epoch) || !absl::SimpleAtoi(items[3].text(), &history.end))
    return false;
  for (absl::string_view pair : absl::StrSplit(items[1].text(), ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits(':', 1));
    std::pair<uint64_t, uint64_t>& end = history.ended.emplace_back();
    if (!absl::SimpleAtoi(parts.first, &end.first) || !absl::SimpleAtoi(parts.second, &end.second))
      return false;
  }
  history.cut = !items[2].text().empty();
  int64_t micros = 0;
  if (items[4].text().empty()) return true;
  if (!absl::SimpleAtoi(items[4].text(), &micros)) return false;
  history.watermark = absl::FromUnixMicros(micros);
  return true;
}

}  // namespace

std::optional<uint64_t> FeedHistory::CommonEnd(uint64_t of) const {
  if (of == epoch) return UINT64_MAX;
  if (of > epoch) return std::nullopt;
  auto from = std::upper_bound(ended.begin(), ended.end(), of,
                               [](uint64_t epoch, const auto& entry) { return epoch < entry.first; });
  if (from == ended.begin()) {
    if (cut) return std::nullopt;
    return 0;  // of data that were here before these
  }
  uint64_t least = UINT64_MAX;
  for (--from; from != ended.end(); ++from) least = std::min(least, from->second);
  return least;
}

// Ends a look, also where its caller goes while it waits.
class Epochs::Looking {
 public:
  explicit Looking(Shard& shard) : shard_(shard) { shard_.looking = true; }
  ~Looking() {
    shard_.looking = false;
    shard_.done.Set();
    shard_.done.Reset();
  }
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;

 private:
  Shard& shard_;
};

Task<absl::StatusOr<FeedHistory>> Epochs::Look(redis::Client& redis, Keyspace keys, absl::Time deadline) {
  redis::ScriptCall call(EpochsScript());
  call.Key(keys.Epochs()).Key(keys.Feed()).Key(keys.Watermark()).Arg(kKept);
  absl::StatusOr<Reply> reply = co_await redis.Eval(std::move(call), deadline);
  if (!reply.ok()) co_return reply.status();
  FeedHistory history;
  if (!ParseHistory(*reply, history)) {
    co_return errors::DataLoss("CORRUPT_RECORD", "the epochs of a feed cannot be read");
  }
  co_return history;
}

Task<absl::Status> Epochs::Ensure(Keyspace keys, absl::Time deadline) {
  const std::string& name = keys.shard();
  while (!Checked(name)) {
    std::unique_ptr<Shard>& entry = shards_[name];
    if (entry == nullptr) entry = std::make_unique<Shard>(redis_.loop(), keys.Feed());
    Shard* const shard = entry.get();
    if (shard->looking) {
      absl::Status done = co_await shard->done.Wait(deadline);
      if (!done.ok()) co_return done;
      continue;
    }
    const Looking looking(*shard);
    const uint64_t connection = redis_.connection(shard->feed);
    absl::StatusOr<FeedHistory> history = co_await Look(redis_, keys, deadline);
    if (!history.ok()) co_return history.status();
    if (connection != redis_.connection(shard->feed)) continue;
    shard->history = *std::move(history);
    shard->connection = connection;
  }
  co_return absl::OkStatus();
}

}  // namespace motcua::store
