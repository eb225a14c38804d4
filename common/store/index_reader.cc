// What Store tells of its indexes.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/async/when_all.h"
#include "common/status/errors.h"
#include "common/store/store.h"

namespace motcua::store {

namespace {

using async::Task;
using redis::Command;
using redis::Reply;

// A page in one trip and O(log n) commands, whatever has become of the member last seen and however many
// share its score.
//
// KEYS[1]  the index
// ARGV[1]  '1' = descending, '2' = ascending and with scores   ARGV[2]  page size   ARGV[3], ARGV[4]  score
// and member last seen, where there is one
//
// Returns {size of the index, score of the page's last member or '' where no page follows, the members, with
// '2' each followed by its score}. Writes nothing.
//
// Members are compared byte by byte, as Redis orders them: Lua's own comparison goes by the server's locale.
constexpr char kPageScript[] = R"lua(
local call = redis.call
local key, descending, size = KEYS[1], ARGV[1] == '1', tonumber(ARGV[2])
local scored = ARGV[1] == '2'
local function less(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local total = call('ZCARD', key)
local from = 0
if ARGV[3] then
  local score, member = ARGV[3], ARGV[4]
  local held = call('ZSCORE', key, member)
  local low, there
  if held and tonumber(held) == tonumber(score) then
    low, there = call('ZRANK', key, member), 1
  else
    low, there = call('ZCOUNT', key, '-inf', '(' .. score), 0
    local high = low + call('ZCOUNT', key, score, score)
    while low < high do
      local middle = math.floor((low + high) / 2)
      if less(call('ZRANGE', key, middle, middle)[1], member) then low = middle + 1 else high = middle end
    end
  end
  from = descending and total - low or low + there
end
local members
if descending then
  members = call('ZRANGE', key, from, from + size - 1, 'REV')
elseif scored then
  members = call('ZRANGE', key, from, from + size - 1, 'WITHSCORES')
else
  members = call('ZRANGE', key, from, from + size - 1)
end
local last = ''
if from + size < total then last = scored and members[2 * size] or call('ZSCORE', key, members[size]) end
return {total, last, members}
)lua";

const redis::Script& PageScript() {
  static const auto* script = new redis::Script(kPageScript);
  return *script;
}

absl::Status Corrupt() {
  return errors::DataLoss("CORRUPT_RECORD", "the store answered with a malformed index");
}

// What binds a token to its index and order: those of another list would page through this one at random.
constexpr size_t kMarkBytes = 6;
std::string MarkOf(std::string_view key, Order order) {
  return Sha256(key, order == Order::kAscending ? "+" : "-").substr(0, kMarkBytes);
}

// The last member seen of a list: mark, score, colon, member.
std::string EncodeToken(std::string_view mark, double score, std::string_view member) {
  return absl::WebSafeBase64Escape(absl::StrFormat("%s%.17g:%s", mark, score, member));
}

bool DecodeToken(const std::string& token, std::string_view mark, double& score, std::string& member) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text)) return false;
  const size_t colon = text.find(':', kMarkBytes);
  if (colon == std::string::npos || text.compare(0, kMarkBytes, mark) != 0) return false;
  if (!absl::SimpleAtod(text.substr(kMarkBytes, colon - kMarkBytes), &score) || !std::isfinite(score))
    return false;
  member = text.substr(colon + 1);
  return true;
}

absl::StatusOr<std::vector<std::pair<std::string, double>>> ScoredMembers(const Reply& reply) {
  std::vector<std::pair<std::string, double>> members;
  const std::vector<Reply>& items = reply.items();
  if (items.size() % 2 != 0) return Corrupt();
  members.reserve(items.size() / 2);
  for (size_t i = 0; i < items.size(); i += 2) {
    double score = 0;
    if (!absl::SimpleAtod(items[i + 1].text(), &score)) return Corrupt();
    members.emplace_back(items[i].text(), score);
  }
  return members;
}

// What the page's script returned.
absl::StatusOr<IndexPage> PageOf(Reply& reply, std::string_view mark) {
  std::vector<Reply>& items = reply.items();
  if (items.size() != 3) return Corrupt();
  IndexPage page;
  page.total = static_cast<uint64_t>(items[0].integer());
  page.members.reserve(items[2].items().size());
  for (Reply& member : items[2].items()) page.members.push_back(std::move(member.text()));
  const std::string& last = items[1].text();
  double score = 0;
  if (!last.empty() && (page.members.empty() || !absl::SimpleAtod(last, &score))) return Corrupt();
  if (!last.empty()) page.next_page_token = EncodeToken(mark, score, page.members.back());
  return page;
}

// A read meets so many changes of definition at most.
constexpr int kMaxAttempts = 4;

absl::Status ChangingOver() {
  return errors::Unavailable("SHARD_BEING_UPGRADED", "the lists are changing over; try again");
}

}  // namespace

Task<absl::StatusOr<Reply>> Store::AskOf(std::string shard, std::string name, MakeCommand make,
                                         absl::Time deadline) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    uint16_t definition = KnownToRead(shard, name);
    if (definition == 0) {
      absl::StatusOr<uint16_t> learnt = co_await LearnToRead(shard, name, deadline);
      if (!learnt.ok()) co_return learnt.status();
      definition = *learnt;
    }
    Command command = make(definition);
    absl::StatusOr<Reply> reply = co_await Ask(std::move(command), deadline);
    if (!reply.ok() || WasMaintained(shard, definition)) co_return reply;
    absl::StatusOr<bool> maintained = co_await LearnMaintained(shard, definition, deadline);
    if (!maintained.ok()) co_return maintained.status();
    if (*maintained) co_return reply;
  }
  co_return ChangingOver();
}

Task<absl::StatusOr<IndexPage>> Store::ReadIndex(std::string shard, std::string index, Order order,
                                                 uint32_t page_size, std::string page_token,
                                                 absl::Time deadline) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    uint16_t definition = KnownToRead(shard, index);
    if (definition == 0) {
      absl::StatusOr<uint16_t> learnt = co_await LearnToRead(shard, index, deadline);
      if (!learnt.ok()) co_return learnt.status();
      definition = *learnt;
    }
    const std::string key = Keys(shard).Index(definition, index);
    const std::string mark = MarkOf(key, order);
    redis::ScriptCall call(PageScript());
    call.Key(key);
    call.Arg(order == Order::kAscending ? "0" : "1").Arg(std::clamp<uint32_t>(page_size, 1, 1000));
    if (!page_token.empty()) {
      double score = 0;
      std::string member;
      if (!DecodeToken(page_token, mark, score, member)) {
        co_return errors::InvalidArgument("BAD_PAGE_TOKEN", "page_token: must come from the page before");
      }
      call.Arg(absl::StrFormat("%.17g", score)).Arg(member);
    }
    absl::StatusOr<Reply> reply = co_await redis_.Eval(std::move(call), deadline);
    if (!reply.ok()) co_return reply.status();
    if (!WasMaintained(shard, definition)) {
      absl::StatusOr<bool> maintained = co_await LearnMaintained(shard, definition, deadline);
      if (!maintained.ok()) co_return maintained.status();
      if (!*maintained) continue;
    }
    co_return PageOf(*reply, mark);
  }
  co_return ChangingOver();
}

class Store::Stretch {
 public:
  Stretch() {}

  std::vector<std::pair<std::string, double>> members;
  uint64_t total = 0;
  // Members follow that were not asked for.
  bool more = false;
};

Task<absl::Status> Store::ReadStretch(ListName list,
                                      const std::optional<std::pair<double, std::string>>* after,
                                      uint32_t most, absl::Time deadline, Stretch* stretch) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    uint16_t definition = KnownToRead(list.shard, list.index);
    if (definition == 0) {
      absl::StatusOr<uint16_t> learnt = co_await LearnToRead(list.shard, list.index, deadline);
      if (!learnt.ok()) co_return learnt.status();
      definition = *learnt;
    }
    redis::ScriptCall call(PageScript());
    call.Key(Keys(list.shard).Index(definition, list.index));
    call.Arg("2").Arg(most);
    if (after->has_value()) call.Arg(absl::StrFormat("%.17g", (*after)->first)).Arg((*after)->second);
    absl::StatusOr<Reply> reply = co_await redis_.Eval(std::move(call), deadline);
    if (!reply.ok()) co_return reply.status();
    if (!WasMaintained(list.shard, definition)) {
      absl::StatusOr<bool> maintained = co_await LearnMaintained(list.shard, definition, deadline);
      if (!maintained.ok()) co_return maintained.status();
      if (!*maintained) continue;
    }
    const std::vector<Reply>& items = reply->items();
    if (items.size() != 3) co_return Corrupt();
    absl::StatusOr<std::vector<std::pair<std::string, double>>> members = ScoredMembers(items[2]);
    if (!members.ok()) co_return members.status();
    stretch->members = *std::move(members);
    stretch->total = static_cast<uint64_t>(items[0].integer());
    stretch->more = !items[1].text().empty();
    co_return absl::OkStatus();
  }
  co_return ChangingOver();
}

Task<absl::StatusOr<IndexPage>> Store::ReadIndexes(std::vector<ListName> lists, uint32_t page_size,
                                                   std::string page_token, absl::Time deadline) {
  if (lists.empty()) co_return IndexPage();
  const ListName own = lists.front();
  if (lists.size() == 1) {
    co_return co_await ReadIndex(own.shard, own.index, Order::kAscending, page_size, std::move(page_token),
                                 deadline);
  }
  const uint32_t most = std::clamp<uint32_t>(page_size, 1, 1000);
  uint16_t definition = KnownToRead(own.shard, own.index);
  if (definition == 0) {
    absl::StatusOr<uint16_t> learnt = co_await LearnToRead(own.shard, own.index, deadline);
    if (!learnt.ok()) co_return learnt.status();
    definition = *learnt;
  }
  const std::string mark = MarkOf(Keys(own.shard).Index(definition, own.index), Order::kAscending);
  std::optional<std::pair<double, std::string>> after;
  if (!page_token.empty()) {
    after.emplace();
    if (!DecodeToken(page_token, mark, after->first, after->second)) {
      co_return errors::InvalidArgument("BAD_PAGE_TOKEN", "page_token: must come from the page before");
    }
  }
  std::vector<Stretch> stretches(lists.size());
  std::vector<Task<absl::Status>> reads;
  reads.reserve(lists.size());
  for (size_t i = 0; i < lists.size(); ++i)
    reads.push_back(ReadStretch(std::move(lists[i]), &after, most, deadline, &stretches[i]));
  std::vector<absl::Status> results = co_await async::WhenAll(std::move(reads));
  for (const absl::Status& result : results) {
    if (!result.ok()) co_return result;
  }
  // The first of each list are enough for the first of all.
  std::vector<std::pair<double, std::string>> members;
  IndexPage page;
  bool more = false;
  for (Stretch& stretch : stretches) {
    for (auto& [member, score] : stretch.members) members.emplace_back(score, std::move(member));
    page.total += stretch.total;
    more = more || stretch.more;
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  more = more || members.size() > most;
  if (members.size() > most) members.resize(most);
  if (more) page.next_page_token = EncodeToken(mark, members.back().first, members.back().second);
  for (auto& [score, member] : members) page.members.push_back(std::move(member));
  co_return page;
}

Task<absl::StatusOr<std::vector<std::pair<std::string, double>>>> Store::IndexUpTo(
    std::string shard, std::string index, double score, uint32_t limit, absl::Time deadline) {
  MakeCommand make = [keys = Keys(shard), index, score, limit](uint16_t definition) {
    Command range("ZRANGE");
    range.Arg(keys.Index(definition, index)).Arg("-inf").Arg(absl::StrFormat("%.17g", score));
    range.Arg("BYSCORE").Arg("LIMIT").Arg(0).Arg(limit).Arg("WITHSCORES");
    return range;
  };
  absl::StatusOr<Reply> reply = co_await AskOf(std::move(shard), std::move(index), std::move(make), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return ScoredMembers(*reply);
}

Task<absl::StatusOr<std::vector<std::pair<std::string, double>>>> Store::IndexBelow(
    std::string shard, std::string index, double below, uint32_t limit, absl::Time deadline) {
  MakeCommand make = [keys = Keys(shard), index, below, limit](uint16_t definition) {
    Command range("ZRANGE");
    range.Arg(keys.Index(definition, index)).Arg(absl::StrFormat("(%.17g", below)).Arg("-inf");
    range.Arg("BYSCORE").Arg("REV").Arg("LIMIT").Arg(0).Arg(limit).Arg("WITHSCORES");
    return range;
  };
  absl::StatusOr<Reply> reply = co_await AskOf(std::move(shard), std::move(index), std::move(make), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return ScoredMembers(*reply);
}

Task<absl::StatusOr<std::optional<double>>> Store::IndexLowest(std::string shard, std::string index,
                                                               absl::Time deadline) {
  MakeCommand make = [keys = Keys(shard), index](uint16_t definition) {
    Command range("ZRANGE");
    range.Arg(keys.Index(definition, index)).Arg(0).Arg(0).Arg("WITHSCORES");
    return range;
  };
  absl::StatusOr<Reply> reply = co_await AskOf(std::move(shard), std::move(index), std::move(make), deadline);
  if (!reply.ok()) co_return reply.status();
  absl::StatusOr<std::vector<std::pair<std::string, double>>> members = ScoredMembers(*reply);
  if (!members.ok()) co_return members.status();
  std::optional<double> lowest;
  if (!members->empty()) lowest = members->front().second;
  co_return lowest;
}

Task<absl::StatusOr<std::vector<uint64_t>>> Store::IndexSizes(std::string shard,
                                                              std::vector<std::string> indexes,
                                                              absl::Time deadline) {
  const Keyspace keys = Keys(shard);
  std::vector<uint64_t> sizes;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    uint16_t definition = 0;
    for (const std::string& index : indexes) {
      definition = KnownToRead(shard, index);
      if (definition != 0) continue;
      absl::StatusOr<uint16_t> learnt = co_await LearnToRead(shard, index, deadline);
      if (!learnt.ok()) co_return learnt.status();
      definition = *learnt;
    }
    std::vector<Task<absl::StatusOr<Reply>>> asked;
    asked.reserve(indexes.size());
    for (const std::string& index : indexes) {
      Command size("ZCARD");
      size.Arg(keys.Index(definition, index));
      asked.push_back(Ask(std::move(size), deadline));
    }
    std::vector<absl::StatusOr<Reply>> replies = co_await async::WhenAll(std::move(asked));
    sizes.clear();
    sizes.reserve(replies.size());
    for (const absl::StatusOr<Reply>& reply : replies) {
      if (!reply.ok()) co_return reply.status();
      sizes.push_back(static_cast<uint64_t>(reply->integer()));
    }
    if (WasMaintained(shard, definition)) co_return sizes;
    absl::StatusOr<bool> maintained = co_await LearnMaintained(shard, definition, deadline);
    if (!maintained.ok()) co_return maintained.status();
    if (*maintained) co_return sizes;
  }
  co_return ChangingOver();
}

}  // namespace motcua::store
