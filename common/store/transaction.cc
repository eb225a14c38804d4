#include "common/store/transaction.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/store/decision.h"
#include "common/time/timestamp.h"

namespace motcua::store {

namespace {

constexpr size_t kVersionBytes = 8;

// Enough digits that a double comes back as it went; integers stay integers.
std::string ScoreText(double score) {
  const auto whole = static_cast<int64_t>(score);
  return static_cast<double>(whole) == score ? absl::StrCat(whole) : absl::StrFormat("%.17g", score);
}

}  // namespace

std::string ShardOf(std::string_view code) {
  const std::string_view agency = code.substr(0, code.find('-'));
  auto is_top = [](std::string_view part) {
    return part.size() == 3 && part[0] >= 'A' && part[0] <= 'Z' && part[1] >= '0' && part[1] <= '9' && part[2] >= '0' &&
           part[2] <= '9';
  };
  const std::string_view first = agency.substr(0, agency.find('.'));
  if (is_top(first)) return std::string(first);
  const size_t dot = agency.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? agency : agency.substr(dot + 1);
  return is_top(last) ? std::string(last) : std::string();
}

feed::v1::Event NewEvent(const Context& context, std::string_view subject) {
  feed::v1::Event event;
  *event.mutable_at() = time::ToTimestamp(context.now);
  event.set_subject(std::string(subject));
  if (!context.actor.id().empty()) *event.mutable_actor() = context.actor;
  if (!context.traceparent.empty()) event.set_traceparent(context.traceparent);
  return event;
}

std::string EncodeVersion(uint64_t version) {
  if (version == 0) return std::string();
  std::string bytes(kVersionBytes, '\0');
  for (size_t i = kVersionBytes; i-- > 0; version >>= 8) bytes[i] = static_cast<char>(version & 0xff);
  return bytes;
}

bool DecodeRecord(std::string_view stored, uint64_t& version, std::string_view& bytes) {
  if (stored.size() < kVersionBytes) return false;
  version = 0;
  for (size_t i = 0; i < kVersionBytes; ++i) version = version << 8 | static_cast<unsigned char>(stored[i]);
  bytes = stored.substr(kVersionBytes);
  return version != 0;
}

Transaction::Transaction(Keyspace keys) : keys_(std::move(keys)) {}

void Transaction::TakesEffectAt(absl::Time at) { at_micros_ = absl::ToUnixMicros(at); }

void Transaction::CheckVersion(std::string_view key, uint64_t version) {
  check_keys_.emplace_back(key);
  check_args_.emplace_back("v");
  check_args_.push_back(EncodeVersion(version));
}

void Transaction::CheckRequest(std::string_view key) {
  check_keys_.emplace_back(key);
  check_args_.emplace_back("q");
}

void Transaction::CheckCursor(std::string_view key, uint64_t position) {
  check_keys_.emplace_back(key);
  check_args_.emplace_back("c");
  check_args_.push_back(absl::StrCat(position));
}

void Transaction::PutRecord(std::string_view key, uint64_t version, std::string_view bytes) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("S");
  op_args_.push_back(EncodeVersion(version).append(bytes));
}

void Transaction::Delete(std::string_view key) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("D");
}

void Transaction::IndexPut(std::string_view key, std::string_view member, double score) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("Z");
  op_args_.push_back(ScoreText(score));
  op_args_.emplace_back(member);
}

void Transaction::IndexRemove(std::string_view key, std::string_view member) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("X");
  op_args_.emplace_back(member);
}

void Transaction::Count(std::string_view key, std::string_view field, int64_t delta) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("H");
  op_args_.emplace_back(field);
  op_args_.push_back(absl::StrCat(delta));
}

void Transaction::Append(std::string_view key, std::string_view line) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("L");
  op_args_.emplace_back(line);
}

void Transaction::Emit(std::string_view event) {
  op_keys_.push_back(keys_.Feed());
  op_args_.emplace_back("E");
  op_args_.emplace_back(event);
  emits_ = true;
}

void Transaction::SetCursor(std::string_view key, uint64_t position) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("C");
  op_args_.push_back(absl::StrCat(position));
}

void Transaction::StoreReply(std::string_view key, std::string_view reply, absl::Duration ttl) {
  op_keys_.emplace_back(key);
  op_args_.emplace_back("Q");
  op_args_.push_back(absl::StrCat(std::max<int64_t>(1, absl::ToInt64Seconds(ttl))));
  op_args_.emplace_back(reply);
}

void Transaction::TrimFeed(uint64_t position) {
  op_keys_.push_back(keys_.Feed());
  op_args_.emplace_back("T");
  op_args_.push_back(absl::StrCat(position));
}

void Transaction::MoveWatermark(absl::Time to) {
  op_keys_.push_back(keys_.Watermark());
  op_keys_.push_back(keys_.Feed());
  op_args_.emplace_back("W");
  op_args_.push_back(absl::StrCat(absl::ToUnixMicros(to)));
}

void Transaction::Merge(Transaction other) {
  auto append = [](std::vector<std::string>& to, std::vector<std::string>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(check_keys_, other.check_keys_);
  append(check_args_, other.check_args_);
  append(op_keys_, other.op_keys_);
  append(op_args_, other.op_args_);
  emits_ = emits_ || other.emits_;
  // The earliest counts: nothing of the whole may lie before the watermark.
  if (at_micros_ == 0 || (other.at_micros_ != 0 && other.at_micros_ < at_micros_)) at_micros_ = other.at_micros_;
}

void Transaction::WriteTo(redis::ScriptCall& call) const {
  size_t bytes = 64;
  for (const auto* part : {&check_keys_, &check_args_, &op_keys_, &op_args_}) {
    for (const std::string& text : *part) bytes += text.size() + 16;
  }
  call.Reserve(bytes);
  call.Key(keys_.Watermark());
  for (const std::string& key : check_keys_) call.Key(key);
  for (const std::string& key : op_keys_) call.Key(key);
  call.Arg(at_micros_).Arg(check_keys_.size());
  for (const std::string& arg : check_args_) call.Arg(arg);
  for (const std::string& arg : op_args_) call.Arg(arg);
}

}  // namespace motcua::store
