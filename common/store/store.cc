#include "common/store/store.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "absl/strings/numbers.h"
#include "common/status/errors.h"
#include "common/store/commit_script.h"
#include "common/store/reserve_script.h"
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

const redis::Script& ReserveScript() {
  static const auto* script = new redis::Script(std::string(kReserveScript));
  return *script;
}

absl::Status Corrupt(std::string_view what) {
  return errors::DataLoss("CORRUPT_RECORD", "the store answered with a malformed " + std::string(what));
}

template <class Number>
bool ParseNumber(std::string_view text, Number& number) {
  const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

}  // namespace

const redis::Script& CommitScript() {
  static const auto* script = new redis::Script(std::string(kCommitScript));
  return *script;
}

Store::Store(redis::Client& redis, const time::Clock& clock, std::string prefix, absl::Duration request_ttl,
             size_t cache_bytes)
    : redis_(redis),
      clock_(clock),
      prefix_(std::move(prefix)),
      confirms_(redis.options().min_replicas > 0),
      request_ttl_(request_ttl),
      cache_(std::make_shared<RecordCache>(cache_bytes)),
      epochs_(redis) {
  redis_.OnConnectionChange([cache = cache_, definitions = definitions_](bool) {
    cache->Clear();
    definitions->Clear();
  });
}

Task<absl::StatusOr<Reply>> Store::Ask(Command command, absl::Time deadline) {
  return redis_.Execute(std::move(command), deadline);
}

Task<absl::StatusOr<CommitOutcome>> Store::Commit(Transaction transaction, absl::Time deadline) {
  if (!epochs_.Checked(transaction.keyspace().shard())) {
    absl::Status looked = co_await epochs_.Ensure(transaction.keyspace(), deadline);
    if (!looked.ok()) co_return looked;
  }
  redis::ScriptCall call = transaction.CallOf(CommitScript());
  if (confirms_) call.ConfirmWith(transaction.keyspace().Marker());
  const ShardDefinitions::Steady::time_point sent = ShardDefinitions::Steady::now();
  absl::StatusOr<Reply> reply = co_await redis_.Eval(std::move(call), deadline);
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
      if (!transaction.phase().empty()) {
        definitions_->Confirm(transaction.keyspace().shard(), transaction.phase(), sent);
      }
      co_return outcome;
    case 'W': {
      ++tally_.committed;
      const size_t colon = value.find(':');
      if (colon == std::string_view::npos || !ParseNumber(value.substr(0, colon), micros) ||
          !ParseNumber(value.substr(colon + 1), outcome.position)) {
        co_return Corrupt("commit outcome");
      }
      outcome.watermark = absl::FromUnixMicros(micros);
      co_return outcome;
    }
    case 'D': {
      ++tally_.redefined;
      const std::string& shard = transaction.keyspace().shard();
      definitions_->Forget(shard);
      if (const std::optional<Phase> phase = Phase::Parse(value); phase.has_value()) {
        definitions_->Learn(shard, *phase, sent);
        absl::Status may = MayWrite(*phase);
        if (!may.ok()) co_return may;
      }
      outcome.kind = CommitOutcome::Kind::kConflict;
      outcome.redefined = true;
      co_return outcome;
    }
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
      if (const std::optional<Cursor> cursor = Cursor::Parse(value)) {
        outcome.position = cursor->position;
        co_return outcome;
      }
      co_return Corrupt("cursor");
    default:
      co_return Corrupt("commit outcome");
  }
}

Task<absl::Status> Store::ConfirmRead(Keyspace keys, absl::Time deadline) {
  if (!confirms_) co_return absl::OkStatus();
  co_return co_await redis_.Confirm(keys.Marker(), deadline);
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
  co_return DecodeVersion(reply->text());
}

Task<absl::StatusOr<NumberReservation>> Store::ReserveNumber(Keyspace keys, std::string sequence,
                                                             std::string reservation, std::string made,
                                                             uint64_t passed_over, absl::Time deadline) {
  redis::ScriptCall call(ReserveScript());
  call.Key(made).Key(reservation).Key(sequence);
  call.Arg(std::max<int64_t>(1, absl::ToInt64Seconds(request_ttl_))).Arg(static_cast<int64_t>(passed_over));
  absl::StatusOr<Reply> reply = co_await redis_.Eval(std::move(call), deadline);
  if (!reply.ok()) co_return reply.status();
  std::string& text = reply->text();
  NumberReservation reserved;
  if (text.size() > 1 && text[0] == 'M') {
    absl::Status confirmed = co_await ConfirmRead(keys, deadline);
    if (!confirmed.ok()) co_return confirmed;
    text.erase(0, 1);
    reserved.made = std::move(text);
    co_return reserved;
  }
  if (text.size() < 2 || text[0] != 'N' || !ParseNumber(std::string_view(text).substr(1), reserved.number) ||
      reserved.number == 0) {
    co_return Corrupt("reservation");
  }
  co_return reserved;
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
  add.Arg(Keys(Keyspace::kAll).Shards()).Arg(shard);
  absl::StatusOr<Reply> reply = co_await Ask(std::move(add), deadline);
  if (!reply.ok()) co_return reply.status();
  co_return co_await ConfirmRead(Keys(Keyspace::kAll), deadline);
}

Task<absl::StatusOr<std::vector<std::string>>> Store::ListShards(absl::Time deadline) {
  Command members("SMEMBERS");
  members.Arg(Keys(Keyspace::kAll).Shards());
  absl::StatusOr<Reply> reply = co_await Ask(std::move(members), deadline);
  if (!reply.ok()) co_return reply.status();
  std::vector<std::string> shards;
  for (Reply& item : reply->items()) shards.push_back(std::move(item.text()));
  std::sort(shards.begin(), shards.end());
  co_return shards;
}

Task<absl::Status> Store::WriteSimulatedNow(absl::Time now, absl::Time deadline) {
  redis::ScriptCall call(ClockScript());
  call.Key(Keys(Keyspace::kAll).SimulatedNow());
  call.Arg(absl::ToUnixNanos(now));
  if (confirms_) call.ConfirmWith(Keys(Keyspace::kAll).Marker());
  absl::StatusOr<Reply> reply = co_await redis_.Eval(std::move(call), deadline);
  co_return reply.status();
}

Task<absl::StatusOr<absl::Time>> Store::ReadSimulatedNow(absl::Time deadline) {
  Command get("GET");
  get.Arg(Keys(Keyspace::kAll).SimulatedNow());
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
