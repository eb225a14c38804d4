#include "common/store/transaction.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"

namespace motcua::store {

namespace {

using redis::internal::AppendBulk;
using redis::internal::AppendBulkHeader;

// A stored version; nothing where there is none.
void AppendVersion(std::string& out, uint64_t version) {
  char bytes[kVersionBytes];
  for (size_t i = kVersionBytes, left = version; i-- > 0; left >>= 8)
    bytes[i] = static_cast<char>(left & 0xff);
  AppendBulk(out, std::string_view(bytes, version == 0 ? 0 : kVersionBytes));
}

// Enough digits that a double comes back as it went; integers stay integers.
void AppendScore(std::string& out, double score) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (score >= -kExact && score <= kExact && score == std::trunc(score)) {
    AppendBulk(out, static_cast<int64_t>(score));
  } else {
    AppendBulk(out, absl::StrFormat("%.17g", score));
  }
}

void AppendLetter(std::string& out, char letter) {
  const char bytes[] = {'$', '1', '\r', '\n', letter, '\r', '\n'};
  out.append(bytes, sizeof(bytes));
}

int64_t SecondsOf(absl::Duration ttl) { return std::max<int64_t>(1, absl::ToInt64Seconds(ttl)); }

}  // namespace

Transaction::Listing& Transaction::Listings::Of(std::string_view index, size_t args) {
  // More arguments do not fit on the stack of the script.
  constexpr size_t kMostArgs = 1000;
  // Up to here looking through them is cheaper.
  constexpr size_t kFew = 8;
  Listing* known = nullptr;
  if (all_.size() <= kFew) {
    for (size_t i = all_.size(); i-- > 0 && known == nullptr;) {
      if (all_[i].index == index) known = &all_[i];
    }
  } else {
    if (open_.empty()) {
      for (size_t i = 0; i < all_.size(); ++i) open_[all_[i].index] = i;
    }
    const auto found = open_.find(std::string(index));
    if (found != open_.end()) known = &all_[found->second];
  }
  if (known == nullptr || known->count + args > kMostArgs) {
    known = &all_.emplace_back();
    known->index = std::string(index);
    if (!open_.empty()) open_[known->index] = all_.size() - 1;
  }
  known->count += args;
  return *known;
}

std::string& Transaction::Check(char kind) {
  ++checks_;
  AppendLetter(check_args_, kind);
  return check_args_;
}

std::string& Transaction::Op(char op, size_t args) {
  if (op_args_.empty()) {
    op_keys_.reserve(256);
    op_args_.reserve(1024);
  }
  ++op_keys_count_;
  op_args_count_ += 1 + args;
  AppendLetter(op_args_, op);
  return op_args_;
}

void Transaction::TakesEffectAt(absl::Time at) {
  const int64_t micros = absl::ToUnixMicros(at);
  if (at_micros_ == 0 || micros < at_micros_) at_micros_ = micros;
}

void Transaction::CheckVersion(std::string_view key, uint64_t version) {
  AppendVersion(Check('v'), version);
  AppendBulk(check_keys_, key);
}

void Transaction::CheckRequest(std::string_view key) {
  AppendBulk(Check('q'), std::string_view());
  AppendBulk(check_keys_, key);
}

void Transaction::CheckCursor(std::string_view key, Cursor cursor) {
  AppendBulk(Check('c'), cursor.Text());
  AppendBulk(check_keys_, key);
}

void Transaction::PutRecord(std::string_view key, uint64_t version, std::string_view bytes) {
  std::string& args = Op('S', 2);
  AppendBulk(op_keys_, key);
  AppendVersion(args, version);
  AppendBulkHeader(args, BodySize({}, 0, {}, bytes.size()));
  AppendBody(args, {}, 0, {});
  args.append(bytes).append("\r\n");
}

void Transaction::PutRecord(std::string_view key, uint64_t version, std::string_view requests,
                            uint32_t tail_lines, std::string_view tail,
                            const google::protobuf::MessageLite& record) {
  std::string& args = Op('S', 2);
  AppendBulk(op_keys_, key);
  AppendVersion(args, version);
  const auto size = static_cast<size_t>(record.GetCachedSize());
  AppendBulkHeader(args, BodySize(requests, tail_lines, tail, size));
  AppendBody(args, requests, tail_lines, tail);
  AppendSerialized(args, record, size);
  args.append("\r\n");
}

void Transaction::IndexPut(std::string_view index, std::string_view member, double score) {
  Listing& listing = puts_.Of(index, 2);
  AppendScore(listing.args, score);
  AppendBulk(listing.args, member);
}

void Transaction::IndexRemove(std::string_view index, std::string_view member) {
  AppendBulk(removes_.Of(index, 1).args, member);
}

void Transaction::Count(std::string_view key, std::string_view field, int64_t delta) {
  std::string& args = Op('H', 2);
  AppendBulk(op_keys_, key);
  AppendBulk(args, field);
  AppendBulk(args, delta);
}

void Transaction::Count(std::string_view field, int64_t delta) {
  std::string& args = Op('H', 2);
  keys_.AppendCounters(op_keys_);
  AppendBulk(args, field);
  AppendBulk(args, delta);
}

void Transaction::RemoveRecord(std::string_view key) {
  AppendBulk(Op('D', 1), std::string_view());
  AppendBulk(op_keys_, key);
}

void Transaction::Append(std::string_view key, std::string_view chunk) {
  AppendBulk(Op('L', 1), chunk);
  AppendBulk(op_keys_, key);
}

void Transaction::Emit(std::string_view event) {
  AppendBulk(Op('E', 1), event);
  keys_.AppendFeed(op_keys_);
}

void Transaction::Emit(const google::protobuf::MessageLite& event) {
  std::string& args = Op('E', 1);
  keys_.AppendFeed(op_keys_);
  const size_t size = event.ByteSizeLong();
  AppendBulkHeader(args, size);
  AppendSerialized(args, event, size);
  args.append("\r\n");
}

void Transaction::SetCursor(std::string_view key, Cursor cursor) { SetText(key, cursor.Text()); }

void Transaction::SetText(std::string_view key, std::string_view text) {
  AppendBulk(Op('C', 1), text);
  AppendBulk(op_keys_, key);
}

void Transaction::StoreReply(std::string_view key, std::string_view reply, absl::Duration ttl) {
  std::string& args = Op('Q', 2);
  AppendBulk(op_keys_, key);
  AppendBulk(args, SecondsOf(ttl));
  AppendBulk(args, reply);
}

void Transaction::StoreReply(std::string_view key, std::string_view reply, absl::Duration ttl,
                             uint64_t position) {
  std::string& args = Op('P', 2);
  AppendBulk(op_keys_, key);
  AppendBulk(args, SecondsOf(ttl));
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof(digits), position).ptr;
  AppendBulk(args, {std::string_view(digits, static_cast<size_t>(end - digits)), ":", reply});
}

void Transaction::MoveWatermark(absl::Time to, bool bounded) {
  std::string& args = Op('W', 2);
  AppendBulk(args, absl::ToUnixMicros(to));
  AppendBulk(args, static_cast<int64_t>(bounded));
  keys_.AppendFeed(op_keys_);
}

redis::ScriptCall Transaction::CallOf(const redis::Script& script) const {
  std::string keys, args;
  size_t listed = 0;
  for (const Listings* listings : {&removes_, &puts_}) {
    for (const Listing& listing : listings->all()) listed += listing.args.size() + 64;
  }
  keys.reserve(64 + check_keys_.size() + op_keys_.size() + listed / 2);
  args.reserve(64 + check_args_.size() + op_args_.size() + listed);
  keys_.AppendWatermark(keys);
  keys.append(check_keys_).append(op_keys_);
  AppendBulk(args, at_micros_);
  AppendBulk(args, static_cast<int64_t>(checks_));
  args.append(check_args_).append(op_args_);
  size_t key_count = 1 + checks_ + op_keys_count_;
  size_t arg_count = 2 + 2 * checks_ + op_args_count_;
  // What is taken out goes first: what another record puts in the same place stays.
  for (const Listings* listings : {&removes_, &puts_}) {
    for (const Listing& listing : listings->all()) {
      keys_.AppendIndex(keys, listing.index);
      AppendLetter(args, listings == &puts_ ? 'Z' : 'X');
      AppendBulk(args, static_cast<int64_t>(listing.count));
      args.append(listing.args);
      ++key_count;
      arg_count += 2 + listing.count;
    }
  }
  return redis::ScriptCall(script, std::move(keys), key_count, std::move(args), arg_count);
}

}  // namespace motcua::store
