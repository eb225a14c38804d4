#include "common/feed/durable.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/redis/script.h"
#include "common/status/errors.h"

namespace motcua::feed {

namespace {

using async::Task;
using redis::Command;
using redis::Reply;

// KEYS: the consumers, a hash of `position since moved`; the epochs. ARGV: the epoch, the consumer, its
// position, 1 where only a new one is set. Returns 0 in another epoch.
constexpr char kSetApplied[] = R"lua(
local call = redis.call
if call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return 0 end
local held, now = call('HGET', KEYS[1], ARGV[2]), call('TIME')
local micros = string.format('%.0f', now[1] * 1000000 + now[2])
local position, since
if held then
  position, since = string.match(held, '^(%d+) (%d+)')
  if ARGV[4] == '1' or tonumber(position) >= tonumber(ARGV[3]) then return 1 end
end
call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. (since or micros) .. ' ' .. micros)
return 1
)lua";

// KEYS: the feed, the consumers, the epochs. ARGV: the epoch, how many events are kept though all have
// applied them. Returns 0 in another epoch.
constexpr char kTrim[] = R"lua(
local call = redis.call
if call('HGET', KEYS[3], 'epoch') ~= ARGV[1] then return 0 end
local entry = call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not entry then return 1 end
local below = tonumber(string.sub(entry[1], 3)) - tonumber(ARGV[2])
for _, held in ipairs(call('HVALS', KEYS[2])) do
  below = math.min(below, tonumber(string.match(held, '^%d+')) + 1)
end
if below > 1 then call('XTRIM', KEYS[1], 'MINID', '0-' .. string.format('%.0f', below)) end
return 1
)lua";

absl::Status Done(const absl::StatusOr<Reply>& reply) {
  if (!reply.ok()) return reply.status();
  if (reply->integer() == 1) return absl::OkStatus();
  return errors::Unavailable("FEED_EPOCH_UNKNOWN", "a new epoch of the feed has begun; try again");
}

std::optional<Durable> Parse(const std::string& consumer, const std::string& text) {
  Durable durable;
  durable.consumer = consumer;
  int64_t since = 0;
  int64_t moved = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ' ');
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &durable.position) ||
      !absl::SimpleAtoi(parts[1], &since) || !absl::SimpleAtoi(parts[2], &moved)) {
    return std::nullopt;
  }
  durable.since = absl::FromUnixMicros(since);
  durable.moved_at = absl::FromUnixMicros(moved);
  return durable;
}

absl::Status Unreadable() {
  return errors::DataLoss("CORRUPT_RECORD", "how far a consumer has come cannot be read");
}

}  // namespace

Task<absl::Status> SetApplied(store::Store& store, store::Keyspace keys, uint64_t epoch, std::string consumer,
                              uint64_t position, bool first, absl::Time deadline) {
  static const auto* script = new redis::Script(kSetApplied);
  redis::ScriptCall call(*script);
  call.Key(keys.Acknowledged()).Key(keys.Epochs());
  call.Arg(epoch).Arg(consumer).Arg(position).Arg(first ? 1 : 0);
  absl::StatusOr<Reply> reply = co_await store.redis().Eval(std::move(call), deadline);
  co_return Done(reply);
}

Task<absl::Status> TrimFeed(store::Store& store, store::Keyspace keys, uint64_t epoch, uint64_t retention,
                            absl::Time deadline) {
  static const auto* script = new redis::Script(kTrim);
  redis::ScriptCall call(*script);
  call.Key(keys.Feed()).Key(keys.Acknowledged()).Key(keys.Epochs());
  call.Arg(epoch).Arg(retention);
  absl::StatusOr<Reply> reply = co_await store.redis().Eval(std::move(call), deadline);
  co_return Done(reply);
}

Task<absl::StatusOr<std::vector<Durable>>> ListDurable(store::Store& store, store::Keyspace keys,
                                                       absl::Time deadline) {
  Command all("HGETALL");
  all.Arg(keys.Acknowledged());
  absl::StatusOr<Reply> reply = co_await store.redis().Execute(std::move(all), deadline);
  if (!reply.ok()) co_return reply.status();
  std::vector<Durable> durables;
  const std::vector<Reply>& items = reply->items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    std::optional<Durable> durable = Parse(items[i].text(), items[i + 1].text());
    if (!durable.has_value()) co_return Unreadable();
    durables.push_back(*std::move(durable));
  }
  std::sort(durables.begin(), durables.end(),
            [](const Durable& a, const Durable& b) { return a.consumer < b.consumer; });
  co_return durables;
}

Task<absl::StatusOr<std::optional<Durable>>> RemoveDurable(store::Store& store, store::Keyspace keys,
                                                           std::string consumer, absl::Time deadline) {
  static const auto* script = new redis::Script(
      "local held = redis.call('HGET', KEYS[1], ARGV[1])\n"
      "redis.call('HDEL', KEYS[1], ARGV[1])\n"
      "return held\n");
  redis::ScriptCall call(*script);
  call.Key(keys.Acknowledged()).Arg(consumer);
  absl::StatusOr<Reply> reply = co_await store.redis().Eval(std::move(call), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->is_nil()) co_return std::optional<Durable>();
  // One that cannot be read is removed, too.
  Durable unreadable;
  unreadable.consumer = consumer;
  co_return std::optional<Durable>(Parse(consumer, reply->text()).value_or(unreadable));
}

}  // namespace motcua::feed
