// Script: a Lua script known by its SHA-1, and ScriptCall: one call of it in wire form.
//
//   const Script commit(kCommitLua);               // computed once, lives as long as the process
//   ScriptCall call(commit);
//   call.Key(state_key).Key(feed_key).Arg(version).Arg(bytes);    // all keys before the first argument
//   absl::StatusOr<Reply> reply = co_await client.Eval(std::move(call), deadline);
//
// The client sends EVALSHA and, when the server does not know the script (first call, restart, SCRIPT FLUSH),
// EVAL with the source: both differ only in their head, so the formatted keys and arguments are used again.
#ifndef MOTCUA_COMMON_REDIS_SCRIPT_H_
#define MOTCUA_COMMON_REDIS_SCRIPT_H_

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/redis/command.h"

namespace motcua::redis {

/// Immutable; may be used from any thread.
class Script {
 public:
  explicit Script(std::string source);
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  const std::string& source() const { return source_; }
  /// 40 lower-case hexadecimal digits, computed here and not asked from a server.
  const std::string& sha() const { return sha_; }

 private:
  const std::string source_;
  const std::string sha_;
};

/// The script outlives its calls.
class ScriptCall {
 public:
  explicit ScriptCall(const Script& script) : script_(&script) {}

  ScriptCall& Key(std::string_view key) {
    assert(args_ == 0);
    internal::AppendBulk(body_, key);
    ++keys_;
    return *this;
  }
  ScriptCall& Arg(std::string_view bytes) {
    internal::AppendBulk(body_, bytes);
    ++args_;
    return *this;
  }
  template <std::integral Integer>
  ScriptCall& Arg(Integer number) {
    internal::AppendBulk(body_, static_cast<int64_t>(number));
    ++args_;
    return *this;
  }
  ScriptCall& Arg(double number) {
    internal::AppendBulk(body_, number);
    ++args_;
    return *this;
  }

  /// Room for `bytes` more, to spare a large call its reallocations.
  void Reserve(size_t bytes) { body_.reserve(body_.size() + bytes); }

  const Script& script() const { return *script_; }

  /// Appends the whole EVALSHA (or EVAL) command in wire form.
  void AppendEvalShaTo(std::string& out) const { AppendTo(out, "EVALSHA", script_->sha()); }
  void AppendEvalTo(std::string& out) const { AppendTo(out, "EVAL", script_->source()); }

 private:
  void AppendTo(std::string& out, std::string_view name, std::string_view script) const;

  const Script* script_;
  std::string body_;
  size_t keys_ = 0;
  size_t args_ = 0;
};

}  // namespace motcua::redis

#endif  // MOTCUA_COMMON_REDIS_SCRIPT_H_
