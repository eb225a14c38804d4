#include "common/store/store.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status/errors.h"
#include "common/store/commit_script.h"
#include "openssl/evp.h"

namespace motcua::store {

namespace {

using async::Task;
using redis::Command;
using redis::Reply;

// Simulated time goes forward only, whichever replicas advance it. Compared as text: a number of Lua's has 53
// bits.
const redis::Script& ClockScript() {
  static const auto* script = new redis::Script(
      "local held, to = redis.call('GET', KEYS[1]), ARGV[1]\n"
      "if not held or held:sub(1, 1) == '-' or #held < #to or (#held == #to and held < to) then\n"
      "  redis.call('SET', KEYS[1], to)\n"
      "end\n"
      "return 1\n");
  return *script;
}

const redis::Script& CommitScript() {
  static const auto* script = new redis::Script(std::string(kCommitScript));
  return *script;
}

absl::Status Corrupt(std::string_view what) {
  return errors::DataLoss("CORRUPT_RECORD", "the store answered with a malformed " + std::string(what));
}

// Page tokens name the last member seen: score, colon, member.
std::string EncodeToken(double score, std::string_view member) {
  return absl::WebSafeBase64Escape(absl::StrFormat("%.17g:%s", score, member));
}

bool DecodeToken(const std::string& token, double& score, std::string& member) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text)) return false;
  const size_t colon = text.find(':');
  if (colon == std::string::npos || !absl::SimpleAtod(text.substr(0, colon), &score)) return false;
  member = text.substr(colon + 1);
  return true;
}

template <class Number>
bool ParseNumber(std::string_view text, Number& number) {
  const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

absl::StatusOr<std::vector<std::pair<std::string, double>>> ScoredMembers(const Reply& reply) {
  std::vector<std::pair<std::string, double>> members;
  const std::vector<Reply>& items = reply.items();
  if (items.size() % 2 != 0) return Corrupt("index");
  members.reserve(items.size() / 2);
  for (size_t i = 0; i < items.size(); i += 2) {
    double score = 0;
    if (!absl::SimpleAtod(items[i + 1].text(), &score)) return Corrupt("index");
    members.emplace_back(items[i].text(), score);
  }
  return members;
}

}  // namespace

Store::Store(redis::Client& redis, const time::Clock& clock, std::string prefix, absl::Duration request_ttl,
             size_t cache_bytes)
    : redis_(redis),
      clock_(clock),
      prefix_(std::move(prefix)),
      request_ttl_(request_ttl),
      cache_(std::make_shared<RecordCache>(cache_bytes)) {
  redis_.OnConnectionChange([cache = cache_](bool) { cache->Clear(); });
}

Task<absl::StatusOr<Reply>> Store::Ask(Command command, absl::Time deadline) {
  return redis_.Execute(std::move(command), deadline);
}

Task<absl::StatusOr<CommitOutcome>> Store::Commit(Transaction transaction, absl::Time deadline) {
  absl::StatusOr<Reply> reply = co_await redis_.Eval(transaction.CallOf(CommitScript()), deadline);
  if (!reply.ok()) co_return reply.status();
  std::string& text = reply->text();
  if (text.empty()) co_return Corrupt("commit outcome");
  const std::string_view value = std::string_view(text).substr(1);
  CommitOutcome outcome(CommitOutcome::Kind::kCommitted, 0);
  int64_t micros = 0;
  switch (text[0]) {
    case 'O':
      ++tally_.committed;
      if (!ParseNumber(value, outcome.position)) co_return Corrupt("commit outcome");
      co_return outcome;
    case 'V':
      ++tally_.conflicts;
      outcome.kind = CommitOutcome::Kind::kConflict;
      co_return outcome;
    case 'S':
      ++tally_.stale;
      outcome.kind = CommitOutcome::Kind::kStale;
      if (!ParseNumber(value, micros)) co_return Corrupt("watermark");
      outcome.watermark = absl::FromUnixMicros(micros);
      co_return outcome;
    case 'R':
      ++tally_.replayed;
      outcome.kind = CommitOutcome::Kind::kReplayed;
      text.erase(0, 1);
      outcome.stored = std::move(text);
      co_return outcome;
    case 'C':
      ++tally_.cursor_moved;
      outcome.kind = CommitOutcome::Kind::kCursorMoved;
      if (!ParseNumber(value, outcome.position)) co_return Corrupt("cursor");
      co_return outcome;
    default:
      co_return Corrupt("commit outcome");
  }
}

Task<absl::StatusOr<std::vector<std::optional<std::string>>>> Store::Get(std::vector<std::string> keys,
                                                                      absl::Time deadline) {
  std::vector<std::optional<std::string>> values;
  if (keys.empty()) co_return values;
  Command command("MGET");
  for (const std::string& key : keys) command.Arg(key);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(command), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->items().size() != keys.size()) co_return Corrupt("reply");
  values.reserve(keys.size());
  for (Reply& item : reply->items()) {
    if (item.is_nil()) {
      values.emplace_back(std::nullopt);
    } else {
      values.emplace_back(std::move(item.text()));
    }
  }
  co_return values;
}

Task<absl::StatusOr<uint64_t>> Store::VersionOf(std::string key, absl::Time deadline) {
  Command head("GETRANGE");
  head.Arg(key).Arg(0).Arg(7);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(head), deadline);
  if (!reply.ok()) co_return reply.status();
  uint64_t version = 0;
  std::string_view bytes;
  DecodeRecord(reply->text(), version, bytes);
  co_return version;
}

Task<absl::StatusOr<uint64_t>> Store::NextNumber(std::string key, absl::Time deadline) {
  Command command("INCR");
  command.Arg(key);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(command), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return static_cast<uint64_t>(reply->integer());
}

// -1 where the member does not stand there with this score.
Task<absl::StatusOr<int64_t>> Store::RankOf(std::string key, Order order, std::string member, double score,
                                           absl::Time deadline) {
  Command held("ZSCORE");
  held.Arg(key).Arg(member);
  absl::StatusOr<Reply> held_reply = co_await Ask(std::move(held), deadline);
  if (!held_reply.ok()) co_return held_reply.status();
  double now = 0;
  if (held_reply->is_nil() || !absl::SimpleAtod(held_reply->text(), &now) || now != score) co_return int64_t{-1};
  Command ask(order == Order::kAscending ? "ZRANK" : "ZREVRANK");
  ask.Arg(key).Arg(member);
  absl::StatusOr<Reply> rank = co_await Ask(std::move(ask), deadline);
  if (!rank.ok()) co_return rank.status();
  co_return rank->is_nil() ? int64_t{-1} : rank->integer();
}

Task<absl::StatusOr<IndexPage>> Store::ReadIndex(std::string key, Order order, uint32_t page_size,
                                                 std::string page_token, absl::Time deadline) {
  const bool ascending = order == Order::kAscending;
  page_size = std::clamp<uint32_t>(page_size, 1, 1000);
  double score = 0;
  std::string member;
  if (!page_token.empty() && !DecodeToken(page_token, score, member)) {
    co_return errors::InvalidArgument("BAD_PAGE_TOKEN", "page_token: must come from the page before");
  }
  Command size("ZCARD");
  size.Arg(key);
  Task<absl::StatusOr<Reply>> size_task = Ask(std::move(size), deadline);
  absl::StatusOr<Reply> size_reply = co_await std::move(size_task);
  if (!size_reply.ok()) co_return size_reply.status();
  IndexPage page;
  page.total = static_cast<uint64_t>(size_reply->integer());

  std::vector<std::pair<std::string, double>> found;
  const uint32_t want = page_size + 1;  // one more tells whether another page follows
  bool read = false;
  // Where the last member seen still stands, its rank is the way on: O(log n) however many share its score. The range
  // begins with it, which shows that no write came between the two questions.
  for (int attempt = 0; attempt < 3 && !read && !page_token.empty(); ++attempt) {
    absl::StatusOr<int64_t> rank = co_await RankOf(key, order, member, score, deadline);
    if (!rank.ok()) co_return rank.status();
    if (*rank < 0) break;
    Command range("ZRANGE");
    range.Arg(key).Arg(*rank).Arg(*rank + want);
    if (!ascending) range.Arg("REV");
    range.Arg("WITHSCORES");
    absl::StatusOr<Reply> reply = co_await Ask(std::move(range), deadline);
    if (!reply.ok()) co_return reply.status();
    absl::StatusOr<std::vector<std::pair<std::string, double>>> batch = ScoredMembers(*reply);
    if (!batch.ok()) co_return batch.status();
    read = !batch->empty() && batch->front().first == member && batch->front().second == score;
    if (read) found.assign(std::make_move_iterator(batch->begin() + 1), std::make_move_iterator(batch->end()));
  }
  int64_t offset = 0;
  while (!read) {
    Command range("ZRANGE");
    range.Arg(key);
    if (page_token.empty()) {
      range.Arg(0).Arg(page_size);
      if (!ascending) range.Arg("REV");
    } else {
      range.Arg(absl::StrFormat("%.17g", score)).Arg(ascending ? "+inf" : "-inf").Arg("BYSCORE");
      if (!ascending) range.Arg("REV");
      range.Arg("LIMIT").Arg(offset).Arg(want);
    }
    range.Arg("WITHSCORES");
    absl::StatusOr<Reply> reply = co_await Ask(std::move(range), deadline);
    if (!reply.ok()) co_return reply.status();
    absl::StatusOr<std::vector<std::pair<std::string, double>>> batch = ScoredMembers(*reply);
    if (!batch.ok()) co_return batch.status();
    for (auto& item : *batch) {
      const bool seen = !page_token.empty() && item.second == score &&
                        (ascending ? item.first <= member : item.first >= member);
      if (!seen && found.size() < want) found.push_back(std::move(item));
    }
    offset += want;
    read = page_token.empty() || batch->size() < want || found.size() >= want;
  }
  if (found.size() > page_size) {
    page.next_page_token = EncodeToken(found[page_size - 1].second, found[page_size - 1].first);
    found.resize(page_size);
  }
  page.members.reserve(found.size());
  for (auto& item : found) page.members.push_back(std::move(item.first));
  co_return page;
}

Task<absl::StatusOr<std::vector<std::pair<std::string, double>>>> Store::IndexUpTo(std::string key, double score,
                                                                                   uint32_t limit,
                                                                                   absl::Time deadline) {
  Command range("ZRANGE");
  range.Arg(key).Arg("-inf").Arg(absl::StrFormat("%.17g", score)).Arg("BYSCORE").Arg("LIMIT").Arg(0).Arg(limit);
  range.Arg("WITHSCORES");
  absl::StatusOr<Reply> reply = co_await Ask(std::move(range), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return ScoredMembers(*reply);
}

Task<absl::StatusOr<std::optional<double>>> Store::IndexLowest(std::string key, absl::Time deadline) {
  Command range("ZRANGE");
  range.Arg(key).Arg(0).Arg(0).Arg("WITHSCORES");
  absl::StatusOr<Reply> reply = co_await Ask(std::move(range), deadline);
  if (!reply.ok()) co_return reply.status();
  absl::StatusOr<std::vector<std::pair<std::string, double>>> members = ScoredMembers(*reply);
  if (!members.ok()) co_return members.status();
  std::optional<double> lowest;
  if (!members->empty()) lowest = members->front().second;
  co_return lowest;
}

Task<absl::StatusOr<std::vector<uint64_t>>> Store::IndexSizes(std::vector<std::string> keys, absl::Time deadline) {
  std::vector<uint64_t> sizes;
  for (const std::string& key : keys) {
    Command size("ZCARD");
    size.Arg(key);
    absl::StatusOr<Reply> reply = co_await Ask(std::move(size), deadline);
    if (!reply.ok()) co_return reply.status();
    sizes.push_back(static_cast<uint64_t>(reply->integer()));
  }
  co_return sizes;
}

Task<absl::StatusOr<Counters>> Store::ReadCounters(std::string key, absl::Time deadline) {
  Command all("HGETALL");
  all.Arg(key);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(all), deadline);
  if (!reply.ok()) co_return reply.status();
  Counters counters;
  const std::vector<Reply>& items = reply->items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(items[i + 1].text(), &value)) co_return Corrupt("counter");
    counters.emplace(items[i].text(), value);
  }
  co_return counters;
}

Task<absl::StatusOr<std::vector<std::string>>> Store::ReadList(std::string key, uint32_t limit, absl::Time deadline) {
  Command range("LRANGE");
  range.Arg(key).Arg(-static_cast<int64_t>(limit)).Arg(-1);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(range), deadline);
  if (!reply.ok()) co_return reply.status();
  std::vector<std::string> lines;
  lines.reserve(reply->items().size());
  for (Reply& item : reply->items()) lines.push_back(std::move(item.text()));
  co_return lines;
}

Task<absl::Status> Store::AddShard(std::string shard, absl::Time deadline) {
  Command add("SADD");
  add.Arg(absl::StrCat(prefix_, ":shards")).Arg(shard);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(add), deadline);
  co_return reply.status();
}

Task<absl::StatusOr<std::vector<std::string>>> Store::ListShards(absl::Time deadline) {
  Command members("SMEMBERS");
  members.Arg(absl::StrCat(prefix_, ":shards"));
  absl::StatusOr<Reply> reply = co_await Ask(std::move(members), deadline);
  if (!reply.ok()) co_return reply.status();
  std::vector<std::string> shards;
  for (Reply& item : reply->items()) shards.push_back(std::move(item.text()));
  std::sort(shards.begin(), shards.end());
  co_return shards;
}

Task<absl::Status> Store::WriteSimulatedNow(absl::Time now, absl::Time deadline) {
  redis::ScriptCall call(ClockScript());
  call.Key(absl::StrCat(prefix_, ":simulated_now"));
  call.Arg(absl::ToUnixNanos(now));
  absl::StatusOr<Reply> reply = co_await redis_.Eval(std::move(call), deadline);
  co_return reply.status();
}

Task<absl::StatusOr<absl::Time>> Store::ReadSimulatedNow(absl::Time deadline) {
  Command get("GET");
  get.Arg(absl::StrCat(prefix_, ":simulated_now"));
  absl::StatusOr<Reply> reply = co_await Ask(std::move(get), deadline);
  if (!reply.ok()) co_return reply.status();
  if (reply->is_nil()) co_return absl::InfinitePast();
  int64_t nanos = 0;
  if (!absl::SimpleAtoi(reply->text(), &nanos)) co_return Corrupt("clock");
  co_return absl::FromUnixNanos(nanos);
}

std::array<char, 32> Sha256Of(std::initializer_list<std::string_view> parts) {
  // Fetched once: OpenSSL 3 looks an algorithm up anew each time it is named.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> owned(EVP_MD_CTX_new(),
                                                                                          &EVP_MD_CTX_free);
  EVP_MD_CTX* const context = owned.get();
  std::array<char, 32> digest;
  EVP_DigestInit_ex(context, algorithm, nullptr);
  for (std::string_view part : parts) EVP_DigestUpdate(context, part.data(), part.size());
  EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string Sha256(std::string_view a, std::string_view b) {
  const std::array<char, 32> digest = Sha256Of({a, b});
  return std::string(digest.data(), digest.size());
}

std::string RequestDigest(std::string_view caller, std::string_view request_id, std::string_view record) {
  constexpr std::string_view kBetween("\0", 1);
  // 128 bits: a collision among 10^9 living requests has a chance of 10^-21.
  return std::string(Sha256Of({caller, kBetween, record, kBetween, request_id}).data(), 16);
}

}  // namespace motcua::store
