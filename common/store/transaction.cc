#include "common/store/transaction.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/store/registry.h"

namespace motcua::store {

namespace {

using redis::internal::AppendBulk;
using redis::internal::AppendBulkHeader;

// A stored version; nothing where there is none.
void AppendVersionArg(std::string& out, uint64_t version, uint16_t definition) {
  AppendBulkHeader(out, version == 0 ? 0 : kVersionBytes);
  if (version != 0) AppendVersion(out, version, definition);
  out.append("\r\n");
}

// The group of a record's registry that the id is of: see Registry.
void AppendGroup(std::string& out, std::string_view id) {
  std::string group;
  Registry::AppendGroup(group, id);
  AppendBulk(out, group);
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

namespace {

// How the key ends. `definition` 0: `name` says.
std::string SuffixOf(uint16_t definition, std::string_view name) {
  std::string suffix;
  if (definition == 0) {
    suffix.assign(name);
  } else {
    Keyspace::AppendSuffix(suffix, 'x', definition, name);
  }
  return suffix;
}

}  // namespace

Transaction::Listing& Transaction::Listings::Of(uint16_t definition, std::string_view name, size_t args) {
  // More arguments do not fit on the stack of the script.
  constexpr size_t kMostArgs = 1000;
  // Up to here looking through them is cheaper.
  constexpr size_t kFew = 8;
  Listing* known = nullptr;
  if (all_.size() <= kFew) {
    for (size_t i = all_.size(); i-- > 0 && known == nullptr;) {
      if (all_[i].Is(definition, name)) known = &all_[i];
    }
  } else {
    if (open_.empty()) {
      for (size_t i = 0; i < all_.size(); ++i) open_[all_[i].suffix] = i;
    }
    const auto found = open_.find(SuffixOf(definition, name));
    if (found != open_.end()) known = &all_[found->second];
  }
  if (known == nullptr || known->count + args > kMostArgs) {
    known = &all_.emplace_back();
    known->definition = definition;
    known->suffix = SuffixOf(definition, name);
    known->name_at = known->suffix.size() - name.size();
    if (!open_.empty()) open_[known->suffix] = all_.size() - 1;
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

void Transaction::CheckPhase(std::string_view phase) {
  AppendBulk(Check('d'), phase);
  keys_.AppendDefinition(check_keys_);
  phase_.assign(phase);
}

void Transaction::CheckVersion(std::string_view key, uint64_t version, uint16_t definition) {
  AppendVersionArg(Check('v'), version, definition);
  AppendBulk(check_keys_, key);
}

void Transaction::CheckText(std::string_view key, std::string_view text) {
  AppendBulk(Check('c'), text);
  AppendBulk(check_keys_, key);
}

void Transaction::CheckRequest(std::string_view key) {
  AppendBulk(Check('q'), std::string_view());
  AppendBulk(check_keys_, key);
}

void Transaction::CheckCursor(std::string_view key, Cursor cursor) { CheckText(key, cursor.Text()); }

void Transaction::PutRecord(std::string_view key, uint64_t version, std::string_view bytes,
                            uint16_t definition) {
  std::string& args = Op('S', 2);
  AppendBulk(op_keys_, key);
  AppendVersionArg(args, version, definition);
  AppendBulkHeader(args, BodySize(1, {}, 0, {}, bytes.size()));
  AppendBody(args, 1, {}, 0, {});
  args.append(bytes).append("\r\n");
}

void Transaction::PutRecord(std::string_view key, uint64_t version, uint16_t definition, uint32_t schema,
                            std::string_view requests, uint32_t tail_lines, std::string_view tail,
                            const google::protobuf::MessageLite& record) {
  std::string& args = Op('S', 2);
  AppendBulk(op_keys_, key);
  AppendVersionArg(args, version, definition);
  const auto size = static_cast<size_t>(record.GetCachedSize());
  AppendBulkHeader(args, BodySize(schema, requests, tail_lines, tail, size));
  AppendBody(args, schema, requests, tail_lines, tail);
  AppendSerialized(args, record, size);
  args.append("\r\n");
}

void Transaction::Register(std::string_view record) {
  const std::string_view name = keys_.Name(record);
  const size_t colon = name.find(':');
  std::string registry = "k:";
  registry.append(name.substr(0, colon));
  Listing& listing = puts_.Of(0, registry, 2);
  AppendScore(listing.args, 0);
  AppendGroup(listing.args, name.substr(colon + 1));
}

void Transaction::IndexPut(uint16_t definition, std::string_view index, std::string_view member,
                           double score) {
  Listing& listing = puts_.Of(definition, index, 2);
  AppendScore(listing.args, score);
  AppendBulk(listing.args, member);
}

void Transaction::IndexRemove(uint16_t definition, std::string_view index, std::string_view member) {
  AppendBulk(removes_.Of(definition, index, 1).args, member);
}

void Transaction::Count(uint16_t definition, std::string_view group, std::string_view field, int64_t delta) {
  std::string& args = Op('H', 2);
  std::string suffix;
  Keyspace::AppendSuffix(suffix, 'n', definition, group);
  keys_.AppendSuffixed(op_keys_, suffix);
  AppendBulk(args, field);
  AppendBulk(args, delta);
}

void Transaction::Count(std::string_view key, std::string_view field, int64_t delta) {
  std::string& args = Op('H', 2);
  AppendBulk(op_keys_, key);
  AppendBulk(args, field);
  AppendBulk(args, delta);
}

void Transaction::Retire(std::string_view suffix) {
  Listing& listing = puts_.Of(0, "defo", 2);
  AppendScore(listing.args, 0);
  AppendBulk(listing.args, suffix);
}

void Transaction::Delete(std::string_view key) {
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
      keys_.AppendSuffixed(keys, listing.suffix);
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
