// What Store tells of its counters, and of which records there are.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/store/registry.h"
#include "common/store/store.h"

namespace motcua::store {

namespace {

using async::Task;
using redis::Command;
using redis::Reply;

// Of a group, looked at in one step.
constexpr int kNamesAtOnce = 500;

absl::Status Corrupt() {
  return errors::DataLoss("CORRUPT_RECORD", "the store answered with a malformed counter");
}

absl::StatusOr<Counters> CountersFrom(const Reply& reply) {
  Counters counters;
  const std::vector<Reply>& items = reply.items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(items[i + 1].text(), &value)) return Corrupt();
    counters.emplace(items[i].text(), value);
  }
  return counters;
}

}  // namespace

Task<absl::StatusOr<Counters>> Store::ReadHash(std::string key, absl::Time deadline) {
  Command all("HGETALL");
  all.Arg(key);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(all), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return CountersFrom(*reply);
}

Task<absl::StatusOr<Counters>> Store::ReadCounters(std::string shard, absl::Time deadline) {
  MakeCommand make = [keys = Keys(shard)](uint16_t definition) {
    Command all("HGETALL");
    all.Arg(keys.Counters(definition));
    return all;
  };
  absl::StatusOr<Reply> reply =
      co_await AskOf(std::move(shard), Definition::CountersName(""), std::move(make), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return CountersFrom(*reply);
}

Task<absl::StatusOr<Counters>> Store::ReadCounters(std::string shard, std::string group,
                                                   std::vector<std::string> fields, absl::Time deadline) {
  Counters counters;
  if (fields.empty()) co_return counters;
  MakeCommand make = [keys = Keys(shard), group, &fields](uint16_t definition) {
    Command some("HMGET");
    some.Arg(keys.Counters(definition, group));
    for (const std::string& field : fields) some.Arg(field);
    return some;
  };
  absl::StatusOr<Reply> reply =
      co_await AskOf(std::move(shard), Definition::CountersName(group), std::move(make), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->items().size() != fields.size()) co_return Corrupt();
  for (size_t i = 0; i < fields.size(); ++i) {
    const Reply& item = reply->items()[i];
    int64_t value = 0;
    if (item.is_nil()) continue;
    if (!absl::SimpleAtoi(item.text(), &value)) co_return Corrupt();
    counters.emplace(std::move(fields[i]), value);
  }
  co_return counters;
}

Task<absl::StatusOr<std::pair<std::string, std::vector<std::string>>>> Store::CounterNames(
    std::string shard, std::string group, std::string cursor, absl::Time deadline) {
  MakeCommand make = [keys = Keys(shard), group, cursor](uint16_t definition) {
    Command scan("HSCAN");
    scan.Arg(keys.Counters(definition, group)).Arg(cursor).Arg("COUNT").Arg(kNamesAtOnce);
    return scan;
  };
  absl::StatusOr<Reply> reply =
      co_await AskOf(std::move(shard), Definition::CountersName(group), std::move(make), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->items().size() != 2) co_return Corrupt();
  std::pair<std::string, std::vector<std::string>> names;
  names.first = std::move(reply->items()[0].text());
  std::vector<Reply>& items = reply->items()[1].items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) names.second.push_back(std::move(items[i].text()));
  co_return names;
}

Task<absl::StatusOr<std::vector<std::string>>> Store::ReadRegistry(std::string shard, std::string kind,
                                                                   std::string after, uint32_t limit,
                                                                   absl::Time deadline) {
  Command range("ZRANGE");
  range.Arg(Keys(shard).Registry(kind)).Arg(after.empty() ? std::string("-") : absl::StrCat("(", after));
  range.Arg("+").Arg("BYLEX").Arg("LIMIT").Arg(0).Arg(limit);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(range), deadline);
  if (!reply.ok()) co_return reply.status();
  std::vector<std::string> members;
  members.reserve(reply->items().size());
  for (Reply& member : reply->items()) members.push_back(std::move(member.text()));
  co_return members;
}

}  // namespace motcua::store
